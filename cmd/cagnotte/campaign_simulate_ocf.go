package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// The archive is an Avro object container file: a header with the schema, then blocks of receipts, each with their number, their size and a mark.
// A general library makes a map of every field; here a block is read into receipts in place.
const (
	ocfMagic    = "Obj\x01"
	ocfSync     = 16
	maxOCFMeta  = 4 << 20
	maxOCFBlock = 256 << 20 // of bytes, packed and unpacked
)

// ocf is an archive that is read from start to end.
type ocf struct {
	file   *os.File
	in     *bufio.Reader
	schema string
	codec  string
	mark   [ocfSync]byte
	at     int64 // bytes read
	size   int64
	block  int64 // number of the block at hand
}

func openArchive(f *os.File, path string) (*pastReceipts, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	a := &ocf{file: f, size: info.Size()}
	if err := a.restart(); err != nil {
		return nil, exitf(ExitInvalid, "%s is not an archive of receipts: %w", path, err)
	}
	if _, err := schemas.NewReceiptReader(a.schema); err != nil {
		return nil, exitf(ExitInvalid, "%s: %w", path, err)
	}
	from, to, err := a.span()
	if err == nil {
		err = a.restart()
	}
	if err != nil {
		return nil, exitf(ExitInvalid, "%s: %w", path, err)
	}
	return &pastReceipts{source: a, from: from, to: to}, nil
}

// restart goes to the first block.
func (a *ocf) restart() error {
	if _, err := a.file.Seek(int64(len(ocfMagic)), io.SeekStart); err != nil {
		return err
	}
	a.in, a.at, a.block = bufio.NewReaderSize(a.file, 1<<20), int64(len(ocfMagic)), 0
	meta := map[string]string{}
	for left := maxOCFMeta; ; {
		n, err := a.long()
		if n < 0 && err == nil {
			n = -n
			_, err = a.long() // the bytes of this part
		}
		if err != nil || n == 0 {
			if err != nil {
				return fmt.Errorf("header: %w", noEnd(err))
			}
			break
		}
		for ; n > 0; n-- {
			key, err1 := a.text(&left)
			value, err2 := a.text(&left)
			if err := errors.Join(err1, err2); err != nil {
				return fmt.Errorf("header: %w", noEnd(err))
			}
			meta[key] = value
		}
	}
	a.schema, a.codec = meta["avro.schema"], meta["avro.codec"]
	switch a.codec {
	case "", "null", "deflate", "zstandard":
	default:
		return fmt.Errorf("compressed with %q; want null, deflate or zstandard", a.codec)
	}
	return a.full(a.mark[:])
}

// noEnd says that an end came too early.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (a *ocf) long() (int64, error) {
	n := 0
	u, err := binary.ReadUvarint(byteCounter{a.in, &n})
	a.at += int64(n)
	return int64(u>>1) ^ -int64(u&1), err
}

type byteCounter struct {
	in *bufio.Reader
	n  *int
}

func (b byteCounter) ReadByte() (byte, error) {
	c, err := b.in.ReadByte()
	if err == nil {
		*b.n++
	}
	return c, err
}

func (a *ocf) full(b []byte) error {
	n, err := io.ReadFull(a.in, b)
	a.at += int64(n)
	return noEnd(err)
}

func (a *ocf) text(left *int) (string, error) {
	n, err := a.long()
	if err != nil {
		return "", err
	}
	if n < 0 || n > int64(*left) {
		return "", fmt.Errorf("a text of %d bytes", n)
	}
	*left -= int(n)
	b := make([]byte, n)
	err = a.full(b)
	return string(b), err
}

// next reads the head of the next block; io.EOF when there is none.
func (a *ocf) next() (count, size int64, err error) {
	count, err = a.long()
	if errors.Is(err, io.EOF) && a.at >= a.size {
		return 0, 0, io.EOF
	}
	if err == nil {
		size, err = a.long()
	}
	if err != nil {
		return 0, 0, a.fault(noEnd(err))
	}
	a.block++
	if count < 0 || count > size*1000+1 || size < 0 || size > maxOCFBlock {
		return 0, 0, a.fault(fmt.Errorf("%d receipts in %d bytes", count, size))
	}
	return count, size, nil
}

// end checks the mark after a block.
func (a *ocf) end() error {
	var mark [ocfSync]byte
	if err := a.full(mark[:]); err != nil {
		return a.fault(err)
	}
	if mark != a.mark {
		return a.fault(errors.New("the mark after it is not the file's: damaged"))
	}
	return nil
}

func (a *ocf) fault(err error) error {
	return exitf(ExitInvalid, "block %d, before byte %d: %w", a.block, a.at, err)
}

