package ledger

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Account is the whole state of one loyalty account, fused so that a receipt reads and writes one value (research: one fused value takes a
// quarter of the CPU of separate keys). It is mutated in place by the task that owns its partition; not safe for concurrent use.
type Account struct {
	Seq           uint64     // of the last entry, over all wallets
	Purse                    // the programme's currency
	Wallets       []Wallet   // further ones, sorted by name
	Holds         []Hold     // reserved by tills and not settled yet, sorted by (ExpiresAt, ID)
	Progress      []Progress // cap usage, sorted by (Campaign, Period)
	Recent        []uint64   // xxhash64 of the last receipt ids, oldest first
	RecentFull    bool       // ids have fallen out of Recent: an id that is not there may still be known (see state)
	LastReceiptAt retail.Instant
	Profile       Profile            // what events have said
	Counters      []Counter          // of stateful campaigns, sorted by (Campaign, Slot, Key)
	MergedInto    retail.AccountID   // the account is closed, and this one is the member's
	Absorbed      []retail.AccountID // accounts that have gone into this one, oldest first
}

// Purse is what a member has in one wallet.
type Purse struct {
	Pending        money.Amount
	Available      money.Amount   // = sum of active lots' Remaining - deficit; negative only by a deficit
	LifetimeEarned money.Amount   // Earn minus Reverse
	Lots           []Lot          // sorted by (Active, ExpiresAt, ActiveFrom, Campaign, Version); pending first, never-lapsing last
	RemindMs       int64          // how long before a lot lapses the member is told; 0: never
	RemindedTo     retail.Instant // lots that lapse by then have been announced
	IdleMs         int64          // everything lapses so long after UsedAt; 0: not for want of activity
	UsedAt         retail.Instant // newest sale, reward or correction; kept only with IdleMs
}

// Wallet is a purse with a name, for what is not the programme's currency: points, say.
type Wallet struct {
	Name string
	Purse
}

// MaxRecent is how many receipt ids stay in the account's value; older ones are looked up by key. Each takes eight bytes of every value that is written:
// 48 of them were half of a busy account's.
const MaxRecent = 12

// maxRecentRead is how many a value may hold when it is read: what earlier versions wrote.
const maxRecentRead = 48

// Lot is what is left of the rewards of one campaign that become active, and lapse, together. Instants are quantised by the campaign's validity
// template (pending: up to the hour; expiry: to the day or month), so that the number of lots is bounded by campaigns x periods, not by receipts.
type Lot struct {
	Campaign   uint64
	Version    int32
	Active     bool
	ActiveFrom retail.Instant // kept at 0 once active, so that lots of one expiry merge
	ExpiresAt  retail.Instant // 0: never
	Remaining  money.Amount   // > 0; an empty lot is removed
}

// Progress is how much of a member cap is used.
type Progress struct {
	Campaign uint64
	Period   int32 // number of the calendar period in the campaign's zone; 0 when the cap is for the whole campaign
	Used     money.Amount
}
