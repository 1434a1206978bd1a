package dashboards

import (
	"cagnotte/pipeline/measure"
)

// The types of this file are what the pages receive as JSON. Money is in minor units, instants are milliseconds of UTC, shares are
// fractions, and every block that can be older than another says when it is from.

// Text is a text in the two languages of the pages.
type Text struct {
	FR string `json:"fr"`
	EN string `json:"en"`
}

// Snapshot is the whole state of the page Now.
type Snapshot struct {
	Epoch       string        `json:"epoch"` // of this server's memory: another epoch means that sequence numbers started again
	Seq         uint64        `json:"seq"`
	NowMs       int64         `json:"now_ms"`   // server's clock when this was built
	AsOfMs      int64         `json:"as_of_ms"` // newest commit that is counted, 0 before the first
	BehindMs    int64         `json:"behind_ms"`
	Starting    bool          `json:"starting"` // history is still being read
	Zone        string        `json:"zone"`     // IANA name of the zone that days are cut in
	Currency    string        `json:"currency"`
	Today       Totals        `json:"today"`
	Minute      Minute        `json:"minute"`
	Lag         Lag           `json:"lag"`
	Budget      Budget        `json:"budget"`
	Series      Series        `json:"series"`
	Campaigns   []CampaignRow `json:"campaigns"`
	DeadLetters DeadLetters   `json:"dead_letters"`
}

// Totals counts what was processed since midnight of the zone, by time of processing.
type Totals struct {
	SinceMs       int64 `json:"since_ms"`
	Complete      bool  `json:"complete"` // false: the day's beginning is older than what could be read
	Receipts      int64 `json:"receipts"`
	Members       int64 `json:"members"`
	Duplicates    int64 `json:"duplicates"`
	Rejected      int64 `json:"rejected"`
	Forwarded     int64 `json:"forwarded"`
	NetMinor      int64 `json:"net_minor"`
	GrantedMinor  int64 `json:"granted_minor"`
	ReversedMinor int64 `json:"reversed_minor"` // positive
}

// Minute counts the last sixty seconds.
type Minute struct {
	Receipts     int64 `json:"receipts"`
	Members      int64 `json:"members"`
	Rejected     int64 `json:"rejected"`
	GrantedMinor int64 `json:"granted_minor"`
	Shops        int64 `json:"shops"` // that sent at least one receipt
}

// Lag says how much is waiting.
type Lag struct {
	Records    int64   `json:"records"`
	Seconds    float64 `json:"seconds"` // age of the oldest thing that waits, 0 when nothing does; never negative
	Partitions int     `json:"partitions"`
	AsOfMs     int64   `json:"as_of_ms"`
}

// Budget adds up the running campaigns that have one in the currency.
type Budget struct {
	TotalMinor int64 `json:"total_minor"`
	SpentMinor int64 `json:"spent_minor"` // granted - reversed
	Campaigns  int   `json:"campaigns"`
}

// Series are counts in steps of StepMs from FromMs on; all slices have one length. A delta carries only the tail that changed.
type Series struct {
	StepMs       int64   `json:"step_ms"`
	FromMs       int64   `json:"from_ms"`
	Receipts     []int64 `json:"receipts"`
	Members      []int64 `json:"members"`
	Rejected     []int64 `json:"rejected"`
	GrantedMinor []int64 `json:"granted_minor"`
	LagMs        []int64 `json:"lag_ms"` // worst delay from append to commit within the step
}

// CampaignRow is one campaign on the page Now.
type CampaignRow struct {
	ID            string       `json:"id"`
	Version       int32        `json:"version"`
	Name          Text         `json:"name"`
	Status        string       `json:"status"` // scheduled, running, ended
	FromMs        int64        `json:"from_ms"`
	ToMs          int64        `json:"to_ms"` // exclusive, 0: no end
	TZ            string       `json:"tz"`    // zone that its days are days of
	HoldoutBP     int          `json:"holdout_bp"`
	BudgetMinor   int64        `json:"budget_minor"`     // 0: none
	Wallet        string       `json:"wallet,omitempty"` // what amounts are in; empty: the currency
	Considered    int64        `json:"considered"`       // receipts, all arms
	Rewarded      int64        `json:"rewarded"`         // receipts
	GrantedMinor  int64        `json:"granted_minor"`
	ReversedMinor int64        `json:"reversed_minor"`
	Participation *Participant `json:"participation,omitempty"`
}

// Participant counts members of the treatment arm; absent until the store of members has answered.
type Participant struct {
	Participants int64          `json:"participants"`
	Eligible     int64          `json:"eligible"`
	Rate         measure.Result `json:"rate"`
	AsOfMs       int64          `json:"as_of_ms"`
}

// DeadLetters groups what was refused in the last hours.
type DeadLetters struct {
	AsOfMs      int64           `json:"as_of_ms"` // 0: not read yet
	WindowHours int             `json:"window_hours"`
	Total       int64           `json:"total"`
	Rows        []DeadLetterRow `json:"rows"`
}

// DeadLetterRow is one code.
type DeadLetterRow struct {
	Code   string `json:"code"`
	Count  int64  `json:"count"`
	LastMs int64  `json:"last_ms"`
	Stage  string `json:"stage"`
	Path   string `json:"path"` // of the newest one
	Detail string `json:"detail"`
	Shop   string `json:"shop"`
}

