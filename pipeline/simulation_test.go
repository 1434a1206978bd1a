package pipeline

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/sr"
)

// Seeded simulation. Goal: whatever dies, freezes or is refused, and at whatever step of the commit order, the committed ledger, decisions and dead
// letters are those of a quiet run of the same receipts, and Pebble agrees. Method: a whole broker, one or two instances and their disks live in one synctest
// bubble; a seed decides the stream, the crash points, how much of the unsynced disk survives, the pauses and the broker's faults.
//
// A seed can be replayed: go test ./pipeline -run TestSimulationSeeds -sim.from=SEED -sim.seeds=1 -v
var (
	simSeeds = flag.Int("sim.seeds", 0, "number of seeds; 0: 2000 when CAGNOTTE_CI=1, else 120")
	simLog   = flag.Bool("sim.log", false, "print what the instances log")
	simFrom  = flag.Uint64("sim.from", 1, "first seed")
)

const simChild = "CAGNOTTE_SIM_CHILD"

// TestSimulation runs the seeds in child processes on one thread without preemption, which makes a seed's trace repeatable, one child per core.
func TestSimulation(t *testing.T) {
	if os.Getenv(simChild) != "" {
		t.Skip("this process runs seeds for its parent")
	}
	seeds := *simSeeds
	if seeds == 0 {
		seeds = 120
		if os.Getenv("CAGNOTTE_CI") == "1" {
			seeds = 2000
		}
	}
	children := max(1, runtime.NumCPU())
	per := (seeds + children - 1) / children
	began := time.Now()
	var wg sync.WaitGroup
	for c := range children {
		wg.Add(1)
		go func() {
			defer wg.Done()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSimulationSeeds$", "-test.v", "-test.timeout=15m",
				"-sim.from="+strconv.FormatUint(*simFrom+uint64(c*per), 10), "-sim.seeds="+strconv.Itoa(per))
			cmd.Env = append(os.Environ(), simChild+"=1", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
			out, err := cmd.CombinedOutput()
			report := string(out)
			if err != nil {
				t.Errorf("child %d: %v\n%s", c, err, tail(report, 6000))
				return
			}
			for _, line := range strings.Split(report, "\n") {
				if strings.Contains(line, "seeds,") {
					t.Log(strings.TrimSpace(line))
				}
			}
		}()
	}
	wg.Wait()
	t.Logf("%d seeds in %v", per*children, time.Since(began).Round(time.Second))
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

// TestSimulationSeeds runs seeds in this process.
func TestSimulationSeeds(t *testing.T) {
	if os.Getenv(simChild) == "" && *simSeeds == 0 {
		t.Skip("TestSimulation runs the seeds in child processes; give -sim.seeds to run some here")
	}
	codec := simCodec(t)
	var crashes, freezes, faulted, entries int
	var virtual time.Duration
	for i := range *simSeeds {
		seed := *simFrom + uint64(i)
		quiet := simulate(t, codec, seed, false)
		loud := simulate(t, codec, seed, true)
		compareRuns(t, seed, quiet, loud)
		crashes, freezes, faulted, virtual = crashes+loud.crashes, freezes+loud.freezes, faulted+loud.faulted, virtual+loud.virtual
		for _, e := range loud.ledger {
			entries += len(e)
		}
		if t.Failed() {
			t.Fatalf("seed %d failed; replay: go test ./pipeline -run TestSimulationSeeds -sim.from=%d -sim.seeds=1 -v", seed, seed)
		}
	}
	t.Logf("%d seeds, %d crashes, %d freezes, %d broker faults, %d ledger entries, %v of virtual time: 0 lost, 0 doubled", *simSeeds, crashes, freezes, faulted, entries, virtual.Round(time.Second))
}

// simCodec is made outside of any bubble: a real registry answers over a real socket.
func simCodec(t testing.TB) *schemas.Codec {
	reg, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close() })
	rcl, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(context.Background(), rcl)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

func compareRuns(t *testing.T, seed uint64, want, got simResult) {
	if len(want.ledger) == 0 {
		t.Errorf("seed %d: the quiet run booked nothing: the simulation proves nothing", seed)
	}
	compareKeys(t, seed, "ledger", want.ledger, got.ledger, func(v []string) string { return strings.Join(v, "\n  ") })
	compareKeys(t, seed, "decisions", want.decisions, got.decisions, func(v int) string { return fmt.Sprint(v) })
	compareKeys(t, seed, "dead letters", want.dead, got.dead, func(v int) string { return fmt.Sprint(v) })
	compareKeys(t, seed, "balances in Pebble", want.balances, got.balances, func(v string) string { return v })
}

func compareKeys[V any](t *testing.T, seed uint64, what string, want, got map[string]V, show func(V) string) {
	for _, k := range sortedKeys(want) {
		g, ok := got[k]
		if !ok {
			t.Errorf("seed %d: %s: %s is lost", seed, what, k)
		} else if show(g) != show(want[k]) {
			g, w := firstDifference(show(g), show(want[k]))
			t.Errorf("seed %d: %s: %s\n got %s\nwant %s", seed, what, k, g, w)
		}
	}
	for _, k := range sortedKeys(got) {
		if _, ok := want[k]; !ok {
			t.Errorf("seed %d: %s: %s has appeared", seed, what, k)
		}
	}
}

// firstDifference cuts two texts down to their first differing line.
func firstDifference(a, b string) (string, string) {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := 0; i < len(la) && i < len(lb); i++ {
		if la[i] != lb[i] {
			return fmt.Sprintf("line %d: %s", i+1, la[i]), lb[i]
		}
	}
	return fmt.Sprintf("%d lines", len(la)), fmt.Sprintf("%d lines, then %s", len(lb), lb[min(len(la), len(lb)-1)])
}
