package sinktest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Stage is a place on a block's way.
type Stage string

// Stages.
const (
	Pinned   Stage = "pinned"   // the bounds of the block are safe, nothing has been sent
	Inserted Stage = "inserted" // ClickHouse has the rows, the offsets are not committed
)

// Env is what a sink is given.
type Env struct {
	*World
	Group      string
	ClientOpts []kgo.Opt
	Logger     *slog.Logger // to the test's output
	// At is called at each stage of each block, on the goroutine that would go on. An error is a crash there and then: the sink must forget
	// everything and return.
	At func(Stage) error
}

// Run copies until ctx ends, or At crashes it.
type Run func(ctx context.Context, env Env) error

var errCrash = errors.New("crash")

// Exercise runs the suite.
func Exercise(t *testing.T, setup Setup, run Run) {
	t.Run("copies", func(t *testing.T) {
		t.Parallel()
		testCopies(t, NewWorld(t, setup), run)
	})
	t.Run("crash after pin", func(t *testing.T) {
		t.Parallel()
		testCrash(t, NewWorld(t, setup), run, Pinned)
	})
	t.Run("crash after insert", func(t *testing.T) {
		t.Parallel()
		testCrash(t, NewWorld(t, setup), run, Inserted)
	})
	t.Run("engine killed", func(t *testing.T) {
		t.Parallel()
		EngineKilled(t, NewWorld(t, setup), run)
	})
	t.Run("zombie", func(t *testing.T) {
		t.Parallel()
		testZombie(t, NewWorld(t, setup), run)
	})
	t.Run("plan to two", func(t *testing.T) {
		t.Parallel()
		testPlanToTwo(t, NewWorld(t, setup), run)
	})
	t.Run("two share", func(t *testing.T) {
		t.Parallel()
		testShare(t, NewWorld(t, setup), run)
	})
}

// started is a sink that runs.
type started struct {
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T, run Run, env Env) *started {
	ctx, cancel := context.WithCancel(context.Background())
	s := &started{cancel, make(chan error, 1)}
	if env.Group == "" {
		env.Group = "sink"
	}
	if env.At == nil {
		env.At = func(Stage) error { return nil }
	}
	env.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	go func() { s.done <- run(ctx, env) }()
	t.Cleanup(func() { s.end(t) })
	return s
}

func (s *started) end(t *testing.T) {
	t.Helper()
	s.stop()
	select {
	case err := <-s.done:
		if err != nil && !errors.Is(err, errCrash) {
			t.Error(err)
		}
		s.done <- err
	case <-time.After(20 * time.Second):
		t.Error("the sink did not end within 20 s")
	}
}

// Everything that is produced is in the views, to the cent, and once in the raw tables; what comes while it runs, too.
func testCopies(t *testing.T, w *World, run Run) {
	w.Produce(1500)
	s := start(t, run, Env{World: w})
	w.Await(20 * time.Second)
	w.Produce(500)
	w.Await(20 * time.Second)
	w.CheckClean()
	s.end(t)
}

// A sink that crashes at a stage, again and again, is followed by one that finishes: the same blocks, and no row twice.
func testCrash(t *testing.T, w *World, run Run, at Stage) {
	for i := range 4 {
		w.Produce(300 + 100*i)
		s := start(t, run, Env{World: w, At: func(now Stage) error {
			if now == at {
				return errCrash
			}
			return nil
		}})
		select {
		case <-s.done:
			s.done <- nil
		case <-time.After(20 * time.Second):
			t.Fatal("the sink did not get to the stage")
		}
	}
	start(t, run, Env{World: w})
	w.Await(20 * time.Second)
	w.CheckClean()
}

// EngineKilled is the case "engine killed": ClickHouse is killed while blocks are on their way, over and over, and is away for a while. The sink waits and loses nothing.
func EngineKilled(t *testing.T, w *World, run Run) {
	var mu sync.Mutex
	kills, killing := 3, false
	start(t, run, Env{World: w, At: func(s Stage) error {
		mu.Lock()
		defer mu.Unlock()
		if s == Pinned && kills > 0 && !killing {
			kills--
			killing = true
			delay := time.Duration(kills) * 2 * time.Millisecond
			go func() {
				time.Sleep(delay) // at once, and while the insert runs
				w.KillEngine()
				time.Sleep(300 * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				w.RestartEngine()
				killing = false
			}()
		}
		return nil
	}})
	left := func() int {
		mu.Lock()
		defer mu.Unlock()
		return kills
	}
	for range 40 {
		w.Produce(200)
		time.Sleep(300 * time.Millisecond)
		if left() == 0 {
			break
		}
	}
	if n := left(); n > 0 {
		t.Errorf("%d kills did not happen", n)
	}
	w.Produce(200)
	w.awaitUp()
	w.Await(30 * time.Second)
	w.CheckClean()
}

// A sink freezes between plan and insert, for so long that the group gives its partitions away. The other one finishes its plans and goes on;
// then the first wakes up and sends its old block. Nothing is there twice.
func testZombie(t *testing.T, w *World, run Run) {
	w.Produce(800)
	fast := []kgo.Opt{kgo.RebalanceTimeout(2 * time.Second), kgo.HeartbeatInterval(200 * time.Millisecond)}
	frozen, wake := make(chan struct{}), make(chan struct{})
	var once sync.Once
	freeze := func(s Stage) error {
		once.Do(func() {
			close(frozen)
			<-wake
		})
		return nil
	}
	start(t, run, Env{World: w, ClientOpts: fast, At: freeze})
	<-frozen
	start(t, run, Env{World: w, ClientOpts: fast})
	w.Await(30 * time.Second) // all of it, by the second
	w.Produce(400)
	w.Await(20 * time.Second)
	close(wake)
	w.Produce(400)
	w.Await(30 * time.Second)
	time.Sleep(time.Second) // for the late insert
	w.Await(5 * time.Second)
	w.CheckClean()
}

// Two sinks of one group share the partitions; one comes later and leaves again.
func testShare(t *testing.T, w *World, run Run) {
	fast := []kgo.Opt{kgo.HeartbeatInterval(200 * time.Millisecond)}
	start(t, run, Env{World: w, ClientOpts: fast})
	w.Produce(300)
	second := start(t, run, Env{World: w, ClientOpts: fast})
	for range 3 {
		w.Produce(300)
		time.Sleep(400 * time.Millisecond)
	}
	second.end(t)
	w.Produce(300)
	w.Await(30 * time.Second)
	w.CheckClean()
}

// A sink crashes with its rows in ClickHouse and its plan in Kafka, and two come after it: whichever way the parts of the plan fall, the views
// are right. The raw tables may hold repeats here.
func testPlanToTwo(t *testing.T, w *World, run Run) {
	w.Produce(1000)
	first := start(t, run, Env{World: w, At: func(s Stage) error {
		if s == Inserted {
			return errCrash
		}
		return nil
	}})
	select {
	case <-first.done:
		first.done <- nil
	case <-time.After(20 * time.Second):
		t.Fatal("the sink did not get to the stage")
	}
	start(t, run, Env{World: w})
	start(t, run, Env{World: w})
	w.Produce(200)
	w.Await(30 * time.Second)
}
