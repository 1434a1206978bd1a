package rules

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
)

// MemberView is what evaluation may read of an account, straight from it.
type MemberView struct{ *ledger.Account }

// Counters implements View.
func (v MemberView) Counters(campaign uint64) []ledger.Counter { return v.CountersOf(campaign) }

// Profile implements View.
func (v MemberView) Profile() *ledger.Profile { return &v.Account.Profile }

// Nobody is the view of a member of whom nothing is known, and of an anonymous receipt.
type Nobody struct{}

// CapUsed implements View: nothing is used.
func (Nobody) CapUsed(uint64, int32) money.Amount { return 0 }

// Counters implements View: nothing is counted.
func (Nobody) Counters(uint64) []ledger.Counter { return nil }

// Profile implements View: nothing is known.
func (Nobody) Profile() *ledger.Profile { return &ledger.Profile{} }

var _, _ View = MemberView{}, Nobody{}

// Post makes what the result changes in what evaluation reads: the use of the member cap, and the counters. Money is the ledger's.
func (r *Result) Post(a *ledger.Account) {
	if r.Granted != 0 {
		a.AddUsed(r.CampaignKey, r.Period, r.Granted)
	}
	for _, c := range r.Advances {
		a.Advance(r.CampaignKey, c.Slot, c.Key, c.Delta)
	}
}
