package pipeline

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Goal: what one account's records make is the same whether the others' are judged or passed over, and a second replay makes the same again. Method: the
// simulation's stream (sales, returns, repeats, reused ids, anonymous receipts, bytes that are none) on one partition, judged whole and account by account.
func TestReplayOfOneAccount(t *testing.T) {
	codec := simCodec(t)
	for seed := range uint64(6) {
		records := replayStream(t, codec, seed)
		whole := judgeAll(t, codec, records, func(*kgo.Record) bool { return true })
		if whole.entries == 0 || whole.duplicates == 0 || whole.refused == 0 {
			t.Fatalf("seed %d: a stream without entries, repeats or refusals: %+v", seed, whole)
		}
		for account := range 14 {
			token := fmt.Appendf(nil, "a%02d", account)
			alone := judgeAll(t, codec, records, func(r *kgo.Record) bool { return bytes.Contains(r.Value, token) })
			for offset, text := range alone.said {
				if text != whole.said[offset] {
					t.Fatalf("seed %d, account %s, offset %d:\nalone %s\nwhole %s", seed, token, offset, text, whole.said[offset])
				}
			}
		}
	}
}

// replayStream makes the records of one partition, five minutes apart, so that rewards become spendable between them.
func replayStream(t *testing.T, codec *schemas.Codec, seed uint64) (out []*kgo.Record) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { // for its clock: the campaigns are of the year 2000
		time.Sleep(200 * time.Hour)
		s, rng := &sim{}, rand.New(rand.NewPCG(seed, 7))
		var sent []*retail.Receipt
		for i := range 200 {
			rec, raw := s.next(rng, i, sent)
			if rec != nil {
				sent, raw = append(sent, rec), codec.AppendReceipt(nil, rec)
			}
			out = append(out, &kgo.Record{Topic: schemas.TopicReceipts, Value: raw, Offset: int64(i), Timestamp: time.Now()})
			time.Sleep(5 * time.Minute)
		}
	})
	return out
}

type replayed struct {
	said                         map[int64]string
	entries, duplicates, refused int
}

func judgeAll(t *testing.T, codec *schemas.Codec, records []*kgo.Record, wanted func(*kgo.Record) bool) replayed {
	t.Helper()
	var docs []*kgo.Record
	for i, doc := range simCampaigns {
		docs = append(docs, &kgo.Record{Key: fmt.Append(nil, i), Value: []byte(doc), Offset: int64(i)})
	}
	r, err := NewReplay(ReplayOptions{Codec: codec, Policy: retail.DefaultPolicy(), Partitions: 1, Campaigns: docs})
	if err != nil {
		t.Fatal(err)
	}
	out := replayed{said: map[int64]string{}}
	for _, rec := range records {
		if !wanted(rec) {
			if err := r.Pass(rec); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := r.Judge(rec, int64(len(docs)))
		if err != nil {
			t.Fatal(err)
		}
		out.said[rec.Offset] = fmt.Sprintf("%+v", got)
		out.entries += len(got.Entries)
		if got.Duplicate {
			out.duplicates++
		}
		if got.Refused != "" {
			out.refused++
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// A replay knows the rules as they were: a campaign that was published later is not considered.
func TestReplayKnowsRulesAsOfThen(t *testing.T) {
	codec := simCodec(t)
	records := replayStream(t, codec, 1)
	sale := records[0]
	docs := []*kgo.Record{{Key: []byte("0"), Value: []byte(simCampaigns[1]), Offset: 3}, {Key: []byte("1"), Value: []byte(simCampaigns[2]), Offset: 8}}
	for version, want := range map[int64]int{0: 0, 3: 0, 4: 1, 8: 1, 9: 2, 100: 2} {
		r, err := NewReplay(ReplayOptions{Codec: codec, Policy: retail.DefaultPolicy(), Partitions: 1, Campaigns: docs})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Judge(sale, version)
		if err != nil || len(got.Results) != want {
			t.Errorf("version %d: %d campaigns considered, want %d: %v %+v", version, len(got.Results), want, err, got)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := NewReplay(ReplayOptions{Codec: codec, Partitions: 2, Partition: 2}); err == nil {
		t.Error("a partition that the topic does not have")
	}
}
