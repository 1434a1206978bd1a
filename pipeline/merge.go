package pipeline

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/state"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// An account that goes into another is closed in one transaction with the event that carries all it had: whoever reads the log sees the money in one
// place or on its way, never twice, and a repeat of the event is one. What comes for the closed account afterwards goes on to the other; what it refers
// to (the receipt of a return, the payment of a refund) goes ahead of it, so that the other account judges it as its own.
const (
	eventMerge  = "merge"
	eventMerged = "merged" // made by the pipeline alone
)

const (
	maxAccountBytes = 128
	headerAsked     = "cagnotte-asked" // of how many closed accounts a return's original was asked
)

// isID reports whether a text can name an account or a receipt.
func isID(s string) bool { return s != "" && len(s) <= maxAccountBytes && retail.Printable(s) }

// wrongAttribute refuses an event for what one of its attributes says.
func wrongAttribute(rec *retail.Receipt, key, expected, hint string) *retail.Problem {
	return &retail.Problem{Code: retail.CodeEvent, Path: "/attributes/" + key, Observed: fmt.Sprintf("%.40q", rec.Attribute(key)), Expected: expected, Hint: hint}
}

// checkMerge refuses an event of a merge that does not say what it must.
func checkMerge(rec *retail.Receipt) *retail.Problem {
	const ours = "this event is made by the pipeline alone"
	switch rec.EventKind() {
	case eventMerge:
		if !isID(rec.Attribute("into")) {
			return wrongAttribute(rec, "into", fmt.Sprintf("the account that goes on, 1 to %d bytes without control characters", maxAccountBytes), "")
		}
	case eventMerged:
		if rec.Attribute("from") == "" {
			return wrongAttribute(rec, "from", "the account that went into this one", ours)
		}
		if rec.Attribute("receipt") != "" {
			if _, err := base64.StdEncoding.DecodeString(rec.Attribute("footprint")); err != nil {
				return wrongAttribute(rec, "footprint", "an encoded receipt", ours)
			}
		} else if _, err := movedAccount(rec); err != nil {
			return wrongAttribute(rec, "account", "an encoded account", ours)
		}
	}
	return nil
}

func movedAccount(rec *retail.Receipt) (*ledger.Account, error) {
	b, err := base64.StdEncoding.DecodeString(rec.Attribute("account"))
	if err != nil {
		return nil, fmt.Errorf("account of %s: %w", rec.ID, err)
	}
	moved := &ledger.Account{}
	return moved, moved.Decode(b)
}

// merging carries out an event of a merge; ok is false for every other event. Campaigns do not judge it: a closed account earns nothing.
func (t *task) merging(slot *state.Slot) (ok bool, err error) {
	rec := &t.receipt
	c := rules.Command{Kind: rec.EventKind()}
	c.Event, c.Shop, c.At, c.Reason = rec.ID, rec.Shop.ID, rec.EndedAt, ledger.ReasonMerged
	switch c.Kind {
	case eventMerge:
		into := retail.AccountID([]byte(rec.Attribute("into"))) // the receipt's text is not ours to keep
		c.Reference = string(into)
		if c.Refused = slot.Account.MergeInto(&t.journal, slot.ID, &c.Command, into); c.Refused == "" {
			moved := slot.Account.Sweep(&t.journal, slot.ID, &c.Command)
			t.sendMoved(slot, retail.Attribute{Key: "account", Value: base64.StdEncoding.EncodeToString(moved.AppendBinary(nil))})
		}
	case eventMerged:
		if rec.Attribute("receipt") != "" {
			return true, t.takeFootprint(slot)
		}
		moved, err := movedAccount(rec)
		if err != nil {
			return true, err
		}
		from := retail.AccountID(rec.Attribute("from"))
		if from == slot.ID { // it has gone round a circle: nothing is merged
			slot.Account.MergedInto, c.Refused = "", ledger.RefusedCircle
		}
		slot.Account.Absorb(&t.journal, slot.ID, &c.Command, from, moved)
	default:
		return false, nil
	}
	t.asked = c
	return true, nil
}

// sendMoved produces the event that carries what the attributes hold to the account that goes on. Its name is made of both accounts' facts: two accounts
// may go into one by events of one id.
func (t *task) sendMoved(slot *state.Slot, what ...retail.Attribute) {
	rec := &t.receipt
	e := t.ownEvent(eventMerged, slot.Account.MergedInto, fmt.Appendf(nil, "%s\x00%s", slot.ID, rec.ID), append([]retail.Attribute{{Key: "from", Value: string(slot.ID)}}, what...)...)
	e.Shop, e.Loyalty.ProgramID = rec.Shop, rec.Loyalty.ProgramID
	t.sendEvent(e)
}

