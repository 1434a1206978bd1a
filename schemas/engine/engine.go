// Package engine hosts ClickHouse where there is no server: it runs the real engine, in a child process, over a directory.
//
// The child is this same executable, started again with CAGNOTTE_ENGINE_HOST in its environment; [HostIfChild] turns it into the host of
// the engine's library (libchdb, fetched once through npm), or of a `clickhouse` binary where there is one. A child of its own means that
// the engine can be killed alone, that its memory is not ours, and that a crash of either side leaves the other to say so. The child ends
// when its standard input closes, so it cannot outlive its parent.
package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Options say where and how the engine runs. Only Dir is required.
type Options struct {
	Dir      string // tables live here and survive restarts; created when absent; one engine at a time
	CacheDir string // where the engine's library is kept; default os.UserCacheDir()/cagnotte/engine
	TCPPort  int    // native protocol on 127.0.0.1; 0 picks a free port
	HTTPPort int    // HTTP on 127.0.0.1; 0 picks a free port
	// Binary is a `clickhouse` executable, or a libchdb shared library, to use instead of looking on PATH and fetching one.
	Binary string
	// MaxMemoryBytes bounds the engine's memory; 0 means 3 GiB. It is never more than a quarter of the machine's memory.
	MaxMemoryBytes int64
	Progress       io.Writer    // told about the download, in lines; nil is silence
	Logger         *slog.Logger // nil is slog.Default
}

// Engine is a running engine. Its methods are safe for concurrent use.
type Engine struct {
	Addr     string // native protocol, host:port
	HTTPAddr string // HTTP, host:port

	cmd      *exec.Cmd
	stdin    io.WriteCloser // the child's standard input: closing it asks the engine to end
	lifeline *os.File       // the child's watchdog ends it, some seconds later, when this closes
	done     chan struct{}
	waitErr  error // set before done closes
	stopOnce sync.Once
}

// Limits of a start: how often free ports are tried again when another process was faster, and how long an engine may take to answer
// (it loads its tables first, and may wait lockWait for the one before it).
const (
	portAttempts = 3
	startWait    = 90 * time.Second
)

// Start runs an engine over opts.Dir and returns once it answers SELECT 1. It may fetch the engine's library first, once per machine.
// Errors name their remedy. The engine runs until Stop, Kill, or the end of this process; ctx bounds the start only.
func Start(ctx context.Context, opts Options) (*Engine, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	prog, err := locate(ctx, &opts)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		e, err := startOnce(ctx, opts, prog)
		if err == nil {
			opts.Logger.Info("engine started", "addr", e.Addr, "http", e.HTTPAddr, "dir", opts.Dir, "pid", e.Pid())
			return e, nil
		}
		picked := opts.TCPPort == 0 || opts.HTTPPort == 0
		if !errors.Is(err, errPortTaken) || !picked || attempt == portAttempts {
			return nil, err
		}
	}
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("start engine: Dir is empty: name a directory for the tables")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("start engine: %w", err)
	}
	o.Dir = dir
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.MaxMemoryBytes <= 0 {
		o.MaxMemoryBytes = 3 << 30
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return o, fmt.Errorf("start engine: %w: choose a directory that can be written", err)
	}
	return o, nil
}

func startOnce(ctx context.Context, opts Options, prog program) (*Engine, error) {
	tcp, http, err := choosePorts(opts.TCPPort, opts.HTTPPort)
	if err != nil {
		return nil, err
	}
	spec := hostSpec{Program: prog, Dir: opts.Dir, TCPPort: tcp, HTTPPort: http, MaxMemoryBytes: opts.MaxMemoryBytes}
	e, tail, err := spawn(spec)
	if err != nil {
		return nil, err
	}
	if err := e.awaitReady(ctx); err != nil {
		e.Kill()
		<-e.done
		return nil, startError(err, tail.String())
	}
	return e, nil
}

// spawn starts the child; tail keeps the last of what it prints.
func spawn(spec hostSpec) (*Engine, *tailBuffer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("start engine: find own executable: %w", err)
	}
	env, err := json.Marshal(spec)
	if err != nil {
		return nil, nil, fmt.Errorf("start engine: %w", err)
	}
	watched, lifeline, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start engine: %w", err)
	}
	defer watched.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), HostEnv+"="+string(env))
	cmd.Dir = spec.Dir
	cmd.ExtraFiles = []*os.File{watched} // becomes descriptor 3
	cmd.SysProcAttr = ownGroup()         // a Ctrl-C at the terminal is for us: the engine ends after the last insert
	tail := &tailBuffer{}
	cmd.Stdout, cmd.Stderr = tail, tail
	cmd.WaitDelay = 5 * time.Second // a server that outlives its host holds the pipes open
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		lifeline.Close()
		return nil, nil, fmt.Errorf("start engine: %w", err)
	}
	e := &Engine{
		Addr:     net.JoinHostPort(loopback, strconv.Itoa(spec.TCPPort)),
		HTTPAddr: net.JoinHostPort(loopback, strconv.Itoa(spec.HTTPPort)),
		cmd:      cmd, stdin: stdin, lifeline: lifeline, done: make(chan struct{}),
	}
	go e.wait()
	return e, tail, nil
}

func (e *Engine) wait() {
	e.waitErr = e.cmd.Wait()
	e.lifeline.Close()
	close(e.done)
}

// Pid returns the child's process id.
func (e *Engine) Pid() int { return e.cmd.Process.Pid }

// Done is closed when the child has ended, for whatever reason.
func (e *Engine) Done() <-chan struct{} { return e.done }

// Kill ends the engine at once, as a crash would (SIGKILL). It does not wait: see Done. What was inserted and acknowledged is kept.
func (e *Engine) Kill() {
	select {
	case <-e.done: // the id may be another process's by now
	default:
		killGroup(e.cmd.Process)
	}
}

// Stop asks the engine to end and waits for it; when ctx ends first, the engine is killed. It returns an error when the engine had to
// be killed or had ended badly by itself. Close connections first: the engine waits up to five seconds for those that are open.
// Calls after the first wait for the same end.
func (e *Engine) Stop(ctx context.Context) error {
	e.stopOnce.Do(func() {
		e.stdin.Close()
		e.lifeline.Close()
	})
	select {
	case <-e.done:
	case <-ctx.Done():
		e.Kill()
		<-e.done
		return fmt.Errorf("stop engine: it did not end by itself: %w", ctx.Err())
	}
	if e.waitErr != nil {
		return fmt.Errorf("stop engine: %w", e.waitErr)
	}
	return nil
}

// tailBuffer keeps the last few kilobytes written to it. Safe for concurrent use.
type tailBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailBytes = 8 << 10

// Write never fails.
func (t *tailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - tailBytes; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tailBuffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
