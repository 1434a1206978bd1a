package schemas_test

import (
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
)

// The messages in the oracle's native form, written down field by field from the schemas and without any of the codec's code.

type object = map[string]any

func instantOf(t retail.Instant) time.Time { return time.UnixMilli(int64(t)).UTC() }

func dateOf(d retail.Date) time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func optString[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return object{"string": string(s)}
}

func optTime(t retail.Instant) any {
	if t == 0 {
		return nil
	}
	return object{"long.timestamp-millis": instantOf(t)}
}

func listOf[T any](in []T, one func(*T) any) []any {
	out := make([]any, len(in))
	for i := range in {
		out[i] = one(&in[i])
	}
	return out
}

func nativeReceipt(r *retail.Receipt) object {
	out := object{
		"receipt_id": string(r.ID), "type": r.Type.String(), "training": r.Training,
		"store":       object{"store_id": string(r.Shop.ID), "gln": optString(r.Shop.GLN), "banner": optString(r.Shop.Banner), "country": r.Shop.Country},
		"terminal_id": r.TerminalID, "operator_id": optString(r.OperatorID), "business_date": dateOf(r.BusinessDate),
		"sequence_no": r.SequenceNo, "started_at": optTime(r.StartedAt), "ended_at": instantOf(r.EndedAt), "utc_offset_min": r.UTCOffsetMin,
		"channel": r.Channel.String(), "currency": r.Currency, "loyalty": nil, "lines": listOf(r.Lines, nativeLine),
		"discounts": listOf(r.Discounts, nativeDiscount), "total_minor": int64(r.Total), "tax_minor": int64(r.Tax),
		"coupons": listOf(r.Coupons, func(s *string) any { return *s }), "original": nil, "source": nil, "attributes": object{},
		"taxes": listOf(r.Taxes, func(x *retail.TaxTotal) any {
			return object{"vat_rate_bp": x.VATRateBP, "taxable_minor": int64(x.Taxable), "tax_minor": int64(x.Tax)}
		}),
		"tenders": listOf(r.Tenders, func(x *retail.Tender) any {
			return object{"type": x.Type.String(), "amount_minor": int64(x.Amount)}
		}),
	}
	if l := r.Loyalty; l != (retail.Loyalty{}) {
		out["loyalty"] = object{"cagnotte.v1.Loyalty": object{"account_id": string(l.AccountID), "program_id": l.ProgramID, "capture": l.Capture.String()}}
	}
	if o := r.Original; o.Given {
		out["original"] = object{"cagnotte.v1.OriginalRef": object{"receipt_id": optString(o.ReceiptID), "store_id": string(o.ShopID),
			"terminal_id": o.TerminalID, "business_date": dateOf(o.BusinessDate), "sequence_no": o.SequenceNo, "reason": optString(o.Reason)}}
	}
	if s := r.Source; s != (retail.Source{}) {
		out["source"] = object{"cagnotte.v1.Source": object{"pos_vendor": s.POSVendor, "pos_version": s.POSVersion, "sender": s.Sender}}
	}
	for _, a := range r.Attributes {
		out["attributes"].(object)[a.Key] = a.Value
	}
	return out
}

func nativeLine(l *retail.Line) any {
	out := object{
		"line_no": l.No, "kind": l.Kind.String(), "gtin": optString(l.GTIN), "sku": optString(l.SKU), "description": optString(l.Description),
		"department": optString(l.Department), "category": optString(l.Category), "brand": optString(l.Brand), "quantity_milli": l.QuantityMilli,
		"unit": l.Unit.String(), "unit_price_minor": int64(l.UnitPrice), "gross_minor": int64(l.Gross), "net_minor": int64(l.Net),
		"vat_rate_bp": l.VATRateBP, "discounts": listOf(l.Discounts, nativeDiscount), "loyalty_eligible": !l.Ineligible, "return_of_line": nil,
		"labels": listOf(l.Labels, func(s *string) any { return *s }),
	}
	if l.ReturnOfLine != 0 {
		out["return_of_line"] = object{"int": l.ReturnOfLine}
	}
	return out
}

func nativeDiscount(d *retail.Discount) any {
	return object{"amount_minor": int64(d.Amount), "kind": d.Kind.String(), "promotion_id": optString(d.PromotionID), "funded_by": optString(d.FundedBy)}
}

func nativeLedger(rec *schemas.LedgerRecord) object {
	kinds := []string{"UNKNOWN", "EARN", "ACTIVATE", "REVERSE", "EXPIRE", "REDEEM", "ADJUST", "HOLD", "COMMIT", "CANCEL", "REFUND", "MERGE"}
	books := []string{"UNKNOWN", "MEMBER_PENDING", "MEMBER_AVAILABLE", "FUNDING", "WRITE_OFF", "BREAKAGE", "SETTLEMENT", "HELD", "CHARITY", "TRANSFER"}
	return object{"account_id": string(rec.Account), "currency": rec.Currency, "processed_at": instantOf(rec.ProcessedAt),
		"entries": listOf(rec.Entries, func(e *ledger.Entry) any {
			return object{"seq": int64(e.Seq), "kind": kinds[e.Kind], "amount_minor": int64(e.Amount), "pending_after_minor": int64(e.PendingAfter),
				"available_after_minor": int64(e.AvailableAfter), "campaign": optString(e.Campaign), "campaign_version": e.CampaignVersion,
				"receipt_id": optString(e.Receipt), "store_id": optString(e.Shop), "at": instantOf(e.At), "active_from": optTime(e.ActiveFrom),
				"expires_at": optTime(e.ExpiresAt), "reason": optString(e.Reason), "wallet": optString(e.Wallet), "reference": optString(e.Reference),
				"postings": listOf(e.Postings, func(p *ledger.Posting) any {
					return object{"book": books[p.Book], "party": p.Party, "amount_minor": int64(p.Amount)}
				})}
		})}
}

