package statetest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/state"
)

// Choose returns a number in [0, n). A seeded generator or a property test's draw, so that a run can be repeated.
type Choose func(n int) int

// Record is a changelog record as staged.
type Record struct{ Key, Value []byte }

// Commit is one committed step: its records, and the model after it.
type Commit struct {
	Records []Record
	After   *Model
}

// Run drives a partition and a model through the same random steps. P may be replaced between steps, by the same state reopened.
type Run struct {
	P        *state.Partition
	Accounts int // how many there are to choose from
	Commits  []Commit

	choose  Choose
	base    *Model // of the last commit
	open    *Model // with the open commit
	touched map[retail.AccountID]bool
	order   []retail.AccountID // first touch
	jotted  map[string]bool
	keys    []string // notes, first touch
	now     retail.Instant
	journal ledger.Journal
}

// NewRun starts from an empty partition.
func NewRun(p *state.Partition, accounts int, choose Choose) *Run {
	r := &Run{P: p, Accounts: accounts, choose: choose, base: NewModel(), now: 1_000_000}
	r.reset()
	return r
}

func (r *Run) reset() {
	r.open, r.touched, r.order = r.base.Clone(), map[retail.AccountID]bool{}, nil
	r.jotted, r.keys = map[string]bool{}, nil
}

// Model is the state of the last commit.
func (r *Run) Model() *Model { return r.base }

// Idle reports whether no commit is open.
func (r *Run) Idle() bool { return len(r.touched)+len(r.jotted) == 0 }

// receipts is how many ids there are: few, so that footprints are replaced.
const receipts = 5

// Prints lists all footprints that may be, and one that never is.
func (r *Run) Prints() []Print {
	prints := []Print{{"nobody", "never"}}
	for i := range receipts {
		for a := range r.Accounts {
			prints = append(prints, Print{accountID(a), receiptID(i)})
		}
	}
	return prints
}

func accountID(i int) retail.AccountID {
	return retail.AccountID([]string{"a", "a\x00", "", "\x00\x01"}[i%4] + strconv.Itoa(i))
}
func receiptID(i int) retail.ReceiptID { return retail.ReceiptID("r" + strconv.Itoa(i)) }

// Step takes one random step on both sides and compares what it shows.
func (r *Run) Step() error {
	switch n := r.choose(20); {
	case n < 8:
		return r.change()
	case n < 9:
		return r.jot()
	case n < 11:
		return r.look()
	case n < 12:
		return r.due()
	case n < 16:
		return r.Commit()
	case n < 17:
		return r.Abort()
	case n < 18:
		r.P.Stage(nil)
		return nil
	default:
		return r.P.Flush(r.choose(4) == 0)
	}
}

// change does to an account what a receipt or its timers may.
func (r *Run) change() error {
	id := accountID(r.choose(r.Accounts))
	s, err := r.P.Account(id)
	if err != nil {
		return err
	}
	if err := r.compare(s, id); err != nil {
		return err
	}
	r.P.Touch(s)
	r.note(id)
	r.act(&s.Account, id)
	r.open.Accounts[id] = s.Account.AppendBinary(nil)
	if r.choose(3) > 0 {
		r.put(s)
	}
	return nil
}

// jot sets a note and looks at another.
func (r *Run) jot() error {
	key, value := fmt.Sprint("note ", r.choose(4)), fmt.Sprint(r.choose(1000), "!")
	r.P.PutNote(key, []byte(value))
	if !r.jotted[key] {
		r.jotted[key] = true
		r.keys = append(r.keys, key)
	}
	r.open.Notes[key] = value
	other := fmt.Sprint("note ", r.choose(4))
	got, found := r.P.Note(other)
	if want, there := r.open.Notes[other]; found != there || string(got) != want {
		return fmt.Errorf("note %q is %q (%v), want %q (%v)", other, got, found, want, there)
	}
	return nil
}

func (r *Run) note(id retail.AccountID) {
	if !r.touched[id] {
		r.touched[id] = true
		r.order = append(r.order, id)
	}
}

func (r *Run) act(a *ledger.Account, id retail.AccountID) {
	r.journal.Reset()
	g := ledger.Grant{CampaignKey: uint64(r.choose(3)), Version: 1, Amount: money.Amount(1 + r.choose(500)), At: r.now}
	switch r.choose(4) {
	case 0:
		a.Earn(&r.journal, id, &g)
	case 1:
		g.ActiveFrom, g.ExpiresAt = r.now+retail.Instant(1000*r.choose(5)), r.now+retail.Instant(1000*(5+r.choose(200)))
		a.Earn(&r.journal, id, &g)
	case 2:
		a.Reverse(&r.journal, id, &g)
	default:
		a.FireDue(&r.journal, id, r.now, noNames{})
		a.Remember(uint64(r.choose(1000)))
	}
}

