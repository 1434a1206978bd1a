package pipeline

import (
	"encoding/json"
	"strconv"

	"cagnotte/pipeline/ledger"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What happens to a member's money and is worth telling goes out in the same transaction, for whoever sends mail, texts and pushes. Ids are made of
// what happened, so that a repeat says the same under the same name; nothing is said of what a return later takes back.
const (
	noticeHeld      = "BURN_HELD"
	noticeCommitted = "BURN_COMMITTED"
	noticeCancelled = "BURN_CANCELLED"
	noticeRefused   = "BURN_REFUSED"
	noticeNoMerge   = "MERGE_REFUSED"
	noticeNoClaim   = "CLAIM_REFUSED"
	noticeExpiring  = "EXPIRING"
	noticeExpired   = "EXPIRED"
)

// notify sends what the journal and the event at hand have to tell, timers in their order and before the record, so that it does not show whether the
// record fired them or the clock had before.
func (t *task) notify(slot *state.Slot, cause *kgo.Record) {
	reminders := t.journal.Notices
	for i := range t.journal.Entries {
		e := &t.journal.Entries[i]
		for len(reminders) > 0 && (e.Receipt != "" || reminders[0].At < e.At) {
			t.remind(slot, &reminders[0], cause)
			reminders = reminders[1:]
		}
		if n, ok := noticeOf(e); ok {
			t.tell(slot, &n, cause)
		}
	}
	for i := range reminders {
		t.remind(slot, &reminders[i], cause)
	}
	if cause == nil {
		return
	}
	t.notifyResults(slot, cause)
	if c := &t.asked; c.Refused != "" {
		kind := refusalNotice(c.Kind)
		t.tell(slot, &schemas.Notification{
			ID: string(t.receipt.ID) + ":" + kind, At: t.receipt.EndedAt, Type: kind, Wallet: c.Wallet, Amount: c.Amount,
			Value: string(c.Refused), Reference: c.About(),
		}, cause)
	}
}

// remind tells that a lot lapses soon.
func (t *task) remind(slot *state.Slot, r *ledger.Notice, cause *kgo.Record) {
	t.tell(slot, &schemas.Notification{
		ID: string(slot.ID) + ":" + r.Wallet + ":" + strconv.FormatInt(int64(r.ExpiresAt), 10) + ":" + noticeExpiring,
		At: r.At, Type: noticeExpiring, Wallet: r.Wallet, Amount: r.Amount, ExpiresAt: r.ExpiresAt,
	}, cause)
}

func refusalNotice(kind string) string {
	switch kind {
	case eventMerge, eventMerged:
		return noticeNoMerge
	case eventClaim, eventClaimRefused:
		return noticeNoClaim
	}
	return noticeRefused
}

// noticeOf says what an entry tells the member; ok is false when it tells nothing.
func noticeOf(e *ledger.Entry) (n schemas.Notification, ok bool) {
	switch e.Kind {
	case ledger.Reserve:
		n.Type, n.ExpiresAt = noticeHeld, e.ExpiresAt
	case ledger.Commit, ledger.Redeem:
		n.Type = noticeCommitted
	case ledger.Cancel:
		n.Type = noticeCancelled
	case ledger.Expire:
		n.Type, n.Campaign, n.ExpiresAt = noticeExpired, e.Campaign, e.ExpiresAt
	default:
		return n, false
	}
	n.ID = string(e.Account) + ":" + strconv.FormatUint(e.Seq, 10) + ":" + n.Type
	n.At, n.Wallet, n.Amount, n.Value, n.Reference = e.At, e.Wallet, e.Amount.Abs(), e.Reason, e.Reference
	return n, true
}

// tell produces one notification.
func (t *task) tell(slot *state.Slot, n *schemas.Notification, cause *kgo.Record) {
	n.Account, n.TextKey = slot.ID, "notification."+n.Type
	b, err := json.Marshal(n)
	if err != nil { // texts, numbers and instants: nothing in it can fail
		t.out.fail(err)
		return
	}
	t.out.send(schemas.TopicNotifications, t.partition, t.out.copyBytes([]byte(slot.ID)), b, traceHeaders(cause))
}
