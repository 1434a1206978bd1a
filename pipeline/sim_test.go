package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sim is one run in virtual time: a broker, one or two instances on crashable disks, and a seeded stream of receipts.
type sim struct {
	t       *testing.T
	seed    uint64
	faults  bool // false: the quiet run that the faulty one is compared with
	rng     *rand.Rand
	codec   *schemas.Codec
	cluster *kfake.Cluster
	stack   kfake.VirtualNetwork
	crashes int
	freezes int
	faulted int
	calm    bool // no more faults
	said    sayings

	instances int           // that join one after the other; 0: as the seed says
	parts     int32         // partitions; 0: simPartitions
	campaigns []string      // nil: simCampaigns
	batch     int           // most records of a transaction; 0: 40
	interval  time.Duration // of commits; 0: 50 ms
	stream    func()        // sends the receipts; nil: produceAll
	prelude   func()        // sends receipts before anybody is there to take them
	encore    func()        // sends more receipts once the faults are over
	after     func()        // looks at the topics before the broker goes
}

const simPartitions = 2

// simResult is what a run left behind, in comparable form.
type simResult struct {
	ledger    map[string][]string // account -> entries by sequence
	decisions map[string]int      // receipt id of an account -> decision records
	dead      map[string]int      // original bytes and code -> dead letters
	balances  map[string]string   // account -> state in Pebble
	crashes   int
	freezes   int
	faulted   int
	virtual   time.Duration
}

// simulate runs one seed inside a synctest bubble.
func simulate(t *testing.T, codec *schemas.Codec, seed uint64, faults bool) (res simResult) {
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, seed: seed, faults: faults, rng: rand.New(rand.NewPCG(seed, 7)), codec: codec}
		time.Sleep(3*time.Hour + 59*time.Minute + 50*time.Second) // an hour's end, when pending lots become active, falls into the run
		res = s.run()
	})
	return res
}

func (s *sim) run() simResult {
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(s.stack.Listen), kfake.SeedTopics(1, schemas.TopicCampaigns),
		kfake.BrokerConfigs(map[string]string{"log.message.timestamp.type": "LogAppendTime", "message.max.bytes": "33554432"})}
	for _, topic := range schemas.Topics() {
		if topic.Partitioned {
			opts = append(opts, kfake.SeedTopics(s.partitions(), topic.Name))
		}
	}
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	s.cluster = c
	start := time.Now()
	s.publishCampaigns()
	if s.prelude != nil {
		s.prelude()
	}
	ctx, stop := context.WithCancel(s.t.Context())
	instances := 1
	if s.faults && s.seed%3 == 0 {
		instances = 2
	}
	instances = max(instances, s.instances)
	done := make(chan vfs.FS, instances)
	for i := range instances {
		go func() {
			time.Sleep(time.Duration(i*min(s.instances, 1)) * 3 * time.Second)
			done <- s.instance(ctx, i)
		}()
	}
	if s.faults {
		s.brokerFaults()
	}
	if s.stream != nil {
		s.stream()
	} else {
		s.produceAll()
	}
	s.waitDrained()
	s.calm = true
	if s.faults {
		time.Sleep(25 * time.Second) // who is down or frozen comes back
	}
	if s.encore != nil {
		s.encore()
		s.waitDrained()
	}
	time.Sleep(20 * time.Second) // idle timers fire
	stop()
	var disks []vfs.FS
	for range instances {
		disks = append(disks, <-done)
	}
	if s.after != nil {
		s.after()
	}
	res := s.collect()
	res.balances = s.pebbleBalances(disks)
	res.crashes, res.freezes, res.faulted = s.crashes, s.freezes, s.faulted
	res.virtual = time.Since(start)
	return res
}

func (s *sim) partitions() int32 { return cmp.Or(s.parts, simPartitions) }

func (s *sim) client(net *simNet, opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.cluster.ListenAddrs()...), kgo.Dialer(net.dial)}, opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return cl
}

