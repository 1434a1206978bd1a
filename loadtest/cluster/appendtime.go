package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"strconv"
	"time"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The fake broker does not know message.timestamp.type. This gives topics with LogAppendTime what Kafka gives them: the broker's clock decides.
//
// Offsets inside a record batch of version 2, and the attributes' bits.
const (
	batchHeader     = 61
	batchCRC        = 17
	batchAttributes = 21
	batchFirstTime  = 27
	batchMaxTime    = 35
	batchProducerID = 43
	batchEpoch      = 51
	batchNumRecords = 57

	attrCodec         = 0x07
	attrTransactional = 0x10
	attrControl       = 0x20
)

// nearMs is how far a client's clock may be off for its batch to be shifted as a whole. Shifting keeps the few milliseconds between the records
// of a batch; a batch that was stamped with anything else than the client's clock is rewritten.
const nearMs = 2000

// stampAppendTime returns a control function that restamps produced batches of LogAppendTime topics. It never handles the request itself.
func stampAppendTime(kc *kfake.Cluster) func(kmsg.Request) (kmsg.Response, error, bool) {
	byTime := appendTimeTopics()
	decompress := kgo.DefaultDecompressor()
	return func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		kc.KeepControl()
		req, ok := kreq.(*kmsg.ProduceRequest)
		if !ok {
			return nil, nil, false
		}
		now := time.Now().UnixMilli()
		for i := range req.Topics {
			t := &req.Topics[i]
			if !byTime(kc, t) {
				continue
			}
			for j := range t.Partitions {
				p := &t.Partitions[j]
				p.Records = restamp(p.Records, now, decompress)
			}
		}
		return nil, nil, false
	}
}

// appendTimeTopics tells whether a topic of a produce request is stamped by the broker. New clients name topics by id, old ones by name.
// Control functions run one at a time, so the cache of ids needs no lock.
func appendTimeTopics() func(*kfake.Cluster, *kmsg.ProduceRequestTopic) bool {
	names, ids := map[string]bool{}, map[[16]byte]bool{}
	for _, spec := range schemas.Topics() {
		names[spec.Name] = spec.Config["message.timestamp.type"] == "LogAppendTime"
	}
	return func(kc *kfake.Cluster, t *kmsg.ProduceRequestTopic) bool {
		if t.Topic != "" {
			return names[t.Topic]
		}
		stamped, known := ids[t.TopicID]
		if known {
			return stamped
		}
		info := kc.TopicIDInfo(t.TopicID)
		if info == nil {
			return false
		}
		ids[t.TopicID] = names[info.Topic]
		return names[info.Topic]
	}
}

// restamp gives the batch the broker's time. A batch that is not well formed goes on as it is: the broker refuses it.
func restamp(b []byte, now int64, d kgo.Decompressor) []byte {
	if len(b) < batchHeader || crcOf(b) != binary.BigEndian.Uint32(b[batchCRC:]) {
		return b
	}
	first, last := timeAt(b, batchFirstTime), timeAt(b, batchMaxTime)
	if first > now+nearMs || first < now-nearMs || last > now+nearMs || last < first {
		rewritten, err := flatten(b, d)
		if err != nil {
			return b
		}
		b, first, last = rewritten, now, now
	}
	putTime(b, batchFirstTime, now-(last-first))
	putTime(b, batchMaxTime, now)
	binary.BigEndian.PutUint32(b[batchCRC:], crcOf(b))
	return b
}

// flatten returns the batch, uncompressed, with all records at the batch's first timestamp.
func flatten(b []byte, d kgo.Decompressor) ([]byte, error) {
	var rb kmsg.RecordBatch
	if err := rb.ReadFrom(b); err != nil {
		return nil, err
	}
	raw, err := d.Decompress(rb.Records, kgo.CompressionCodecType(rb.Attributes&attrCodec))
	if err != nil {
		return nil, err
	}
	if rb.Records, err = flattenRecords(raw); err != nil {
		return nil, err
	}
	rb.Attributes &^= attrCodec
	out := rb.AppendTo(nil)
	binary.BigEndian.PutUint32(out[8:], uint32(len(out)-12))
	return out, nil
}

// flattenRecords sets the timestamp delta of each of the concatenated records to zero.
func flattenRecords(raw []byte) ([]byte, error) {
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		length, n := binary.Varint(raw)
		if n <= 0 || length < 0 || length > int64(len(raw)-n) {
			return nil, errors.New("a record is longer than its batch")
		}
		end := n + int(length)
		var r kmsg.Record
		if err := r.ReadFrom(raw[:end]); err != nil {
			return nil, err
		}
		r.TimestampDelta, r.TimestampDelta64, r.Length = 0, 0, 0
		body := r.AppendTo(nil)[1:] // a length of zero is one byte
		out = append(binary.AppendVarint(out, int64(len(body))), body...)
		raw = raw[end:]
	}
	return out, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crcOf(b []byte) uint32 { return crc32.Checksum(b[batchAttributes:], castagnoli) }

func timeAt(b []byte, at int) int64      { return int64(binary.BigEndian.Uint64(b[at:])) }
func putTime(b []byte, at int, ms int64) { binary.BigEndian.PutUint64(b[at:], uint64(ms)) }

func portOf(addrs []string) (int, error) {
	if len(addrs) != 1 {
		return 0, fmt.Errorf("the fake broker listens on %v, expected one address", addrs)
	}
	_, port, err := net.SplitHostPort(addrs[0])
	if err != nil {
		return 0, fmt.Errorf("address of the fake broker: %w", err)
	}
	return strconv.Atoi(port)
}
