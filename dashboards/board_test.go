package dashboards

import (
	"testing"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMilli()

func batchOf(partition int32, counter, receipts int64, at int64) *schemas.MetricBatch {
	return &schemas.MetricBatch{
		Partition: partition, Counter: counter, AsOf: retail.Instant(at), CommittedAt: retail.Instant(at + 50), Receipts: receipts, Members: receipts / 2,
		GrantedMinor: money.Amount(receipts * 10), Rejected: 1, InputOffset: counter * 10, LagRecords: 3,
		Campaigns: []schemas.CampaignCell{
			{Campaign: "coffee", Arm: rules.Treatment, Considered: receipts, Rewarded: 1, Granted: money.Amount(receipts * 10)},
			{Campaign: "coffee", Arm: rules.Holdout, Considered: 1},
		},
		Shops: []schemas.ShopCell{{Shop: "S01", Receipts: receipts}},
	}
}

func snapshotOf(b *board, at int64) Snapshot {
	var s Snapshot
	b.fill(&s, time.UnixMilli(at))
	return s
}

// TestBoardRepeats: goal, that a batch which comes again counts once, as it came last. Method: random batches over few names, in any order of
// partitions, against a map that keeps the last of each name.
func TestBoardRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBoard(time.UTC)
		want := map[[2]int64]int64{}
		newest := map[int64]int64{}
		for range rapid.IntRange(1, 80).Draw(t, "batches") {
			p := rapid.Int64Range(0, 2).Draw(t, "partition")
			counter := max(1, newest[p]+1-rapid.Int64Range(0, 3).Draw(t, "back"))
			newest[p] = max(newest[p], counter)
			n := rapid.Int64Range(0, 50).Draw(t, "receipts")
			b.add(batchOf(int32(p), counter, n, noon+rapid.Int64Range(0, 3000).Draw(t, "at")), noon+5000, true)
			want[[2]int64{p, counter}] = n
		}
		var receipts int64
		for _, n := range want {
			receipts += n
		}
		s := snapshotOf(b, noon+5000)
		if s.Today.Receipts != receipts || s.Today.GrantedMinor != 10*receipts || s.Today.Rejected != int64(len(want)) || s.Minute.Receipts != receipts {
			t.Fatalf("today %+v, last minute %+v, want %d receipts of %d batches", s.Today, s.Minute, receipts, len(want))
		}
		c := b.tallyOf("coffee")
		if c.granted != 10*receipts || c.considered != receipts+int64(len(want)) || c.rewarded != int64(len(want)) {
			t.Fatalf("campaign %+v, want %d receipts", c, receipts)
		}
	})
}

// TestBoardDay: the day's count starts again at midnight of the zone, keeps what ClickHouse had before, and says whether it is whole.
func TestBoardDay(t *testing.T) {
	zone := time.FixedZone("east", 2*3600)
	b := newBoard(zone)
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, zone).UnixMilli()
	b.add(batchOf(0, 7, 5, midnight-2000), midnight-1000, true)
	if s := snapshotOf(b, midnight-1000); s.Today.Receipts != 5 || s.Today.Complete {
		t.Errorf("before midnight %+v", s.Today)
	}
	b.setBase(base{loaded: true, complete: true, day: b.midnight(midnight - 1000), totals: Totals{Receipts: 100}, campaigns: map[string]tally{"coffee": {granted: 900}}},
		[]historyStep{{AtMs: midnight - 60_000, Receipts: 42}})
	s := snapshotOf(b, midnight-1000)
	if s.Today.Receipts != 105 || !s.Today.Complete || b.tallyOf("coffee").granted != 950 {
		t.Errorf("with its base %+v", s.Today)
	}
	if sum(s.Series.Receipts) != 42+0 { // the newest step is not whole yet
		t.Errorf("series holds %d receipts", sum(s.Series.Receipts))
	}
	if s := snapshotOf(b, midnight+1); s.Today.Receipts != 0 || s.Today.SinceMs != midnight || !s.Today.Complete {
		t.Errorf("after midnight %+v", s.Today)
	}
	b.add(batchOf(0, 8, 3, midnight+500), midnight+1000, true)
	if s := snapshotOf(b, midnight+20_000); s.Today.Receipts != 3 || b.tallyOf("coffee").granted != 980 || sum(s.Series.Receipts) != 50 {
		t.Errorf("the new day %+v, series %d", s.Today, sum(s.Series.Receipts))
	}
}

func sum(values []int64) (n int64) {
	for _, v := range values {
		n += v
	}
	return n
}

// TestBoardMinute: the last minute forgets, shops that are silent are not counted, and the delay is that of live batches only.
func TestBoardMinute(t *testing.T) {
	b := newBoard(time.UTC)
	b.add(batchOf(0, 1, 6, noon), noon+400_000, false)
	if s := snapshotOf(b, noon+100); s.BehindMs != 0 || s.Minute.Receipts != 6 || s.Minute.Shops != 1 || !s.Today.Complete {
		t.Errorf("history %+v", s)
	}
	b.add(batchOf(0, 2, 4, noon+30_000), noon+31_200, true)
	if s := snapshotOf(b, noon+31_200); s.BehindMs != 1200 || s.Minute.Receipts != 10 {
		t.Errorf("live: behind %d, minute %+v", s.BehindMs, s.Minute)
	}
	if s := snapshotOf(b, noon+70_000); s.Minute.Receipts != 4 || s.Minute.Shops != 1 {
		t.Errorf("later %+v", s.Minute)
	}
	if s := snapshotOf(b, noon+200_000); s.Minute.Receipts != 0 || s.Minute.Shops != 0 {
		t.Errorf("much later %+v", s.Minute)
	}
	b.add(batchOf(0, 3, 9, noon+99_000_000), noon+210_000, true) // a broker's clock a day ahead
	if s := snapshotOf(b, noon+210_000); s.Minute.Receipts != 9 {
		t.Errorf("a clock ahead loses its receipts: %+v", s.Minute)
	}
}

func BenchmarkBoardAdd(b *testing.B) {
	bd := newBoard(time.UTC)
	m := batchOf(0, 1, 500, noon)
	for i := range b.N {
		m.Counter = int64(i + 1)
		bd.add(m, noon, true)
	}
}
