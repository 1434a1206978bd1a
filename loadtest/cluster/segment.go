package cluster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The fake broker's segment files hold record batches as on the wire, one after the other; beside each stands an index file with an entry of
// indexEntry bytes per batch: version, checksum, leader epoch, a timestamp (not used on load), and whether the batch is part of a transaction.
const indexEntry = 15

// partition is what a scan of one partition's segments found.
type partition struct {
	dir         string
	last        int64 // base offset of the last segment, -1 when there is none
	next        int64 // offset after the last record
	leaderEpoch int32
	open        map[int64]txn // by producer: its transaction without a marker here
	markers     map[txn]markerCount
}

type markerCount struct{ commits, aborts int }

// batchInfo is what the scan needs of a batch.
type batchInfo struct {
	size        int64
	first       int64
	lastDelta   int32
	leaderEpoch int32
	attributes  int16
	id          txn
	commit      bool // of a control batch
}

func (b *batchInfo) transactional() bool { return b.attributes&attrTransactional != 0 }
func (b *batchInfo) control() bool       { return b.attributes&attrControl != 0 }

func scanPartition(dir string) (*partition, error) {
	p := &partition{dir: dir, last: -1, open: map[int64]txn{}, markers: map[txn]markerCount{}}
	bases, err := segmentBases(dir)
	if err != nil {
		return nil, err
	}
	for i, base := range bases {
		if err := p.scanSegment(base, i == len(bases)-1); err != nil {
			return nil, err
		}
		p.last = base
	}
	return p, nil
}

