package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"cagnotte/pipeline/ingest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// receiptSource reads the receipts of a file one by one: lines of NDJSON, the elements of an array, or JSON texts one after the other. Of lines a bad
// one spoils only itself. Compression is recognised by the first bytes.
type receiptSource struct {
	line int    // of the text in the file; its position in an array
	text []byte // one receipt, good until the next call
	err  error

	read    func() bool
	closers []io.Closer
}

// next moves to the next receipt and reports false at the end and after a failure, which is in err.
func (s *receiptSource) next() bool { return s.err == nil && s.read() }

// Close closes the file.
func (s *receiptSource) Close() error {
	var err error
	for _, c := range s.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// sniffed is how much of a file is looked at to tell its form; a receipt that is longer than that is one of several lines.
const sniffed = 1 << 20

func openReceipts(g *Globals, file string) (*receiptSource, error) {
	s := &receiptSource{}
	in := g.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, exitf(ExitNotFound, "read receipts: %w", err)
		}
		s.closers = append(s.closers, f)
		in = f
	}
	plain, err := s.decompress(bufio.NewReader(in))
	if err != nil {
		return nil, errors.Join(exitf(ExitInvalid, "read receipts from %s: %w", file, err), s.Close())
	}
	s.choose(bufio.NewReaderSize(plain, sniffed))
	return s, nil
}

// decompress looks at the magic bytes of gzip and zstd.
func (s *receiptSource) decompress(in *bufio.Reader) (io.Reader, error) {
	magic, _ := in.Peek(4) // a shorter file has none
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		s.closers = append(s.closers, d.IOReadCloser())
		return d, nil
	}
	return in, nil
}

// choose tells the form by the beginning: an array opens with a bracket; lines are lines when the first is whole.
func (s *receiptSource) choose(in *bufio.Reader) {
	head, _ := in.Peek(1)
	for len(head) > 0 && bytes.IndexByte([]byte(" \t\r\n"), head[0]) >= 0 {
		if head[0] == '\n' {
			s.line++
		}
		_, _ = in.Discard(1)
		head, _ = in.Peek(1)
	}
	head, _ = in.Peek(sniffed)
	first, _, cut := bytes.Cut(head, []byte{'\n'})
	switch {
	case len(head) == 0:
		s.read = func() bool { return false }
	case head[0] == '[':
		s.elements(in)
	case head[0] == '{' && !json.Valid(first) && cut && opensValue(first):
		s.texts(in)
	default:
		s.lines(in)
	}
}

// opensValue reports a first line that is the beginning of a JSON text and not a bad line: it ends in the middle of an object.
func opensValue(first []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(first))
	for {
		if _, err := dec.Token(); err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

func (s *receiptSource) lines(in *bufio.Reader) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, ingest.MaxReceiptBytes+2)
	s.read = func() bool {
		for scanner.Scan() {
			s.line++
			if s.text = bytes.Trim(scanner.Bytes(), " \t\r\n"); len(s.text) > 0 { // what JSON may have around a value
				return true
			}
		}
		if err := scanner.Err(); err != nil {
			s.err = exitf(ExitInvalid, "line %d: %w (a receipt takes at most %d bytes)", s.line+1, err, ingest.MaxReceiptBytes)
		}
		return false
	}
}

// elements reads an array; line is the position in it.
func (s *receiptSource) elements(in io.Reader) {
	room := &allowance{in: in, left: valueBytes}
	dec := json.NewDecoder(room)
	_, err := dec.Token()
	s.line = 0
	s.read = func() bool {
		room.left = valueBytes
		if err != nil || !dec.More() {
			if err == nil {
				err = endOfArray(dec)
			}
			if err != nil {
				s.err = exitf(ExitInvalid, "after element %d: %w", s.line, err)
			}
			return false
		}
		if !s.decode(dec) && s.err == nil { // an end where an element should be
			s.err = exitf(ExitInvalid, "after element %d: %w", s.line, io.ErrUnexpectedEOF)
		}
		return s.err == nil
	}
}

// endOfArray takes the closing bracket, or what stands in its place, and refuses what comes after: receipts that nobody would read.
func endOfArray(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return err
	}
	switch _, err := dec.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errors.New("the file goes on after the end of the array")
}

// texts reads JSON texts one after the other; line is the number of the text.
func (s *receiptSource) texts(in io.Reader) {
	room := &allowance{in: in}
	dec := json.NewDecoder(room)
	s.line = 0
	s.read = func() bool {
		room.left = valueBytes
		return s.decode(dec)
	}
}

// valueBytes is how much is read for one receipt, white space around it included: a decoder keeps a value in memory before its size is known.
const valueBytes = 2 * ingest.MaxReceiptBytes

// allowance is a reader that gives so much and then fails.
type allowance struct {
	in   io.Reader
	left int
}

// Read implements io.Reader.
func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, fmt.Errorf("no end within %d bytes, a receipt takes at most %d", valueBytes, ingest.MaxReceiptBytes)
	}
	n, err := a.in.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}

func (s *receiptSource) decode(dec *json.Decoder) bool {
	var raw json.RawMessage
	err := dec.Decode(&raw)
	if errors.Is(err, io.EOF) {
		return false
	}
	if err == nil && len(raw) > ingest.MaxReceiptBytes {
		err = fmt.Errorf("%d bytes, a receipt takes at most %d", len(raw), ingest.MaxReceiptBytes)
	}
	if err != nil {
		s.err = exitf(ExitInvalid, "after receipt %d: %w", s.line, err)
		return false
	}
	s.line++
	s.text = raw
	return true
}
