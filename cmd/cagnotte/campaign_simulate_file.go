package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// spool keeps standard input in a file: the span of the receipts must be known before they are simulated.
func spool(g *Globals) (string, error) {
	f, err := os.CreateTemp("", "cagnotte-receipts-*")
	if err != nil {
		return "", fmt.Errorf("keep standard input: %w", err)
	}
	_, err = io.Copy(f, g.In)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("keep standard input: %w", err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// openPast opens a file of receipts of either form and looks at when they were closed.
func openPast(ctx context.Context, g *Globals, path string, p *progressLine) (*pastReceipts, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, exitf(ExitNotFound, "read receipts: %w", err)
	}
	magic := make([]byte, len(ocfMagic))
	n, _ := io.ReadFull(f, magic) // a shorter file is no archive
	if bytes.Equal(magic[:n], []byte(ocfMagic)) {
		past, err := openArchive(f, path)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		past.closers = append(past.closers, f.Close)
		return past, nil
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	p.start("looking at the receipts' dates")
	defer p.end()
	return openLines(ctx, g, path)
}

// dates samples when receipts were closed, in bounded memory and without chance: every receipt, then every second, every fourth.
type dates struct {
	every, n int64
	kept     []retail.Instant
}

const maxDates = 1 << 16

func (d *dates) add(at retail.Instant) {
	d.every = max(d.every, 1)
	if d.n++; (d.n-1)%d.every != 0 {
		return
	}
	if d.kept = append(d.kept, at); len(d.kept) < maxDates {
		return
	}
	for i := range len(d.kept) / 2 {
		d.kept[i] = d.kept[2*i]
	}
	d.kept, d.every = d.kept[:len(d.kept)/2], d.every*2
}

// span leaves one in a thousand out at each end: a till with a wrong clock must not move a campaign by years.
func (d *dates) span() (from, to retail.Instant) {
	if len(d.kept) == 0 {
		return 0, 0
	}
	slices.Sort(d.kept)
	cut := len(d.kept) / 1000
	return d.kept[cut], d.kept[len(d.kept)-1-cut] + 1
}

// lineReceipts is a source of JSON receipts.
type lineReceipts struct {
	in    *receiptSource
	done  int64
	total int64

	mu  sync.Mutex
	bad error
}

// linesPerChunk is how many receipts are decoded at a time.
const linesPerChunk = 500

// openLines reads the file twice: once for the dates.
func openLines(ctx context.Context, g *Globals, path string) (*pastReceipts, error) {
	l := &lineReceipts{}
	from, to, err := l.look(ctx, g, path)
	if err != nil {
		return nil, err
	}
	if l.in, err = openReceipts(g, path); err != nil {
		return nil, err
	}
	return &pastReceipts{source: l, from: from, to: to, bad: l.firstBad, closers: []func() error{l.in.Close}}, nil
}

func (l *lineReceipts) look(ctx context.Context, g *Globals, path string) (from, to retail.Instant, err error) {
	in, err := openReceipts(g, path)
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	var d dates
	var r retail.Receipt
	for in.next() && ctx.Err() == nil {
		l.total++
		if schemas.DecodeReceiptJSON(in.text, &r) == nil {
			d.add(r.EndedAt)
		}
	}
	from, to = d.span()
	return from, to, errors.Join(in.err, ctx.Err())
}

func (l *lineReceipts) firstBad() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bad
}

func (l *lineReceipts) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad == nil {
		l.bad = err
	}
}

// Progress implements backtest.Source, in receipts.
func (l *lineReceipts) Progress() (done, total int64) { return l.done, l.total }

// Chunk implements backtest.Source.
func (l *lineReceipts) Chunk() backtest.Chunk { return &lineChunk{of: l} }

// lineChunk is some receipts' text, one after the other.
type lineChunk struct {
	of    *lineReceipts
	first int64 // number of the first in the file
	text  []byte
	ends  []int
	next  int // to decode
}

// Read implements backtest.Chunk.
func (c *lineChunk) Read(context.Context) error {
	c.text, c.ends, c.next, c.first = c.text[:0], c.ends[:0], 0, c.of.done+1
	for len(c.ends) < linesPerChunk && c.of.in.next() {
		c.text = append(c.text, c.of.in.text...)
		c.ends = append(c.ends, len(c.text))
		c.of.done++
	}
	if c.of.in.err != nil {
		return c.of.in.err
	}
	if len(c.ends) == 0 {
		return io.EOF
	}
	return nil
}

// Decode implements backtest.Chunk.
func (c *lineChunk) Decode(into []retail.Receipt, most int) (list []retail.Receipt, unreadable int64, err error) {
	for ; len(into) < most && c.next < len(c.ends); c.next++ {
		from := 0
		if c.next > 0 {
			from = c.ends[c.next-1]
		}
		into = oneMore(into)
		if pr := schemas.DecodeReceiptJSON(c.text[from:c.ends[c.next]], &into[len(into)-1]); pr != nil {
			into = into[:len(into)-1]
			unreadable++
			c.of.note(fmt.Errorf("receipt %d of the file: %w", c.first+int64(c.next), pr))
		}
	}
	return into, unreadable, nil
}

// oneMore lengthens a list by an element, whose memory is used again when there is one.
func oneMore(list []retail.Receipt) []retail.Receipt {
	if len(list) < cap(list) {
		return list[:len(list)+1]
	}
	return append(list, retail.Receipt{})
}
