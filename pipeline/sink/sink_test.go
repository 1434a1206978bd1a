package sink

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"cagnotte/loadtest/cluster"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/sink/sinktest"
	"cagnotte/schemas/engine"
	"cagnotte/schemas/engine/enginetest"
)

func TestMain(m *testing.M) {
	engine.HostIfChild()
	os.Exit(m.Run())
}

// run is this package's sink as the suite wants it.
func run(ctx context.Context, env sinktest.Env) error { return runWith(ctx, env, 0) }

func runWith(ctx context.Context, env sinktest.Env, retryFor time.Duration) error {
	s, err := New(Options{
		Brokers: env.Brokers, ClientOpts: env.ClientOpts, Group: env.Group, Addr: env.Addr, Codec: env.Codec, Policy: env.Policy, Logger: env.Logger, RetryFor: retryFor,
		fault: func(at stage) error {
			if err := env.At(sinktest.Stage(at)); err != nil {
				return fatalError{err}
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

func TestConformance(t *testing.T) {
	sinktest.Exercise(t, sinktest.Setup{Brokers: fakeBroker, Engine: enginetest.StartWith}, run)
}

func fakeBroker(tb testing.TB, partitions int32) []string {
	tb.Helper()
	broker, err := cluster.StartFake(cluster.FakeOptions{Partitions: partitions, LogWriter: tb.Output()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = broker.Stop(context.Background()) })
	return broker.Brokers
}

func TestPlan(t *testing.T) {
	p := plan{to: 150, size: 3, set: "ab12"}
	if got, ok := parsePlan(p.String(), 100); !ok || got != p {
		t.Errorf("got %+v, %v, want %+v", got, ok, p)
	}
	for _, bad := range []string{"", "to=", "to=x n=1 set=a", "to=100 n=1 set=a", "to=150 n=0 set=a", "to=150 n=1", "some tool was here", "to=150 n=1 set=a to=z"} {
		if got, ok := parsePlan(bad, 100); ok {
			t.Errorf("%q: got %+v, want none", bad, got)
		}
	}
}

func TestToken(t *testing.T) {
	one := token("cagnotte_raw.receipts", "cagnotte.receipts", []span{{3, 10, 20}})
	if one != "cagnotte_raw.receipts/cagnotte.receipts/3/10-20" {
		t.Error(one)
	}
	two := token("t", "p", []span{{0, 1, 2}, {3, 10, 20}})
	if two != "t/p/0/1-2,3/10-20" {
		t.Error(two)
	}
}

func TestLocalHour(t *testing.T) {
	for _, c := range []struct {
		at     int64
		offset int32
		want   uint8
	}{{0, 0, 0}, {0, 60, 1}, {0, -60, 23}, {86_400_000 - 1, 0, 23}, {86_400_000 - 1, 60, 0}, {1_700_000_000_000, 120, 0}, {5, -1 << 31, 21}} {
		if got := localHour(retail.Instant(c.at), c.offset); got != c.want {
			t.Errorf("%d at %d min: got %d, want %d", c.at, c.offset, got, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("no codec: no error")
	}
	var fatal fatalError
	if err := error(fatalError{errors.New("x")}); !errors.As(err, &fatal) {
		t.Error("a fatal error is not found")
	}
}
