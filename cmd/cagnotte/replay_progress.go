package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// replayProgress remembers how many receipts of a file were acknowledged in order, so that a replay goes on after a stop or a kill. What was
// acknowledged out of order is sent again: the same ids change nothing. Safe for concurrent use.
type replayProgress struct {
	path string

	mu    sync.Mutex
	state replayState
	early map[int]bool // acknowledged ahead of a receipt before them
	begun time.Time    // of this run
	spent float64      // seconds of the runs before
	saved time.Time
	err   error // of the last attempt to write
}

// replayState is the file's content.
type replayState struct {
	Source   string          `json:"source"`
	Receipts int             `json:"receipts"` // in the file
	Sent     int             `json:"sent"`     // acknowledged in order
	Seconds  float64         `json:"seconds"`  // spent sending and draining, over all runs
	Offsets  map[int32]int64 `json:"offsets"`  // of the last acknowledged receipt, by partition
	Done     bool            `json:"done"`     // everything was seen in ClickHouse
}

// progressEvery bounds how much is sent again after a kill.
const progressEvery = 200 * time.Millisecond

func openProgress(path string, about replayInfo) (*replayProgress, error) {
	p := &replayProgress{path: path, early: map[int]bool{}, begun: time.Now(), state: replayState{Source: about.name, Receipts: about.receipts, Offsets: map[int32]int64{}}}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the replay's progress: %w", err)
	}
	var old replayState
	if err := json.Unmarshal(raw, &old); err != nil {
		return nil, exitf(ExitInvalid, "read %s: %w: remove the file to replay from the start", path, err)
	}
	if old.Source != about.name || old.Receipts != about.receipts {
		return nil, exitf(ExitUsage, "the data directory holds a replay of %d receipts of %s, not of %d of %s: give --data DIR of its own",
			old.Receipts, old.Source, about.receipts, about.name)
	}
	p.state, p.spent = old, old.Seconds
	if p.state.Offsets == nil {
		p.state.Offsets = map[int32]int64{}
	}
	return p, nil
}

// acked notes that receipt number i (from 0) is in the log.
func (p *replayProgress) acked(i int, partition int32, offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Offsets[partition] = max(p.state.Offsets[partition], offset)
	p.early[i] = true
	for p.early[p.state.Sent] {
		delete(p.early, p.state.Sent)
		p.state.Sent++
	}
	if time.Since(p.saved) >= progressEvery {
		p.write()
	}
}

// snapshot returns a copy of the state and the error of the last write.
func (p *replayProgress) snapshot() (replayState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Offsets = map[int32]int64{}
	for k, v := range p.state.Offsets {
		s.Offsets[k] = v
	}
	return s, p.err
}

// save writes the file now. done tells that everything has arrived.
func (p *replayProgress) save(done bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Done = done
	p.write()
	return p.err
}

// write is called with mu held.
func (p *replayProgress) write() {
	p.saved = time.Now()
	p.state.Seconds = p.spent + p.saved.Sub(p.begun).Seconds()
	raw, err := json.Marshal(p.state)
	if err == nil {
		err = writeFileAtomic(p.path, raw)
	}
	p.err = err
}
