// Package ledger keeps the members' money: double-entry entries, lots that go from pending to active to spent or expired, and the whole
// state of an account as one value. It is pure: no I/O, no clock, no map whose order could show. Amounts are minor units.
package ledger

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Kind says what an entry does. The numbers are the wire's enum indexes.
type Kind uint8

// Kinds.
const (
	UnknownKind Kind = iota
	Earn             // a reward is granted: funders -> member (pending, or available when not deferred)
	Activate         // a pending lot becomes spendable: member pending -> member available
	Reverse          // a return takes a reward back: member -> funders
	Expire           // a lot lapses: member available -> breakage
	Redeem           // spent at a till at once: member available -> settlement
	Adjust           // manual, by a command: programme -> member, or back
	Reserve          // a till reserves: member available -> held
	Commit           // a reserved amount is spent: held -> settlement
	Cancel           // a reserved amount is given back: held -> member available
	Refund           // what was spent comes back: settlement -> member available
	Merge            // an account goes into another: member -> transfer in the one, transfer -> member in the other
)

// Book is one side of a posting. The numbers are the wire's enum indexes.
type Book uint8

// Books. The sum over all books of one entry is zero (invariant I1).
const (
	UnknownBook     Book = iota
	MemberPending        // owed to the member, not yet spendable
	MemberAvailable      // owed to the member, spendable; may go below zero after a return of spent money (D16)
	Funding              // what a funder has paid: party = funder; negative is cost
	WriteOff             // claw-back that nobody could pay
	Breakage             // expired rewards
	Settlement           // paid at tills
	Held                 // reserved by a till, not spent yet
	Charity              // given away: party = the charity
	Transfer             // on its way to another account: party = that account
)

// Posting moves Amount into a book of a party (the account, or a funder's name).
type Posting struct {
	Book   Book
	Party  string
	Amount money.Amount
}

// Entry is one immutable, double-entry fact of one account. (Account, Seq) names it: sequences start at 1 and have no holes, so a
// record that is processed again writes the same row under the same name.
type Entry struct {
	Account         retail.AccountID
	Seq             uint64
	Kind            Kind
	Amount          money.Amount // change of pending + available, signed; for Activate and Commit the amount moved (positive)
	PendingAfter    money.Amount // of the wallet
	AvailableAfter  money.Amount // of the wallet
	Campaign        string       // empty when no campaign is concerned
	CampaignVersion int32
	Receipt         retail.ReceiptID // the receipt that caused it: the sale on Earn, the return on Reverse; empty on timers
	Shop            retail.ShopID
	At              retail.Instant // receipt's close, or the scheduled instant of a timer: never the moment of processing
	ActiveFrom      retail.Instant // lot's, 0 when none
	ExpiresAt       retail.Instant // lot's, 0 when it never lapses
	Reason          string         // a short code such as "capped" or "deficit_absorbed"; empty mostly
	Wallet          string         // empty: the programme's currency
	Reference       string         // the hold; on Redeem the gift; on Refund the event that spent; on Merge the other account
	Postings        []Posting      // sums to zero; aliases the journal that made it
}

// Share is one party's part of a reward.
type Share struct {
	Party string
	Rate  money.Rate // the funders' shares of a campaign sum to money.One
}

// Grant is a reward to post (Earn) or to take back (Reverse). Amount is positive in both cases.
type Grant struct {
	Campaign    string
	CampaignKey uint64 // xxhash64 of Campaign, what a lot remembers
	Version     int32
	Amount      money.Amount
	// GrantedBefore is what this campaign had granted for the original receipt before this step: 0 on a first Earn, what is left on a Reverse
	// or on an Earn that follows one. With it each step posts the difference of two cumulative splits, so that a full reversal nets every
	// funder to zero, odd cents included.
	GrantedBefore money.Amount
	Receipt       retail.ReceiptID
	Shop          retail.ShopID
	At            retail.Instant
	ActiveFrom    retail.Instant
	ExpiresAt     retail.Instant
	Funding       []Share
	Reason        string
	Wallet        string        // empty: the programme's currency
	Donate        Share         // the part of it that goes to a charity; no party: nothing
	Store         retail.ShopID // the shop of the sale: the funder "store" is this one
	Terms         *Terms        // of the wallet; nil: none
	Standing      bool          // rewards several receipts together: any pending lot of the campaign is what it went into
}

// Names finds a campaign's id by its key, for entries that timers make. It returns "" for a key it does not know.
type Names interface{ CampaignID(key uint64) string }

// Journal collects the entries of one step and owns the memory of their postings. Reset reuses it; entries are valid until then.
// Not safe for concurrent use.
type Journal struct {
	Entries  []Entry
	Notices  []Notice // reminders: nothing is booked for them
	postings []Posting
	stores   map[retail.ShopID]string // names of stores as funders
}

// Notice tells that Amount of a wallet lapses at ExpiresAt. At is the scheduled instant of the reminder.
type Notice struct {
	Wallet    string
	At        retail.Instant
	ExpiresAt retail.Instant
	Amount    money.Amount
}

// Reset empties the journal.
func (j *Journal) Reset() {
	j.Entries, j.Notices, j.postings = j.Entries[:0], j.Notices[:0], j.postings[:0]
}
