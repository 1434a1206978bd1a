package rules

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"

	"github.com/google/cel-go/cel"
)

// Campaign is one version of a campaign as its author wrote it, checked and with its defaults filled in. It is immutable once parsed.
// A zero amount, count or list means "not given".
type Campaign struct {
	ID            string
	Version       int32
	EffectiveFrom retail.Instant // from which event time on this version replaces earlier ones
	Name          Name
	Event         string // the campaign is about events of this kind, never about receipts; empty: about receipts
	Window        Window
	Who           Who
	Stores        Stores
	Channels      []retail.Channel
	Lines         Selector // which lines count; zero: every line
	When          When
	Reward        Reward
	Progress      Progress // stateful: rewards what receipts come to
	Tiers         Tiers    // instead of a reward: levels
	Terms         *Terms   // how a wallet's money is spent; then there is no reward
	Validity      Validity
	Stacking      Stacking
	Priority      int32 // higher first
	Funding       []ledger.Share
	HoldoutBP     int32 // basis points of the accounts, 1 000 is 10 %
	Budget        money.Amount
	BudgetOnce    bool      // what returns take back is not granted again (recycle: false)
	StoreBudget   MemberCap // what each shop may grant in a calendar period of the campaign's zone
	BudgetEven    bool      // the total is released evenly over the window (pacing: even)
	Notify        bool      // each reward, and each step towards a goal, is told to the member
	Tests         []Test

	effectiveText string // as written, empty when defaulted
}

// Name is what members and marketers read.
type Name struct{ FR, EN string }

// Window is when a receipt counts. Instants are half-open: From <= t < To.
type Window struct {
	From, To retail.Instant // To is 0 when the campaign has no end
	TZ       string         // IANA
	Hours    Hours
	Weekdays Weekdays

	fromText, toText string
}

// Hours is the part of each local day that counts, in minutes since midnight, half-open. Zero: the whole day.
type Hours struct{ From, To int16 }

// Weekdays is a set of local weekdays, bit 0 is Monday. Zero: every day.
type Weekdays uint8

// Stores restricts the shop: any of the values within a list, every list that is given, and none of ExcludeIDs (shops that declined).
type Stores struct{ IDs, Banners, Countries, ExcludeIDs []string }

// Selector says which lines of a receipt count.
type Selector struct {
	Include LineKeys
	Exclude LineKeys
}

// LineKeys lists products by what a till knows of them. Include: any value of every list given. Exclude: any value of any list.
// A category is a path prefix on whole segments: GROCERY/COFFEE holds GROCERY/COFFEE/BEANS and not GROCERY/COFFEESHOP.
type LineKeys struct{ Category, Brand, GTIN, SKU, Department, Label []string }

func (k *LineKeys) empty() bool {
	return len(k.Category)+len(k.Brand)+len(k.GTIN)+len(k.SKU)+len(k.Department)+len(k.Label) == 0
}

// When holds the thresholds of the reward.
type When struct {
	MinSpend    money.Amount // of the matching, eligible lines
	MinQuantity int64        // whole pieces
	MinBasket   money.Amount // of the receipt's total
	Coupon      []string     // any of these was scanned
	CEL         string       // an expert condition, see cel.go

	program cel.Program // of CEL
}

func (w *When) empty() bool {
	return w.MinSpend == 0 && w.MinQuantity == 0 && w.MinBasket == 0 && len(w.Coupon) == 0 && w.CEL == ""
}

// Reward is what is given. Exactly one of Percent, Fixed, PerUnit, Ladder, Points, Times, Draw and Notice is set, or Badge alone.
type Reward struct {
	Percent       money.Rate
	Fixed         money.Amount
	PerUnit       money.Amount
	Ladder        []LadderStep // ascending by Spend and Get
	Every         int64        // with Percent or Fixed: of every so many pieces one, or for each such group; 0: not by groups
	Pick          Pick         // of a group, with Percent
	Rounding      money.Rounding
	MaxPerReceipt money.Amount
	MaxPerMember  MemberCap
	Points        Points
	Times         Times
	Draw          Draw
	Notice        Notice       // the event that it sends
	Wallet        string       // empty: the programme's currency
	Donate        ledger.Share // of what is granted, to a charity instead of the member
	Badge         string       // held while the campaign stands
}

// LadderStep gives Get from Spend on; the highest step reached counts.
type LadderStep struct {
	Spend, Get money.Amount
	reach      bool // Spend is what progress has to reach: in hundredths of what it counts
}

// MemberCap bounds what one account gets of the campaign in a calendar period of the campaign's zone. Zero Amount: no cap.
type MemberCap struct {
	Amount money.Amount
	Per    CapPeriod
}

// CapPeriod is the calendar period of a member cap.
type CapPeriod uint8

// Cap periods.
const (
	PerCampaign CapPeriod = iota
	PerDay
	PerWeek // ISO
	PerMonth
	PerYear
)

// Validity says when a reward becomes spendable and when it lapses.
type Validity struct {
	PendingMs   int64 // 0: spendable at once
	ExpireDays  int32 // 0: not by age
	ExpireMonth int8  // 0: not by calendar; else the day ExpireMonth/ExpireDay of the year after the purchase
	ExpireDay   int8
}

// StackMode says how campaigns of one group live together on one receipt.
type StackMode uint8

// Stacking modes.
const (
	Stack StackMode = iota
	BestForMember
	First
)

// Stacking puts a campaign into a group.
type Stacking struct {
	Group string
	Mode  StackMode
}

// Default values of the grammar.
const (
	DefaultZone   = "Europe/Paris"
	DefaultFunder = "retailer"
)

// Bounds of a document.
const (
	MaxDocBytes = 256 << 10
	MaxList     = 10_000
	maxDepth    = 24
)
