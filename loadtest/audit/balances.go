package audit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"cagnotte/loadtest/model"
	"cagnotte/loadtest/wire"

	"github.com/twmb/franz-go/pkg/kgo"
)

// balances compares the latest balance of every account with its ledger.
func (p *part) balances(ctx context.Context) error {
	latest, further := map[string]balance{}, map[string]map[string]model.Balance{}
	err := p.a.each(ctx, topicBalances, p.number, func(r *kgo.Record) error {
		var v wire.Balance
		if err := p.a.o.Reader.Decode(r.Value, &v); err != nil {
			return fmt.Errorf("balance offset %d: %w", r.Offset, err)
		}
		if was := latest[v.Account]; v.Version < was.seq && !p.a.o.Repeats {
			p.a.report.differ(Other, "balance goes back", 0, "account %s: version %d comes after %d", v.Account, v.Version, was.seq)
		} else if v.Version < was.seq {
			return nil // the higher version counts
		}
		latest[v.Account] = balance{v.Version, v.Pending, v.Available, v.LifetimeEarned}
		further[v.Account] = purses(&v)
		return nil
	})
	if err != nil {
		return err
	}
	p.a.report.saw("balances in Kafka", int64(len(latest)))
	for id, b := range p.books {
		got, there := latest[id]
		p.a.sameBalance("balances topic", id, b.balance, got, there, true)
		if there {
			p.samePurses(id, b, further[id])
		}
		delete(latest, id)
	}
	for id, got := range latest {
		p.a.sameBalance("balances topic", id, balance{}, got, true, true)
	}
	return nil
}

// purses are the wallets of a balance record, the programme's currency among them.
func purses(v *wire.Balance) map[string]model.Balance {
	out := map[string]model.Balance{"": {Pending: v.Pending, Available: v.Available, Held: v.Held}}
	for _, w := range v.Wallets {
		out[strings.Clone(w.Wallet)] = model.Balance{Pending: w.Pending, Available: w.Available, Held: w.Held}
	}
	return out
}

// samePurses compares the wallets of the latest balance with what the ledger's entries come to.
func (p *part) samePurses(id string, b *book, got map[string]model.Balance) {
	for name, w := range b.wallets {
		if g, want := got[name], (model.Balance{Pending: w.pending, Available: w.available, Held: b.held[name]}); g != want {
			p.a.report.differ(Cents, "balances topic: wallet differs", g.Available-want.Available, "account %s wallet %q: %+v, the ledger says %+v", id, name, g, want)
		}
		delete(got, name)
	}
	if held := got[""].Held; held != b.held[""] {
		p.a.report.differ(Cents, "balances topic: wallet differs", held-b.held[""], "account %s: %d held, the ledger says %d", id, held, b.held[""])
	}
	delete(got, "")
	for name, g := range got {
		if g != (model.Balance{}) {
			p.a.report.differ(Cents, "balances topic: wallet differs", g.Available, "account %s wallet %q: %+v, the ledger knows none", id, name, g)
		}
	}
}

// sameBalance compares a balance with what the ledger's entries come to.
func (a *auditor) sameBalance(where, id string, want, got balance, there, lifetime bool) {
	if !lifetime {
		got.lifetime = want.lifetime
	}
	switch {
	case !there:
		a.report.differ(Lost, where+": balance missing", want.pending+want.available, "account %s has %d entries in the ledger and no balance", id, want.seq)
	case got != want:
		a.report.differ(Cents, where+": balance differs", got.pending+got.available-want.pending-want.available,
			"account %s: sequence %d, pending %d, available %d, lifetime %d; the ledger says %d, %d, %d, %d",
			id, got.seq, got.pending, got.available, got.lifetime, want.seq, want.pending, want.available, want.lifetime)
	}
}

// dump compares what the state stores hold. An account whose partition has moved may stand in several stores: the highest sequence counts.
func (a *auditor) dump() error {
	if a.o.Dump == nil {
		return nil
	}
	held := map[string]balance{}
	dec := json.NewDecoder(bufio.NewReaderSize(a.o.Dump, 1<<20))
	for {
		var row struct {
			Account   string `json:"account_id"`
			Seq       int64  `json:"seq"`
			Pending   int64  `json:"pending_minor"`
			Available int64  `json:"available_minor"`
		}
		err := dec.Decode(&row)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the dump of the state: %w", err)
		}
		if was, twice := held[row.Account]; !twice || row.Seq > was.seq {
			held[row.Account] = balance{seq: row.Seq, pending: row.Pending, available: row.Available}
		}
	}
	a.report.saw("balances in the state stores", int64(len(held)))
	for id, want := range a.last {
		got, there := held[id]
		a.sameBalance("state store", id, want, got, there, false)
		delete(held, id)
	}
	for id, got := range held {
		a.sameBalance("state store", id, balance{}, got, true, false)
	}
	return nil
}
