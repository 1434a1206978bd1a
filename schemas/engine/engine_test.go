package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
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

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// standInEnv makes this test binary a `clickhouse` that serves with the library it names.
const standInEnv = "ENGINE_TEST_STANDIN"

// parentEnv makes this test binary a process that starts an engine over the directory it names and waits to be killed.
const parentEnv = "ENGINE_TEST_PARENT"

func TestMain(m *testing.M) {
	engine.HostIfChild()
	if library := os.Getenv(standInEnv); library != "" {
		fmt.Fprintln(os.Stderr, engine.BeServer(library, os.Args[1:]))
		os.Exit(1)
	}
	if dir := os.Getenv(parentEnv); dir != "" {
		beParent(dir)
	}
	os.Exit(m.Run())
}

func beParent(dir string) {
	e, err := engine.Start(context.Background(), engine.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(e.Pid(), e.Addr)
	select {}
}

func open(t *testing.T, e *engine.Engine) driver.Conn {
	t.Helper()
	return openAddr(t, e.Addr, "default")
}

func openAddr(t *testing.T, addr, user string) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{addr}, Auth: clickhouse.Auth{Username: user}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// mustExec and count close their connection: an engine that stops waits for open ones.
func mustExec(t *testing.T, addr string, queries ...string) {
	t.Helper()
	conn := openAddr(t, addr, "default")
	defer conn.Close()
	for _, q := range queries {
		if err := conn.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func count(t *testing.T, addr string) (n uint64) {
	t.Helper()
	conn := openAddr(t, addr, "default")
	defer conn.Close()
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM kept.t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Tables and rows survive a stop, a kill, and the engine that was killed leaves nothing behind that blocks the next one.
func TestRestartKeepsData(t *testing.T) {
	dir := t.TempDir()
	e := enginetest.Start(t, dir)
	mustExec(t, e.Addr, "CREATE DATABASE kept ENGINE = Atomic", "CREATE TABLE kept.t (a UInt64) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO kept.t SELECT number FROM numbers(1000)")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := e.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	e = enginetest.Start(t, dir)
	if n := count(t, e.Addr); n != 1000 {
		t.Fatalf("after stop: got %d rows, want 1000", n)
	}
	mustExec(t, e.Addr, "INSERT INTO kept.t SELECT number FROM numbers(500)")
	e.Kill() // and no wait: the next one has to cope
	e = enginetest.Start(t, dir)
	if n := count(t, e.Addr); n != 1500 {
		t.Fatalf("after kill: got %d rows, want 1500", n)
	}
}

// An engine does not outlive a parent that is killed, and the next engine over the same directory waits for it to go.
func TestDiesWithParent(t *testing.T) {
	dir := t.TempDir()
	enginetest.Start(t, t.TempDir()) // skips where there is no engine
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pidText, addr, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(pidText)
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, addr, "CREATE DATABASE kept ENGINE = Atomic", "CREATE TABLE kept.t (a UInt64) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO kept.t SELECT number FROM numbers(7)")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed: always an error
	e := enginetest.Start(t, dir)
	if n := count(t, e.Addr); n != 7 {
		t.Fatalf("got %d rows, want 7", n)
	}
	awaitGone(t, pid)
}

func awaitGone(t *testing.T, pid int) {
	t.Helper()
	for range 200 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("engine %d outlived its parent by 10 s", pid)
}

// zombie reports whether a process has ended and only waits to be collected, by whoever adopted it.
func zombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// A second engine over a directory in use is refused with the reason, once the wait is over; here the wait is cut short by the caller.
func TestOneEnginePerDirectory(t *testing.T) {
	dir := t.TempDir()
	enginetest.Start(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if e, err := engine.Start(ctx, engine.Options{Dir: dir}); err == nil {
		e.Kill()
		t.Fatal("a second engine started over the same directory")
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	enginetest.Start(t, t.TempDir()) // skips where there is no engine
	port := l.Addr().(*net.TCPAddr).Port
	_, err = engine.Start(t.Context(), engine.Options{Dir: t.TempDir(), TCPPort: port})
	if err == nil || !strings.Contains(err.Error(), strconv.Itoa(port)) || !strings.Contains(err.Error(), "choose another") {
		t.Fatalf("got %v, want an error that names port %d and the remedy", err, port)
	}
}

// The reader sees the database `cagnotte` and nothing else, and changes nothing.
func TestReader(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	mustExec(t, e.Addr, "CREATE DATABASE cagnotte", "CREATE DATABASE hidden", "CREATE TABLE hidden.t (a UInt8) ENGINE = MergeTree ORDER BY a",
		"CREATE VIEW cagnotte.v DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT count() AS n FROM hidden.t")
	reader := openAddr(t, e.Addr, "cagnotte_reader")
	var n uint64
	if err := reader.QueryRow(t.Context(), "SELECT n FROM cagnotte.v").Scan(&n); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SELECT * FROM hidden.t", "DROP VIEW cagnotte.v", "CREATE TABLE cagnotte.x (a UInt8) ENGINE = MergeTree ORDER BY a"} {
		if err := reader.Exec(t.Context(), q); err == nil {
			t.Errorf("%s: the reader may do that", q)
		}
	}
}

// The memory of the engine is bounded by the option.
func TestMemoryBound(t *testing.T) {
	e := enginetest.StartWith(t, engine.Options{Dir: t.TempDir(), MaxMemoryBytes: 700 << 20})
	var got string
	if err := open(t, e).QueryRow(t.Context(), "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != strconv.Itoa(700<<20) {
		t.Errorf("got max_server_memory_usage %s, want %d", got, 700<<20)
	}
}

// Stop interrupts a statement that is running rather than wait for it to end.
func TestStopWhileBusy(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	conn := open(t, e) // open connections are waited for, five seconds at most
	go func() {
		_ = conn.Exec(context.Background(), "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1")
	}()
	time.Sleep(200 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	_ = e.Stop(ctx) // an interrupted statement may make the end a bad one; that it ends is what counts
	if d := time.Since(began); d > 25*time.Second {
		t.Errorf("stop took %v", d)
	}
	t.Logf("stop took %v", time.Since(began))
}
