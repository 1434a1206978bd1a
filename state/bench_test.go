package state_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"testing"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/state"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	benchAccounts = flag.Int("accounts", 200_000, "accounts of BenchmarkReceipt: 2000000 is the size of the product's figures")
	benchProfile  = flag.String("receiptprofile", "", "write a CPU profile of the timed part of BenchmarkReceipt")
	benchCache    = flag.Int("cache", 40_000, "decoded accounts kept in BenchmarkReceipt")
)

// till makes receipt-like changes to accounts drawn by Zipf's law.
type till struct {
	p       *state.Partition
	ids     []retail.AccountID
	zipf    *rand.Zipf
	journal ledger.Journal
	grant   ledger.Grant
	print   [120]byte
	rng     *rand.Rand
	receipt []byte
	n       int64
	last    time.Time
}

func newTill(b *testing.B, p *state.Partition, accounts int) *till {
	rng := rand.New(rand.NewPCG(1, 2))
	t := &till{p: p, rng: rng, zipf: rand.NewZipf(rng, 1.05, 40, uint64(accounts-1)), last: time.Now()}
	t.grant = ledger.Grant{
		Campaign: "coffee-week", CampaignKey: 7, Version: 1, Amount: 125, At: 1, ActiveFrom: 3_600_000, ExpiresAt: 1 << 40,
		Funding: []ledger.Share{{Party: "retailer", Rate: 600_000}, {Party: "supplier-arabelle", Rate: 400_000}},
	}
	for i := range accounts {
		t.ids = append(t.ids, retail.AccountID(fmt.Sprintf("card-%011d", uint64(i)*7919%uint64(accounts))))
	}
	return t
}

// receiptOf is what a receipt costs the state: find the account, know the receipt, post a reward, note cap use, keep a footprint.
func (t *till) receiptOf(b *testing.B, id retail.AccountID) {
	s, err := t.p.Account(id)
	if err != nil {
		b.Fatal(err)
	}
	t.n++
	t.receipt = fmt.Appendf(t.receipt[:0], "S001-%012d", t.n)
	receipt := retail.ReceiptID(t.receipt)
	hash := xxhash.Sum64(t.receipt)
	if _, unsure := s.Account.Knows(hash); unsure {
		if _, found, err := t.p.Footprint(id, receipt, nil); err != nil || found {
			b.Fatal("known", err)
		}
	}
	t.p.Touch(s)
	t.journal.Reset()
	s.Account.Remember(hash)
	s.Account.AddUsed(7, 0, 125)
	s.Account.Earn(&t.journal, s.ID, &t.grant)
	for i := 0; i < 40; i += 8 { // a third of a footprint does not compress
		binary.LittleEndian.PutUint64(t.print[i:], t.rng.Uint64())
	}
	t.p.PutFootprint(s, receipt, t.print[:])
}

// commit ends a commit as the pipeline does, and flushes once a second or when FlushBytes are dirty.
func (t *till) commit(b *testing.B) {
	t.p.Stage(func(key, value []byte, s *state.Slot) {})
	t.p.Commit(state.Meta{ChangelogOffset: t.n})
	if t.p.DirtyBytes() < state.FlushBytes && time.Since(t.last) < time.Second {
		return
	}
	t.last = time.Now()
	if err := t.p.Flush(false); err != nil {
		b.Fatal(err)
	}
}

const perCommit = 2000

// One partition on the real disk, filled once, then receipts in commits of 2000: ns/op is the whole state's share of a receipt.
func BenchmarkReceipt(b *testing.B) {
	s, err := state.Open(state.Options{Dir: b.TempDir(), FS: vfs.Default, CacheAccounts: *benchCache, BlockCacheBytes: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	p, err := s.Partition(0)
	if err != nil {
		b.Fatal(err)
	}
	t := newTill(b, p, *benchAccounts)
	for i, id := range t.ids {
		t.receiptOf(b, id)
		if i%perCommit == 0 {
			t.commit(b)
		}
	}
	t.commit(b)
	if err := p.Settle(); err != nil {
		b.Fatal(err)
	}
	if *benchProfile != "" {
		defer profile(b, *benchProfile)()
	}
	before, cpu := p.Stats(), cpuTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		t.receiptOf(b, t.ids[t.zipf.Uint64()])
		if i%perCommit == perCommit-1 {
			t.commit(b)
		}
	}
	t.commit(b)
	b.StopTimer()
	after := p.Stats()
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(100*float64(after.Misses-before.Misses)/float64(b.N), "%miss")
	b.ReportMetric(float64(after.FlushedBytes-before.FlushedBytes)/float64(b.N), "flushedB/op")
	b.ReportMetric(float64(after.FootprintReads-before.FootprintReads)/float64(b.N), "printreads/op")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse>>20), "heapMB")
	if err := p.Close(); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func profile(b *testing.B, name string) (stop func()) {
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		b.Fatal(err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	}
}

// cpuTime is what the process has used, compactions included: on a shared machine it says more than the wall clock.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The path of an account that is in memory: no Pebble, one commit of 2000 touches each time round.
func BenchmarkHotAccounts(b *testing.B) {
	s, p := open(b, vfs.NewMem(), 10_000)
	defer closeBoth(b, s, p)
	t := newTill(b, p, 1000)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		t.receiptOf(b, t.ids[i%len(t.ids)])
		if i%perCommit == perCommit-1 {
			t.commit(b)
		}
	}
}

// Restoring one account's record from the changelog, new accounts all.
func BenchmarkApply(b *testing.B) {
	s, p := open(b, vfs.NewMem(), 100_000)
	defer closeBoth(b, s, p)
	t := newTill(b, p, 20_000)
	var keys, values [][]byte
	for _, id := range t.ids {
		t.receiptOf(b, id)
	}
	p.Stage(func(key, value []byte, s *state.Slot) { keys, values = append(keys, key), append(values, value) })
	if err := p.Abort(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		k := fmt.Appendf(nil, "%s-%d", keys[i%len(keys)], i/len(keys))
		if err := p.Apply(k, values[i%len(keys)]); err != nil {
			b.Fatal(err)
		}
		if i%perCommit == perCommit-1 {
			p.Commit(state.Meta{ChangelogOffset: int64(i)})
			if p.DirtyBytes() > state.FlushBytes {
				if err := p.Flush(false); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

func BenchmarkDueNothing(b *testing.B) {
	s, p := open(b, vfs.NewMem(), 10_000)
	defer closeBoth(b, s, p)
	for i := range 10_000 {
		earn(b, p, retail.AccountID(fmt.Sprint(i)), "r", retail.Instant(1_000_000+i))
	}
	p.Commit(state.Meta{ChangelogOffset: 1})
	var dst []retail.AccountID
	b.ReportAllocs()
	for i := range b.N {
		var err error
		if dst, err = p.DueAccounts(retail.Instant(i%1000), 100, dst[:0]); err != nil || len(dst) > 0 {
			b.Fatal(dst, err)
		}
	}
}