// instance lives, dies and lives again on what the power cut left of its disk, until ctx ends. It returns its last disk.
func (s *sim) instance(ctx context.Context, id int) vfs.FS {
	rng := rand.New(rand.NewPCG(s.seed, uint64(100+id)))
	disk := vfs.NewCrashableMem()
	lives := 0
	for {
		net := &simNet{stack: &s.stack}
		var after vfs.FS
		p, err := New(Options{
			Brokers: s.cluster.ListenAddrs(), ClientOpts: []kgo.Opt{kgo.Dialer(net.dial), kgo.ClientID("cagnotte")}, Instance: fmt.Sprint(id), StateDir: "state", FS: disk,
			Codec: s.codec, CommitInterval: cmp.Or(s.interval, 50*time.Millisecond), MaxRecords: cmp.Or(s.batch, 40), FlushInterval: 300 * time.Millisecond, SyncInterval: time.Second,
			CacheAccounts: 8, SessionTimeout: 6 * time.Second, TransactionTimeout: 6 * time.Second, RebalanceTimeout: 6 * time.Second, Logger: s.logger(id),
			balancer: kgo.RangeBalancer(),
			failpoint: func(step string) error {
				if !s.faults || s.calm || lives >= 6 || ctx.Err() != nil {
					return nil
				}
				switch dice := rng.IntN(60); {
				case dice == 0:
					after = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rand.New(rand.NewPCG(s.seed, uint64(lives)))})
					net.kill()
					s.crashes++
					return errKilled
				case dice == 1 && lives < 3:
					s.freezes++
					release := net.freeze()
					time.Sleep(time.Duration(1+rng.IntN(12)) * time.Second)
					release()
				}
				return nil
			},
		})
		if err != nil {
			s.t.Error(err)
			return disk
		}
		err = p.Run(ctx)
		net.kill()
		lives++
		if after == nil {
			if err != nil {
				s.t.Errorf("seed %d instance %d: %v", s.seed, id, err)
			}
			return disk
		}
		disk = after.(*vfs.MemFS)
		time.Sleep(time.Duration(rng.IntN(8000)) * time.Millisecond)
	}
}

// brokerFaults lets the broker refuse, or do the work and lose the answer of, requests of the commit path.
func (s *sim) brokerFaults() {
	rng := rand.New(rand.NewPCG(s.seed, 55))
	keys := []kmsg.Key{kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.AddOffsetsToTxn, kmsg.Produce, kmsg.Heartbeat}
	errs := []*kerr.Error{kerr.RequestTimedOut, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.NotLeaderForPartition}
	for range rng.IntN(5) {
		key, kind, skip := keys[rng.IntN(len(keys))], errs[rng.IntN(len(errs))], rng.IntN(40)
		topic := ""
		if key == kmsg.Produce {
			kind, topic = kerr.NotLeaderForPartition, schemas.TopicChangelog
		}
		s.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Topic: topic, Err: kind, TopLevel: key == kmsg.EndTxn || key == kmsg.AddOffsetsToTxn || key == kmsg.Heartbeat, Count: 1 + rng.IntN(2), When: func(kmsg.Request) bool {
			skip--
			if skip < 0 {
				s.faulted++
			}
			return skip < 0
		}})
	}
}

// waitDrained waits until the group has committed every input record, or stands still: a trailing aborted record is never committed.
func (s *sim) waitDrained() {
	cl := s.client(&simNet{stack: &s.stack})
	defer cl.Close()
	adm := kadm.NewClient(cl)
	last, since := "", time.Now()
	for deadline := time.Now().Add(20 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		ends, err := adm.ListCommittedOffsets(ctx, schemas.TopicReceipts)
		group, gerr := adm.FetchOffsets(ctx, "cagnotte")
		cancel()
		if errors.Join(err, gerr) != nil {
			continue
		}
		lag, at := behind(ends, group)
		if at != last {
			last, since = at, time.Now()
		}
		if lag == 0 || (lag <= 4 && time.Since(since) > 2*time.Minute) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("seed %d: not drained after 20 virtual minutes: %v %v\n%s", s.seed, ends, group, tail(s.said.b.String(), 5000))
		}
	}
}

