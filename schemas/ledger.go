package schemas

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

const (
	entryKindSymbols = uint8(ledger.Adjust) + 1
	bookSymbols      = uint8(ledger.Settlement) + 1
	minEntry         = 14
	minPosting       = 3
)

func appendLedger(dst []byte, rec *LedgerRecord) []byte {
	dst = appendStr(dst, rec.Account)
	dst = appendStr(dst, rec.Currency)
	dst = appendBlock(dst, len(rec.Entries))
	for i := range rec.Entries {
		dst = appendEntry(dst, &rec.Entries[i])
	}
	return appendLong(appendEnd(dst), int64(rec.ProcessedAt))
}

func appendEntry(dst []byte, e *ledger.Entry) []byte {
	dst = appendLong(dst, int64(e.Seq))
	dst = appendEnum(dst, e.Kind, entryKindSymbols)
	dst = appendLong(dst, int64(e.Amount))
	dst = appendLong(dst, int64(e.PendingAfter))
	dst = appendLong(dst, int64(e.AvailableAfter))
	dst = appendOptStr(dst, e.Campaign)
	dst = appendLong(dst, int64(e.CampaignVersion))
	dst = appendOptStr(dst, e.Receipt)
	dst = appendOptStr(dst, e.Shop)
	dst = appendLong(dst, int64(e.At))
	dst = appendOptInstant(dst, e.ActiveFrom)
	dst = appendOptInstant(dst, e.ExpiresAt)
	dst = appendOptStr(dst, e.Reason)
	dst = appendBlock(dst, len(e.Postings))
	for i := range e.Postings {
		dst = appendEnum(dst, e.Postings[i].Book, bookSymbols)
		dst = appendStr(dst, e.Postings[i].Party)
		dst = appendLong(dst, int64(e.Postings[i].Amount))
	}
	return appendEnd(dst)
}

func readLedger(d *reader, rec *LedgerRecord) {
	rec.Account = retail.AccountID(d.str("account_id"))
	rec.Currency = d.str("currency")
	rec.Entries = rec.Entries[:0]
	for n := d.block("entries", minEntry); n > 0; n = d.block("entries", minEntry) {
		at := len(rec.Entries)
		rec.Entries = extend(rec.Entries, n)
		for i := at; i < at+n; i++ {
			readEntry(d, &rec.Entries[i])
			rec.Entries[i].Account = rec.Account
			if d.within("entries", i) {
				return
			}
		}
	}
	rec.ProcessedAt = d.instant("processed_at")
}

func readEntry(d *reader, e *ledger.Entry) {
	e.Seq = uint64(d.long("seq"))
	e.Kind = ledger.Kind(d.enum("kind", entryKindSymbols))
	e.Amount = d.amount("amount_minor")
	e.PendingAfter = d.amount("pending_after_minor")
	e.AvailableAfter = d.amount("available_after_minor")
	e.Campaign = d.optStr("campaign")
	e.CampaignVersion = d.int32("campaign_version")
	e.Receipt = retail.ReceiptID(d.optStr("receipt_id"))
	e.Shop = retail.ShopID(d.optStr("store_id"))
	e.At = d.instant("at")
	e.ActiveFrom = d.optInstant("active_from")
	e.ExpiresAt = d.optInstant("expires_at")
	e.Reason = d.optStr("reason")
	e.Postings = e.Postings[:0]
	for n := d.block("postings", minPosting); n > 0; n = d.block("postings", minPosting) {
		at := len(e.Postings)
		e.Postings = extend(e.Postings, n)
		for i := at; i < at+n; i++ {
			p := &e.Postings[i]
			p.Book = ledger.Book(d.enum("book", bookSymbols))
			p.Party = d.str("party")
			p.Amount = d.amount("amount_minor")
			if d.within("postings", i) {
				return
			}
		}
	}
}

func appendBalance(dst []byte, b *BalanceUpdate) []byte {
	dst = appendStr(dst, b.Account)
	dst = appendLong(dst, int64(b.Version))
	dst = appendStr(dst, b.Currency)
	dst = appendLong(dst, int64(b.Pending))
	dst = appendLong(dst, int64(b.Available))
	dst = appendLong(dst, int64(b.LifetimeEarned))
	dst = appendOptInstant(dst, b.NextDueAt)
	return appendLong(dst, int64(b.UpdatedAt))
}

func readBalance(d *reader, b *BalanceUpdate) {
	b.Account = retail.AccountID(d.str("account_id"))
	b.Version = uint64(d.long("version"))
	b.Currency = d.str("currency")
	b.Pending = d.amount("pending_minor")
	b.Available = d.amount("available_minor")
	b.LifetimeEarned = d.amount("lifetime_earned_minor")
	b.NextDueAt = d.optInstant("next_due_at")
	b.UpdatedAt = d.instant("updated_at")
}
