package pipeline

import (
	"strconv"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What campaigns have to tell of a receipt. A goal reached, a level, a badge is always told; each step towards a goal and each reward only when the
// document says notify: true, because most receipts earn something and a record each would cost as much as judging them.
const (
	noticeProgress  = "PROGRESS"
	noticeCompleted = "COMPLETED"
	noticeTierUp    = "TIER_UP"
	noticeTierDown  = "TIER_DOWN"
	noticeBadge     = "BADGE"
	noticeEarned    = "EARNED"
	noticeClaimed   = "CLAIMED"
)

// notifyResults tells what the receipt at hand has brought. A return tells nothing.
func (t *task) notifyResults(slot *state.Slot, cause *kgo.Record) {
	if !earns(&t.receipt) {
		return
	}
	if claim := claimOf(&t.receipt); claim != "" {
		t.tell(slot, &schemas.Notification{ID: string(t.receipt.ID) + ":" + noticeClaimed, At: t.receipt.EndedAt, Type: noticeClaimed, Value: claim, Reference: string(t.receipt.ID)}, cause)
	}
	asked := t.ruleset.Notifies()
	for i := range t.decision.Results {
		res := &t.decision.Results[i]
		if res.Arm != rules.Treatment { // the holdout is told nothing of what it does not get
			continue
		}
		if res.Standing || res.Outcome == rules.InProgress {
			t.notifyGoal(slot, res, asked, cause)
		}
		if res.Held > 0 && res.Badge != "" {
			t.tellResult(slot, res, schemas.Notification{Type: noticeBadge, Value: res.Badge}, cause)
		}
		if asked && res.Granted > 0 && t.ruleset.Notified(res.CampaignKey, res.Version) {
			t.tellResult(slot, res, schemas.Notification{Type: noticeEarned, Wallet: res.Wallet, Amount: res.Granted, ExpiresAt: res.ExpiresAt}, cause)
		}
	}
}

// notifyGoal reads the steps of a stateful campaign or of levels.
func (t *task) notifyGoal(slot *state.Slot, res *rules.Result, asked bool, cause *kgo.Record) {
	for i := range res.Steps {
		s := &res.Steps[i]
		n := schemas.Notification{Value: stepValue(s.Unit, s.Observed), Target: stepValue(s.Unit, s.Expected)}
		switch {
		case s.Code == rules.StepTier:
			t.notifyFall(slot, res, cause)
			continue
		case s.Code == rules.StepTierUp && t.ruleset.Climbed(res.CampaignKey, res.Version, slot.Account.CountersOf(res.CampaignKey), t.receipt.EndedAt):
			n = schemas.Notification{Type: noticeTierUp, Value: s.ObservedText}
		case s.Code == rules.StepProgress && s.Passed:
			n.Type, n.Wallet, n.Amount = noticeCompleted, res.Wallet, res.Granted
		case s.Code == rules.StepProgress && s.Observed < s.Expected && asked && t.ruleset.Notified(res.CampaignKey, res.Version):
			n.Type = noticeProgress
		default:
			continue
		}
		t.tellResult(slot, res, n, cause)
	}
}

// notifyFall tells that a period has ended, or its grace, and took a level with it since the member's last receipt.
func (t *task) notifyFall(slot *state.Slot, res *rules.Result, cause *kgo.Record) {
	at := t.receipt.EndedAt
	if t.seenAt == 0 || at <= t.seenAt || !t.mayFall(t.seenAt, at) {
		return
	}
	if was, is, ok := t.ruleset.Fell(res.CampaignKey, res.Version, slot.Account.CountersOf(res.CampaignKey), t.seenAt, at); ok {
		t.tellResult(slot, res, schemas.Notification{Type: noticeTierDown, Value: is, Target: was}, cause)
	}
}

// mayFall reports whether a level can have been lost between two instants. Most receipts lie within one span of steady levels, which is found once.
func (t *task) mayFall(before, at retail.Instant) bool {
	if s := &t.steady; s.rules != t.ruleset || at < s.from || at >= s.to {
		s.rules = t.ruleset
		s.from, s.to = t.ruleset.LevelsSteady(at)
	}
	return before < t.steady.from
}

// steadySpan is the span of instants in which rules lower nobody's level.
type steadySpan struct {
	rules    *rules.Ruleset
	from, to retail.Instant
}

func stepValue(unit rules.StepUnit, v int64) string {
	if unit == rules.Minor {
		return money.Amount(v).String()
	}
	return strconv.FormatInt(v, 10)
}

func (t *task) tellResult(slot *state.Slot, res *rules.Result, n schemas.Notification, cause *kgo.Record) {
	n.ID = string(t.receipt.ID) + ":" + res.Campaign + ":" + n.Type
	n.At, n.Campaign, n.Reference = t.receipt.EndedAt, res.Campaign, string(t.receipt.ID)
	t.tell(slot, &n, cause)
}
