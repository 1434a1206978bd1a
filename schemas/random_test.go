package schemas_test

import (
	"math"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"
)

// Random messages over the whole range of each field, good or not as receipts: the codec must carry what it is given.

func text[T ~string](t *rapid.T, label string) T { return T(rapid.StringN(0, 12, 40).Draw(t, label)) }

func long[T ~int64](t *rapid.T, label string) T { return T(rapid.Int64().Draw(t, label)) }

// moment stays within what the oracle's time.Time can carry.
func moment(t *rapid.T, label string) retail.Instant {
	return retail.Instant(rapid.Int64Range(-60_000_000_000_000, 250_000_000_000_000).Draw(t, label))
}

func symbol[T ~uint8](t *rapid.T, last T) T {
	return T(rapid.Uint8Range(0, uint8(last)).Draw(t, "symbol"))
}

func some[T any](t *rapid.T, label string, limit int, one func(*rapid.T) T) []T {
	return rapid.SliceOfN(rapid.Custom(one), 0, limit).Draw(t, label)
}

func randomReceipt(t *rapid.T) *retail.Receipt {
	r := &retail.Receipt{
		ID: text[retail.ReceiptID](t, "id"), Type: symbol(t, retail.Event), Training: rapid.Bool().Draw(t, "training"),
		Shop:       retail.Shop{ID: text[retail.ShopID](t, "shop"), GLN: text[string](t, "gln"), Banner: text[string](t, "banner"), Country: text[string](t, "country")},
		TerminalID: text[string](t, "terminal"), OperatorID: text[string](t, "operator"), BusinessDate: retail.Date(rapid.Int32Range(-700_000, 2_000_000).Draw(t, "date")),
		SequenceNo: long[int64](t, "sequence"), StartedAt: moment(t, "started"), EndedAt: moment(t, "ended"), UTCOffsetMin: rapid.Int32().Draw(t, "offset"),
		Channel: symbol(t, retail.Delivery), Currency: text[string](t, "currency"), Lines: some(t, "lines", 5, randomLine), Discounts: some(t, "discounts", 3, randomDiscount),
		Taxes: some(t, "taxes", 3, func(t *rapid.T) retail.TaxTotal {
			return retail.TaxTotal{VATRateBP: rapid.Int32().Draw(t, "bp"), Taxable: long[money.Amount](t, "taxable"), Tax: long[money.Amount](t, "tax")}
		}),
		Tenders: some(t, "tenders", 3, func(t *rapid.T) retail.Tender {
			return retail.Tender{Type: symbol(t, retail.OtherTender), Amount: long[money.Amount](t, "amount")}
		}),
		Total: long[money.Amount](t, "total"), Tax: long[money.Amount](t, "tax"), Coupons: some(t, "coupons", 3, func(t *rapid.T) string { return text[string](t, "coupon") }),
	}
	if rapid.Bool().Draw(t, "member") {
		r.Loyalty = retail.Loyalty{AccountID: text[retail.AccountID](t, "account"), ProgramID: text[string](t, "program"), Capture: symbol(t, retail.AfterSale)}
	}
	if rapid.Bool().Draw(t, "has original") {
		r.Original = retail.Original{Given: true, ReceiptID: text[retail.ReceiptID](t, "original"), ShopID: text[retail.ShopID](t, "shop"), TerminalID: text[string](t, "terminal"),
			BusinessDate: retail.Date(rapid.Int32Range(-700_000, 2_000_000).Draw(t, "date")), SequenceNo: long[int64](t, "sequence"), Reason: text[string](t, "reason")}
	}
	if rapid.Bool().Draw(t, "has source") {
		r.Source = retail.Source{POSVendor: text[string](t, "vendor"), POSVersion: text[string](t, "version"), Sender: text[string](t, "sender")}
	}
	for _, key := range rapid.SliceOfNDistinct(rapid.StringN(0, 8, 20), 0, 4, rapid.ID).Draw(t, "keys") {
		r.Attributes = append(r.Attributes, retail.Attribute{Key: key, Value: text[string](t, "value")})
	}
	return r
}

