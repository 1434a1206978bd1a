package backtest

// Report is what a simulation says. Amounts are minor units. Its JSON form is stable within a Kind.
type Report struct {
	Kind      string `json:"kind"`      // cagnotte.backtest/1
	Statement Text   `json:"statement"` // what the figures are, and what they are not
	Source    string `json:"source"`
	Currency  string `json:"currency"`
	Wallet    string `json:"wallet,omitempty"` // that rewards are in, such as points; empty: the currency. Sales and bases are always in the currency
	Zone      string `json:"zone"`             // of dates and hours

	Archive    Archive     `json:"archive"`
	Shift      Shift       `json:"shift"`
	Cost       Cost        `json:"cost"`
	Reach      Reach       `json:"reach"`
	Campaigns  []Campaign  `json:"campaigns"`
	Days       []Day       `json:"days"`
	Members    Spread      `json:"members"`
	Shops      Shops       `json:"shops"`
	Top        []Receipt   `json:"top_receipts"`
	Comparison *Comparison `json:"comparison,omitempty"`
	Sent       *Sent       `json:"sent,omitempty"` // to other accounts
}

// Kind names the form of a report.
const Kind = "cagnotte.backtest/1"

// Text is a sentence in both languages.
type Text struct {
	EN string `json:"en"`
	FR string `json:"fr"`
}

// In returns the text in a language, English when it is not French.
func (t Text) In(lang string) string {
	if lang == "fr" {
		return t.FR
	}
	return t.EN
}

// Archive is what was read.
type Archive struct {
	From            string  `json:"from"` // first and last close, those of tills with a wrong clock left out when the source knows them
	To              string  `json:"to"`
	Receipts        int64   `json:"receipts"` // accepted
	Anonymous       int64   `json:"anonymous"`
	Returns         int64   `json:"returns"`
	Training        int64   `json:"training"`
	Events          int64   `json:"events,omitempty"` // of accounts, apart from tills: not among the receipts
	Repeats         int64   `json:"repeats"`          // of a member's receipt, left out
	Unreadable      int64   `json:"unreadable"`
	Refused         int64   `json:"refused"`
	RefusedBy       []Count `json:"refused_by,omitempty"`
	WithoutOriginal int64   `json:"returns_without_original"` // they name no sale
	OrphanReturns   int64   `json:"returns_of_unknown_sales"` // sales that are not in the archive
	Members         int64   `json:"members"`                  // accounts that have a receipt
}

// Count is a named number.
type Count struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Shift says by how much campaigns were moved to meet the archive.
type Shift struct {
	Weeks     int  `json:"weeks"` // negative: into the past
	Automatic bool `json:"automatic"`
	Statement Text `json:"statement"`
}

// Cost is what the campaigns give: granted at sales, less what returns took back.
type Cost struct {
	NetMinor      int64    `json:"net_minor"`
	GrantedMinor  int64    `json:"granted_minor"`
	ReturnedMinor int64    `json:"returned_minor"`
	LowMinor      int64    `json:"low_minor"` // 95 % range of the net
	HighMinor     int64    `json:"high_minor"`
	Method        Text     `json:"range_method"`
	PerWeekMinor  int64    `json:"per_week_minor"` // mean over the weeks that were covered
	Funders       []Amount `json:"funders"`
	GhostMinor    int64    `json:"ghost_minor"` // what the holdout would have had
}

// Amount is a named sum.
type Amount struct {
	Name  string `json:"name"`
	Minor int64  `json:"minor"`
}

// Reach is who and what the campaigns meet.
type Reach struct {
	MembersOnFile      int64 `json:"members_on_file"`
	MembersConsidered  int64 `json:"members_considered"` // a campaign looked at one of their receipts
	MembersRewarded    int64 `json:"members_rewarded"`   // and something stands, returns deducted
	MembersHeldOut     int64 `json:"members_held_out"`   // in a holdout, and would have had something
	ReceiptsInWindow   int64 `json:"receipts_in_window"`
	ReceiptsConsidered int64 `json:"receipts_considered"`
	ReceiptsRewarded   int64 `json:"receipts_rewarded"`
}

// Campaign is one draft.
type Campaign struct {
	ID              string    `json:"id"`
	Version         int32     `json:"version"`
	Name            Text      `json:"name"`
	Sentence        Text      `json:"sentence"` // what the document means, with its own window
	From            string    `json:"from"`     // the window as written
	To              string    `json:"to,omitempty"`
	SimulatedFrom   string    `json:"simulated_from"`
	SimulatedTo     string    `json:"simulated_to,omitempty"`
	CoveredDays     float64   `json:"covered_days"`          // of the window, that the archive holds
	WindowDays      float64   `json:"window_days,omitempty"` // 0 without an end
	HoldoutBP       int32     `json:"holdout_bp"`
	Cost            Cost      `json:"cost"`
	MembersRewarded int64     `json:"members_rewarded"`
	Outcomes        []Outcome `json:"outcomes"` // of sales
	Returns         Outcome   `json:"returns"`
	Limits          []Limit   `json:"limits"` // what caps and guard-rails took off
	Budget          *Budget   `json:"budget,omitempty"`
}

// Outcome sums the results that came to one outcome.
type Outcome struct {
	Outcome      string `json:"outcome"`
	Results      int64  `json:"results"`
	BasisMinor   int64  `json:"basis_minor"`
	DesiredMinor int64  `json:"desired_minor"`
	GrantedMinor int64  `json:"granted_minor"`
}

