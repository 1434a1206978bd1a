package pipeline

import (
	"crypto/hmac"
	"strconv"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Events of an account travel among its receipts, so that everything that happens to it has one order: replayed from the first offset on, a segment, a
// burn and a purchase meet in the same sequence again (I4). With a topic of their own the consumer's timing would decide.

// checkEvent refuses an event that is not signed as the deployment asks, or does not say what its kind needs.
func (t *task) checkEvent(r *kgo.Record) *retail.Problem {
	rec := &t.receipt
	if rec.Type != retail.Event {
		return nil
	}
	if secret := t.p.opts.EventKey; len(secret) > 0 && !hmac.Equal(signature(r), schemas.SignEvent(secret, r.Key, r.Value)) {
		return &retail.Problem{Code: retail.CodeSignature, Path: "/attributes/" + retail.EventAttribute, Observed: "no valid signature", Expected: "header " + schemas.HeaderSignature,
			Hint: "send events through the gateway, which signs them"}
	}
	return checkAttributes(rec)
}

// CheckEvent says what an EVENT from outside lacks of what its kind needs; nil when it is good. A door may ask it before the record is in the stream. It
// refuses what only the pipeline may say.
func CheckEvent(rec *retail.Receipt) *retail.Problem {
	if kind := rec.EventKind(); ours(kind) {
		return &retail.Problem{Code: retail.CodeEvent, Path: "/attributes/" + retail.EventAttribute, Observed: strconv.Quote(kind), Expected: "a kind that may come from outside",
			Hint: "accounts are merged by merge with the attribute into, receipts claimed by claim with the attribute receipt"}
	}
	return checkAttributes(rec)
}

// checkAttributes looks for what the event's kind needs.
func checkAttributes(rec *retail.Receipt) *retail.Problem {
	if pr := rules.NoteEvent(nil, rec); pr != nil {
		return pr
	}
	return checkCommand(rec)
}

func signature(r *kgo.Record) []byte {
	for i := range r.Headers {
		if r.Headers[i].Key == schemas.HeaderSignature {
			return r.Headers[i].Value
		}
	}
	return nil
}

// emit sends the events that campaigns owe to other accounts because of the receipt at hand. A sale emits an event that is named after the campaign and
// the receipt; a return emits a return of it. Both are records like any other: their own partition judges them.
func (t *task) emit(slot *state.Slot) {
	for i := range t.decision.Results {
		res := &t.decision.Results[i]
		if res.Emit.Kind == "" || res.Emit.Net == 0 && res.Emit.Pieces == 0 {
			continue
		}
		if to := res.Emit.Receiver(slot.Account.Profile.Referrer, &t.footprint); to != "" {
			t.sendEvent(res.Event(&t.receipt, slot.ID, to))
		}
	}
}

// sendEvent produces the record into the open transaction, on the partition of its account.
func (t *task) sendEvent(r *retail.Receipt, headers ...kgo.RecordHeader) {
	key := t.out.copyBytes([]byte(r.Key()))
	value := t.out.encode(func(dst []byte) []byte { return t.out.codec.AppendReceipt(dst, r) })
	if secret := t.p.opts.EventKey; len(secret) > 0 && r.Type == retail.Event {
		headers = append(headers, kgo.RecordHeader{Key: schemas.HeaderSignature, Value: schemas.SignEvent(secret, key, value)})
	}
	t.out.send(schemas.TopicReceipts, schemas.PartitionOf(r.Key(), t.p.partitions), key, value, headers)
}
