package state

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Defaults of Options.
const (
	DefaultCacheAccounts   = 200_000
	DefaultBlockCacheBytes = 128 << 20
	DefaultMemTableBytes   = 16 << 20
)

// FlushBytes is when a flush is due even if its time has not come: a Pebble batch should stay below half a memtable.
const FlushBytes = 6 << 20

// Options of a Store. Zero values stand for the defaults.
type Options struct {
	Dir             string       // holds one directory per partition
	FS              vfs.FS       // default: the disk
	CacheAccounts   int          // decoded accounts kept per store, shared evenly by the open partitions
	BlockCacheBytes int64        // Pebble blocks, one cache for all partitions
	MemTableBytes   int          // of each partition
	Logger          *slog.Logger // default: discards
}

// Store opens partitions that share one block cache and one file cache. Safe for concurrent use.
type Store struct {
	opts   Options
	blocks *pebble.Cache
	files  *pebble.FileCache
	open   atomic.Int64 // partitions

	mu         sync.Mutex
	partitions map[int32]*Partition // nil after Close
}

// Open prepares a store. Databases, and the directory, are made by Partition: Pebble syncs the parents of what it makes, so that a power cut
// does not take the directory.
func Open(o Options) (*Store, error) {
	if o.Dir == "" {
		return nil, errors.New("open state: no directory given")
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.CacheAccounts <= 0 {
		o.CacheAccounts = DefaultCacheAccounts
	}
	if o.BlockCacheBytes <= 0 {
		o.BlockCacheBytes = DefaultBlockCacheBytes
	}
	if o.MemTableBytes <= 0 {
		o.MemTableBytes = DefaultMemTableBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Store{
		opts: o, blocks: pebble.NewCache(o.BlockCacheBytes), files: pebble.NewFileCache(runtime.GOMAXPROCS(0), maxOpenFiles),
		partitions: make(map[int32]*Partition),
	}, nil
}

// maxOpenFiles is shared by all partitions of a store.
const maxOpenFiles = 4096

// ErrOpen says that a partition is open already, or its store closed.
var ErrOpen = errors.New("partition is open, or its store is closed")

// Partition opens the state of a partition: dir/partition-0003. It fails on a database of a newer format, with what to do about it, and
// with ErrOpen while the partition is open. The caller closes it.
func (s *Store) Partition(number int32) (*Partition, error) {
	if !s.reserve(number) {
		return nil, fmt.Errorf("open state of partition %d: %w", number, ErrOpen)
	}
	p, err := s.openPartition(number)
	if err != nil {
		s.forget(number)
		return nil, fmt.Errorf("open state of partition %d: %w", number, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions[number] = p
	return p, nil
}

func (s *Store) reserve(number int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.partitions[number]; taken || s.partitions == nil {
		return false
	}
	s.partitions[number] = nil
	s.open.Add(1)
	return true
}

func (s *Store) forget(number int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.partitions, number)
	s.open.Add(-1)
}

func (s *Store) openPartition(number int32) (*Partition, error) {
	dir := s.opts.FS.PathJoin(s.opts.Dir, fmt.Sprintf("partition-%04d", number))
	db, err := pebble.Open(dir, s.pebbleOptions(s.opts.Logger.With("partition", number)))
	if err != nil {
		return nil, err
	}
	p, err := newPartition(s, number, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

func (s *Store) pebbleOptions(log *slog.Logger) *pebble.Options {
	o := &pebble.Options{
		FS:                          s.opts.FS,
		Cache:                       s.blocks,
		FileCache:                   s.files,
		FormatMajorVersion:          pebble.FormatValueSeparation,
		MemTableSize:                uint64(s.opts.MemTableBytes),
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8, // 4 doubles the bytes that compactions move; filters keep reads as cheap
		L0StopWritesThreshold:       24,
		Logger:                      pebbleLog{log},
		EventListener:               listener(log),
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].BlockSize = 16 << 10
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return o
}

// Close closes the store. Partitions must be closed before; those that are not are closed here, without a flush, and reported.
func (s *Store) Close() error {
	s.mu.Lock()
	left := s.partitions
	s.partitions = nil
	s.mu.Unlock()
	var errs []error
	for number, p := range left {
		if p != nil {
			errs = append(errs, fmt.Errorf("close state: partition %d was still open", number), p.lookup.close(), p.db.Close())
		}
	}
	s.files.Unref()
	s.blocks.Unref()
	return errors.Join(errs...)
}

// listener reports what an operator must know: writes that wait for compactions, and errors in the background.
func listener(log *slog.Logger) *pebble.EventListener {
	return &pebble.EventListener{
		WriteStallBegin: func(i pebble.WriteStallBeginInfo) { log.Warn("state: writes wait for compaction", "reason", i.Reason) },
		WriteStallEnd:   func() { log.Info("state: writes go on") },
		BackgroundError: func(err error) { log.Error("state: background work failed", "error", err) },
	}
}

// pebbleLog sends Pebble's own messages to a logger, at debug level but for errors.
type pebbleLog struct{ log *slog.Logger }

func (l pebbleLog) Infof(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l pebbleLog) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

// Fatalf is called when the database cannot go on (a write-ahead log that cannot be written). It must not return: a clear halt.
func (l pebbleLog) Fatalf(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	l.log.Error(msg)
	panic("state: " + msg)
}