// Limit is what a cap or a guard-rail took off.
type Limit struct {
	Limit        string `json:"limit"` // member_cap, receipt_cap, or guardrails. and the limit's id
	Results      int64  `json:"results"`
	ClippedMinor int64  `json:"clipped_minor"`                // of the reward
	BarredMinor  int64  `json:"barred_spend_minor,omitempty"` // spend for which the law allows nothing
}

// Budget says how far the budget goes: what the draft comes to within it, when it ends, and what it would cost without. All other figures of the
// report are without it.
type Budget struct {
	TotalMinor      int64  `json:"total_minor"`           // 0: only the shops are limited
	UsedMinor       int64  `json:"used_minor"`            // at the end of the archive, not cut at the budget
	GrantedMinor    int64  `json:"granted_within_minor"`  // within the budget, in the order of the receipts
	ReturnedMinor   int64  `json:"returned_within_minor"` // what returns took back of that
	RefusedMinor    int64  `json:"refused_minor"`         // what members would not have had
	RefusedReceipts int64  `json:"refused_receipts"`
	EndsAt          string `json:"ends_at,omitempty"`      // the hour in which it ends, in the campaign's own calendar
	PastEndsAt      string `json:"past_ends_at,omitempty"` // the same hour of the archive
	Projected       bool   `json:"projected"`              // the archive does not reach that far: continued at its mean pace
	Statement       Text   `json:"statement"`
	Hours           []Burn `json:"burn"` // cumulative, at the end of each day with a movement
}

// Burn is a point of the burn-down.
type Burn struct {
	At        string `json:"at"` // hour of the archive
	UsedMinor int64  `json:"used_minor"`
}

// Day is one local day of the archive.
type Day struct {
	Day           string `json:"day"`
	GrantedMinor  int64  `json:"granted_minor"`
	ReturnedMinor int64  `json:"returned_minor"`
}

// Spread is how the net cost lies over those who are rewarded.
type Spread struct {
	Count        int64      `json:"count"`
	MeanMinor    int64      `json:"mean_minor"`
	Quantiles    []Quantile `json:"quantiles"`
	Top1ShareBP  int64      `json:"top_1_percent_share_bp"` // of the sum, that the top 1 % have
	TopMinor     int64      `json:"largest_minor"`
	Distribution []Bucket   `json:"distribution,omitempty"`
}

// Quantile is the smallest value that so many percent do not exceed.
type Quantile struct {
	Percent int   `json:"percent"`
	Minor   int64 `json:"minor"`
}

// Bucket counts those whose sum is above From and at most To; To 0 has no end.
type Bucket struct {
	FromMinor int64 `json:"from_minor"`
	ToMinor   int64 `json:"to_minor,omitempty"`
	Count     int64 `json:"count"`
	SumMinor  int64 `json:"sum_minor"`
}

// Shops is the cost per shop.
type Shops struct {
	OnFile int64  `json:"on_file"`
	Spread Spread `json:"spread"` // over the shops with a reward
	Top    []Shop `json:"top"`
}

// Shop is one shop. Returns count where they are given back.
type Shop struct {
	ID         string `json:"id"`
	NetMinor   int64  `json:"net_minor"`
	Rewarded   int64  `json:"receipts_rewarded"`
	Receipts   int64  `json:"receipts_in_window"`
	SalesMinor int64  `json:"sales_in_window_minor"`
	CostBP     int64  `json:"cost_of_sales_bp"`
}

// Receipt is one receipt with a large reward.
type Receipt struct {
	ID            string   `json:"receipt_id"`
	Account       string   `json:"account_id"`
	Shop          string   `json:"store_id"`
	At            string   `json:"at"`
	TotalMinor    int64    `json:"total_minor"`
	RewardMinor   int64    `json:"reward_minor"`
	ReturnedMinor int64    `json:"returned_minor"`
	By            []Amount `json:"by"`
}

// Comparison is what changes when the drafts join the live set.
type Comparison struct {
	Against      string   `json:"against"`
	Campaigns    int      `json:"campaigns"`
	WithoutMinor int64    `json:"without_minor"` // all live campaigns alone, returns deducted
	WithMinor    int64    `json:"with_minor"`
	Members      WinLose  `json:"members"`
	Shops        WinLose  `json:"shops"`
	ShopWinners  []Change `json:"shop_winners"`
	ShopLosers   []Change `json:"shop_losers"`
	Live         []Before `json:"live"`                    // live campaigns whose cost changes
	Apart        int      `json:"other_wallets,omitempty"` // live campaigns that give into another wallet: they take part, their amounts are in no sum
}

// WinLose counts who gets more and who gets less.
type WinLose struct {
	More      int64 `json:"more"`
	MoreMinor int64 `json:"more_minor"`
	Less      int64 `json:"less"`
	LessMinor int64 `json:"less_minor"` // positive
	Same      int64 `json:"same"`
}

// Change is what one of them gets more, or less when negative.
type Change struct {
	Name  string `json:"name"`
	Minor int64  `json:"minor"`
}

// Before is one live campaign without and with the drafts.
type Before struct {
	ID           string `json:"id"`
	WithoutMinor int64  `json:"without_minor"`
	WithMinor    int64  `json:"with_minor"`
}
