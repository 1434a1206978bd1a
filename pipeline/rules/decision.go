// Package rules turns campaign documents into a compiled, indexed Ruleset and a receipt into a Decision.
//
// It is pure and deterministic: integers only, no clock, no randomness, no map order. A Ruleset is immutable and shared; an Evaluator is
// scratch memory of one task. The meaning of every construct is in README.md.
package rules

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Arm is the side of a campaign's experiment an account is on, by hash (decision D31). The numbers are the wire's enum indexes.
type Arm uint8

// Arms.
const (
	NoArm Arm = iota // no account
	Treatment
	Holdout
)

// Outcome is what became of one campaign on one receipt. Values are in descending precedence: when several hold, the first is reported. NotTargeted
// comes after ShopExcluded, InProgress before CapReached. The numbers are the wire's enum indexes.
type Outcome uint8

// Outcomes.
const (
	UnknownOutcome  Outcome = iota
	NoAccount               // anonymous receipt: the campaign would have matched, nobody to credit
	OutOfWindow             // a line matched, the instant, weekday or hour did not
	ShopExcluded            // a line matched, the shop or the channel did not
	BelowThreshold          // spend or quantity is below what the reward needs
	NothingEligible         // the matching lines hold nothing that may be rewarded
	HeldOut                 // the account is in the holdout: Desired is the ghost reward, Granted is zero
	Outranked               // another campaign of the stacking group won
	CapReached              // the member's cap left nothing
	Capped                  // granted, less than desired
	Awarded                 // granted in full
	Reversed                // a return took (part of) it back: Granted is negative
	NoOriginal              // a return that names no known receipt: nothing is clawed back (D14)
	NotTargeted             // the member is not among those whom the campaign is for
	InProgress              // a stateful campaign counted the receipt, and nothing was completed by it
)

// StepCode is a message key; the pages translate it.
type StepCode string

// Step is one test of an evaluation: which node of the document, and what was observed against what was expected.
// Observed and Expected are minor units or thousandths, by Unit; texts use ObservedText and ExpectedText.
type Step struct {
	Node         string // path in the campaign document, when.all[1]; shared, never built per receipt
	Code         StepCode
	Passed       bool
	Unit         StepUnit
	Observed     int64
	Expected     int64
	ObservedText string
	ExpectedText string
}

// StepUnit says how to print a step's numbers.
type StepUnit uint8

// Step units. The numbers are the wire's enum indexes.
const (
	NoUnit StepUnit = iota
	Minor           // money
	Milli           // thousandths of a piece or kilogram
	Count
	Time // Instant
	Text // the *Text fields
)

// Result is one campaign's part of a decision.
type Result struct {
	Campaign    string
	CampaignKey uint64
	Version     int32
	Arm         Arm
	Outcome     Outcome
	Basis       money.Amount // net of the matching, eligible lines
	Desired     money.Amount // before member caps; the ghost reward in the holdout
	Granted     money.Amount // what is posted: positive on a sale, negative on a return
	CappedBy    string       // "receipt", "member" or ""
	Period      int32        // of the member cap
	ActiveFrom  retail.Instant
	ExpiresAt   retail.Instant
	Funding     []ledger.Share // shared with the ruleset
	Wallet      string         // "": the programme's currency
	Donate      ledger.Share   // part of what is granted that goes to a charity; zero Rate: none
	Badge       string         // held while the campaign stands, see Held
	Held        int8           // with a badge or an event: 1 when the campaign comes to stand, -1 when it ceases to
	Emit        Emission       // an event for another account; zero Kind: none
	Standing    bool           // Granted changes what stands for several receipts, and
	Before      money.Amount   // is what stood before
	Advances    []Advance      // what the account's counters change by; aliases the decision
	Steps       []Step         // aliases the decision
}

// Advance is a change of one counter of the result's campaign: whoever posts a result makes it by ledger.Account.Advance.
type Advance struct {
	Slot  int32
	Key   uint32
	Delta int64
}

// Emission is an event that a campaign sends to another account: a sale emits it, a return takes its part back.
type Emission struct {
	Kind   string
	To     EmitTo
	Net    money.Amount // of the matching lines; a change on a return
	Pieces int64
}

// EmitTo is whom an emission is for.
type EmitTo uint8

// Receivers of emissions.
const (
	NoReceiver EmitTo = iota
	ToReferrer        // the account that brought this one
	ToOperator        // the account of the till's operator: op: and its id
)

// Decision is what the campaigns made of one receipt: one Result for each campaign considered (those whose product index matched a line,
// or that look at the whole basket), in evaluation order. Reset reuses its memory. Not safe for concurrent use.
type Decision struct {
	RulesetVersion int64
	Results        []Result
	steps          []Step
	advances       []Advance
}

// View is what evaluation may read of the account. Implemented by an adapter over ledger.Account in the pipeline.
type View interface {
	// CapUsed returns how much of the campaign's member cap is used in the period.
	CapUsed(campaign uint64, period int32) money.Amount
	// Counters returns the campaign's counters, sorted by (Slot, Key); nil when there are none. Valid until the account changes.
	Counters(campaign uint64) []ledger.Counter
	// Profile returns what events have said about the member; never nil. Not to be changed.
	Profile() *ledger.Profile
}

// Reset empties the decision.
func (d *Decision) Reset() {
	d.RulesetVersion, d.Results, d.steps, d.advances = 0, d.Results[:0], d.steps[:0], d.advances[:0]
}
