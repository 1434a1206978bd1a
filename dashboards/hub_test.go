package dashboards

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// merged applies a delta the way the pages do (web/src/store.ts), so that the test proves that nothing is lost between states.
func merged(s Snapshot, d delta) Snapshot {
	s.Seq, s.NowMs, s.AsOfMs, s.BehindMs, s.Starting = d.Seq, d.NowMs, d.AsOfMs, d.BehindMs, d.Starting
	set(&s.Today, d.Today)
	set(&s.Minute, d.Minute)
	set(&s.Lag, d.Lag)
	set(&s.Budget, d.Budget)
	set(&s.DeadLetters, d.DeadLetters)
	if d.Series != nil {
		s.Series = mergedSeries(s.Series, *d.Series)
	}
	byID := map[string]CampaignRow{}
	order := []string{}
	for _, r := range s.Campaigns {
		byID[r.ID] = r
		order = append(order, r.ID)
	}
	for _, r := range d.Campaigns {
		byID[r.ID] = r
	}
	if d.Order != nil {
		order = d.Order
	}
	s.Campaigns = nil
	for _, id := range order {
		s.Campaigns = append(s.Campaigns, byID[id])
	}
	return s
}

func set[T any](dst *T, src *T) {
	if src != nil {
		*dst = *src
	}
}

func mergedSeries(old, tail Series) Series {
	keep := int((tail.FromMs - old.FromMs) / max(1, old.StepMs))
	if old.StepMs != tail.StepMs || keep < 0 || keep > len(old.Receipts) || len(old.Receipts) == 0 {
		return tail
	}
	drop := max(0, keep+len(tail.Receipts)-len(old.Receipts))
	join := func(a, b []int64) []int64 { return append(append([]int64{}, a[drop:keep]...), b...) }
	return Series{
		StepMs: old.StepMs, FromMs: old.FromMs + int64(drop)*old.StepMs, Receipts: join(old.Receipts, tail.Receipts), Members: join(old.Members, tail.Members),
		Rejected: join(old.Rejected, tail.Rejected), GrantedMinor: join(old.GrantedMinor, tail.GrantedMinor), LagMs: join(old.LagMs, tail.LagMs),
	}
}

// TestDeltasAreEnough: goal, that a viewer who takes the first state and then every change has the newest state. Method: random histories of a
// board whose window moves, rows that come, go and swap.
func TestDeltasAreEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHub("e")
		var have Snapshot
		var seq uint64
		start := int64(rapid.IntRange(0, 5).Draw(t, "start"))
		values := rapid.SliceOfN(rapid.Int64Range(0, 3), 60, 60).Draw(t, "values")
		for range rapid.IntRange(1, 12).Draw(t, "states") {
			start += int64(rapid.IntRange(0, 3).Draw(t, "moved"))
			if rapid.IntRange(0, 9).Draw(t, "late") == 0 {
				values[rapid.IntRange(0, 59).Draw(t, "at")]++ // a repeat changed an old step
			}
			part := values[start%40 : start%40+8]
			s := Snapshot{
				NowMs: start, AsOfMs: int64(rapid.IntRange(0, 2).Draw(t, "as of")), Today: Totals{Receipts: int64(rapid.IntRange(0, 2).Draw(t, "receipts"))},
				Series: Series{StepMs: 10, FromMs: start * 10, Receipts: part, Members: part, Rejected: part, GrantedMinor: part, LagMs: part},
			}
			for _, id := range rapid.Permutation([]string{"a", "b", "c"}).Draw(t, "rows")[:rapid.IntRange(0, 3).Draw(t, "row count")] {
				s.Campaigns = append(s.Campaigns, CampaignRow{ID: id, GrantedMinor: int64(rapid.IntRange(0, 1).Draw(t, "granted"))})
			}
			s = clone(t, s)
			h.publish(s)
			events, ok := h.since(seq)
			if seq == 0 || !ok {
				data, at := h.newest()
				if err := json.Unmarshal(data, &have); err != nil {
					t.Fatal(err)
				}
				seq = at
				continue
			}
			for _, e := range events {
				var d delta
				if err := json.Unmarshal(e.data, &d); err != nil {
					t.Fatal(err)
				}
				have, seq = merged(have, d), e.seq
			}
			want := clone(t, h.last)
			have.Epoch = want.Epoch
			if got := clone(t, have); !reflect.DeepEqual(got, want) {
				t.Fatalf("the viewer has\n%+v\nwant\n%+v", got, want)
			}
		}
	})
}

// clone goes through JSON, so that nil and empty slices are alike and nothing is shared.
func clone(t *rapid.T, s Snapshot) Snapshot {
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var out Snapshot
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Campaigns) == 0 {
		out.Campaigns = nil
	}
	return out
}

// TestHubReplay: what is still there is replayed, what is not leads to the newest state, and an unchanged state makes no event.
func TestHubReplay(t *testing.T) {
	h := newHub("abc")
	if data, _ := h.newest(); data != nil {
		t.Fatal("a hub without a state has one")
	}
	wake := h.changes()
	for i := range 5 {
		h.publish(Snapshot{AsOfMs: int64(i + 1)})
	}
	select {
	case <-wake:
	default:
		t.Error("viewers were not woken")
	}
	h.publish(Snapshot{AsOfMs: 5, NowMs: 99, BehindMs: 7})
	if _, seq := h.newest(); seq != 5 {
		t.Errorf("seq %d after five changes and one that changes nothing", seq)
	}
	if events, ok := h.since(2); !ok || len(events) != 3 || events[0].seq != 3 {
		t.Errorf("since 2: %v %v", events, ok)
	}
	if events, ok := h.since(5); !ok || len(events) != 0 {
		t.Errorf("since the newest: %v %v", events, ok)
	}
	if _, ok := h.since(6); ok {
		t.Error("a number from the future is replayed")
	}
	for i := range 2 * maxReplay {
		h.publish(Snapshot{AsOfMs: int64(100 + i)})
	}
	if _, ok := h.since(2); ok {
		t.Error("a viewer far behind gets every change instead of the newest state")
	}
	for id, want := range map[string]bool{"abc-7": true, "abc-x": false, "abd-7": false, "": false, "abc": false} {
		if _, ok := h.parseEventID(id); ok != want {
			t.Errorf("event id %q: %v", id, ok)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	f := newFixture("EUR")
	h := newHub("e")
	s := f.snapshot(f.now())
	for i := range b.N {
		s.AsOfMs++
		s.Today.Receipts++
		h.publish(s)
		if i == 0 {
			data, _ := h.newest()
			b.ReportMetric(float64(len(data)), "snapshot_bytes")
		}
	}
	if len(h.ring) > 0 {
		b.ReportMetric(float64(len(h.ring[len(h.ring)-1].data)), "delta_bytes")
	}
}