// datedBlocks is how many blocks are looked at for the dates.
const datedBlocks = 64

// span looks at some blocks, evenly over the file.
func (a *ocf) span() (from, to retail.Instant, err error) {
	var blocks []int64 // where they begin
	for {
		at := a.at
		_, size, err := a.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, 0, err
		}
		blocks = append(blocks, at)
		if err := a.seek(a.at + size + ocfSync); err != nil {
			return 0, 0, err
		}
	}
	var d dates
	chunk := &ocfChunk{of: a}
	var list []retail.Receipt
	for i, last := 0, -1; i < datedBlocks; i++ {
		k := i * (len(blocks) - 1) / (datedBlocks - 1)
		if k == last || len(blocks) == 0 {
			continue
		}
		last = k
		if err := a.seek(blocks[k]); err != nil {
			return 0, 0, err
		}
		if err := chunk.Read(context.Background()); err != nil {
			return 0, 0, err
		}
		if list, _, err = chunk.Decode(list[:0], maxDates); err != nil {
			return 0, 0, err
		}
		for i := range list {
			d.add(list[i].EndedAt)
		}
	}
	from, to = d.span()
	return from, to, nil
}

func (a *ocf) seek(at int64) error {
	if at > a.size {
		return a.fault(io.ErrUnexpectedEOF)
	}
	if skip := at - a.at; skip >= 0 && skip <= int64(a.in.Buffered()) {
		_, err := a.in.Discard(int(skip))
		a.at = at
		return err
	}
	if _, err := a.file.Seek(at, io.SeekStart); err != nil {
		return err
	}
	a.in.Reset(a.file)
	a.at = at
	return nil
}

// Progress implements backtest.Source, in bytes.
func (a *ocf) Progress() (done, total int64) { return a.at, a.size }

// Chunk implements backtest.Source.
func (a *ocf) Chunk() backtest.Chunk { return &ocfChunk{of: a} }

// ocfChunk is one block.
type ocfChunk struct {
	of     *ocf
	block  int64
	count  int64
	made   int64 // of count
	packed []byte
	body   []byte
	rest   []byte // of the unpacked block, to decode
	flate  io.ReadCloser
	zstd   *zstd.Decoder
	reader *schemas.ReceiptReader
}

// Read implements backtest.Chunk.
func (c *ocfChunk) Read(context.Context) error {
	count, size, err := c.of.next()
	if err != nil {
		return err
	}
	c.block, c.count, c.made = c.of.block, count, 0
	if int64(cap(c.packed)) < size {
		c.packed = make([]byte, size)
	}
	c.packed = c.packed[:size]
	if err := c.of.full(c.packed); err != nil {
		return c.of.fault(err)
	}
	return c.of.end()
}

// Decode implements backtest.Chunk.
func (c *ocfChunk) Decode(into []retail.Receipt, most int) (list []retail.Receipt, unreadable int64, err error) {
	if c.made == 0 {
		c.rest, err = c.unpack()
	}
	if err == nil && c.reader == nil {
		c.reader, err = schemas.NewReceiptReader(c.of.schema)
	}
	for ; err == nil && len(into) < most && c.made < c.count; c.made++ {
		into = oneMore(into)
		c.rest, err = c.reader.ReadNext(c.rest, &into[len(into)-1])
	}
	if err == nil && c.made == c.count && len(c.rest) > 0 {
		err = fmt.Errorf("%d bytes after the last receipt", len(c.rest))
	}
	if err != nil {
		return into, 0, exitf(ExitInvalid, "block %d, receipt %d of %d: %w", c.block, c.made, c.count, err)
	}
	return into, 0, nil
}

func (c *ocfChunk) unpack() ([]byte, error) {
	var err error
	switch c.of.codec {
	case "deflate":
		return c.inflate()
	case "zstandard":
		if c.zstd == nil {
			if c.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxOCFBlock)); err != nil {
				return nil, err
			}
		}
		c.body, err = c.zstd.DecodeAll(c.packed, c.body[:0])
		return c.body, err
	}
	return c.packed, nil
}

func (c *ocfChunk) inflate() ([]byte, error) {
	in := bytes.NewReader(c.packed)
	if c.flate == nil {
		c.flate = flate.NewReader(in)
	} else if err := c.flate.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	buf := bytes.NewBuffer(c.body[:0])
	n, err := buf.ReadFrom(io.LimitReader(c.flate, maxOCFBlock+1))
	if err == nil && n > maxOCFBlock {
		err = errors.New("larger than a block may be")
	}
	c.body = buf.Bytes()
	return c.body, err
}
