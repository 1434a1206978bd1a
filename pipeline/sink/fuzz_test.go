package sink

import (
	"strconv"
	"testing"
	"time"

	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// FuzzPlan: any metadata of an offset is no plan, or one that goes on from the offset and comes back as it was.
func FuzzPlan(f *testing.F) {
	f.Add(plan{to: 9, size: 2, set: setOf("t")}.String(), int64(3))
	f.Add("to=9 to=x n=1 set=a", int64(0))
	f.Add("set=\u00a0 n=+1 to=-9223372036854775808", int64(-1))
	f.Fuzz(func(t *testing.T, metadata string, from int64) {
		p, ok := parsePlan(metadata, from)
		if !ok {
			return
		}
		if again, ok := parsePlan(p.String(), from); !ok || again != p || p.to <= from || p.size < 1 {
			t.Fatalf("%q from %d: %+v comes back as %+v, %v", metadata, from, p, again, ok)
		}
	})
}

// FuzzRow makes rows of any record of any topic. Goal: columns of one length whatever came, nothing left of a record that was refused, and a block that
// can be written.
func FuzzRow(f *testing.F) {
	options := &Options{Codec: newTestCodec(f)}
	var builders []builder
	for i, s := range sources() {
		key, value, headers := sample(f, options.Codec, s.topic)
		f.Add(uint8(i), key, value, "traceparent", "x", "3")
		for _, h := range headers {
			f.Add(uint8(i), key, value, h.Key, string(h.Value), "4294967296")
		}
		builders = append(builders, s.make(options, func(string) int32 { return 0 }))
	}
	f.Fuzz(func(t *testing.T, topic uint8, key, value []byte, header, text, partition string) {
		b := builders[int(topic)%len(builders)]
		b.base().reset()
		headers := []kgo.RecordHeader{{Key: header, Value: []byte(text)}, {Key: schemas.HeaderErrorTopic, Value: []byte("t")},
			{Key: schemas.HeaderErrorOffset, Value: []byte("1")}, {Key: schemas.HeaderErrorPartition, Value: []byte(partition)}}
		r := &kgo.Record{Topic: "there", Key: key, Value: value, Headers: headers, Timestamp: time.UnixMilli(1_790_000_000_000)}
		for range 2 {
			before := b.base().rows()
			err := b.add(r)
			if err != nil && b.base().rows() != before {
				t.Fatalf("refused with %v, and %d rows are left", err, b.base().rows()-before)
			}
			evenColumns(t, b.base())
		}
		var block proto.Buffer
		for _, c := range b.base().input {
			c.Data.EncodeColumn(&block)
		}
		if d, ok := b.(*deadLetters); ok {
			checkOrigin(t, d, r)
		}
	})
}

// checkOrigin holds a dead letter to what its headers say, or to its own place.
func checkOrigin(t *testing.T, b *deadLetters, r *kgo.Record) {
	t.Helper()
	topic, partition, offset := b.origin(r)
	if topic == r.Topic && partition == r.Partition && offset == r.Offset {
		return
	}
	if want, err := strconv.ParseInt(b.found[schemas.HeaderErrorPartition], 10, 32); err != nil || int64(partition) != want {
		t.Fatalf("partition %d of %q", partition, b.found[schemas.HeaderErrorPartition])
	}
}

func evenColumns(t *testing.T, b *table) {
	t.Helper()
	for i, d := range b.data {
		if d.Rows() != b.rows() {
			t.Fatalf("%s has %d rows, the table %d", b.input[i].Name, d.Rows(), b.rows())
		}
		for l, ok := d.(*list); ok; l, ok = d.(*list) {
			if n := len(l.offsets); n > 0 && l.of.Rows() != int(l.offsets[n-1]) || n == 0 && l.of.Rows() != 0 {
				t.Fatalf("the lists of %s hold %d values, their ends say %v", b.input[i].Name, l.of.Rows(), l.offsets)
			}
			d = l.of
		}
		if p, ok := d.(*pairs); ok && p.keys.Rows() != p.values.Rows() {
			t.Fatalf("%s has %d keys and %d values", b.input[i].Name, p.keys.Rows(), p.values.Rows())
		}
	}
}
