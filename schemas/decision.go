package schemas

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"github.com/cespare/xxhash/v2"
)

const (
	armSymbols      = uint8(rules.Holdout) + 1
	outcomeSymbols  = uint8(rules.InProgress) + 1
	basketOutcomes  = uint8(rules.NoOriginal) + 1 // before decisionMembers
	stepUnitSymbols = uint8(rules.Text) + 1
	minResult       = 13
	minShare        = 2
	minStep         = 8
)

func appendDecision(dst []byte, rec *ReceiptDecision) []byte {
	dst = appendStr(dst, rec.Receipt)
	dst = appendOptStr(dst, rec.Account)
	dst = appendStr(dst, rec.Shop)
	dst = appendEnum(dst, rec.Channel, channelSymbols)
	dst = appendEnum(dst, rec.Type, receiptTypeSymbols)
	dst = appendLong(dst, int64(rec.EndedAt))
	dst = appendLong(dst, int64(rec.Total))
	dst = appendStr(dst, rec.Currency)
	dst = appendLong(dst, int64(rec.Partition))
	dst = appendLong(dst, rec.Offset)
	dst = appendLong(dst, int64(rec.ProcessedAt))
	dst = appendLong(dst, rec.RulesetVersion)
	dst = appendBlock(dst, len(rec.Results))
	for i := range rec.Results {
		dst = appendResult(dst, &rec.Results[i])
	}
	return appendEnd(dst)
}

func appendResult(dst []byte, res *rules.Result) []byte {
	dst = appendStr(dst, res.Campaign)
	dst = appendLong(dst, int64(res.Version))
	dst = appendEnum(dst, res.Arm, armSymbols)
	dst = appendEnum(dst, res.Outcome, outcomeSymbols)
	dst = appendLong(dst, int64(res.Basis))
	dst = appendLong(dst, int64(res.Desired))
	dst = appendLong(dst, int64(res.Granted))
	dst = appendOptStr(dst, res.CappedBy)
	dst = appendLong(dst, int64(res.Period))
	dst = appendOptInstant(dst, res.ActiveFrom)
	dst = appendOptInstant(dst, res.ExpiresAt)
	dst = appendBlock(dst, len(res.Funding))
	for i := range res.Funding {
		dst = appendStr(dst, res.Funding[i].Party)
		dst = appendLong(dst, int64(res.Funding[i].Rate))
	}
	dst = appendBlock(appendEnd(dst), len(res.Steps))
	for i := range res.Steps {
		dst = appendStep(dst, &res.Steps[i])
	}
	dst = appendOptStr(appendOptStr(appendEnd(dst), res.Wallet), res.Badge)
	return appendLong(dst, int64(res.Held))
}

func appendStep(dst []byte, s *rules.Step) []byte {
	dst = appendStr(dst, s.Node)
	dst = appendStr(dst, s.Code)
	dst = appendBool(dst, s.Passed)
	dst = appendEnum(dst, s.Unit, stepUnitSymbols)
	dst = appendLong(dst, s.Observed)
	dst = appendLong(dst, s.Expected)
	dst = appendOptStr(dst, s.ObservedText)
	return appendOptStr(dst, s.ExpectedText)
}

// Versions of the decision's schema that brought something: the type EVENT; outcomes about members, and what a reward is besides an amount.
const (
	decisionEvents  = 2
	decisionMembers = 3
)

func readDecision(d *reader, rec *ReceiptDecision) {
	types := receiptTypeSymbols
	if d.version < decisionEvents {
		types = tillTypeSymbols
	}
	rec.Receipt = retail.ReceiptID(d.str("receipt_id"))
	rec.Account = retail.AccountID(d.optStr("account_id"))
	rec.Shop = retail.ShopID(d.str("store_id"))
	rec.Channel = retail.Channel(d.enum("channel", channelSymbols))
	rec.Type = retail.ReceiptType(d.enum("type", types))
	rec.EndedAt = d.instant("ended_at")
	rec.Total = d.amount("total_minor")
	rec.Currency = d.str("currency")
	rec.Partition = d.int32("partition")
	rec.Offset = d.long("offset")
	rec.ProcessedAt = d.instant("processed_at")
	rec.RulesetVersion = d.long("ruleset_version")
	rec.Results = rec.Results[:0]
	for n := d.block("results", minResult); n > 0; n = d.block("results", minResult) {
		at := len(rec.Results)
		rec.Results = extend(rec.Results, n)
		for i := at; i < at+n; i++ {
			readResult(d, &rec.Results[i])
			if d.within("results", i) {
				return
			}
		}
	}
}

func readResult(d *reader, res *rules.Result) {
	res.Campaign = d.str("campaign")
	res.CampaignKey = xxhash.Sum64String(res.Campaign)
	res.Version = d.int32("campaign_version")
	res.Arm = rules.Arm(d.enum("arm", armSymbols))
	outcomes := outcomeSymbols
	if d.version < decisionMembers {
		outcomes = basketOutcomes
	}
	res.Outcome = rules.Outcome(d.enum("outcome", outcomes))
	res.Basis = d.amount("basis_minor")
	res.Desired = d.amount("desired_minor")
	res.Granted = d.amount("granted_minor")
	res.CappedBy = d.optStr("capped_by")
	res.Period = d.int32("period")
	res.ActiveFrom = d.optInstant("active_from")
	res.ExpiresAt = d.optInstant("expires_at")
	res.Funding = readFunding(d, res.Funding[:0])
	res.Steps = readSteps(d, res.Steps[:0])
	res.Wallet, res.Badge, res.Held = "", "", 0
	if d.version >= decisionMembers {
		res.Wallet, res.Badge = d.optStr("wallet"), d.optStr("badge")
		res.Held = int8(min(max(d.int32("held"), -1), 1))
	}
}

func readFunding(d *reader, list []ledger.Share) []ledger.Share {
	for n := d.block("funding", minShare); n > 0; n = d.block("funding", minShare) {
		at := len(list)
		list = extend(list, n)
		for i := at; i < at+n; i++ {
			list[i].Party = d.str("party")
			list[i].Rate = money.Rate(d.long("rate_ppm"))
			if d.within("funding", i) {
				return list
			}
		}
	}
	return list
}

func readSteps(d *reader, list []rules.Step) []rules.Step {
	for n := d.block("steps", minStep); n > 0; n = d.block("steps", minStep) {
		at := len(list)
		list = extend(list, n)
		for i := at; i < at+n; i++ {
			s := &list[i]
			s.Node = d.str("node")
			s.Code = rules.StepCode(d.str("code"))
			s.Passed = d.bool("passed")
			s.Unit = rules.StepUnit(d.enum("unit", stepUnitSymbols))
			s.Observed = d.long("observed")
			s.Expected = d.long("expected")
			s.ObservedText = d.optStr("observed_text")
			s.ExpectedText = d.optStr("expected_text")
			if d.within("steps", i) {
				return list
			}
		}
	}
	return list
}
