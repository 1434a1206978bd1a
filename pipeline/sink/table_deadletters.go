package sink

import (
	"strconv"
	"strings"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// deadLetters builds cagnotte_raw.dead_letters: the original bytes, and the reason from the headers.
type deadLetters struct {
	*table
	found map[string]string // our headers of the record, reused

	topic, stage, code, shop, engine        *words
	partition, schemaID                     *proto.ColInt32
	offset                                  *proto.ColInt64
	received                                *instants
	path, detail, hint, receipt, key, value *proto.ColStr
	headers                                 *pairs
	from                                    lineage
}

func newDeadLetters(*Options, partitioner) builder {
	b := &deadLetters{table: newTable("dead_letters"), found: map[string]string{}}
	c := b.columns()
	b.topic, b.partition, b.offset, b.received = c.word("topic"), c.int32("partition"), c.int64("offset"), c.instant("received_at")
	b.stage, b.code, b.path, b.detail, b.hint = c.word("stage"), c.word("code"), c.text("path"), c.text("detail"), c.text("hint")
	b.receipt, b.shop, b.schemaID, b.engine = c.text("receipt_id"), c.word("store_id"), c.int32("schema_id"), c.word("engine_version")
	b.key, b.value, b.headers = c.text("key"), c.text("value"), c.pairs("headers")
	b.from = b.lineage()
	b.seal()
	return b
}

func (b *deadLetters) base() *table { return b.table }

// ourHeaders begins the headers that say why.
const ourHeaders = "__cagnotte.errors."

// add never fails: whatever stands in the topic is kept. A record without our headers is named by its own place.
func (b *deadLetters) add(r *kgo.Record) error {
	b.sortHeaders(r)
	topic, partition, offset := b.origin(r)
	b.topic.Append(topic)
	b.partition.Append(partition)
	b.offset.Append(offset)
	b.received.Append(retail.Instant(b.number(schemas.HeaderErrorTimestamp, 64, r.Timestamp.UnixMilli())))
	b.stage.Append(b.found[schemas.HeaderErrorStage])
	b.code.Append(b.found[schemas.HeaderErrorCode])
	b.path.Append(b.found[schemas.HeaderErrorPath])
	b.detail.Append(b.found[schemas.HeaderErrorDetail])
	b.hint.Append(b.found[schemas.HeaderErrorHint])
	b.receipt.Append(b.found[schemas.HeaderErrorReceipt])
	b.shop.Append(b.found[schemas.HeaderErrorShop])
	b.schemaID.Append(int32(b.number(schemas.HeaderErrorSchemaID, 32, 0)))
	b.engine.Append(b.found[schemas.HeaderErrorVersion])
	b.key.AppendBytes(r.Key)
	b.value.AppendBytes(r.Value)
	b.from.add(r)
	return nil
}

// sortHeaders takes ours into found and the original's into the row.
func (b *deadLetters) sortHeaders(r *kgo.Record) {
	clear(b.found)
	for _, h := range r.Headers {
		if strings.HasPrefix(h.Key, ourHeaders) {
			if _, again := b.found[h.Key]; !again { // the first is ours: the original's headers come after
				b.found[h.Key] = string(h.Value)
			}
			continue
		}
		b.headers.keys.Append(h.Key)
		b.headers.values.AppendBytes(h.Value)
	}
	b.headers.end()
}

func (b *deadLetters) origin(r *kgo.Record) (topic string, partition int32, offset int64) {
	topic = b.found[schemas.HeaderErrorTopic]
	partition = int32(b.number(schemas.HeaderErrorPartition, 32, -1))
	offset = b.number(schemas.HeaderErrorOffset, 64, -1)
	if topic == "" || partition < 0 || offset < 0 {
		return r.Topic, r.Partition, r.Offset
	}
	return topic, partition, offset
}

// number reads a header; one that is none, or does not fit the column, gives the fallback.
func (b *deadLetters) number(header string, bits int, fallback int64) int64 {
	n, err := strconv.ParseInt(b.found[header], 10, bits)
	if err != nil {
		return fallback
	}
	return n
}