type noNames struct{}

func (noNames) CampaignID(uint64) string { return "" }

func (r *Run) put(s *state.Slot) {
	receipt := receiptID(r.choose(receipts))
	value := fmt.Sprint("footprint ", r.choose(1000))
	r.P.PutFootprint(s, receipt, []byte(value))
	r.open.Prints[Print{s.ID, receipt}] = value
}

// look compares an account and a footprint with the open model.
func (r *Run) look() error {
	id := accountID(r.choose(r.Accounts))
	s, err := r.P.Account(id)
	if err != nil {
		return err
	}
	if err := r.compare(s, id); err != nil {
		return err
	}
	print := Print{id, receiptID(r.choose(receipts))}
	absent, err := r.P.Absent(s, print.Receipt)
	if err != nil {
		return err
	}
	if _, there := r.open.Prints[print]; absent && there {
		return fmt.Errorf("footprint %v is said to be absent, and is there", print)
	}
	return r.open.CheckPrint(r.P, print)
}

func (r *Run) compare(s *state.Slot, id retail.AccountID) error {
	got, want := s.Account.AppendBinary(nil), r.open.Accounts[id]
	if want == nil {
		want = new(ledger.Account).AppendBinary(nil)
	}
	if s.ID != id || !bytes.Equal(got, want) {
		return fmt.Errorf("account %q: slot %q %x, want %x", id, s.ID, got, want)
	}
	return nil
}

// due lets time pass and compares the due accounts: those of the last commit, less those that the open commit has moved.
func (r *Run) due() error {
	r.now += retail.Instant(r.choose(3) * r.choose(70_000))
	want, err := r.base.Due(r.now)
	if err != nil {
		return err
	}
	for id := range r.touched {
		was, err1 := r.base.Account(id)
		is, err2 := r.open.Account(id)
		if err1 != nil || err2 != nil || was.NextDue() != is.NextDue() {
			want = slices.DeleteFunc(want, func(x retail.AccountID) bool { return x == id })
		}
	}
	most := 1 + r.choose(r.Accounts)
	got, err := r.P.DueAccounts(r.now, most, nil)
	if err != nil {
		return err
	}
	if want = want[:min(most, len(want))]; !slices.Equal(got, want) {
		return fmt.Errorf("due by %d: %q, want %q", r.now, got, want)
	}
	return nil
}

// Commit stages and commits on both sides, and compares what was staged: one record per touched account in the order of first touch.
func (r *Run) Commit() error {
	var c Commit
	r.P.Stage(func(key, value []byte, s *state.Slot) {
		c.Records = append(c.Records, Record{bytes.Clone(key), bytes.Clone(value)})
	})
	want := slices.Clone(r.keys)
	for i := range r.order {
		want = slices.Insert(want, i, string(r.order[i]))
	}
	if !slices.EqualFunc(c.Records, want, func(r Record, key string) bool { return string(r.Key) == key }) {
		return fmt.Errorf("staged %q, want %q", c.Records, want)
	}
	offset := r.base.Meta.ChangelogOffset + int64(len(c.Records)) + 1
	r.open.Meta = state.Meta{ChangelogOffset: offset, Commit: fmt.Appendf(nil, "commit before %d", offset), Hash: r.P.StagedHash()}
	r.P.Commit(state.Meta{ChangelogOffset: offset, Commit: r.open.Meta.Commit})
	r.base = r.open
	c.After = r.base
	r.Commits = append(r.Commits, c)
	r.reset()
	return nil
}

// Abort drops the open commit on both sides.
func (r *Run) Abort() error {
	r.reset()
	return r.P.Abort()
}

// Restore applies the commits from the one that the partition's meta names, and checks that the partition is then as the last of them says.
func (r *Run) Restore(p *state.Partition) error {
	for i := range r.Commits {
		c := &r.Commits[i]
		if c.After.Meta.ChangelogOffset <= p.Meta().ChangelogOffset {
			continue
		}
		for _, record := range c.Records {
			if err := p.Apply(record.Key, record.Value); err != nil {
				return err
			}
		}
		if err := p.ApplyCommit(c.After.Meta); err != nil {
			return err
		}
	}
	return r.base.Check(p, r.Prints())
}
