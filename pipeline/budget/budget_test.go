package budget

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"cagnotte/pipeline/money"

	"pgregory.net/rapid"
)

// Goal: D21, I5: no overshoot whatever becomes of the messages. Method: random awards and refunds, with messages lost, repeated, reordered and delivered late,
// totals raised and lowered, and every state restored from its encoding.
func TestNoOvershoot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		total := money.Amount(rapid.IntRange(0, 100_000).Draw(rt, "total"))
		terms := Terms{First: total, Total: total, Recycle: rapid.Bool().Draw(rt, "recycle")}
		w := newWorld(t, rng, terms, int32(rapid.IntRange(1, 9).Draw(rt, "partitions")))
		for range 300 {
			w.abuse()
			w.check()
		}
	})
}

// abuse is one step of a bad day.
func (w *world) abuse() {
	switch dice := w.rng.IntN(20); {
	case dice < 8:
		p := int32(w.rng.IntN(int(w.partitions)))
		l := w.lease(p)
		for range w.rng.IntN(5) {
			w.award(&l, money.Amount(1+w.rng.IntN(4000)))
		}
		if w.rng.IntN(3) == 0 {
			w.refund(&l, money.Amount(w.rng.IntN(3000)))
		}
		w.commit(p, &l)
	case dice < 13 && len(w.requests) > 0:
		w.owner(w.pick(&w.requests))
	case dice < 18 && len(w.grants) > 0:
		w.deliver(w.pick(&w.grants))
	case dice < 19:
		w.owner(nil)
	default:
		w.terms.Total = max(0, w.terms.Total+money.Amount(w.rng.IntN(20_000)-10_000))
		w.ceiling = max(w.ceiling, w.terms.Total)
	}
}

// pick takes any message: usually for good, sometimes it will come again, sometimes another is lost with it.
func (w *world) pick(from *[][]byte) []byte {
	i := w.rng.IntN(len(*from))
	msg := (*from)[i]
	if w.rng.IntN(4) > 0 {
		*from = slices.Delete(*from, i, i+1)
	}
	if len(*from) > 0 && w.rng.IntN(6) == 0 {
		*from = slices.Delete(*from, 0, 1)
	}
	return msg
}

// Goal: at least 99.5 % of a budget is used when there is demand for it, over 8 partitions, however unequal they are, with a round trip of several
// commits. Method: demand of 1.3 budgets in commits of some receipts per partition; messages need one commit per hop. Reported: the share used, and how
// much was refused while money was left elsewhere.
func TestUsable(t *testing.T) {
	skews := map[string]func(*rand.Rand) int32{
		"even":      func(r *rand.Rand) int32 { return int32(r.IntN(8)) },
		"one shop":  func(r *rand.Rand) int32 { return 5 },
		"skewed":    func(r *rand.Rand) int32 { return int32(min(r.IntN(8), r.IntN(8), r.IntN(8))) },
		"hands off": nil, // demand moves from partition to partition and never comes back
	}
	for _, total := range []money.Amount{20_000, 1_000_000, 5_000_000_00} {
		for name, skew := range skews {
			rng := rand.New(rand.NewPCG(uint64(total), 3))
			w := newWorld(t, rng, Terms{First: total, Total: total, Recycle: true}, 8)
			award := max(total/4000, 20) // some thousand awards
			commits, early := 0, money.Amount(-1)
			for wanted := money.Amount(0); wanted < total*13/10; commits++ {
				for range 8 {
					p := int32(min(int64(wanted)*10/int64(total), 7))
					if skew != nil {
						p = skew(rng)
					}
					a := award/2 + money.Amount(rng.Int64N(int64(award)))
					wanted += a
					l := w.lease(p)
					w.award(&l, a)
					w.commit(p, &l)
				}
				if w.refused > 0 && early < 0 {
					early = w.granted
				}
				w.round()
				w.check()
			}
			w.settle()
			share := float64(w.granted) / float64(total)
			t.Logf("%-9s budget %11v: used %.3f %%, first reduced award after %.2f %%, %d messages for %d commits", name, total, 100*share, 100*float64(early)/float64(total), w.messages, 8*commits)
			if share < 0.995 {
				t.Errorf("%s, budget %v: only %.3f %% used", name, total, 100*share)
			}
		}
	}
}

// Goal: silence. An exhausted budget, or one that nobody draws on, costs no messages.
func TestSilence(t *testing.T) {
	w := newWorld(t, rand.New(rand.NewPCG(1, 1)), Terms{First: 100_000, Total: 100_000}, 4)
	drain := func() {
		for i := range 400 {
			l := w.lease(int32(i % 4))
			w.award(&l, 900)
			w.commit(int32(i%4), &l)
			w.settle()
		}
	}
	drain()
	if w.granted != 100_000 {
		t.Fatalf("%v granted of 1000.00", w.granted)
	}
	before := w.messages
	drain()
	if w.messages != before {
		t.Errorf("%d messages about an exhausted budget", w.messages-before)
	}
	w.terms.Total, w.ceiling = 300_000, 300_000
	w.owner(nil)
	drain()
	if w.granted != 300_000 {
		t.Errorf("%v granted after the budget was raised to 3000.00", w.granted)
	}
}

