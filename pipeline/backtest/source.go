// Package backtest runs campaigns over past receipts and reports what they would have cost: the compiled rules that run live, members' caps and
// returns included, in parallel over accounts. It prices the past: what members would have done otherwise is not in the receipts.
//
// The package knows no Kafka and no files: receipts come from a Source. The same receipts in the same order give the same report, whatever the
// number of workers. What a report says, and how, is in README.md.
package backtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"cagnotte/pipeline/retail"

	"github.com/cespare/xxhash/v2"
)

// Source hands out receipts in parts. Receipts of one account must come in the order in which they were processed.
type Source interface {
	// Chunk returns an empty part. A run makes a few of them and uses them again and again, so that memory is bounded.
	Chunk() Chunk
	// Progress says how much of the source has been read, in any unit; total is 0 when it is not known. Called by the reading goroutine.
	Progress() (done, total int64)
}

// Chunk is a part of a source. Read is called by one goroutine, for one chunk after the other; Decode of several chunks at a time.
type Chunk interface {
	// Read fills the chunk with the next part of the source; io.EOF at its end.
	Read(ctx context.Context) error
	// Decode appends at most so many receipts of the part to into, whose elements it uses again, and is called until it appends none. Texts may alias
	// the chunk until its next Read. unreadable counts what was passed over since the last call because it is not a receipt.
	Decode(into []retail.Receipt, most int) (receipts []retail.Receipt, unreadable int64, err error)
}

// parcel is a chunk on its way: read in order, decoded piece by piece by one of the decoders, processed by every worker in the order of reading.
type parcel struct {
	chunk  Chunk
	pieces []chan *piece // by worker: full ones, in order
	free   chan *piece
	left   atomic.Int32 // workers that are not done with it
}

// piece is some receipts of a parcel: few, so that they are still in the processor's cache when they are processed.
type piece struct {
	receipts   []retail.Receipt
	share      [][]int32 // by worker: its receipts, in order
	unreadable int64
	err        error
	left       atomic.Int32
}

const (
	// parcelsPerWorker: one is read, one decoded, one processed.
	parcelsPerWorker = 3
	// Pieces of a parcel, and receipts of a piece: one is decoded while the other is processed.
	piecesPerParcel  = 2
	receiptsPerPiece = 32
)

// flow moves parcels from the source to the workers and back.
type flow struct {
	free   chan *parcel
	raw    chan *parcel
	inbox  []chan *parcel
	source Source
}

func newFlow(src Source, workers int) *flow {
	n := parcelsPerWorker * workers
	f := &flow{source: src, free: make(chan *parcel, n), raw: make(chan *parcel, n)}
	for range n {
		p := &parcel{chunk: src.Chunk(), free: make(chan *piece, piecesPerParcel), pieces: make([]chan *piece, workers)}
		for range piecesPerParcel {
			p.free <- &piece{share: make([][]int32, workers)}
		}
		f.free <- p
	}
	for range workers {
		f.inbox = append(f.inbox, make(chan *parcel, n))
	}
	return f
}

// read fills parcels until the source ends, and hands each to the decoders and, in order, to every worker.
func (f *flow) read(ctx context.Context, progress func(done, total int64)) error {
	defer func() {
		close(f.raw)
		for _, in := range f.inbox {
			close(in)
		}
	}()
	for {
		var p *parcel
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case p = <-f.free:
		}
		err := p.chunk.Read(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read receipts: %w", err)
		}
		for i := range p.pieces {
			p.pieces[i] = make(chan *piece, piecesPerParcel)
		}
		p.left.Store(int32(len(f.inbox)))
		f.raw <- p
		for _, in := range f.inbox {
			in <- p
		}
		if progress != nil {
			progress(f.source.Progress())
		}
	}
}

// decode turns parcels into receipts, piece by piece. A parcel waits for its workers, and they for those before it, which other decoders have: the
// oldest is always worked on, so that none waits for ever.
func (f *flow) decode() {
	for p := range f.raw {
		for p.decodePiece() {
		}
		for _, c := range p.pieces {
			close(c)
		}
	}
}

// decodePiece reports whether there may be more.
func (p *parcel) decodePiece() bool {
	x := <-p.free
	x.receipts, x.unreadable, x.err = p.chunk.Decode(x.receipts[:0], receiptsPerPiece)
	for i := range x.share {
		x.share[i] = x.share[i][:0]
	}
	for i := range x.receipts {
		n := workerOf(&x.receipts[i], len(x.share))
		x.share[n] = append(x.share[n], int32(i))
	}
	more := len(x.receipts) > 0 && x.err == nil
	x.left.Store(int32(len(p.pieces)))
	for _, c := range p.pieces {
		c <- x
	}
	return more
}

// done gives a piece back when the last worker is through with it.
func (p *parcel) done(x *piece) {
	if x.left.Add(-1) == 0 {
		p.free <- x
	}
}

// done gives a parcel back when the last worker is through with it.
func (f *flow) done(p *parcel) {
	if p.left.Add(-1) == 0 {
		f.free <- p
	}
}

// workerOf places all receipts of an account with one worker; those without an account anywhere.
func workerOf(r *retail.Receipt, workers int) int {
	if a := r.Loyalty.AccountID; a != "" {
		return workerOfAccount(a, workers)
	}
	return int(xxhash.Sum64String(string(r.ID)) % uint64(workers))
}

func workerOfAccount(a retail.AccountID, workers int) int {
	return int(xxhash.Sum64String(string(a)) % uint64(workers))
}

// Slice is a Source of receipts in memory, for tests and small samples.
func Slice(receipts []retail.Receipt, perChunk int) Source {
	return &slice{receipts: receipts, per: max(perChunk, 1)}
}

type slice struct {
	receipts []retail.Receipt
	per, at  int
}

func (s *slice) Chunk() Chunk { return &sliceChunk{of: s} }

func (s *slice) Progress() (done, total int64) { return int64(s.at), int64(len(s.receipts)) }

type sliceChunk struct {
	of   *slice
	part []retail.Receipt
}

func (c *sliceChunk) Read(context.Context) error {
	s := c.of
	if s.at == len(s.receipts) {
		return io.EOF
	}
	to := min(s.at+s.per, len(s.receipts))
	c.part, s.at = s.receipts[s.at:to], to
	return nil
}

func (c *sliceChunk) Decode(into []retail.Receipt, most int) ([]retail.Receipt, int64, error) {
	n := min(most, len(c.part))
	into, c.part = append(into, c.part[:n]...), c.part[n:]
	return into, 0, nil
}
