package sink

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ledgerEntries builds cagnotte_raw.ledger_entries: one row per entry of a record.
type ledgerEntries struct {
	*table
	codec  *schemas.Codec
	record schemas.LedgerRecord // reused

	account, receipt, wallet, reference    *proto.ColStr
	seq                                    *proto.ColUInt64
	kind, currency, campaign, shop, reason *words
	amount, pending, available             *amounts
	version                                *proto.ColInt32
	at, activeFrom, expiresAt, processed   *instants
	postings                               group
	book                                   *words
	party                                  *proto.ColStr
	posted                                 *amounts
	from                                   lineage
}

func newLedger(o *Options, _ partitioner) builder {
	b := &ledgerEntries{table: newTable("ledger_entries"), codec: o.Codec}
	c := b.columns()
	b.account, b.seq, b.kind, b.currency = c.text("account_id"), c.uint64("seq"), c.word("kind"), c.word("currency")
	b.wallet, b.reference = c.text("wallet"), c.text("reference")
	b.amount, b.pending, b.available = c.amount("amount_minor"), c.amount("pending_after_minor"), c.amount("available_after_minor")
	b.campaign, b.version = c.word("campaign"), c.int32("campaign_version")
	b.receipt, b.shop = c.text("receipt_id"), c.word("store_id")
	b.at, b.activeFrom, b.expiresAt = c.instant("at"), c.instant("active_from"), c.instant("expires_at")
	b.reason, b.processed = c.word("reason"), c.instant("processed_at")
	p := b.columns(&b.postings)
	b.book, b.party, b.posted = p.word("postings.book"), p.text("postings.party"), p.amount("postings.amount_minor")
	b.from = b.lineage()
	b.seal()
	return b
}

func (b *ledgerEntries) base() *table { return b.table }

func (b *ledgerEntries) add(r *kgo.Record) error {
	if err := b.codec.DecodeLedger(r.Value, &b.record); err != nil {
		return err
	}
	for i := range b.record.Entries {
		b.addEntry(&b.record.Entries[i])
		b.from.add(r)
	}
	return nil
}

func (b *ledgerEntries) addEntry(e *ledger.Entry) {
	b.account.Append(string(b.record.Account))
	b.seq.Append(e.Seq)
	b.kind.Append(kindName(e.Kind))
	b.currency.Append(b.record.Currency)
	b.wallet.Append(e.Wallet)
	b.reference.Append(e.Reference)
	b.amount.Append(e.Amount)
	b.pending.Append(e.PendingAfter)
	b.available.Append(e.AvailableAfter)
	b.campaign.Append(e.Campaign)
	b.version.Append(e.CampaignVersion)
	b.receipt.Append(string(e.Receipt))
	b.shop.Append(string(e.Shop))
	b.at.Append(e.At)
	b.activeFrom.Append(e.ActiveFrom)
	b.expiresAt.Append(e.ExpiresAt)
	b.reason.Append(e.Reason)
	b.processed.Append(b.record.ProcessedAt)
	for _, p := range e.Postings {
		b.book.Append(bookName(p.Book))
		b.party.Append(p.Party)
		b.posted.Append(p.Amount)
	}
	b.postings.end()
}

func kindName(k ledger.Kind) string {
	return name(k, "UNKNOWN", "EARN", "ACTIVATE", "REVERSE", "EXPIRE", "REDEEM", "ADJUST", "HOLD", "COMMIT", "CANCEL", "REFUND", "MERGE")
}

func bookName(b ledger.Book) string {
	return name(b, "UNKNOWN", "MEMBER_PENDING", "MEMBER_AVAILABLE", "FUNDING", "WRITE_OFF", "BREAKAGE", "SETTLEMENT", "HELD", "CHARITY", "TRANSFER")
}

// name returns the wire symbol of an enum value; one outside the enum gets the first.
func name[T ~uint8](v T, names ...string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return names[0]
}

// balances builds cagnotte_raw.balances.
type balances struct {
	*table
	codec  *schemas.Codec
	update schemas.BalanceUpdate // reused

	account                      *proto.ColStr
	version                      *proto.ColUInt64
	currency                     *words
	pending, available, lifetime *amounts
	held                         *amounts
	wallets                      group
	wallet                       *words
	ofWallet                     [4]*amounts // pending, available, held, lifetime
	nextDue, updated             *instants
	from                         lineage
}

func newBalances(o *Options, _ partitioner) builder {
	b := &balances{table: newTable("balances"), codec: o.Codec}
	c := b.columns()
	b.account, b.version, b.currency = c.text("account_id"), c.uint64("version"), c.word("currency")
	b.pending, b.available, b.lifetime = c.amount("pending_minor"), c.amount("available_minor"), c.amount("lifetime_earned_minor")
	b.held = c.amount("held_minor")
	w := b.columns(&b.wallets)
	b.wallet = w.word("wallets.wallet")
	for i, name := range [...]string{"pending", "available", "held", "lifetime_earned"} {
		b.ofWallet[i] = w.amount("wallets." + name + "_minor")
	}
	b.nextDue, b.updated = c.instant("next_due_at"), c.instant("updated_at")
	b.from = b.lineage()
	b.seal()
	return b
}

func (b *balances) base() *table { return b.table }

func (b *balances) add(r *kgo.Record) error {
	if len(r.Value) == 0 {
		return &skip{skipTombstone}
	}
	u := &b.update
	if err := b.codec.DecodeBalance(r.Value, u); err != nil {
		return err
	}
	b.account.Append(string(u.Account))
	b.version.Append(u.Version)
	b.currency.Append(u.Currency)
	b.pending.Append(u.Pending)
	b.available.Append(u.Available)
	b.lifetime.Append(u.LifetimeEarned)
	b.held.Append(u.Held)
	for i := range u.Wallets {
		w := &u.Wallets[i]
		b.wallet.Append(w.Wallet)
		for i, a := range [...]money.Amount{w.Pending, w.Available, w.Held, w.LifetimeEarned} {
			b.ofWallet[i].Append(a)
		}
	}
	b.wallets.end()
	b.nextDue.Append(u.NextDueAt)
	b.updated.Append(u.UpdatedAt)
	b.from.add(r)
	return nil
}
