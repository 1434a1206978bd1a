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
	held    map[string]int64    // reserved by tills, by wallet
	digests []uint64            // of entry seq at index seq-1
	moves   map[moveKey]move    // rewards given and taken back
	asked   map[askKey]asked    // what events asked of the money
}

type moveKey struct{ receipt, campaign string }

type askKey struct{ receipt, wallet string }

type asked struct{ available, held int64 }

type move struct {
	amount          int64
	wallet          string
	charity         int64
	shop            string // that pays, when the campaign says store
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
		b = &book{moves: map[moveKey]move{}, held: map[string]int64{}, asked: map[askKey]asked{}}
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
		case "HELD":
			b.held[e.Wallet] += post.Amount
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
		k := moveKey{e.Receipt, e.Campaign}
		if was, twice := b.moves[k]; twice {
			p.a.report.differ(Doubled, "receipt rewarded twice", e.Amount, "account %s: receipt %s and campaign %s have two entries, of %d and %d", account, e.Receipt, e.Campaign, was.amount, e.Amount)
		}
		b.moves[k] = moveOf(e)
		if e.Kind == "EARN" && e.Amount < 0 || e.Kind == "REVERSE" && e.Amount > 0 {
			p.a.report.differ(Other, "sign of an entry", e.Amount, "account %s entry %d: %s of %d", account, e.Seq, e.Kind, e.Amount)
		}
		p.funding(account, e)
	case "ACTIVATE", "EXPIRE":
		if e.At > time.Now().UnixMilli() {
			p.a.report.differ(Other, "timer too early", e.Amount, "account %s entry %d: %s of %d at %d", account, e.Seq, e.Kind, e.Amount, e.At)
		}
	case "HOLD", "COMMIT", "CANCEL", "REDEEM", "REFUND", "ADJUST":
		if e.Receipt != "" { // else a timer
			b.ask(e)
		}
	case "MERGE":
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

// ask adds what an event did to the member's books.
func (b *book) ask(e *wire.Entry) {
	k := askKey{e.Receipt, e.Wallet}
	sum := b.asked[k]
	for _, post := range e.Postings {
		switch post.Book {
		case "MEMBER_AVAILABLE":
			sum.available += post.Amount
		case "HELD":
			sum.held += post.Amount
		}
	}
	b.asked[k] = sum
}

func moveOf(e *wire.Entry) move {
	m := move{amount: e.Amount, wallet: e.Wallet, version: e.Version, active: e.ActiveFrom, expires: e.ExpiresAt, at: e.At}
	for _, post := range e.Postings {
		if post.Book == "CHARITY" {
			m.charity += post.Amount
		}
		if shop, ok := strings.CutPrefix(post.Party, "store:"); ok {
			m.shop = shop
		}
	}
	return m
}

// compare puts an account's ledger beside the model's.
func (p *part) compare(id string, want *model.Account) {
	rep := p.a.report
	b := p.books[id]
	if b == nil {
		if len(want.Movements)+len(want.Commands) == 0 {
			return
		}
		b = &book{}
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
	p.compareAsked(id, b, want)
	p.compareTotals(id, b, want)
	b.moves, b.asked = nil, nil
}

func (p *part) compareMove(id string, m model.Movement, got move, there bool) {
	rep, member := p.a.report, m.Amount-m.Donated+m.WrittenOff
	switch {
	case !there:
		rep.differ(Lost, "reward missing", m.Amount, "account %s: %d for receipt %s and campaign %s", id, m.Amount, m.Receipt, m.Campaign)
	case got.amount != member || got.charity != m.Donated:
		rep.differ(Cents, "reward of another amount", got.amount-member, "account %s: receipt %s and campaign %s version %d have %d, a charity %d; must have %d, and %d", id, m.Receipt, m.Campaign, m.Version, got.amount, got.charity, member, m.Donated)
	case got.version != m.Version || got.active != m.Active || got.expires != m.Ends() || got.at != m.At || got.wallet != m.Wallet || got.shop != "" && got.shop != m.Shop:
		rep.differ(Other, "reward with other terms", 0, "account %s: receipt %s and campaign %s: version %d, at %d, active %d, expires %d, wallet %q, paid by %q; must be version %d, at %d, active %d, expires %d, wallet %q, %q",
			id, m.Receipt, m.Campaign, got.version, got.at, got.active, got.expires, got.wallet, got.shop, m.Version, m.At, m.Active, m.Ends(), m.Wallet, m.Shop)
	}
}

// compareAsked compares what events asked of the money: done in full, or refused.
func (p *part) compareAsked(id string, b *book, want *model.Account) {
	rep := p.a.report
	rep.saw("commands carried out", int64(len(want.Commands)))
	for _, c := range want.Commands {
		k := askKey{c.Receipt, c.Wallet}
		got, there := b.asked[k]
		delete(b.asked, k)
		switch {
		case !there:
			rep.differ(Lost, "command not carried out", c.Available, "account %s: event %s must change wallet %q by %d, held by %d", id, c.Receipt, c.Wallet, c.Available, c.Held)
		case got != asked{c.Available, c.Held}:
			rep.differ(Cents, "command carried out otherwise", got.available-c.Available, "account %s: event %s changes wallet %q by %d, held by %d; must be %d, %d", id, c.Receipt, c.Wallet, got.available, got.held, c.Available, c.Held)
		}
	}
	for k, got := range b.asked {
		rep.differ(Doubled, "command that must be refused", got.available, "account %s: event %s changes wallet %q by %d, held by %d", id, k.receipt, k.wallet, got.available, got.held)
	}
}

// compareTotals checks what the account is left with in each wallet, save for accounts where something falls due just while the product comes to rest.
func (p *part) compareTotals(id string, b *book, want *model.Account) {
	from, to := p.a.o.At.Add(-dueMargin).UnixMilli(), p.a.o.At.Add(dueMargin).UnixMilli()
	want.Fire(from)
	if want.DueBetween(from, to) {
		p.a.report.saw("accounts with a timer falling due now", 1)
		return
	}
	left := map[string]model.Balance{}
	for name, w := range b.wallets {
		left[name] = model.Balance{Pending: w.pending, Available: w.available, Held: b.held[name]}
	}
	left[""] = model.Balance{Pending: b.pending, Available: b.available, Held: b.held[""]}
	for name, must := range want.Balances() {
		p.compareBalance(id, name, left[name], must)
		delete(left, name)
	}
	for name, got := range left {
		p.compareBalance(id, name, got, model.Balance{})
	}
}

func (p *part) compareBalance(id, wallet string, got, want model.Balance) {
	p.a.report.saw("balances of wallets", 1)
	if got != want {
		p.a.report.differ(Cents, "balance", got.Pending+got.Available-want.Pending-want.Available, "account %s wallet %q has %d pending, %d available, %d held; must have %d, %d, %d",
			id, wallet, got.Pending, got.Available, got.Held, want.Pending, want.Available, want.Held)
	}
}

// dueMargin is how far the firing of an idle account's timers may be from when the product came to rest.
const dueMargin = time.Minute
