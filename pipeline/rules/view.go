package rules

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
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

// Grant is what the ledger is to book for the result of a receipt, in either direction: Earn when Granted is positive, Reverse when negative.
func (r *Result) Grant(rec *retail.Receipt, fp *Footprint) ledger.Grant {
	g := ledger.Grant{
		Campaign: r.Campaign, CampaignKey: r.CampaignKey, Version: r.Version, Amount: r.Granted.Abs(), Receipt: rec.ID, Shop: rec.Shop.ID,
		At: rec.EndedAt, ActiveFrom: r.ActiveFrom, ExpiresAt: r.ExpiresAt, Funding: r.Funding, Wallet: r.Wallet, Donate: r.Donate,
		Standing:      r.Standing,
		GrantedBefore: fp.GrantedBefore(r), // after a return another campaign of the group may win, so an Earn can have a past too
		Store:         rec.Shop.ID,
	}
	if fp.Shop != "" {
		g.Store = retail.ShopID(fp.Shop) // goods that come back elsewhere are paid back by the shop that sold them
	}
	return g
}

// Post makes what the result changes in what evaluation reads: the use of the member cap, and the counters. Money is the ledger's.
func (r *Result) Post(a *ledger.Account) {
	if r.Granted != 0 {
		a.AddUsed(r.CampaignKey, r.Period, r.Granted)
	}
	for _, c := range r.Advances {
		a.Advance(r.CampaignKey, c.Slot, c.Key, c.Delta)
	}
}