func segmentBases(dir string) ([]int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var bases []int64
	for _, e := range entries {
		name, isData := strings.CutSuffix(e.Name(), ".dat")
		if base, err := strconv.ParseInt(name, 10, 64); isData && err == nil {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	return bases, nil
}

func (p *partition) path(base int64, ext string) string {
	return filepath.Join(p.dir, strconv.FormatInt(base, 10)+ext)
}

// scanSegment reads the headers of a segment, cuts a half-written end off the last one, and rebuilds the index when it does not agree.
func (p *partition) scanSegment(base int64, isLast bool) error {
	f, err := os.Open(p.path(base, ".dat"))
	if err != nil {
		return err
	}
	defer f.Close()
	var index []byte
	var good int64
	in := bufio.NewReaderSize(f, 1<<20)
	for {
		b, err := readBatch(in)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !isLast {
			return fmt.Errorf("%s at byte %d: %w", f.Name(), good, err)
		}
		if err != nil {
			if err := os.Truncate(f.Name(), good); err != nil {
				return err
			}
			break
		}
		good += b.size
		index = appendIndexEntry(index, &b)
		p.see(&b)
	}
	return p.fixIndex(base, index)
}

func (p *partition) see(b *batchInfo) {
	p.next = b.first + int64(b.lastDelta) + 1
	p.leaderEpoch = b.leaderEpoch
	switch {
	case b.control():
		m := p.markers[b.id]
		if b.commit {
			m.commits++
		} else {
			m.aborts++
		}
		p.markers[b.id] = m
		delete(p.open, b.id.producer)
	case b.transactional():
		p.open[b.id.producer] = b.id
	}
}

var errTorn = errors.New("not a whole record batch")

// readBatch reads one batch and checks its sum. io.EOF means that there is no further one.
func readBatch(in *bufio.Reader) (batchInfo, error) {
	var h [batchHeader]byte
	n, err := io.ReadFull(in, h[:])
	if n == 0 {
		return batchInfo{}, io.EOF
	}
	if err != nil {
		return batchInfo{}, errTorn
	}
	b := batchInfo{
		size:        12 + int64(int32(binary.BigEndian.Uint32(h[8:]))),
		first:       int64(binary.BigEndian.Uint64(h[:])),
		leaderEpoch: int32(binary.BigEndian.Uint32(h[12:])),
		attributes:  int16(binary.BigEndian.Uint16(h[batchAttributes:])),
		lastDelta:   int32(binary.BigEndian.Uint32(h[23:])),
		id:          txn{int64(binary.BigEndian.Uint64(h[batchProducerID:])), int16(binary.BigEndian.Uint16(h[batchEpoch:]))},
	}
	if b.size < batchHeader || b.size > 2*messageMaxBytes {
		return b, errTorn
	}
	sum := crc32.New(castagnoli)
	sum.Write(h[batchAttributes:])
	body := io.TeeReader(io.LimitReader(in, b.size-batchHeader), sum)
	if b.control() {
		b.commit, err = readMarker(body)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	if err != nil || sum.Sum32() != binary.BigEndian.Uint32(h[batchCRC:]) {
		return b, errTorn
	}
	return b, nil
}

// readMarker reads the one record of a control batch: its key says abort or commit.
func readMarker(body io.Reader) (commit bool, err error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return false, err
	}
	var r kmsg.Record
	if err := r.ReadFrom(raw); err != nil {
		return false, err
	}
	return len(r.Key) >= 4 && binary.BigEndian.Uint16(r.Key[2:]) == uint16(kmsg.ControlRecordKeyTypeCommit), nil
}

func appendIndexEntry(dst []byte, b *batchInfo) []byte {
	var e [indexEntry]byte
	e[0] = 1
	binary.LittleEndian.PutUint32(e[2:], uint32(b.leaderEpoch))
	if b.transactional() && !b.control() {
		e[14] = 1
	}
	e[1] = byte(crc32.Checksum(e[2:], castagnoli))
	return append(dst, e[:]...)
}

// fixIndex replaces the segment's index unless it says the same about every batch.
func (p *partition) fixIndex(base int64, want []byte) error {
	path := p.path(base, ".idx")
	got, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if sameIndex(got, want) {
		return nil
	}
	return os.WriteFile(path, want, 0o644)
}

func sameIndex(got, want []byte) bool {
	if len(got) != len(want) {
		return false
	}
	for at := 0; at < len(want); at += indexEntry {
		g, w := got[at:at+indexEntry], want[at:at+indexEntry]
		if g[0] != w[0] || g[14] != w[14] || g[1] != byte(crc32.Checksum(g[2:], castagnoli)) {
			return false
		}
	}
	return true
}

// appendMarkers ends the partition's open transactions as decided.
func (p *partition) appendMarkers(decided map[txn]bool) error {
	producers := make([]int64, 0, len(p.open))
	for producer := range p.open {
		producers = append(producers, producer)
	}
	slices.Sort(producers)
	for _, producer := range producers {
		id := p.open[producer]
		raw := p.marker(id, decided[id])
		entry := appendIndexEntry(nil, &batchInfo{leaderEpoch: p.leaderEpoch, attributes: attrTransactional | attrControl})
		if err := errors.Join(appendFile(p.path(p.last, ".dat"), raw), appendFile(p.path(p.last, ".idx"), entry)); err != nil {
			return err
		}
		p.next++
	}
	return nil
}

// marker is the control batch that ends a transaction, as a coordinator writes it.
func (p *partition) marker(id txn, commit bool) []byte {
	key := kmsg.ControlRecordKey{Type: kmsg.ControlRecordKeyTypeAbort}
	if commit {
		key.Type = kmsg.ControlRecordKeyTypeCommit
	}
	end := kmsg.EndTxnMarker{}
	body := (&kmsg.Record{Key: key.AppendTo(nil), Value: end.AppendTo(nil)}).AppendTo(nil)[1:] // a length of zero is one byte
	now := time.Now().UnixMilli()
	batch := kmsg.RecordBatch{
		FirstOffset: p.next, PartitionLeaderEpoch: p.leaderEpoch, Magic: 2, Attributes: attrTransactional | attrControl,
		FirstTimestamp: now, MaxTimestamp: now, ProducerID: id.producer, ProducerEpoch: id.epoch, FirstSequence: -1,
		NumRecords: 1, Records: append(binary.AppendVarint(nil, int64(len(body))), body...),
	}
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[batchCRC:], crcOf(raw))
	return raw
}

func appendFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
