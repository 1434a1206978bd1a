package loadtest

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
)

func stream(t testing.TB, o Options, n int, each func(*Item)) *Generator {
	t.Helper()
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var it Item
	for range n {
		g.Next(&it)
		each(&it)
	}
	return g
}

func digest(t *testing.T, seed uint64) uint64 {
	h := fnv.New64a()
	stream(t, Options{Seed: seed}, 6_000, func(it *Item) {
		fmt.Fprint(h, it.Kind, it.Key, it.Partition, it.Flaw, it.Receipt)
	})
	return h.Sum64()
}

func TestSameSeedSameStream(t *testing.T) {
	a, b, c := digest(t, 7), digest(t, 7), digest(t, 8)
	if a != b {
		t.Fatalf("two streams of seed 7 differ: %x and %x", a, b)
	}
	if a == c {
		t.Fatal("seeds 7 and 8 give the same stream")
	}
}

func TestSharesAndValidity(t *testing.T) {
	const n = 200_000
	ids, lines, anonymous, members := map[string]int{}, 0, 0, map[retail.AccountID]int{}
	p := retail.DefaultPolicy()
	p.Currency = "EUR"
	g := stream(t, Options{Seed: 1}, n, func(it *Item) {
		pr := p.Validate(&it.Receipt, it.Receipt.EndedAt)
		if it.Kind != KindMalformed && pr != nil {
			t.Fatalf("%s: %v", it.Kind, pr)
		}
		if it.Kind == KindMalformed && pr == nil && it.Flaw != "far past" && it.Flaw != "far future" {
			t.Fatalf("malformed %q is accepted", it.Flaw)
		}
		if it.Kind == KindSale {
			ids[strings.Clone(string(it.Receipt.ID))]++
			lines += len(it.Receipt.Lines)
			members[retail.AccountID(strings.Clone(string(it.Receipt.Loyalty.AccountID)))]++
		}
		if it.Receipt.Loyalty.AccountID == "" {
			anonymous++
		}
	})
	for id, c := range ids {
		if c != 1 {
			t.Fatalf("sale %s was made %d times", id, c)
		}
	}
	counts := g.Counts()
	t.Logf("%v, %.1f lines per sale, %d members, %.1f %% anonymous, days %.1f", counts, float64(lines)/float64(len(ids)), len(members), 100*float64(anonymous)/n,
		float64(g.Clock()-g.o.Start)/86_400_000)
	within(t, "returns", counts["return"], n*4/100)
	within(t, "duplicates", counts["duplicate"], n/100)
	within(t, "late", counts["late"], n*2/100)
	within(t, "malformed", counts["malformed"], n*2/1000)
	within(t, "misplaced", counts["misplaced"], n/1000)
	within(t, "anonymous", int64(anonymous), n/4)
	within(t, "lines", int64(lines), 12*len(ids))
	if counts["early-return"] == 0 || counts["conflict"] == 0 {
		t.Fatal("early returns or conflicts are missing")
	}
}

// With mechanics, a twelfth of the stream is EVENTs: all kinds, all valid but those that are broken on purpose; and the receipts stay what they are.
func TestMechanicsAddEvents(t *testing.T) {
	p, kinds, labels, events := retail.DefaultPolicy(), map[string]int{}, 0, 0
	p.Currency = "EUR"
	g := stream(t, Options{Seed: 1, Mechanics: true, Members: 5000}, 60_000, func(it *Item) {
		if pr := p.Validate(&it.Receipt, it.Receipt.EndedAt); it.Kind != KindMalformed && pr != nil {
			t.Fatalf("%s: %v", it.Kind, pr)
		}
		if it.Receipt.Type == retail.Event {
			kinds[strings.Clone(it.Receipt.EventKind())]++
			events++
			return
		}
		for i := range it.Receipt.Lines {
			labels += len(it.Receipt.Lines[i].Labels)
		}
	})
	within(t, "events", int64(events), 60_000*8/100)
	for _, h := range happenings() {
		if kinds[h.kind] == 0 {
			t.Errorf("no %s in the stream", h.kind)
		}
	}
	if kinds["refund"] == 0 || labels == 0 || g.Counts()["event"] == 0 {
		t.Errorf("kinds %v, %d labels", kinds, labels)
	}
}

// within allows a quarter more or less: the test is about the right order, the seed is fixed.
func within(t *testing.T, what string, got int64, want int) {
	t.Helper()
	if got < int64(want)*3/4 || got > int64(want)*5/4 {
		t.Errorf("%s: %d, expected about %d", what, got, want)
	}
}

func TestCheckDigit(t *testing.T) {
	for body, want := range map[string]byte{"400638133393": 1, "590123412345": 7} {
		if got := checkDigit(body); got != want {
			t.Errorf("check digit of %s is %d, want %d", body, got, want)
		}
	}
	for _, p := range newCatalog(shelvesOf(nil), true).products {
		if p.gtin != "" && (len(p.gtin) != 13 || checkDigit(p.gtin[:12]) != p.gtin[12]-'0') {
			t.Fatalf("%s has the bad GTIN %s", p.sku, p.gtin)
		}
	}
}

func TestMisplacedKeysAreMisplaced(t *testing.T) {
	where, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	stream(t, Options{Seed: 3}, 50_000, func(it *Item) {
		if (it.Kind == KindMisplaced) != (it.Partition >= 0) {
			t.Fatalf("%s has partition %d", it.Kind, it.Partition)
		}
		if it.Kind == KindMisplaced && it.Partition == where.partitionOf(it.Key) {
			t.Fatal("a misplaced key is where it belongs")
		}
	})
}

func TestPopulationIsABijection(t *testing.T) {
	p := newPopulation(1000, nil)
	seen := map[uint64]bool{}
	for rank := range uint64(1000) {
		seen[p.member(rank)] = true
	}
	if len(seen) != 1000 {
		t.Fatalf("1000 ranks make %d members", len(seen))
	}
}

func BenchmarkNext(b *testing.B) {
	g, err := New(Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	var it Item
	b.ReportAllocs()
	for b.Loop() {
		g.Next(&it)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
}
