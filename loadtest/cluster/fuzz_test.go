package cluster

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FuzzSegment reads any bytes as the last segment of a partition. Goal: no panic; what is not whole is cut off, only that, and a second look finds
// nothing more to mend. Sums are made right, so that more than the first check is reached.
func FuzzSegment(f *testing.F) {
	whole := fuzzBatch(attrTransactional, "a")
	marker := (&partition{next: 1}).marker(txn{7, 2}, true)
	f.Add(whole, false)
	f.Add(append(bytes.Clone(whole), marker...), true)
	f.Add(append(bytes.Clone(whole), marker[:70]...), false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, raw []byte, mend bool) {
		raw = bytes.Clone(raw)
		if mend {
			rightSums(raw)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "0.dat"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		first, err := scanPartition(dir)
		if err != nil {
			t.Fatalf("the last segment must be mended: %v", err)
		}
		kept, err := os.ReadFile(filepath.Join(dir, "0.dat"))
		if err != nil || !bytes.HasPrefix(raw, kept) {
			t.Fatalf("%d of %d bytes are kept: %v", len(kept), len(raw), err)
		}
		second, err := scanPartition(dir)
		again, err2 := os.ReadFile(filepath.Join(dir, "0.dat"))
		if err != nil || err2 != nil || len(again) != len(kept) || second.next != first.next || len(second.open) != len(first.open) {
			t.Fatalf("a second look keeps %d of %d bytes: %v %v, %+v and %+v", len(again), len(kept), err, err2, first, second)
		}
	})
}

// FuzzLog: the same of a state log of framed entries.
func FuzzLog(f *testing.F) {
	one, err := appendFrame(nil, pidEntry{Type: "init", PID: 7, TxID: "t"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one)
	f.Add(append(bytes.Clone(one), one[:9]...))
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "pids.log")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		first, err := readLog(path)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(path)
		second, err2 := readLog(path)
		if err != nil || err2 != nil || !bytes.HasPrefix(raw, kept) || len(second) != len(first) {
			t.Fatalf("%d entries in %d bytes, then %d: %v %v", len(first), len(kept), len(second), err, err2)
		}
	})
}

// FuzzRestamp gives any produced batch the broker's time: what is not a batch goes on as it is, the others keep their records and a right sum.
func FuzzRestamp(f *testing.F) {
	f.Add(fuzzBatch(0, "a", "b"), int64(1_796_081_400_000))
	f.Add(fuzzBatch(attrTransactional, "a"), int64(0))
	f.Add([]byte("GET / HTTP/1.1"), int64(5))
	d := kgo.DefaultDecompressor()
	f.Fuzz(func(t *testing.T, raw []byte, now int64) {
		in := bytes.Clone(raw)
		rightSums(in)
		sound := len(in) >= batchHeader && crcOf(in) == binary.BigEndian.Uint32(in[batchCRC:])
		out := restamp(bytes.Clone(in), now, d)
		if !sound {
			if !bytes.Equal(out, in) {
				t.Fatalf("%x became %x", in, out)
			}
			return
		}
		if crcOf(out) != binary.BigEndian.Uint32(out[batchCRC:]) || !bytes.Equal(out[batchNumRecords:batchHeader], in[batchNumRecords:batchHeader]) {
			t.Fatalf("%x became %x", in, out)
		}
	})
}

// fuzzBatch is a batch of records with these values.
func fuzzBatch(attributes int16, values ...string) []byte {
	var records []byte
	for i, v := range values {
		body := (&kmsg.Record{OffsetDelta: int32(i), Value: []byte(v)}).AppendTo(nil)[1:]
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	b := kmsg.RecordBatch{Magic: 2, Attributes: attributes, LastOffsetDelta: int32(len(values) - 1), FirstTimestamp: 1000, MaxTimestamp: 1000, ProducerID: 7, ProducerEpoch: 2,
		NumRecords: int32(len(values)), Records: records}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	rightSums(raw)
	return raw
}

// rightSums makes the sums of the batches in raw right, as far as there are whole ones.
func rightSums(raw []byte) {
	for len(raw) >= batchHeader {
		size := 12 + int64(int32(binary.BigEndian.Uint32(raw[8:])))
		if size < batchHeader || size > int64(len(raw)) {
			return
		}
		binary.BigEndian.PutUint32(raw[batchCRC:], crcOf(raw[:size]))
		raw = raw[size:]
	}
}