// ownEvent builds an event of the pipeline's own about the record at hand, for another account. The same facts make the same id.
func (t *task) ownEvent(kind string, to retail.AccountID, facts []byte, attributes ...retail.Attribute) *retail.Receipt {
	rec := &t.receipt
	sum := sha256.Sum256(facts)
	return &retail.Receipt{
		ID: retail.ReceiptID(strings.ReplaceAll(kind, "_", "-") + "-" + hex.EncodeToString(sum[:16])), Type: retail.Event, EndedAt: t.sentAt(), UTCOffsetMin: rec.UTCOffsetMin,
		BusinessDate: rec.BusinessDate, Channel: rec.Channel, Currency: rec.Currency, Loyalty: retail.Loyalty{AccountID: to}, Source: retail.Source{Sender: "cagnotte"},
		Attributes: append([]retail.Attribute{{Key: retail.EventAttribute, Value: kind}}, attributes...),
	}
}

// sentAt dates what is sent because of the record at hand: its own close, unless that is so long ago that the receiver might refuse it by then.
func (t *task) sentAt() retail.Instant {
	if age := t.p.opts.Policy.MaxAgeMs; age > 0 && t.receipt.EndedAt < t.clock-age/2 {
		return t.clock
	}
	return t.receipt.EndedAt
}

// elsewhere handles a record that may be another account's to judge: that of a closed account, or one that refers to what a closed one bought. It
// reports whether the record was sent there.
func (t *task) elsewhere(slot *state.Slot, r *kgo.Record, found bool) (bool, error) {
	rec, a := &t.receipt, &slot.Account
	about := t.refersTo(found)
	if a.MergedInto == "" {
		return t.ask(slot, r, about)
	}
	kind := rec.EventKind()
	if kind == eventMerge || kind == eventMerged && rec.Attribute("from") == string(slot.ID) && rec.Attribute("receipt") == "" {
		return false, nil
	}
	if about != "" {
		known, err := t.recall(slot, about, xxhash.Sum64String(string(about)))
		t.footprint.Reset()
		if err != nil {
			return false, err
		}
		if known {
			t.sendMoved(slot, retail.Attribute{Key: "receipt", Value: string(about)}, retail.Attribute{Key: "footprint", Value: base64.StdEncoding.EncodeToString(t.value)})
		}
	}
	t.resend(r, a.MergedInto, askedOf(r))
	return true, nil
}

// refersTo is the earlier record without which the one at hand cannot be judged; its own when a return of it came first.
func (t *task) refersTo(found bool) retail.ReceiptID {
	rec := &t.receipt
	switch kind := rec.EventKind(); {
	case givesBack(rec):
		return rec.OriginalID()
	case kind == rules.EventRefund:
		return retail.ReceiptID(rec.Attribute("redeem"))
	case kind == eventMerged:
		return retail.ReceiptID(rec.Attribute("receipt"))
	case found:
		return rec.ID
	}
	return ""
}

// ask sends a return or a refund of something that is not known here to the accounts that have gone into this one, one after the other: who knows it
// sends it on and the record back. It reports whether there is one left to ask.
func (t *task) ask(slot *state.Slot, r *kgo.Record, about retail.ReceiptID) (bool, error) {
	n := askedOf(r)
	if about == "" || about == t.receipt.ID || n >= len(slot.Account.Absorbed) || t.receipt.EventKind() == eventMerged {
		return false, nil
	}
	known, err := t.recall(slot, about, xxhash.Sum64String(string(about)))
	t.footprint.Reset()
	if err != nil || known {
		return false, err
	}
	t.resend(r, slot.Account.Absorbed[n], n+1)
	return true, nil
}

func askedOf(r *kgo.Record) int {
	for i := range r.Headers {
		if r.Headers[i].Key == headerAsked {
			n, _ := strconv.Atoi(string(r.Headers[i].Value)) // not a number: it was not us
			return max(n, 0)
		}
	}
	return 0
}

// resend produces the record at hand under another account.
func (t *task) resend(r *kgo.Record, to retail.AccountID, asked int) {
	t.metrics.batch.Forwarded++
	t.receipt.Loyalty.AccountID = to
	headers := traceHeaders(r)
	if asked > 0 {
		headers = append(headers[:len(headers):len(headers)], kgo.RecordHeader{Key: headerAsked, Value: strconv.AppendInt(nil, int64(asked), 10)})
	}
	t.sendEvent(&t.receipt, headers...)
}

// takeFootprint keeps what a closed account knows of a receipt, so that its returns are judged here. What is known already is newer.
func (t *task) takeFootprint(slot *state.Slot) error {
	defer t.footprint.Reset() // it is the event's own again
	rec := &t.receipt
	receipt := retail.ReceiptID(rec.Attribute("receipt"))
	id := xxhash.Sum64String(string(receipt))
	known, err := t.recall(slot, receipt, id)
	if err != nil || known {
		return err
	}
	b, err := base64.StdEncoding.DecodeString(rec.Attribute("footprint"))
	if err == nil {
		err = t.footprint.Decode(b)
	}
	if err != nil {
		return fmt.Errorf("%w: what account %s knew of %s: %w", ErrInvariant, rec.Attribute("from"), receipt, err)
	}
	t.part.PutFootprint(slot, receipt, b)
	slot.Account.Remember(id)
	return nil
}