func nativeBalance(b *schemas.BalanceUpdate) object {
	return object{"account_id": string(b.Account), "version": int64(b.Version), "currency": b.Currency, "pending_minor": int64(b.Pending),
		"available_minor": int64(b.Available), "lifetime_earned_minor": int64(b.LifetimeEarned), "next_due_at": optTime(b.NextDueAt),
		"updated_at": instantOf(b.UpdatedAt), "held_minor": int64(b.Held), "wallets": listOf(b.Wallets, func(w *schemas.WalletBalance) any {
			return object{"wallet": w.Wallet, "pending_minor": int64(w.Pending), "available_minor": int64(w.Available), "held_minor": int64(w.Held),
				"lifetime_earned_minor": int64(w.LifetimeEarned)}
		})}
}

func nativeDecision(rec *schemas.ReceiptDecision) object {
	return object{"receipt_id": string(rec.Receipt), "account_id": optString(rec.Account), "store_id": string(rec.Shop), "channel": rec.Channel.String(),
		"type": rec.Type.String(), "ended_at": instantOf(rec.EndedAt), "total_minor": int64(rec.Total), "currency": rec.Currency,
		"partition": rec.Partition, "offset": rec.Offset, "processed_at": instantOf(rec.ProcessedAt), "ruleset_version": rec.RulesetVersion,
		"results": listOf(rec.Results, nativeResult)}
}

func nativeResult(r *rules.Result) any {
	outcomes := []string{"UNKNOWN", "NO_ACCOUNT", "OUT_OF_WINDOW", "STORE_EXCLUDED", "BELOW_THRESHOLD", "NOTHING_ELIGIBLE", "HELD_OUT", "OUTRANKED",
		"CAP_REACHED", "CAPPED", "AWARDED", "REVERSED", "NO_ORIGINAL", "NOT_TARGETED", "IN_PROGRESS"}
	return object{"campaign": r.Campaign, "campaign_version": r.Version, "arm": arms()[r.Arm], "outcome": outcomes[r.Outcome],
		"basis_minor": int64(r.Basis), "desired_minor": int64(r.Desired), "granted_minor": int64(r.Granted), "capped_by": optString(r.CappedBy), "wallet": optString(r.Wallet), "badge": optString(r.Badge), "held": int32(r.Held),
		"period": r.Period, "active_from": optTime(r.ActiveFrom), "expires_at": optTime(r.ExpiresAt),
		"funding": listOf(r.Funding, func(s *ledger.Share) any { return object{"party": s.Party, "rate_ppm": int64(s.Rate)} }),
		"steps": listOf(r.Steps, func(s *rules.Step) any {
			units := []string{"NONE", "MINOR", "MILLI", "COUNT", "TIME", "TEXT"}
			return object{"node": s.Node, "code": string(s.Code), "passed": s.Passed, "unit": units[s.Unit], "observed": s.Observed,
				"expected": s.Expected, "observed_text": optString(s.ObservedText), "expected_text": optString(s.ExpectedText)}
		})}
}

func nativeMetrics(m *schemas.MetricBatch) object {
	return object{"partition": m.Partition, "counter": m.Counter, "as_of": instantOf(m.AsOf), "committed_at": instantOf(m.CommittedAt),
		"event_at": instantOf(m.EventAt), "input_offset": m.InputOffset, "lag_records": m.LagRecords, "receipts": m.Receipts, "members": m.Members,
		"duplicates": m.Duplicates, "rejected": m.Rejected, "forwarded": m.Forwarded, "net_minor": int64(m.Net),
		"granted_minor": int64(m.GrantedMinor), "reversed_minor": int64(m.ReversedMinor),
		"campaigns": listOf(m.Campaigns, func(c *schemas.CampaignCell) any {
			return object{"campaign": c.Campaign, "campaign_version": c.Version, "arm": arms()[c.Arm], "minute": instantOf(c.Minute),
				"considered": c.Considered, "qualified": c.Qualified, "rewarded": c.Rewarded, "basket_sum_minor": int64(c.BasketSum),
				"basket_sum_sq": c.BasketSumSq, "granted_minor": int64(c.Granted), "reversed_minor": int64(c.Reversed), "ghost_minor": int64(c.Ghost)}
		}),
		"shops": listOf(m.Shops, func(c *schemas.ShopCell) any {
			return object{"store_id": string(c.Shop), "receipts": c.Receipts, "members": c.Members, "net_minor": int64(c.Net)}
		})}
}

func arms() []string { return []string{"NONE", "TREATMENT", "HOLDOUT"} }