func randomLine(t *rapid.T) retail.Line {
	return retail.Line{
		No: rapid.Int32().Draw(t, "no"), Kind: symbol(t, retail.Service), GTIN: text[string](t, "gtin"), SKU: text[string](t, "sku"), Description: text[string](t, "description"),
		Department: text[string](t, "department"), Category: text[string](t, "category"), Brand: text[string](t, "brand"), QuantityMilli: long[int64](t, "quantity"), Unit: symbol(t, retail.Metre),
		UnitPrice: long[money.Amount](t, "price"), Gross: long[money.Amount](t, "gross"), Net: long[money.Amount](t, "net"), VATRateBP: rapid.Int32().Draw(t, "vat"),
		Discounts: some(t, "discounts", 2, randomDiscount), Ineligible: rapid.Bool().Draw(t, "ineligible"), ReturnOfLine: rapid.Int32().Draw(t, "return of"),
		Labels: some(t, "labels", 3, func(t *rapid.T) string { return text[string](t, "label") }),
	}
}

func randomDiscount(t *rapid.T) retail.Discount {
	return retail.Discount{Amount: long[money.Amount](t, "amount"), Kind: symbol(t, retail.Manual), PromotionID: text[string](t, "promotion"), FundedBy: text[string](t, "funder")}
}

func randomLedger(t *rapid.T) *schemas.LedgerRecord {
	rec := &schemas.LedgerRecord{Account: text[retail.AccountID](t, "account"), Currency: text[string](t, "currency"), ProcessedAt: moment(t, "processed")}
	rec.Entries = some(t, "entries", 4, func(t *rapid.T) ledger.Entry {
		return ledger.Entry{
			Account: rec.Account, Seq: uint64(long[int64](t, "seq")), Kind: symbol(t, ledger.Merge), Amount: long[money.Amount](t, "amount"), PendingAfter: long[money.Amount](t, "pending"),
			AvailableAfter: long[money.Amount](t, "available"), Campaign: text[string](t, "campaign"), CampaignVersion: rapid.Int32().Draw(t, "version"),
			Receipt: text[retail.ReceiptID](t, "receipt"), Shop: text[retail.ShopID](t, "shop"), At: moment(t, "at"), ActiveFrom: moment(t, "active"), ExpiresAt: moment(t, "expires"),
			Wallet: text[string](t, "wallet"), Reference: text[string](t, "reference"), Reason: text[string](t, "reason"), Postings: some(t, "postings", 3, func(t *rapid.T) ledger.Posting {
				return ledger.Posting{Book: symbol(t, ledger.Transfer), Party: text[string](t, "party"), Amount: long[money.Amount](t, "amount")}
			}),
		}
	})
	return rec
}

func randomBalance(t *rapid.T) *schemas.BalanceUpdate {
	return &schemas.BalanceUpdate{
		Account: text[retail.AccountID](t, "account"), Version: uint64(long[int64](t, "version")), Currency: text[string](t, "currency"), Pending: long[money.Amount](t, "pending"),
		Available: long[money.Amount](t, "available"), LifetimeEarned: long[money.Amount](t, "lifetime"), NextDueAt: moment(t, "due"), UpdatedAt: moment(t, "updated"),
		Held: long[money.Amount](t, "held"), Wallets: some(t, "wallets", 3, func(t *rapid.T) schemas.WalletBalance {
			return schemas.WalletBalance{Wallet: text[string](t, "wallet"), Pending: long[money.Amount](t, "pending"), Available: long[money.Amount](t, "available"),
				Held: long[money.Amount](t, "held"), LifetimeEarned: long[money.Amount](t, "lifetime")}
		}),
	}
}

