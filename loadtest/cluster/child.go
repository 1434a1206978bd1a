package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// hostEnv carries the options to a child that hosts a fake broker.
const hostEnv = "CAGNOTTE_BROKER_HOST"

// hostOptions is what the parent tells the child, and the child's first line of output is hostReady.
type (
	hostOptions struct {
		Dir  string `json:"dir"`
		Port int    `json:"port"`
	}
	hostReady struct {
		Port  int    `json:"port"`
		Error string `json:"error,omitempty"`
	}
)

// StartFakeChild starts a fake broker in a child process: this executable, run again. It ends with its parent, also when that is killed.
// The executable must call HostIfChild first in main, and in TestMain of tests.
func StartFakeChild(o FakeOptions) (*Cluster, error) {
	n := &childNode{opts: o}
	if err := n.start(context.Background()); err != nil {
		return nil, err
	}
	c := &Cluster{Brokers: []string{fmt.Sprintf("127.0.0.1:%d", n.opts.Port)}, nodes: []node{n}}
	if err := c.topics(o.Partitions); err != nil {
		c.Kill()
		return nil, err
	}
	return c, nil
}

// HostIfChild turns this process into a broker when StartFakeChild has started it, and then does not return.
func HostIfChild() {
	raw := os.Getenv(hostEnv)
	if raw == "" {
		return
	}
	if err := host(raw); err != nil {
		fmt.Fprintln(os.Stderr, "broker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// host serves until its standard input closes (the parent is gone or wants it to end) or it gets a signal to end.
func host(raw string) error {
	var o hostOptions
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		return fmt.Errorf("read %s: %w", hostEnv, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	n := &fakeNode{opts: FakeOptions{Dir: o.Dir, Port: o.Port, LogWriter: os.Stderr}}
	err := n.start(ctx)
	ready := hostReady{Port: n.port}
	if err != nil {
		ready.Error = err.Error()
	}
	if encErr := json.NewEncoder(os.Stdout).Encode(ready); encErr != nil || err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	<-ctx.Done()
	return n.stop(context.Background())
}

// childNode is a fake broker in a process of its own.
type childNode struct {
	opts  FakeOptions
	proc  *process
	stdin io.Closer
}

func (n *childNode) start(context.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("start a broker process: %w", err)
	}
	raw, err := json.Marshal(hostOptions{Dir: n.opts.Dir, Port: n.opts.Port})
	if err != nil {
		return fmt.Errorf("start a broker process: %w", err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), hostEnv+"="+string(raw))
	cmd.Stderr = n.opts.LogWriter
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start a broker process: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start a broker process: %w", err)
	}
	proc, err := startProcess(cmd)
	if err != nil {
		return err
	}
	ready, err := readReady(stdout)
	if err != nil {
		proc.kill()
		return err
	}
	n.proc, n.stdin, n.opts.Port = proc, stdin, ready.Port
	return nil
}

func readReady(stdout io.Reader) (hostReady, error) {
	var ready hostReady
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return ready, fmt.Errorf("start a broker process: it ended before it was ready (does main call cluster.HostIfChild?): %w", err)
	}
	if err := json.Unmarshal(line, &ready); err != nil {
		return ready, fmt.Errorf("start a broker process: it said %q (does main call cluster.HostIfChild?)", line)
	}
	if ready.Error != "" {
		return ready, fmt.Errorf("start a broker process: %s", ready.Error)
	}
	return ready, nil
}

func (n *childNode) kill() { n.proc.kill() }

func (n *childNode) stop(ctx context.Context) error {
	if n.pid() == 0 {
		return nil
	}
	if err := n.stdin.Close(); err != nil {
		return fmt.Errorf("stop the broker process: %w", err)
	}
	return n.proc.wait(ctx)
}

func (n *childNode) pid() int { return n.proc.pid() }

// process is a child that is waited for from the start, so that its end is seen at once.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended shows in its log; that it ended is what counts
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int {
	if p == nil {
		return 0
	}
	select {
	case <-p.done:
		return 0
	default:
		return p.cmd.Process.Pid
	}
}

func (p *process) kill() {
	if p.pid() == 0 {
		return
	}
	_ = p.cmd.Process.Kill() // fails only when it has ended
	<-p.done
}

// wait returns when the process has ended; when ctx (or half a minute) runs out it is killed.
func (p *process) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("stop process %d: %w; it was killed", p.cmd.Process.Pid, ctx.Err())
	}
}
