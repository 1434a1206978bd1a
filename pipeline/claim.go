package pipeline

import (
	"encoding/base64"
	"fmt"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/state"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A member who has bought without a card claims the receipt afterwards (D29). An anonymous receipt lives where its own id leads, so the claim goes there
// and the receipt comes back under the account, as if it had carried it: a late receipt like any other. While the terms say for how long receipts may be
// claimed, anonymous ones are kept beside the accounts; without such terms nothing is.
const (
	eventClaim         = "claim"
	eventClaimAsked    = retail.EventClaimAsked    // to where the receipt is; made by the pipeline alone, as the next two
	eventClaimReturned = retail.EventClaimReturned // to where the receipt is: goods of it have come back
	eventClaimRefused  = "claim_refused"           // to the member
)

// ClaimAttribute is on a receipt that a member has claimed: the id of the event by which.
const ClaimAttribute = "claim"

// Why a claim is refused.
const (
	refusedNoClaims      ledger.Refusal = "not_offered"
	refusedClaimKnown    ledger.Refusal = "known"    // the account has it already
	refusedClaimUnknown  ledger.Refusal = "unknown"  // never seen, of another account, or closed before receipts could be claimed
	refusedClaimTaken    ledger.Refusal = "claimed"  // by whoever came first
	refusedClaimReturned ledger.Refusal = "returned" // wholly or in part
	refusedClaimOld      ledger.Refusal = "too_old"
	refusedClaimTotal    ledger.Refusal = "other_total"
)

// Kept receipts are footprints of accounts that no member can have: ids have no control characters. There are many, so that none holds too much.
const (
	claimPrefix   = "\x01claims/"
	claimBuckets  = 256
	maxClaimBytes = 256 << 10
)

// The first byte of what is kept of an anonymous receipt; after claimOpen comes the record's value, after claimTaken the account that has it now.
const (
	claimOpen byte = iota + 1
	claimTaken
	claimReturned
)

func checkClaim(rec *retail.Receipt) *retail.Problem {
	kind := rec.EventKind()
	if kind != eventClaim && kind != eventClaimAsked {
		return nil
	}
	if kind == eventClaimAsked && !isID(rec.Attribute("account")) {
		return wrongAttribute(rec, "account", "who claims: this event is made by the pipeline alone", "")
	}
	if kind == eventClaim && !isID(rec.Attribute("receipt")) {
		return wrongAttribute(rec, "receipt", fmt.Sprintf("the id of a receipt, 1 to %d bytes without control characters", maxAccountBytes), "")
	}
	if text := rec.Attribute("total"); text != "" {
		if _, err := money.Parse(text); err != nil {
			return wrongAttribute(rec, "total", "the receipt's total, such as 42.10", "")
		}
	}
	return nil
}

// ours reports a kind of event that only the pipeline may send.
func ours(kind string) bool {
	return kind == eventMerged || kind == eventClaimAsked || kind == eventClaimReturned || kind == eventClaimRefused
}

// keeps reports a slot of kept receipts: nobody's account.
func keeps(s *state.Slot) bool { return len(s.ID) > 0 && s.ID[0] == claimPrefix[0] }

// keptIn returns the slot that an anonymous receipt is kept in.
func (t *task) keptIn(receipt retail.ReceiptID) (*state.Slot, error) {
	bucket := xxhash.Sum64String(string(receipt)) % claimBuckets
	slot, err := t.part.Account(retail.AccountID(fmt.Sprintf("%s%02x", claimPrefix, bucket)))
	if err != nil {
		return nil, fmt.Errorf("claims of partition %d: %w", t.partition, err)
	}
	return slot, nil
}

// kept returns what is kept of an anonymous receipt, in t.value; its first byte, or 0 when there is nothing.
func (t *task) kept(slot *state.Slot, receipt retail.ReceiptID) (byte, error) {
	v, found, err := t.part.Footprint(slot.ID, receipt, t.value[:0])
	if err != nil {
		return 0, fmt.Errorf("claims of partition %d: %w", t.partition, err)
	}
	t.value = v
	if !found || len(v) == 0 {
		return 0, nil
	}
	return v[0], nil
}

// keepAnonymous keeps what may be claimed, and tells where a receipt is that goods of it have come back.
func (t *task) keepAnonymous(r *kgo.Record) error {
	rec := &t.receipt
	if original := rec.OriginalID(); givesBack(rec) && isID(string(original)) {
		t.sendEvent(t.claimEvent(eventClaimReturned, retail.AccountID(original), rec.ID, retail.Attribute{Key: "return", Value: base64.StdEncoding.EncodeToString(r.Value)}))
		return nil
	}
	if rec.Training || rec.Type != retail.Sale && rec.Type != retail.Exchange || len(r.Value) > maxClaimBytes {
		return nil
	}
	slot, err := t.keptIn(rec.ID)
	if err != nil {
		return err
	}
	if was, err := t.kept(slot, rec.ID); err != nil || was != 0 {
		return err
	}
	t.part.PutFootprint(slot, rec.ID, append([]byte{claimOpen}, r.Value...))
	return nil
}

// claimEvent builds an event about the record at hand; source makes its name.
func (t *task) claimEvent(kind string, to retail.AccountID, source retail.ReceiptID, attributes ...retail.Attribute) *retail.Receipt {
	return t.ownEvent(kind, to, fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s", kind, t.receipt.Loyalty.AccountID, to, source), attributes...)
}

// claiming carries out the member's side of a claim; ok is false for every other event. Campaigns do not judge it: they judge the receipt.
func (t *task) claiming(slot *state.Slot) (ok bool, err error) {
	rec := &t.receipt
	c := rules.Command{Kind: rec.EventKind()}
	c.Event, c.At, c.Reference = rec.ID, rec.EndedAt, rec.Attribute("receipt")
	switch c.Kind {
	case eventClaim:
		c.Refused, err = t.claim(slot, retail.ReceiptID(c.Reference))
	case eventClaimRefused:
		c.Refused = ledger.Refusal(rec.Attribute("reason"))
	default:
		return false, nil
	}
	t.asked = c
	return true, err
}

// claim sends the claim to where the receipt is.
func (t *task) claim(slot *state.Slot, receipt retail.ReceiptID) (ledger.Refusal, error) {
	rec := &t.receipt
	if t.ruleset.ClaimMs(rec.EndedAt) == 0 {
		return refusedNoClaims, nil
	}
	known, err := t.recall(slot, receipt, xxhash.Sum64String(string(receipt)))
	sold := known && t.footprint.ContentHash != 0
	t.footprint.Reset() // it is the event's own again
	if err != nil {
		return "", err
	}
	if sold {
		return refusedClaimKnown, nil
	}
	t.sendEvent(t.claimEvent(eventClaimAsked, retail.AccountID(receipt), rec.ID,
		retail.Attribute{Key: "account", Value: string(slot.ID)}, retail.Attribute{Key: "claim", Value: string(rec.ID)}, retail.Attribute{Key: "total", Value: rec.Attribute("total")}))
	return "", nil
}

// aboutKept handles what is asked or said of an anonymous receipt where it is kept. It reports false for every other record.
func (t *task) aboutKept() (bool, error) {
	rec := &t.receipt
	kind := rec.EventKind()
	if kind != eventClaimAsked && kind != eventClaimReturned {
		return false, nil
	}
	receipt := retail.ReceiptID(rec.Loyalty.AccountID)
	slot, err := t.keptIn(receipt)
	if err != nil {
		return true, err
	}
	was, err := t.kept(slot, receipt)
	if err != nil {
		return true, err
	}
	if kind == eventClaimReturned {
		if was == claimTaken {
			return true, t.passReturn(retail.AccountID(t.value[1:]))
		}
		t.part.PutFootprint(slot, receipt, []byte{claimReturned})
		return true, nil
	}
	return true, t.answerClaim(slot, receipt, was)
}

// answerClaim sends the receipt to the account that claims it, or says why not.
func (t *task) answerClaim(slot *state.Slot, receipt retail.ReceiptID, was byte) error {
	rec := &t.receipt
	to, claim := retail.AccountID(rec.Attribute("account")), rec.Attribute("claim")
	if was == claimTaken && string(t.value[1:]) == string(to) { // the same claim again, or a second one that was under way
		return nil
	}
	var sale retail.Receipt
	reason, err := t.judgeClaim(was, &sale)
	if err != nil {
		return err
	}
	if reason != "" {
		t.sendEvent(t.claimEvent(eventClaimRefused, to, rec.ID, retail.Attribute{Key: "receipt", Value: string(receipt)},
			retail.Attribute{Key: "claim", Value: claim}, retail.Attribute{Key: "reason", Value: string(reason)}))
		return nil
	}
	sale.Loyalty.AccountID = to
	sale.Attributes = append(sale.Attributes, retail.Attribute{Key: ClaimAttribute, Value: claim})
	t.sendEvent(&sale)
	t.part.PutFootprint(slot, receipt, append([]byte{claimTaken}, to...))
	return nil
}

// passReturn sends a return without an account to the account that has claimed its receipt, where it takes back what was earned.
func (t *task) passReturn(to retail.AccountID) error {
	var back retail.Receipt
	value, err := base64.StdEncoding.DecodeString(t.receipt.Attribute("return"))
	if err == nil {
		err = t.p.opts.Codec.DecodeReceipt(value, &back)
	}
	if err != nil {
		return fmt.Errorf("%w: the return that %s tells of: %w", ErrInvariant, t.receipt.ID, err)
	}
	back.Loyalty.AccountID = to
	back.Attributes = append(back.Attributes, retail.Attribute{Key: ClaimAttribute, Value: string(back.OriginalID())})
	t.sendEvent(&back)
	return nil
}

// judgeClaim says why a claim is refused, and reads the receipt when it is not. What is kept is in t.value, which the sale aliases.
func (t *task) judgeClaim(was byte, sale *retail.Receipt) (ledger.Refusal, error) {
	rec := &t.receipt
	switch was {
	case 0:
		return refusedClaimUnknown, nil
	case claimTaken:
		return refusedClaimTaken, nil
	case claimReturned:
		return refusedClaimReturned, nil
	}
	if err := t.p.opts.Codec.DecodeReceipt(t.value[1:], sale); err != nil {
		return "", fmt.Errorf("%w: the anonymous receipt %s: %w", ErrInvariant, rec.Loyalty.AccountID, err)
	}
	oldest := rec.EndedAt - retail.Instant(t.ruleset.ClaimMs(rec.EndedAt))
	if age := t.p.opts.Policy.MaxAgeMs; age > 0 { // the account's partition must still take it
		oldest = max(oldest, t.clock-age+age/100)
	}
	if sale.EndedAt < oldest {
		return refusedClaimOld, nil
	}
	if text := rec.Attribute("total"); text != "" {
		if total, err := money.Parse(text); err != nil || total != sale.Total {
			return refusedClaimTotal, nil
		}
	}
	return "", nil
}

// claimOf is the event by which a receipt was claimed; empty when it was not.
func claimOf(r *retail.Receipt) string {
	if len(r.Attributes) == 0 || r.Type == retail.Event {
		return ""
	}
	return r.Attribute(ClaimAttribute)
}
