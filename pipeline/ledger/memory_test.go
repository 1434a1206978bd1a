package ledger

import (
	"slices"
	"testing"

	"cagnotte/pipeline/money"

	"pgregory.net/rapid"
)

// The use of caps is that of a plain map which forgets all but the newest maxPeriods periods of a campaign, sorted and never negative; what a full list
// may have forgotten counts as used up.
func TestCapUse(t *testing.T) {
	type key struct {
		campaign uint64
		period   int32
	}
	rapid.Check(t, func(t *rapid.T) {
		var a Account
		model := map[key]money.Amount{}
		periodsOf := func(campaign uint64) (periods []int32) {
			for m := range model {
				if m.campaign == campaign {
					periods = append(periods, m.period)
				}
			}
			slices.Sort(periods)
			return periods
		}
		// Most of the list is full from the start, so that forgetting happens within the few steps of a run.
		for p := range int32(maxPeriods - 3) {
			a.AddUsed(1, p+2, 10)
			model[key{1, p + 2}] = 10
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				k := key{rapid.Uint64Range(1, 2).Draw(t, "campaign"), rapid.Int32Range(-1, maxPeriods+3).Draw(t, "period")}
				delta := money.Amount(rapid.Int64Range(-50, 100).Draw(t, "delta"))
				a.AddUsed(k.campaign, k.period, delta)
				if model[k] = max(0, model[k]+delta); model[k] == 0 {
					delete(model, k)
				}
				periods := periodsOf(k.campaign)
				for _, p := range periods[:max(0, len(periods)-maxPeriods)] {
					delete(model, key{k.campaign, p})
				}
			},
			"": func(t *rapid.T) {
				if err := a.Check(); err != nil || len(a.Progress) != len(model) {
					t.Fatalf("%+v, want %v: %v", a.Progress, model, err)
				}
				for c := range uint64(4) {
					known := periodsOf(c)
					for p := int32(-2); p < maxPeriods+5; p++ {
						want := model[key{c, p}]
						if len(known) == maxPeriods && p < known[0] {
							want = money.Max
						}
						if got := a.CapUsed(c, p); got != want {
							t.Fatalf("campaign %d period %d: %v, want %v", c, p, got, want)
						}
					}
				}
			},
		})
	})
}

// The last MaxRecent receipts are known for certain; earlier ones leave the account unsure, and nothing else does.
func TestRecentReceipts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Account
		n := rapid.Uint64Range(0, 3*MaxRecent).Draw(t, "receipts")
		for id := range n {
			a.Remember(id + 1)
		}
		for id := range n {
			known, unsure := a.Knows(id + 1)
			if recent := id+MaxRecent >= n; known != recent || unsure == recent {
				t.Fatalf("receipt %d of %d: known %v, unsure %v", id, n, known, unsure)
			}
		}
		if known, unsure := a.Knows(n + 1); known || unsure != (n > MaxRecent) {
			t.Fatalf("new receipt after %d: known %v, unsure %v", n, known, unsure)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	good := sample().AppendBinary(nil)
	for name, b := range map[string][]byte{
		"nothing": nil, "version 0": {0}, "newer": {codecVersion + 1}, "ends early": good[:len(good)-1], "ends late": append(slices.Clone(good), 0),
		"huge count": {codecPlain, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "balance without lots": {codecPlain, 0, 1, 10, 0, 0, 0, 0, 0, 0},
	} {
		a := sample()
		if err := a.Decode(b); err == nil || !a.Empty() {
			t.Errorf("%s: error %v, account %+v", name, err, a)
		}
	}
	var empty Account
	if b := empty.AppendBinary(nil); len(b) != 1 {
		t.Errorf("the empty account takes %d bytes", len(b))
	}
}

// Any bytes either are refused, or are an account that survives a round trip.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{codecPlain})
	f.Add(sample().AppendBinary(nil))
	f.Add(rich().AppendBinary(nil))
	f.Add([]byte{codecPlain, 1, 5, 0, 9, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var a, again Account
		if a.Decode(b) != nil {
			return
		}
		c := a.AppendBinary(nil)
		if err := again.Decode(c); err != nil || !same(&a, &again) {
			t.Fatalf("%x -> %+v -> %x -> %+v, %v", b, a, c, again, err)
		}
	})
}

// sample is a busy member: 6 lots, 8 caps, as many recent receipts as are kept.
func sample() *Account {
	var a Account
	var j Journal
	for i := range 6 {
		g := Grant{CampaignKey: uint64(i+1) * 0x9e3779b97f4a7c15, Version: 1, Amount: money.Amount(100 + i), At: 1000 * hour, ExpiresAt: 9000 * hour}
		if i%2 == 0 {
			g.ActiveFrom = 1048 * hour
		}
		a.Earn(&j, "m", &g)
	}
	for i := range 8 {
		a.AddUsed(uint64(i+1)*0x9e3779b97f4a7c15, 0, 250)
	}
	for i := range MaxRecent + 1 {
		a.Remember(uint64(i) * 0xc2b2ae3d27d4eb4f)
	}
	a.LastReceiptAt = 1000 * hour
	return &a
}

func BenchmarkEncode(b *testing.B) {
	a := sample()
	buf := a.AppendBinary(nil)
	b.ReportAllocs()
	b.ReportMetric(float64(len(buf)), "bytes")
	for range b.N {
		buf = a.AppendBinary(buf[:0])
	}
}

func BenchmarkDecode(b *testing.B) {
	buf := sample().AppendBinary(nil)
	var a Account
	b.ReportAllocs()
	for range b.N {
		if err := a.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// One reward of two funders for a member with six other lots, then its activation and expiry: three entries.
func BenchmarkEarnAndFireDue(b *testing.B) {
	a, step := sample(), steadyState()
	b.ReportAllocs()
	for range b.N {
		step(a)
	}
}

func steadyState() func(*Account) {
	var j Journal
	g := Grant{
		Campaign: "coffee", CampaignKey: 1, Version: 1, Amount: 125, At: 1000 * hour, ActiveFrom: 1001 * hour, ExpiresAt: 1002 * hour,
		Funding: []Share{{"retailer", 600_000}, {"arabelle", 400_000}},
	}
	return func(a *Account) {
		j.Reset()
		a.Earn(&j, "m", &g)
		a.FireDue(&j, "m", 1002*hour, known)
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	a, step := sample(), steadyState()
	step(a)
	buf := a.AppendBinary(nil)
	if n := testing.AllocsPerRun(100, func() {
		step(a)
		buf = a.AppendBinary(buf[:0])
		if err := a.Decode(buf); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations per reward", n)
	}
}
