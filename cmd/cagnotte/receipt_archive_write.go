package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// archiveBlock is how many receipts share a block of the file, and its compression.
const archiveBlock = 1000

// archive writes an object container file with the current schema. A general library would make a map of every receipt before it writes it again.
type archive struct {
	out   *bufio.Writer
	codec string
	mark  [ocfSync]byte
	body  []byte // of the block at hand
	held  int64  // receipts in it
	count int64
	flate *flate.Writer
	zstd  *zstd.Encoder
}

func newArchive(w io.Writer, codec string) (*archive, error) {
	a := &archive{out: bufio.NewWriterSize(w, 1<<20), codec: codec}
	if _, err := rand.Read(a.mark[:]); err != nil {
		return nil, err
	}
	var err error
	switch codec {
	case "zstandard":
		a.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	case "deflate":
		a.flate, err = flate.NewWriter(nil, flate.DefaultCompression)
	case "null":
	default:
		err = fmt.Errorf("archive: packed with %q; want zstandard, deflate or null", codec)
	}
	if err != nil {
		return nil, err
	}
	current, _ := schemas.CurrentSchema("receipt")
	head := binary.AppendVarint([]byte(ocfMagic), 2)
	head = ocfText(ocfText(head, "avro.schema"), current.Text)
	head = append(ocfText(ocfText(head, "avro.codec"), codec), 0)
	_, err = a.out.Write(append(head, a.mark[:]...))
	return a, err
}

// ocfText appends a text with its length. Avro's numbers are Go's varints.
func ocfText(b []byte, s string) []byte {
	return append(binary.AppendVarint(b, int64(len(s))), s...)
}

func (a *archive) add(r *retail.Receipt) error {
	a.body = schemas.AppendReceiptBody(a.body, r)
	a.held++
	if a.count++; a.held < archiveBlock {
		return nil
	}
	return a.block()
}

// block writes what is held.
func (a *archive) block() error {
	if a.held == 0 {
		return nil
	}
	packed, err := a.pack()
	if err != nil {
		return err
	}
	head := binary.AppendVarint(binary.AppendVarint(nil, a.held), int64(len(packed)))
	a.body, a.held = a.body[:0], 0
	for _, part := range [][]byte{head, packed, a.mark[:]} {
		if _, err := a.out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func (a *archive) pack() ([]byte, error) {
	switch {
	case a.zstd != nil:
		return a.zstd.EncodeAll(a.body, nil), nil
	case a.flate == nil:
		return a.body, nil
	}
	var b bytes.Buffer
	a.flate.Reset(&b)
	if _, err := a.flate.Write(a.body); err != nil {
		return nil, err
	}
	err := a.flate.Close()
	return b.Bytes(), err
}

// flush writes the last block.
func (a *archive) flush() error {
	if err := a.block(); err != nil {
		return err
	}
	return a.out.Flush()
}
