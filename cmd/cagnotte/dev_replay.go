package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// replayed sends what is left of the source, waits until all of it is in ClickHouse, and says so.
func (d *dev) replayed(ctx context.Context) error {
	about := d.source.about()
	progress, err := openProgress(d.dir.file("replay.json"), about)
	if err != nil {
		return err
	}
	state, _ := progress.snapshot()
	if state.Done {
		d.g.say("  the replay was done before; remove %s to send it again", d.dir.file("replay.json"))
		return errors.Join(d.waitArrived(ctx, progress), d.reportReplay(ctx, progress))
	}
	if state.Sent > 0 {
		d.g.say("  replay goes on after %d of %d receipts", state.Sent, state.Receipts)
	}
	stopBar := d.showProgress(ctx, progress)
	err = d.sendReplay(ctx, progress)
	stopBar()
	if err == nil {
		err = d.waitArrived(ctx, progress)
	}
	if err := errors.Join(err, progress.save(err == nil)); err != nil {
		return err
	}
	return d.reportReplay(ctx, progress)
}

func (d *dev) sendReplay(ctx context.Context, progress *replayProgress) error {
	speed, err := d.cmd.speed()
	if err != nil {
		return err
	}
	cl, err := kgo.NewClient(append(d.backend.opts, kgo.MaxBufferedRecords(replayBuffered), kgo.ProducerLinger(2*time.Millisecond))...)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer cl.Close()
	defer d.source.close()
	r := &replayer{source: d.source, progress: progress, client: cl, codec: d.backend.codec, speed: speed}
	return r.run(ctx)
}

// drainPoll is how often arrival is looked at.
const drainPoll = 50 * time.Millisecond

// waitArrived returns when every receipt sent is committed by the pipeline, and written by the sink with all that follows from it.
func (d *dev) waitArrived(ctx context.Context, progress *replayProgress) error {
	state, _ := progress.snapshot()
	if err := d.drain.waitProcessed(ctx, state.Offsets); err != nil {
		return err
	}
	return d.waitSunk(ctx)
}

// showProgress draws a line on a terminal, or writes one every few seconds; the returned function ends it.
func (d *dev) showProgress(ctx context.Context, progress *replayProgress) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	every, format := 5*time.Second, "  replay %d of %d receipts, %.0f %%, %.0f/s\n"
	if isTerminal(d.g.Err) {
		every, format = 200*time.Millisecond, "\r  replay %d of %d receipts, %.0f %%, %.0f/s  "
	}
	go func() {
		defer close(ended)
		drawProgress(ctx, d.g.Err, progress, every, format)
	}()
	return func() {
		cancel()
		<-ended
		if isTerminal(d.g.Err) {
			fmt.Fprintln(d.g.Err)
		}
	}
}

func drawProgress(ctx context.Context, w io.Writer, progress *replayProgress, every time.Duration, format string) {
	begun, first := time.Now(), -1
	for {
		s, _ := progress.snapshot()
		if first < 0 {
			first = s.Sent
		}
		rate := float64(s.Sent-first) / max(time.Since(begun).Seconds(), 0.001)
		fmt.Fprintf(w, format, s.Sent, s.Receipts, 100*float64(s.Sent)/float64(max(s.Receipts, 1)), rate)
		if sleep(ctx, every) != nil {
			return
		}
	}
}
