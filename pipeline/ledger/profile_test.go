package ledger

import (
	"testing"

	"cagnotte/pipeline/retail"

	"pgregory.net/rapid"
)

// Facts are told apart by their instants, whichever way they come in.
func TestFactsHoldAtTheirInstants(t *testing.T) {
	var p Profile
	key := FactKey("organic")
	p.Begin(Segment, key, 100, 0)
	p.End(Segment, key, 200)
	p.Begin(Segment, key, 300, 400)
	for at, want := range map[retail.Instant]bool{99: false, 100: true, 199: true, 200: false, 300: true, 399: true, 400: false} {
		if got := p.Holds(Segment, key, at); got != want {
			t.Errorf("at %d: holds %v, want %v", at, got, want)
		}
	}
	p.Begin(Segment, key, 50, 0) // told late: what was said of later instants stands
	if !p.Holds(Segment, key, 60) || p.Holds(Segment, key, 250) || !p.Holds(Segment, key, 350) {
		t.Errorf("a statement that came late undid one made after it: %+v", p.Facts)
	}
	p.End(Consent, key, 500)
	p.Begin(Consent, key, 450, 0) // given before it was withdrawn, heard of afterwards
	if !p.Holds(Consent, key, 499) || p.Holds(Consent, key, 500) {
		t.Errorf("a withdrawal that came first is forgotten: %+v", p.Facts)
	}
	if p.Holds(Consent, key, 150) || p.Holds(Segment, FactKey("other"), 150) {
		t.Error("another fact holds")
	}
}

// When there are too many, what has ended falls out first, and nothing that has ended comes back with it.
func TestFactsAreBounded(t *testing.T) {
	var p Profile
	p.Begin(Club, 7, 1, 0)
	p.End(Club, 7, 5)
	for i := range retail.Instant(2 * MaxFacts) {
		p.Begin(Segment, uint64(i), 10+i, 0)
		if p.Holds(Club, 7, 6) {
			t.Fatalf("what ended holds again after %d more: %+v", i, p.Facts)
		}
	}
	if len(p.Facts) != MaxFacts || p.Facts[0].Kind != Segment {
		t.Errorf("%d facts, the first %+v", len(p.Facts), p.Facts[0])
	}
}

// A full account with profile and counters survives its encoding, and counters are sums.
func TestExtensionsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b Account
		sums := map[Counter]int64{}
		for range rapid.IntRange(0, 40).Draw(t, "counts") {
			c := Counter{Campaign: rapid.Uint64Range(1, 3).Draw(t, "campaign"), Slot: rapid.Int32Range(-2, 5).Draw(t, "slot"), Key: rapid.Uint32Range(0, 3).Draw(t, "key")}
			d := rapid.Int64Range(-3, 3).Draw(t, "delta")
			a.Advance(c.Campaign, c.Slot, c.Key, d)
			sums[c] += d
		}
		for c, v := range sums {
			got := int64(0)
			for _, x := range a.CountersOf(c.Campaign) {
				if x.Slot == c.Slot && x.Key == c.Key {
					got = x.Value
				}
			}
			if got != v {
				t.Fatalf("counter %+v is %d, want %d", c, got, v)
			}
		}
		a.Profile.Birthday = rapid.Int16Range(0, 1231).Draw(t, "birthday")
		a.Profile.Referrer = retail.AccountID(rapid.StringMatching(`[a-z]{0,5}`).Draw(t, "referrer"))
		for range rapid.IntRange(0, 100).Draw(t, "facts") {
			from := retail.Instant(rapid.Int64Range(1, 50).Draw(t, "from"))
			kind, key := FactKind(rapid.IntRange(1, 4).Draw(t, "kind")), rapid.Uint64Range(1, 40).Draw(t, "key")
			if rapid.Bool().Draw(t, "begin") {
				a.Profile.Begin(kind, key, from, retail.Instant(rapid.Int64Range(0, 60).Draw(t, "to")))
			} else {
				a.Profile.End(kind, key, from)
			}
		}
		enc := a.AppendBinary(nil)
		if err := b.Decode(enc); err != nil {
			t.Fatalf("decode %+v: %v", a, err)
		}
		if again := b.AppendBinary(nil); string(again) != string(enc) {
			t.Fatalf("encoded %x, again %x", enc, again)
		}
	})
}

// Old slots fall out, one campaign's at a time.
func TestOldSlotsFallOut(t *testing.T) {
	var a Account
	a.Advance(1, 7, 0, 5)
	for slot := range int32(maxSlots + 10) {
		a.Advance(2, slot, 1, 1)
		a.Advance(2, slot, 2, 1)
	}
	if got := a.CountersOf(2); len(got) != 2*maxSlots || got[0].Slot != 10 {
		t.Errorf("%d counters from slot %d, want %d from 10", len(got), got[0].Slot, 2*maxSlots)
	}
	if got := a.CountersOf(1); len(got) != 1 {
		t.Errorf("another campaign lost its counter: %v", got)
	}
}
