package pipeline

import (
	"strconv"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// reject writes a dead letter for r in the open transaction: the original key and bytes untouched, the reason in headers. The stream goes on.
func (t *task) reject(r *kgo.Record, stage string, pr *retail.Problem) {
	t.metrics.batch.Rejected++
	t.p.opts.Observer.deadLetter(pr.Code)
	h := make([]kgo.RecordHeader, 0, 14+len(r.Headers))
	add := func(key, value string) {
		if value != "" {
			h = append(h, kgo.RecordHeader{Key: key, Value: []byte(value)})
		}
	}
	add(schemas.HeaderErrorTopic, r.Topic)
	add(schemas.HeaderErrorPartition, strconv.Itoa(int(r.Partition)))
	add(schemas.HeaderErrorOffset, strconv.FormatInt(r.Offset, 10))
	add(schemas.HeaderErrorTimestamp, strconv.FormatInt(r.Timestamp.UnixMilli(), 10))
	add(schemas.HeaderErrorStage, stage)
	add(schemas.HeaderErrorCode, string(pr.Code))
	add(schemas.HeaderErrorPath, pr.Path)
	add(schemas.HeaderErrorDetail, clip("observed "+pr.Observed+", expected "+pr.Expected))
	add(schemas.HeaderErrorHint, pr.Hint)
	add(schemas.HeaderErrorReceipt, clip(string(t.receipt.ID)))
	add(schemas.HeaderErrorShop, clip(string(t.receipt.Shop.ID)))
	add(schemas.HeaderErrorVersion, t.p.opts.EngineVersion)
	add(schemas.HeaderOriginalTopic, r.Topic)
	for _, orig := range r.Headers {
		if len(h) < maxDeadLetterHeaders {
			h = append(h, orig)
		}
	}
	t.out.send(schemas.TopicDeadLetters, t.partition, r.Key, r.Value, h)
}

const maxDeadLetterHeaders = 64

// clip bounds a text that came from outside before it becomes a header.
func clip(s string) string {
	if len(s) > 300 {
		return s[:300]
	}
	return s
}
