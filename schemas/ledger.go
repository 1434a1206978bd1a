package schemas

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

const (
	entryKindSymbols = uint8(ledger.Merge) + 1
	bookSymbols      = uint8(ledger.Transfer) + 1
	minEntry         = 16
	minPosting       = 3
	minWallet        = 5

	// ledgerWallets is the version of both schemas that brought wallets, reservations and references.
	ledgerWallets         = 2
	entryKindSymbolsFirst = uint8(ledger.Adjust) + 1
	bookSymbolsFirst      = uint8(ledger.Settlement) + 1
	minEntryFirst         = 14
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
	return appendOptStr(appendOptStr(appendEnd(dst), e.Wallet), e.Reference)
}

func readLedger(d *reader, rec *LedgerRecord) {
	rec.Account = retail.AccountID(d.str("account_id"))
	rec.Currency = d.str("currency")
	rec.Entries = rec.Entries[:0]
	least := minEntry
	if d.version < ledgerWallets {
		least = minEntryFirst
	}
	for n := d.block("entries", least); n > 0; n = d.block("entries", least) {
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
	kinds, books := entryKindSymbols, bookSymbols
	if d.version < ledgerWallets {
		kinds, books = entryKindSymbolsFirst, bookSymbolsFirst
	}
	e.Seq = uint64(d.long("seq"))
	e.Kind = ledger.Kind(d.enum("kind", kinds))
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
	e.Postings = readPostings(d, e.Postings[:0], books)
	e.Wallet, e.Reference = "", ""
	if d.version >= ledgerWallets {
		e.Wallet = d.optStr("wallet")
		e.Reference = d.optStr("reference")
	}
}

func readPostings(d *reader, list []ledger.Posting, books uint8) []ledger.Posting {
	for n := d.block("postings", minPosting); n > 0; n = d.block("postings", minPosting) {
		at := len(list)
		list = extend(list, n)
		for i := at; i < at+n; i++ {
			p := &list[i]
			p.Book = ledger.Book(d.enum("book", books))
			p.Party = d.str("party")
			p.Amount = d.amount("amount_minor")
			if d.within("postings", i) {
				return list
			}
		}
	}
	return list
}

func appendBalance(dst []byte, b *BalanceUpdate) []byte {
	dst = appendStr(dst, b.Account)
	dst = appendLong(dst, int64(b.Version))
	dst = appendStr(dst, b.Currency)
	dst = appendLong(dst, int64(b.Pending))
	dst = appendLong(dst, int64(b.Available))
	dst = appendLong(dst, int64(b.LifetimeEarned))
	dst = appendOptInstant(dst, b.NextDueAt)
	dst = appendLong(dst, int64(b.UpdatedAt))
	dst = appendLong(dst, int64(b.Held))
	dst = appendBlock(dst, len(b.Wallets))
	for i := range b.Wallets {
		w := &b.Wallets[i]
		dst = appendStr(dst, w.Wallet)
		dst = appendLong(dst, int64(w.Pending))
		dst = appendLong(dst, int64(w.Available))
		dst = appendLong(dst, int64(w.Held))
		dst = appendLong(dst, int64(w.LifetimeEarned))
	}
	return appendEnd(dst)
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
	b.Held, b.Wallets = 0, b.Wallets[:0]
	if d.version < ledgerWallets {
		return
	}
	b.Held = d.amount("held_minor")
	for n := d.block("wallets", minWallet); n > 0; n = d.block("wallets", minWallet) {
		at := len(b.Wallets)
		b.Wallets = extend(b.Wallets, n)
		for i := at; i < at+n; i++ {
			readWallet(d, &b.Wallets[i])
			if d.within("wallets", i) {
				return
			}
		}
	}
}

func readWallet(d *reader, w *WalletBalance) {
	w.Wallet = d.str("wallet")
	w.Pending = d.amount("pending_minor")
	w.Available = d.amount("available_minor")
	w.Held = d.amount("held_minor")
	w.LifetimeEarned = d.amount("lifetime_earned_minor")
}