func randomDecision(t *rapid.T) *schemas.ReceiptDecision {
	return &schemas.ReceiptDecision{
		Receipt: text[retail.ReceiptID](t, "receipt"), Account: text[retail.AccountID](t, "account"), Shop: text[retail.ShopID](t, "shop"), Channel: symbol(t, retail.Delivery),
		Type: symbol(t, retail.Event), EndedAt: moment(t, "ended"), Total: long[money.Amount](t, "total"), Currency: text[string](t, "currency"), Partition: rapid.Int32().Draw(t, "partition"),
		Offset: long[int64](t, "offset"), ProcessedAt: moment(t, "processed"), RulesetVersion: long[int64](t, "ruleset"), Results: some(t, "results", 3, randomResult),
	}
}

func randomResult(t *rapid.T) rules.Result {
	campaign := text[string](t, "campaign")
	return rules.Result{
		Campaign: campaign, CampaignKey: xxhash.Sum64String(campaign), Version: rapid.Int32().Draw(t, "version"), Arm: symbol(t, rules.Holdout), Outcome: symbol(t, rules.InProgress),
		Basis: long[money.Amount](t, "basis"), Desired: long[money.Amount](t, "desired"), Granted: long[money.Amount](t, "granted"), CappedBy: text[string](t, "capped"),
		Wallet: text[string](t, "wallet"), Badge: text[string](t, "badge"), Held: rapid.Int8Range(-1, 1).Draw(t, "held"),
		Period: rapid.Int32().Draw(t, "period"), ActiveFrom: moment(t, "active"), ExpiresAt: moment(t, "expires"),
		Funding: some(t, "funding", 2, func(t *rapid.T) ledger.Share {
			return ledger.Share{Party: text[string](t, "party"), Rate: long[money.Rate](t, "rate")}
		}),
		Steps: some(t, "steps", 3, func(t *rapid.T) rules.Step {
			return rules.Step{Node: text[string](t, "node"), Code: text[rules.StepCode](t, "code"), Passed: rapid.Bool().Draw(t, "passed"), Unit: symbol(t, rules.Text),
				Observed: long[int64](t, "observed"), Expected: long[int64](t, "expected"), ObservedText: text[string](t, "observed"), ExpectedText: text[string](t, "expected")}
		}),
	}
}

func randomMetrics(t *rapid.T) *schemas.MetricBatch {
	return &schemas.MetricBatch{
		Partition: rapid.Int32().Draw(t, "partition"), Counter: long[int64](t, "counter"), AsOf: moment(t, "as of"), CommittedAt: moment(t, "committed"), EventAt: moment(t, "event"),
		InputOffset: long[int64](t, "offset"), LagRecords: long[int64](t, "lag"), Receipts: long[int64](t, "receipts"), Members: long[int64](t, "members"), Duplicates: long[int64](t, "dup"),
		Rejected: long[int64](t, "rejected"), Forwarded: long[int64](t, "forwarded"), Net: long[money.Amount](t, "net"), GrantedMinor: long[money.Amount](t, "granted"),
		ReversedMinor: long[money.Amount](t, "reversed"),
		Campaigns: some(t, "campaigns", 3, func(t *rapid.T) schemas.CampaignCell {
			return schemas.CampaignCell{Campaign: text[string](t, "campaign"), Version: rapid.Int32().Draw(t, "version"), Arm: symbol(t, rules.Holdout), Minute: moment(t, "minute"),
				Considered: long[int64](t, "considered"), Qualified: long[int64](t, "qualified"), Rewarded: long[int64](t, "rewarded"), BasketSum: long[money.Amount](t, "sum"),
				BasketSumSq: rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).Draw(t, "squares"), Granted: long[money.Amount](t, "granted"), Reversed: long[money.Amount](t, "reversed"),
				Ghost: long[money.Amount](t, "ghost")}
		}),
		Shops: some(t, "shops", 3, func(t *rapid.T) schemas.ShopCell {
			return schemas.ShopCell{Shop: text[retail.ShopID](t, "shop"), Receipts: long[int64](t, "receipts"), Members: long[int64](t, "members"), Net: long[money.Amount](t, "net")}
		}),
	}
}