// Goal: who waits for a budget that is used up is told so, once; and waits again no more until something comes. Method: drain it, look at every lease, raise
// the total.
func TestDry(t *testing.T) {
	w := newWorld(t, rand.New(rand.NewPCG(1, 1)), Terms{First: 100_000, Total: 100_000}, 4)
	buy := func() (waits int) {
		for i := range 400 {
			l := w.lease(int32(i % 4))
			w.award(&l, 900)
			w.commit(int32(i%4), &l)
			w.settle()
		}
		for p := range int32(4) {
			if l := w.lease(p); l.Waits() {
				waits++
			}
		}
		return waits
	}
	if n := buy(); n > 0 {
		t.Errorf("%d partitions wait for a budget that is used up", n)
	}
	w.terms.Total, w.ceiling = 200_000, 200_000
	w.owner(nil)
	w.settle()
	for p := range int32(4) {
		if l := w.lease(p); l.dry || l.Left() == 0 {
			t.Errorf("partition %d has %v after the budget was raised, dry %v", p, l.Left(), l.dry)
		}
	}
	if n := buy(); n > 0 || w.granted != 200_000 {
		t.Errorf("%d wait, %v granted of 2000.00", n, w.granted)
	}
}

// Goal: a lowered total comes back from those who do not use it. Method: lower it with nothing spent, and let the messages settle.
func TestLowered(t *testing.T) {
	w := newWorld(t, rand.New(rand.NewPCG(1, 1)), Terms{First: 80_000, Total: 80_000}, 8)
	w.terms.Total = 1000
	w.owner(nil)
	w.settle()
	if b, err := DecodeBook(w.book); err != nil || b.Out() > 1000 {
		t.Errorf("%v are out of a budget of 10.00, %v", b.Out(), err)
	}
}

// D22: what returns take back is granted again, or not.
func TestRecycle(t *testing.T) {
	for recycle, want := range map[bool]money.Amount{true: 150_000, false: 100_000} {
		w := newWorld(t, rand.New(rand.NewPCG(1, 1)), Terms{First: 100_000, Total: 100_000, Recycle: recycle}, 2)
		spend := func() {
			for range 100 {
				l := w.lease(0)
				w.award(&l, 5000)
				w.commit(0, &l)
				w.settle()
			}
		}
		spend()
		l := w.lease(0)
		w.refund(&l, 50_000)
		w.commit(0, &l)
		spend()
		w.check()
		if w.granted > want || w.granted < want-100_000/keepParts {
			t.Errorf("recycle %v: %v granted in all, want %v", recycle, w.granted, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	terms := Terms{First: 1000, Total: 1000}
	b, l := NewBook(terms, 2), Open(terms, 2)
	if err := l.Spend(l.Left()+1, 500); !errors.Is(err, ErrBroken) {
		t.Errorf("more than is left: %v", err)
	}
	if err := l.Spend(-1, 500); !errors.Is(err, ErrBroken) {
		t.Errorf("less than nothing: %v", err)
	}
	for name, r := range map[string]Request{
		"a partition that is not":      {Partition: 2, Number: 1},
		"more used than granted":       {Number: 1, Used: 251},
		"more given back than granted": {Number: 1, Returned: 300},
	} {
		if _, err := b.Hear(r); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := l.Take(Grant{Number: 1, Granted: 10}); !errors.Is(err, ErrBroken) {
		t.Errorf("a grant that shrinks: %v", err)
	}
}

// Goal: no bytes make a codec crash, and what it accepts it writes the same way.
func FuzzCodec(f *testing.F) {
	terms := Terms{First: 123_456, Total: 123_456}
	b, l := NewBook(terms, 3), Open(terms, 3)
	f.Add(b.AppendBinary(nil))
	f.Add(l.AppendBinary(nil))
	f.Add(Request{Partition: 2, Number: 7, Returned: 5, Used: 400, Need: 9}.AppendBinary(nil))
	f.Add(Grant{Partition: 1, Number: 3, Granted: 10_000, Answers: 2, Recall: true}.AppendBinary(nil))
	f.Add(Grant{Partition: 1, Number: 4, Granted: 10_000, Dry: true}.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		again := func(what string, out []byte, err error) {
			if err == nil && !bytes.Equal(in, out) {
				t.Errorf("%s: %x is written as %x", what, in, out)
			}
		}
		book, err := DecodeBook(in)
		again("book", book.AppendBinary(nil), err)
		lease, err := DecodeLease(in)
		again("lease", lease.AppendBinary(nil), err)
		r, err := ParseRequest(in)
		again("request", r.AppendBinary(nil), err)
		g, err := ParseGrant(in)
		again("grant", g.AppendBinary(nil), err)
	})
}
