package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Repair makes a fake broker's data directory what a real broker's would be after kill -9: every transaction is wholly committed or wholly
// aborted, and its markers say so on disk. It must run before the broker opens the directory; StartFake does it. README.md holds the measurements
// that made it necessary. Nothing may use dir meanwhile. On a directory without data it does nothing.
//
// In order:
//  1. a half-written last batch is cut off, index files are rebuilt from the batches (the broker writes a batch first, then its index entry);
//  2. a transaction that has no marker in some partition is decided: committed when any partition has its COMMIT marker, as all its records were
//     acknowledged before the first marker was written; else aborted;
//  3. the missing markers are appended;
//  4. the producer's epoch goes up, so that a client which outlived the broker cannot go on with a transaction that was decided without it.
func Repair(dir string, log io.Writer) error {
	if _, err := os.Stat(filepath.Join(dir, "meta.json")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	parts, err := scanPartitions(dir)
	if err != nil {
		return fmt.Errorf("repair the broker's data: %w", err)
	}
	decided := decide(parts)
	for _, p := range parts {
		if err := p.appendMarkers(decided); err != nil {
			return fmt.Errorf("repair the broker's data: %w", err)
		}
	}
	if err := bumpEpochs(filepath.Join(dir, "pids.log"), decided); err != nil {
		return fmt.Errorf("repair the broker's data: %w", err)
	}
	if err := cutLog(filepath.Join(dir, "groups.log")); err != nil {
		return fmt.Errorf("repair the broker's data: %w", err)
	}
	for id, commit := range decided {
		say(log, "broker was killed: transaction %d of producer %d is now %s\n", id.epoch, id.producer, outcome(commit))
	}
	return nil
}

// txn names a transaction: with transaction.version 2 each has an epoch of its own.
type txn struct {
	producer int64
	epoch    int16
}

func outcome(commit bool) string {
	if commit {
		return "committed"
	}
	return "aborted"
}

// decide returns the unfinished transactions and whether each is committed. A client of the old protocol uses one epoch for many transactions; there
// a COMMIT marker may belong to an earlier one, so its unfinished transaction is aborted.
func decide(parts []*partition) map[txn]bool {
	committed, reused := map[txn]bool{}, map[txn]bool{}
	for _, p := range parts {
		for id, markers := range p.markers {
			committed[id] = committed[id] || markers.commits > 0
			reused[id] = reused[id] || markers.commits+markers.aborts > 1
		}
	}
	decided := map[txn]bool{}
	for _, p := range parts {
		for _, id := range p.open {
			decided[id] = committed[id] && !reused[id]
		}
	}
	return decided
}

func scanPartitions(dir string) ([]*partition, error) {
	root := filepath.Join(dir, "partitions")
	entries, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var parts []*partition
	for _, e := range entries {
		if !e.IsDir() || strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		p, err := scanPartition(filepath.Join(root, e.Name()))
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}