// CampaignDetail is the page Campaign.
type CampaignDetail struct {
	ID          string        `json:"id"`
	NowMs       int64         `json:"now_ms"`
	AsOfMs      int64         `json:"as_of_ms"` // of the member figures
	TookMs      int64         `json:"took_ms"`
	Zone        string        `json:"zone"`
	Currency    string        `json:"currency"`
	Row         CampaignRow   `json:"row"`
	Rule        Rule          `json:"rule"`
	Rates       Rates         `json:"rates"`
	Split       measure.SRM   `json:"split"`
	Spend       Effect        `json:"spend"`
	Visits      Effect        `json:"visits"`
	Traffic     Traffic       `json:"traffic"`
	Cost        Cost          `json:"cost"`
	Outcomes    []OutcomeRow  `json:"outcomes"`
	Unavailable []Unavailable `json:"unavailable,omitempty"` // blocks that could not be read now
}

// Unavailable names a block of the page whose query failed; the page says so instead of showing zeros.
type Unavailable struct {
	Block string `json:"block"` // members, stores, cost, outcomes
	Cause string `json:"cause"` // a short code: timeout, unreachable, failed
}

// Rates are the participation rates with their three denominators, members of the treatment arm.
type Rates struct {
	Participants int64          `json:"participants"` // with a granted reward, net of returns
	Eligible     measure.Result `json:"eligible"`     // among members known to the participating stores
	Active       measure.Result `json:"active"`       // among those with a receipt in the window
	All          measure.Result `json:"all"`          // among all members on record
	Ghost        measure.Result `json:"ghost"`        // holdout members who would have been rewarded, among eligible holdout members
	Incremental  measure.Result `json:"incremental"`  // difference of the two, always valid
}

// Effect compares the arms as assigned. Relative is the headline; Absolute has the unit of the means.
type Effect struct {
	Relative      measure.Result `json:"relative"`
	Absolute      measure.Result `json:"absolute"`
	FixedHorizon  measure.Result `json:"fixed_horizon"` // Welch beside it, relative
	TreatmentMean float64        `json:"treatment_mean"`
	ControlMean   float64        `json:"control_mean"`
}

// Traffic compares participating stores with the others.
type Traffic struct {
	Uplift     measure.Result `json:"uplift"`
	BeforeDays int            `json:"before_days"`
	DuringDays int            `json:"during_days"` // whole days
	AsOfMs     int64          `json:"as_of_ms"`
}

// Cost is what the campaign has cost so far.
type Cost struct {
	AsOfMs        int64        `json:"as_of_ms"`
	GrantedMinor  int64        `json:"granted_minor"`
	ReversedMinor int64        `json:"reversed_minor"`
	Receipts      int64        `json:"receipts"` // rewarded
	Funders       []FunderCost `json:"funders"`
	Burn          Burn         `json:"burn"`
}

// FunderCost is one funder's net share.
type FunderCost struct {
	Party    string `json:"party"`
	NetMinor int64  `json:"net_minor"`
}

// Burn is the cumulative net cost at the end of each step, beginning with zero before the first reward.
type Burn struct {
	AtMs     []int64 `json:"at_ms"`
	NetMinor []int64 `json:"net_minor"`
}

// OutcomeRow counts the receipts of one outcome, by the wire's name of it.
type OutcomeRow struct {
	Outcome  string `json:"outcome"`
	Receipts int64  `json:"receipts"`
}

// Rule is what the sentence of a campaign is made of.
type Rule struct {
	TZ           string   `json:"tz"`
	FromMs       int64    `json:"from_ms"`
	ToMs         int64    `json:"to_ms"`
	Hours        string   `json:"hours,omitempty"`
	Weekdays     []int    `json:"weekdays,omitempty"` // 1 is Monday
	Stores       []string `json:"stores,omitempty"`
	Banners      []string `json:"banners,omitempty"`
	Countries    []string `json:"countries,omitempty"`
	Channels     []string `json:"channels,omitempty"`
	Category     []string `json:"category,omitempty"`
	Brand        []string `json:"brand,omitempty"`
	Products     int      `json:"products,omitempty"` // how many GTIN and SKU are listed
	Departments  []string `json:"departments,omitempty"`
	Excluded     []string `json:"excluded,omitempty"`
	MinSpend     int64    `json:"min_spend_minor,omitempty"`
	MinQuantity  int64    `json:"min_quantity,omitempty"`
	MinBasket    int64    `json:"min_basket_minor,omitempty"`
	PercentPPM   int64    `json:"percent_ppm,omitempty"`
	FixedMinor   int64    `json:"fixed_minor,omitempty"`
	PerUnitMinor int64    `json:"per_unit_minor,omitempty"`
	Ladder       []Rung   `json:"ladder,omitempty"`
	MaxReceipt   int64    `json:"max_per_receipt_minor,omitempty"`
	MaxMember    int64    `json:"max_per_member_minor,omitempty"`
	MaxPer       string   `json:"max_per,omitempty"` // campaign, day, week, month, year
	PendingMs    int64    `json:"pending_ms,omitempty"`
	Funders      []Funder `json:"funders"`
	Words        *Words   `json:"words,omitempty"` // of a document that says more than the fields here
}

// Words is the sentence that the rules make of a document, per language.
type Words struct {
	FR string `json:"fr"`
	EN string `json:"en"`
}

// Rung is one step of a ladder.
type Rung struct {
	SpendMinor int64 `json:"spend_minor"`
	GetMinor   int64 `json:"get_minor"`
}

// Funder is one payer's planned share, in parts per million.
type Funder struct {
	Party    string `json:"party"`
	SharePPM int64  `json:"share_ppm"`
}
