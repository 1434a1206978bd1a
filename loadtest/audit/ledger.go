package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cagnotte/loadtest/model"
	"cagnotte/loadtest/wire"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// book is what the ledger in Kafka says of one account.
type book struct {
	balance
	wallets map[string]*balance // further ones
	digests []uint64            // of entry seq at index seq-1
	moves   map[moveKey]move    // rewards given and taken back
	expired map[int64]int64     // positive, by the instant
	earned  map[int64]int64     // earned less reversed, by the instant at which it lapses; 0: never
}

type moveKey struct{ receipt, campaign string }

type move struct {
	amount          int64
	version         int32
	active, expires int64
	at              int64
}

// ledger reads the partition's ledger, checks it in itself, and compares it with the model.
func (p *part) ledger(ctx context.Context) error {
	entries := int64(0)
	err := p.a.each(ctx, topicLedger, p.number, func(r *kgo.Record) error {
		var rec wire.Ledger
		if err := p.a.o.Reader.Decode(r.Value, &rec); err != nil {
			return fmt.Errorf("ledger offset %d: %w", r.Offset, err)
		}
		b := p.book(rec.Account)
		for i := range rec.Entries {
			p.entry(b, rec.Account, &rec.Entries[i])
			entries++
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.a.report.saw("ledger entries", entries)
	for id, acct := range p.expected.Accounts {
		p.compare(id, acct)
	}
	for id, b := range p.books {
		if p.expected.Accounts[id] == nil {
			p.a.report.differ(Other, "ledger of an unknown account", b.pending+b.available, "account %s has entries on partition %d and no accepted receipt there", id, p.number)
		}
	}
	return nil
}

func (p *part) book(account string) *book {
	b := p.books[account]
	if b == nil {
		b = &book{moves: map[moveKey]move{}, expired: map[int64]int64{}, earned: map[int64]int64{}}
		p.books[account] = b
	}
	return b
}

// entry takes the next entry of an account. A number that has been seen may only say the same again.
func (p *part) entry(b *book, account string, e *wire.Entry) {
	rep, d := p.a.report, digestEntry(e)
	switch next := int64(len(b.digests)) + 1; {
	case e.Seq < 1 || e.Seq > next:
		rep.differ(Lost, "ledger sequence has a hole", 0, "account %s: entry %d comes after %d", account, e.Seq, next-1)
		return
	case e.Seq < next && b.digests[e.Seq-1] != d:
		rep.differ(Doubled, "ledger sequence number with other content", e.Amount, "account %s entry %d stands twice with different content, the second is %s %d for %s %s", account, e.Seq, e.Kind, e.Amount, e.Receipt, e.Campaign)
		return
	case e.Seq < next:
		rep.saw("ledger entries that stand twice", 1)
		if !p.a.o.Repeats {
			rep.differ(Doubled, "ledger entry stands twice", 0, "account %s entry %d", account, e.Seq)
		}
		return
	}
	b.digests = append(b.digests, d)
	p.balanced(b, account, e)
	p.file(b, account, e)
}

// balanced checks the double entry and the running balances.
func (p *part) balanced(b *book, account string, e *wire.Entry) {
	rep, sum, pending, available := p.a.report, int64(0), int64(0), int64(0)
	for _, post := range e.Postings {
		sum += post.Amount
		switch post.Book {
		case "MEMBER_PENDING":
			pending += post.Amount
		case "MEMBER_AVAILABLE":
			available += post.Amount
		default:
			continue
		}
		if post.Party != account {
			rep.differ(Other, "posting into a stranger's book", post.Amount, "account %s entry %d posts %d to %s of %q", account, e.Seq, post.Amount, post.Book, post.Party)
		}
	}
	if sum != 0 {
		rep.differ(Cents, "postings do not sum to zero", sum, "account %s entry %d: the postings sum to %d", account, e.Seq, sum)
	}
	want := e.Amount
	if e.Kind == "ACTIVATE" || e.Kind == "COMMIT" { // moves between books
		want = 0
	}
	if pending+available != want {
		rep.differ(Cents, "postings do not equal the amount", pending+available-want, "account %s entry %d: %s of %d posts %d to the member", account, e.Seq, e.Kind, e.Amount, pending+available)
	}
	b.seq = e.Seq
	w := b.wallet(e.Wallet)
	w.pending, w.available = w.pending+pending, w.available+available
	if w.pending != e.PendingAfter || w.available != e.AvailableAfter {
		rep.differ(Cents, "running balance", w.pending+w.available-e.PendingAfter-e.AvailableAfter, "account %s entry %d says %d pending and %d available after it, the entries make %d and %d", account, e.Seq, e.PendingAfter, e.AvailableAfter, w.pending, w.available)
		w.pending, w.available = e.PendingAfter, e.AvailableAfter
	}
}

// wallet is the balance of a wallet; the programme's currency is the account's own.
func (b *book) wallet(name string) *balance {
	if name == "" {
		return &b.balance
	}
	if b.wallets[name] == nil {
		if b.wallets == nil {
			b.wallets = map[string]*balance{}
		}
		b.wallets[name] = &balance{}
	}
	return b.wallets[name]
}

// file puts the entry under what it must be compared with.
func (p *part) file(b *book, account string, e *wire.Entry) {
	switch e.Kind {
	case "EARN", "REVERSE":
		b.wallet(e.Wallet).lifetime += e.Amount
		if e.Wallet == "" {
			b.earned[e.ExpiresAt] += e.Amount
		}
		k := moveKey{e.Receipt, e.Campaign}
		if was, twice := b.moves[k]; twice {
			p.a.report.differ(Doubled, "receipt rewarded twice", e.Amount, "account %s: receipt %s and campaign %s have two entries, of %d and %d", account, e.Receipt, e.Campaign, was.amount, e.Amount)
		}
		b.moves[k] = move{e.Amount, e.Version, e.ActiveFrom, e.ExpiresAt, e.At}
		if (e.Kind == "EARN") != (e.Amount > 0) {
			p.a.report.differ(Other, "sign of an entry", e.Amount, "account %s entry %d: %s of %d", account, e.Seq, e.Kind, e.Amount)
		}
		p.funding(account, e)
	case "ACTIVATE":
		if e.At > time.Now().UnixMilli() {
			p.a.report.differ(Other, "activated too early", e.Amount, "account %s entry %d activates %d at %d", account, e.Seq, e.Amount, e.At)
		}
	case "EXPIRE":
		if e.Wallet == "" {
			b.expired[e.At] -= e.Amount
		}
	case "HOLD", "COMMIT", "CANCEL", "REDEEM", "REFUND", "ADJUST", "MERGE":
	default:
		p.a.report.differ(Other, "unknown kind of entry", e.Amount, "account %s entry %d is %s", account, e.Seq, e.Kind)
	}
}

// funding checks who pays: the campaign's funders and nobody else, each by its share. Odd cents are settled over the life of a reward: both what
// stood before an entry and what stands after it are rounded, so an entry may be off by less than two cents.
func (p *part) funding(account string, e *wire.Entry) {
	shares := p.a.o.Campaigns.Funders(e.Campaign, e.Version)
	granted := int64(0) // what a charity has, and what is written off, included
	for _, post := range e.Postings {
		if post.Book == "FUNDING" {
			granted -= post.Amount
		}
	}
	for _, post := range e.Postings {
		if post.Book != "FUNDING" {
			continue
		}
		funder := post.Party
		if strings.HasPrefix(funder, "store:") {
			funder = "store"
		}
		ppm, known := shares[funder]
		exact := -granted * ppm // in millionths
		if off := post.Amount*1_000_000 - exact; !known || off >= 2_000_000 || off <= -2_000_000 {
			p.a.report.differ(Cents, "share of a funder", post.Amount, "account %s entry %d of %d: %q pays %d, its share is %d ppm", account, e.Seq, e.Amount, post.Party, -post.Amount, ppm)
		}
	}
}

// digestEntry condenses the whole content of an entry; rows of ClickHouse are condensed alike.
func digestEntry(e *wire.Entry) uint64 {
	b := fmt.Appendf(nil, "%d|%s|%d|%d|%d|%s|%d|%s|%s|%d|%d|%d|%s|%s|%s", e.Seq, e.Kind, e.Amount, e.PendingAfter, e.AvailableAfter, e.Campaign, e.Version,
		e.Receipt, e.Shop, e.At, e.ActiveFrom, e.ExpiresAt, e.Reason, e.Wallet, e.Reference)
	for _, post := range e.Postings {
		b = fmt.Appendf(b, "|%s|%s|%d", post.Book, post.Party, post.Amount)
	}
	return xxhash.Sum64(b)
}

// compare puts an account's ledger beside the model's.
func (p *part) compare(id string, want *model.Account) {
	rep := p.a.report
	b := p.books[id]
	if b == nil {
		if len(want.Movements) == 0 {
			return
		}
		b = &book{moves: map[moveKey]move{}}
	}
	rep.saw("accounts", 1)
	rep.saw("rewards given or taken back", int64(len(want.Movements)))
	for _, m := range want.Movements {
		k := moveKey{m.Receipt, m.Campaign}
		got, there := b.moves[k]
		delete(b.moves, k)
		p.compareMove(id, m, got, there)
	}
	for k, got := range b.moves {
		rep.differ(Doubled, "reward that must not be", got.amount, "account %s: %d for receipt %s and campaign %s", id, got.amount, k.receipt, k.campaign)
	}
	p.compareTotals(id, b, want)
	b.moves, b.expired, b.earned = nil, nil, nil
}

func (p *part) compareMove(id string, m model.Movement, got move, there bool) {
	rep := p.a.report
	switch {
	case !there:
		rep.differ(Lost, "reward missing", m.Amount, "account %s: %d for receipt %s and campaign %s", id, m.Amount, m.Receipt, m.Campaign)
	case got.amount != m.Amount:
		rep.differ(Cents, "reward of another amount", got.amount-m.Amount, "account %s: receipt %s and campaign %s version %d have %d, must have %d", id, m.Receipt, m.Campaign, m.Version, got.amount, m.Amount)
	case got.version != m.Version || got.active != m.Active || got.expires != m.Expires || got.at != m.At:
		rep.differ(Other, "reward with other terms", 0, "account %s: receipt %s and campaign %s: version %d, at %d, active %d, expires %d; must be version %d, at %d, active %d, expires %d",
			id, m.Receipt, m.Campaign, got.version, got.at, got.active, got.expires, m.Version, m.At, m.Active, m.Expires)
	}
}

// compareTotals checks what the account is left with. What has lapsed is taken from the ledger's own entries, which must not exceed what was earned
// with that end. What is still pending follows from the clock, save for lots that fall due while the audit runs.
func (p *part) compareTotals(id string, b *book, want *model.Account) {
	rep, lapsed := p.a.report, int64(0)
	for at, amount := range b.expired {
		lapsed += amount
		if amount > b.earned[at] || at > time.Now().UnixMilli() {
			rep.differ(Cents, "more lapsed than was earned", amount-b.earned[at], "account %s: %d lapsed at %d, %d was earned with that end", id, amount, at, b.earned[at])
		}
	}
	total := want.Total() - lapsed
	if b.pending+b.available != total {
		rep.differ(Cents, "balance", b.pending+b.available-total, "account %s has %d pending and %d available, together they must be %d", id, b.pending, b.available, total)
	}
	pending, unsure := want.Pending(p.a.o.At.Add(-dueMargin).UnixMilli(), p.a.o.At.Add(dueMargin).UnixMilli())
	if unsure {
		rep.saw("accounts with a lot falling due now", 1)
		return
	}
	if b.pending != pending {
		rep.differ(Cents, "pending balance", b.pending-pending, "account %s has %d pending, must have %d", id, b.pending, pending)
	}
}

// dueMargin is how far the firing of an idle account's timers may be from when the product came to rest.
const dueMargin = time.Minute
