package engine_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cagnotte/schemas/engine"
	"cagnotte/schemas/engine/enginetest"
)

// standIn is a `clickhouse` executable for machines without one: called as `clickhouse server --config-file F`, it listens on the configured HTTP
// and native ports with the library, so that how a server is started, watched and ended can be tested. It ends on SIGTERM.
func standIn(t *testing.T, library string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clickhouse")
	// The library serves until its standard input ends: it gets one that does not.
	script := "#!/bin/sh\nrm -f $0.in; mkfifo $0.in\nexec env " + standInEnv + "=" + library + " " + os.Args[0] + " \"$@\" 0<>$0.in\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// libraryOf finds the library that a running engine has loaded.
func libraryOf(t *testing.T, e *engine.Engine) string {
	t.Helper()
	maps, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(e.Pid()), "maps"))
	if err != nil {
		t.Skipf("needs /proc to find the library: %v", err)
	}
	for line := range strings.Lines(string(maps)) {
		if fields := strings.Fields(line); strings.HasSuffix(line, "libchdb.so\n") {
			return fields[len(fields)-1]
		}
	}
	t.Skip("the engine is not the library: a clickhouse is on PATH")
	return ""
}

// A `clickhouse` executable is run as a server with our configuration; it ends in order, with a kill, and with its parent.
func TestServerBinary(t *testing.T) {
	library := libraryOf(t, enginetest.Start(t, t.TempDir()))
	dir, binary := t.TempDir(), standIn(t, library)
	e := enginetest.StartWith(t, engine.Options{Dir: dir, Binary: binary})
	server := childOf(t, e.Pid())
	mustExec(t, e.Addr, "CREATE DATABASE kept ENGINE = Atomic", "CREATE TABLE kept.t (a UInt64) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO kept.t SELECT number FROM numbers(3)")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := e.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, server)
	e = enginetest.StartWith(t, engine.Options{Dir: dir, Binary: binary})
	server = childOf(t, e.Pid())
	e.Kill()
	awaitGone(t, server)
	e = enginetest.StartWith(t, engine.Options{Dir: dir, Binary: binary})
	if n := count(t, e.Addr); n != 3 {
		t.Errorf("got %d rows, want 3", n)
	}
	server = childOf(t, e.Pid())
	if err := syscall.Kill(e.Pid(), syscall.SIGKILL); err != nil { // the host alone
		t.Fatal(err)
	}
	awaitGone(t, server)
}

// childOf returns the server that a host has started.
func childOf(t *testing.T, host int) int {
	t.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(host)).Output()
	if err != nil {
		t.Fatalf("no child of the host: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
