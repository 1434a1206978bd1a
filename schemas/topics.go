// Package schemas owns the wire: topic names, Avro schemas and their codecs, the ClickHouse migrations, and the engine that hosts
// ClickHouse where there is no server. No other package sees Avro.
package schemas

import "github.com/twmb/franz-go/pkg/kgo"

// Topic names. All partitioned topics of one deployment that share an account key have the same number of partitions.
const (
	TopicReceipts    = "cagnotte.receipts"     // key account, else receipt id; Avro Receipt
	TopicCampaigns   = "cagnotte.campaigns"    // key id@version; JSON document; compacted, one partition, never tombstoned
	TopicLedger      = "cagnotte.ledger"       // key account; Avro LedgerRecord
	TopicBalances    = "cagnotte.balances"     // key account; Avro BalanceUpdate; compacted
	TopicDecisions   = "cagnotte.decisions"    // key receipt id; Avro ReceiptDecision
	TopicMetrics     = "cagnotte.metrics"      // key task partition; Avro MetricBatch
	TopicDeadLetters = "cagnotte.dead-letters" // key original; value original bytes; error headers
	TopicChangelog   = "cagnotte.changelog"    // key account; internal binary; one COMMIT record per commit

	TopicNotifications = "cagnotte.notifications" // key account; JSON Notification

	TopicBudgetRequests = "cagnotte.budget-requests" // key campaign, partition of the campaign; internal binary, see pipeline/budget
	TopicBudgetGrants   = "cagnotte.budget-grants"   // key campaign, partition of the lease; internal binary
)

// TopicSpec is what a topic must be created with.
type TopicSpec struct {
	Name        string
	Partitioned bool // false: one partition
	Config      map[string]string
}

// Topics lists every topic of the product, in creation order. Partitioned ones take the deployment's partition count.
func Topics() []TopicSpec {
	// What comes in is bounded more tightly than what follows from it: a dead letter is its record and headers, and must never be refused.
	in, out := "4194304", "33554432"
	del := func(more ...string) map[string]string {
		c := map[string]string{"cleanup.policy": "delete", "max.message.bytes": out}
		for i := 0; i+1 < len(more); i += 2 {
			c[more[i]] = more[i+1]
		}
		return c
	}
	forever := del("retention.ms", "-1")
	return []TopicSpec{
		{TopicReceipts, true, del("message.timestamp.type", "LogAppendTime", "max.message.bytes", in)},
		{TopicCampaigns, false, map[string]string{"cleanup.policy": "compact"}},
		{TopicLedger, true, forever},
		{TopicBalances, true, map[string]string{"cleanup.policy": "compact", "max.message.bytes": out}},
		{TopicDecisions, true, del()},
		{TopicMetrics, true, del()},
		{TopicDeadLetters, true, forever},
		{TopicNotifications, true, del()},
		{TopicChangelog, true, forever},
		{TopicBudgetRequests, true, forever},
		{TopicBudgetGrants, true, forever},
	}
}

// PartitionOf returns the partition of a key as Kafka's own clients choose it (murmur2), so that a till on any client lands where the task is.
func PartitionOf(key string, partitions int32) int32 {
	return int32(partitioner.Partition(&kgo.Record{Key: []byte(key)}, int(partitions)))
}

var partitioner = kgo.StickyKeyPartitioner(nil).ForTopic("")

// Dead-letter headers. The value of a dead letter is the original record's bytes, untouched.
const (
	HeaderErrorTopic     = "__cagnotte.errors.topic"
	HeaderErrorPartition = "__cagnotte.errors.partition"
	HeaderErrorOffset    = "__cagnotte.errors.offset"
	HeaderErrorTimestamp = "__cagnotte.errors.timestamp" // ms, the original record's append time
	HeaderErrorStage     = "__cagnotte.errors.stage"     // DECODE, SCHEMA, VALIDATE, RULE, STATE
	HeaderErrorCode      = "__cagnotte.errors.code"      // RCP-nnnn
	HeaderErrorPath      = "__cagnotte.errors.path"      // JSON Pointer
	HeaderErrorDetail    = "__cagnotte.errors.detail"    // observed and expected
	HeaderErrorHint      = "__cagnotte.errors.hint"
	HeaderErrorReceipt   = "__cagnotte.errors.receipt_id"
	HeaderErrorShop      = "__cagnotte.errors.store_id"
	HeaderErrorSchemaID  = "__cagnotte.errors.schema.id"
	HeaderErrorVersion   = "__cagnotte.errors.engine.version"
	HeaderOriginalTopic  = "x-original-topic"

	// HeaderSignature proves that an EVENT came through somebody who may send events: hex HMAC-SHA256 of key, a zero byte and value.
	HeaderSignature = "cagnotte-signature"
)
