package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Goal: a replay of 25 900 real receipts arrives in ClickHouse to the cent, a second start doubles nothing, and neither does a dev, its broker included,
// that is killed again and again. Method: dev as a process; sums by month and by customer are made from the text of the file by code that shares nothing
// with the reader; the killed replay must also come to the same ledger as the one that ran in peace.
func TestDevReplay(t *testing.T) {
	file := replayFileForTest(t)
	want := sumFile(t, file)
	var peace *sums
	t.Run("restarted", func(t *testing.T) { peace = replayInPeace(t, file, want) })
	if peace == nil {
		return
	}
	t.Run("killed", func(t *testing.T) { replayKilled(t, file, want, peace) })
}

func replayInPeace(t *testing.T, file string, want *sums) *sums {
	t.Helper()
	dir := newDevDataDir(t)
	p := startDev(t, dir, file)
	p.waitFor(t, "replay done", 5*time.Minute)
	first := readSums(t, dir)
	compareSums(t, first, want)
	p.interrupt(t)

	p = startDev(t, dir, file)
	p.waitFor(t, "replay done", time.Minute)
	if again := readSums(t, dir); !again.equal(first) {
		t.Errorf("after a restart ClickHouse holds %v, before %v", again, first)
	}
	p.interrupt(t)
	t.Logf("%s", strings.TrimSpace(lineWith(p.output(), "replay done")))
	return first
}

// replayKilled uses kill -9 at points spread over the replay, in turns of dev alone, of it with its children, and amid a start. CAGNOTTE_KILLS sets
// how often.
func replayKilled(t *testing.T, file string, want, peace *sums) {
	t.Helper()
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("CAGNOTTE_KILLS")); err == nil {
		kills = n
	}
	dir := newDevDataDir(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range kills {
		p := startDev(t, dir, file)
		if i%4 == 3 {
			time.Sleep(time.Duration(rng.IntN(1200)) * time.Millisecond)
		} else {
			p.waitSent(t, dir, (i+1)*want.receipts/(kills+1))
			time.Sleep(time.Duration(rng.IntN(120)) * time.Millisecond)
		}
		p.kill(t, i%2 == 0)
	}
	p := startDev(t, dir, file)
	p.waitFor(t, "replay done", 5*time.Minute)
	got := readSums(t, dir)
	compareSums(t, got, want)
	if !got.equal(peace) {
		t.Errorf("after %d kills ClickHouse holds %v, without any %v", kills, got, peace)
	}
	if !strings.Contains(p.output(), "all books agree") && !strings.Contains(p.output(), "the backlog needs longer") {
		t.Errorf("no audit after a kill: %s", p.output())
	}
	t.Logf("%d kills: %s", kills, strings.TrimSpace(lineWith(p.output(), "replay done")))
	p.interrupt(t)
}

func replayFileForTest(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skipf("-short leaves %s out: it replays a whole file", t.Name())
	}
	return filepath.Join(dataDir(t, "online_retail_uci"), "lines.csv.gz")
}

// newDevDataDir makes a data directory with ports of its own, so that a restart finds them free on a busy machine.
func newDevDataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	base := 10_000 + rand.IntN(20_000)
	settings := fmt.Sprintf(`{"currency":"GBP","partitions":8,"broker_port":%d,"clickhouse_port":%d,"clickhouse_http_port":%d}`, base, base+1, base+2)
	if err := os.WriteFile(filepath.Join(dir, "settings.json"), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// devProcess is a dev that can be killed.
type devProcess struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

func startDev(t *testing.T, dir, file string) *devProcess {
	t.Helper()
	return startCommand(t, "dev", "--data", dir, "--listen", "localhost:0", "--replay", file)
}

// startCommand runs cagnotte with args as a process of its own.
func startCommand(t *testing.T, args ...string) *devProcess {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &devProcess{cmd: exec.Command(exe, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is looked at where it matters
		close(p.done)
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// Write collects the output.
func (p *devProcess) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *devProcess) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func (p *devProcess) waitFor(t *testing.T, text string, limit time.Duration) {
	t.Helper()
	p.poll(t, limit, text, func() bool { return strings.Contains(p.output(), text) })
}

func (p *devProcess) waitSent(t *testing.T, dir string, receipts int) {
	t.Helper()
	p.poll(t, 3*time.Minute, fmt.Sprintf("%d receipts sent", receipts), func() bool {
		progress, err := openProgress(filepath.Join(dir, "replay.json"), replayInfo{name: "Online Retail", receipts: 25900})
		return err == nil && progress.state.Sent >= receipts
	})
}

func (p *devProcess) poll(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		select {
		case <-p.done:
			if !ok() {
				t.Fatalf("dev ended before %q: %s", what, p.output())
			}
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %q within %v: %s", what, limit, p.output())
		}
	}
}

// interrupt ends dev as Ctrl-C does and wants it to end well.
func (p *devProcess) interrupt(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatalf("dev does not end: %s", p.output())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != ExitOK {
		t.Errorf("dev ended with %d: %s", code, p.output())
	}
}

// kill ends dev with SIGKILL, and with it, when asked, its children, before they notice.
func (p *devProcess) kill(t *testing.T, tree bool) {
	t.Helper()
	victims := []int{p.cmd.Process.Pid}
	if tree {
		victims = append(victims, childrenOf(t, p.cmd.Process.Pid)...)
	}
	for _, pid := range victims {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			t.Fatal(err)
		}
	}
	<-p.done
}

// childrenOf reads the process table: pids whose parent is pid.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(raw), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
