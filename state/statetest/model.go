// Package statetest judges a state partition: a model of plain maps that takes the same steps, and a comparison of everything both can say.
//
// It is used by state's own tests with random steps, crashes and restores, and can be used by whoever drives a partition to check what it holds.
package statetest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/state"
)

// Print names a footprint.
type Print struct {
	Account retail.AccountID
	Receipt retail.ReceiptID
}

// Model is what a partition must hold. Values are encodings, so that nothing is shared with the partition.
type Model struct {
	Accounts map[retail.AccountID][]byte
	Prints   map[Print]string
	Notes    map[string]string
	Meta     state.Meta
}

// NewModel returns the model of a partition without any commit.
func NewModel() *Model {
	return &Model{Accounts: map[retail.AccountID][]byte{}, Prints: map[Print]string{}, Notes: map[string]string{}}
}

// Clone returns a copy; encodings are shared, as they are never changed.
func (m *Model) Clone() *Model {
	return &Model{Accounts: maps.Clone(m.Accounts), Prints: maps.Clone(m.Prints), Notes: maps.Clone(m.Notes), Meta: m.Meta}
}

// Account decodes the account as the model has it, empty when it does not exist.
func (m *Model) Account(id retail.AccountID) (a ledger.Account, err error) {
	if enc, ok := m.Accounts[id]; ok {
		err = a.Decode(enc)
	}
	return a, err
}

// Due lists the accounts that are due by now, in order of (due instant, account).
func (m *Model) Due(now retail.Instant) ([]retail.AccountID, error) {
	type timer struct {
		due retail.Instant
		id  retail.AccountID
	}
	var due []timer
	for id := range m.Accounts {
		a, err := m.Account(id)
		if err != nil {
			return nil, err
		}
		if at := a.NextDue(); at != 0 && at <= now {
			due = append(due, timer{at, id})
		}
	}
	slices.SortFunc(due, func(a, b timer) int { return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id)) })
	ids := make([]retail.AccountID, len(due))
	for i := range due {
		ids[i] = due[i].id
	}
	return ids, nil
}

// Check compares everything a partition without an open commit holds with the model: meta, every account, every footprint, those of
// others (which must be absent), and all timers. It flushes.
func (m *Model) Check(p *state.Partition, others []Print) error {
	if got := p.Meta(); got.ChangelogOffset != m.Meta.ChangelogOffset || got.Hash != m.Meta.Hash || !bytes.Equal(got.Commit, m.Meta.Commit) {
		return fmt.Errorf("meta is %+v, want %+v", got, m.Meta)
	}
	if err := errors.Join(m.checkAccounts(p), m.CheckNotes(p)); err != nil {
		return err
	}
	for print := range m.Prints {
		others = append(others, print)
	}
	for _, print := range others {
		if err := m.CheckPrint(p, print); err != nil {
			return err
		}
	}
	return m.CheckDue(p, math.MaxInt64)
}

func (m *Model) checkAccounts(p *state.Partition) error {
	seen := 0
	err := p.Range(func(id retail.AccountID, a *ledger.Account) error {
		seen++
		if got, want := a.AppendBinary(nil), m.Accounts[id]; !bytes.Equal(got, want) {
			return fmt.Errorf("account %q is %x, want %x", id, got, want)
		}
		return nil
	})
	if err == nil && seen != len(m.Accounts) {
		err = fmt.Errorf("%d accounts, want %d", seen, len(m.Accounts))
	}
	return err
}

// CheckNotes compares all committed notes. The partition must have no open commit.
func (m *Model) CheckNotes(p *state.Partition) error {
	if got, want := p.NoteKeys(), slices.Sorted(maps.Keys(m.Notes)); !slices.Equal(got, want) {
		return fmt.Errorf("notes %q, want %q", got, want)
	}
	for key, want := range m.Notes {
		if got, found := p.Note(key); !found || string(got) != want {
			return fmt.Errorf("note %q is %q (found %v), want %q", key, got, found, want)
		}
	}
	return nil
}

// CheckPrint compares one footprint.
func (m *Model) CheckPrint(p *state.Partition, print Print) error {
	got, found, err := p.Footprint(print.Account, print.Receipt, nil)
	if err != nil {
		return err
	}
	if want, ok := m.Prints[print]; found != ok || string(got) != want {
		return fmt.Errorf("footprint %v is %q (found %v), want %q (%v)", print, got, found, want, ok)
	}
	return nil
}

// CheckDue compares the accounts that are due by now.
func (m *Model) CheckDue(p *state.Partition, now retail.Instant) error {
	want, err := m.Due(now)
	if err != nil {
		return err
	}
	got, err := p.DueAccounts(now, len(m.Accounts)+1, nil)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("due by %d: %q, want %q", now, got, want)
	}
	return nil
}
