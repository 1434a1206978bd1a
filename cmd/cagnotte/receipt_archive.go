package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReceiptArchiveCmd keeps receipts in Avro object container files, which Spark, DuckDB and ClickHouse read as they are.
type ReceiptArchiveCmd struct {
	Out   string `xor:"direction" required:"" help:"Write the receipts that the topic holds now to this file." placeholder:"FILE.avro"`
	From  string `xor:"direction" required:"" help:"Read such a file and print its receipts as NDJSON." placeholder:"FILE.avro"`
	Codec string `enum:"zstandard,deflate,null" default:"zstandard" help:"How blocks are packed: zstandard is read fastest; deflate is read by every Avro reader; null is not packed."`
	Force bool   `help:"Replace an existing file."`
}

// Run writes or reads an archive.
func (c *ReceiptArchiveCmd) Run(ctx context.Context, g *Globals) error {
	if c.From != "" {
		return c.read(ctx, g)
	}
	if _, err := os.Stat(c.Out); err == nil && !c.Force {
		return exitf(ExitUsage, "%s exists; --force replaces it", c.Out)
	}
	return c.write(ctx, g)
}

// write fills a file beside its final name, syncs it and moves it there, so that there is a whole archive or none.
func (c *ReceiptArchiveCmd) write(ctx context.Context, g *Globals) error {
	file, err := os.CreateTemp(filepath.Dir(c.Out), filepath.Base(c.Out)+".*")
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	defer os.Remove(file.Name()) // nothing is left to remove after the rename
	a, err := newArchive(file, c.Codec)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	t := topicReader{g: g, from: "start"}
	reported := time.Now()
	err = t.run(ctx, func(_ *kgo.Record, r *retail.Receipt) error {
		if time.Since(reported) > 2*time.Second {
			reported = time.Now()
			g.say("%s receipts", grouped(a.count))
		}
		return a.add(r)
	})
	if err == nil {
		err = a.flush()
	}
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), c.Out)
	}
	if err != nil {
		return fmt.Errorf("write archive %s: %w", c.Out, err)
	}
	g.say("%s receipts in %s, %s records could not be read", grouped(a.count), c.Out, grouped(t.bad))
	return nil
}

// read prints the receipts of a file that was written with any version of the schema.
func (c *ReceiptArchiveCmd) read(ctx context.Context, g *Globals) error {
	file, err := os.Open(c.From)
	if err != nil {
		return exitf(ExitNotFound, "read archive: %w", err)
	}
	defer file.Close()
	magic := make([]byte, len(ocfMagic))
	if _, err := io.ReadFull(file, magic); err != nil || string(magic) != ocfMagic {
		return exitf(ExitInvalid, "%s is not an Avro file: it does not begin as one", c.From)
	}
	past, err := openArchive(file, c.From)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(g.Out, 64<<10)
	n, err := printArchive(ctx, out, past.source)
	if err = errors.Join(err, out.Flush()); err != nil {
		return exitf(ExitInvalid, "%s, receipt %d: %w", c.From, n+1, err)
	}
	return nil
}

// printArchive reads with our own reader: a general library makes room for as many items as a damaged block says it holds.
func printArchive(ctx context.Context, out io.Writer, src backtest.Source) (n int64, err error) {
	chunk := src.Chunk()
	var list []retail.Receipt
	var text []byte
	for {
		if err := chunk.Read(ctx); err != nil {
			if errors.Is(err, io.EOF) {
				return n, ctx.Err()
			}
			return n, err
		}
		for more := true; more; {
			if list, _, err = chunk.Decode(list[:0], archiveBlock); err != nil {
				return n, err
			}
			for i := range list {
				text = append(schemas.EncodeReceiptJSON(text[:0], &list[i]), '\n')
				if _, err := out.Write(text); err != nil {
					return n, err
				}
				n++
			}
			if more = len(list) > 0; ctx.Err() != nil {
				return n, ctx.Err()
			}
		}
	}
}
