// Package enginetest starts the ClickHouse engine for tests. The test binary's TestMain must call engine.HostIfChild first.
package enginetest

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"cagnotte/schemas/engine"
)

// Start runs an engine over dir until the test ends. A machine that has no engine and cannot get one skips the test, unless CAGNOTTE_CI=1.
func Start(tb testing.TB, dir string) *engine.Engine {
	tb.Helper()
	return StartWith(tb, engine.Options{Dir: dir})
}

// StartWith is Start with all options.
func StartWith(tb testing.TB, opts engine.Options) *engine.Engine {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if opts.Progress == nil {
		opts.Progress = os.Stderr
	}
	e, err := engine.Start(ctx, opts)
	if errors.Is(err, engine.ErrUnavailable) && os.Getenv("CAGNOTTE_CI") != "1" {
		tb.Skipf("needs the ClickHouse engine: %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { stop(e) })
	return e
}

// stop ends the engine at once: in order, it would wait five seconds for connections that a test has left open, and the tables go anyway.
func stop(e *engine.Engine) {
	e.Kill()
	<-e.Done()
}