// behind returns how many offsets the group lacks, and its offsets as one text.
func behind(ends kadm.ListedOffsets, group kadm.OffsetResponses) (lag int64, at string) {
	ends.Each(func(e kadm.ListedOffset) {
		g, found := group.Lookup(e.Topic, e.Partition)
		if !found {
			lag += e.Offset
			return
		}
		lag += max(e.Offset-g.At, 0)
		at += fmt.Sprint(e.Partition, ":", g.At, " ")
	})
	return lag, at
}

// logger keeps what the instances say, for the report of a failed seed.
func (s *sim) logger(id int) *slog.Logger {
	var w io.Writer = &s.said
	if *simLog {
		w = io.MultiWriter(w, os.Stderr)
	}
	return slog.New(slog.NewTextHandler(w, nil)).With("instance", id)
}

// sayings is a log that several instances write to.
type sayings struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sayings) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// readAll returns the committed records of a topic.
func (s *sim) readAll(topic string) []*kgo.Record {
	net := &simNet{stack: &s.stack}
	cl := s.client(net, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	var out []*kgo.Record
	for idle := 0; idle < 2; {
		ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Second)
		f := cl.PollFetches(ctx)
		cancel()
		if f.NumRecords() == 0 {
			idle++
			continue
		}
		idle = 0
		f.EachRecord(func(r *kgo.Record) { out = append(out, r) })
	}
	return out
}

func (s *sim) collect() simResult {
	res := simResult{ledger: map[string][]string{}, decisions: map[string]int{}, dead: map[string]int{}}
	for _, r := range s.readAll(schemas.TopicLedger) {
		var rec schemas.LedgerRecord
		if err := s.codec.DecodeLedger(r.Value, &rec); err != nil {
			s.t.Fatal(err)
		}
		for _, e := range rec.Entries {
			a := strings.Clone(string(rec.Account))
			if want := uint64(len(res.ledger[a]) + 1); e.Seq != want {
				s.t.Errorf("seed %d: account %s: sequence %d, want %d", s.seed, a, e.Seq, want)
			}
			e.Account = ""
			res.ledger[a] = append(res.ledger[a], fmt.Sprintf("%+v", e))
		}
	}
	for _, r := range s.readAll(schemas.TopicDecisions) {
		var d schemas.ReceiptDecision
		if err := s.codec.DecodeDecision(r.Value, &d); err != nil {
			s.t.Fatal(err)
		}
		if d.Account != "" {
			res.decisions[strings.Clone(string(d.Receipt))]++
		}
	}
	for _, r := range s.readAll(schemas.TopicDeadLetters) {
		at := fmt.Sprintf("%x of %d bytes", r.Value[:min(len(r.Value), 300)], len(r.Value))
		for _, h := range r.Headers {
			if h.Key == schemas.HeaderErrorCode {
				at += " " + string(h.Value)
			}
		}
		res.dead[at]++
	}
	return res
}

// pebbleBalances reads what the instances' disks say. An instance that lost a partition keeps an older copy: the one with the higher sequence counts,
// and the older must be a prefix of it.
func (s *sim) pebbleBalances(disks []vfs.FS) map[string]string {
	out, seqs := map[string]string{}, map[string]uint64{}
	for _, disk := range disks {
		store, err := state.Open(state.Options{Dir: "state", FS: disk, CacheAccounts: 100})
		if err != nil {
			s.t.Fatal(err)
		}
		for part := range s.partitions() {
			p, err := store.Partition(part)
			if err != nil {
				s.t.Fatal(err)
			}
			err = p.Range(func(id retail.AccountID, a *ledger.Account) error {
				if a.Seq >= seqs[string(id)] {
					key := strings.Clone(string(id))
					seqs[key] = a.Seq
					out[key] = fmt.Sprintf("seq %d pending %d available %d earned %d lots %d", a.Seq, a.Pending, a.Available, a.LifetimeEarned, len(a.Lots))
				}
				return nil
			})
			if err := errors.Join(err, p.Close()); err != nil {
				s.t.Fatal(err)
			}
		}
		if err := store.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
