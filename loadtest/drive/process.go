package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Process is a child of this executable (or of another) that can be killed and started again under the same arguments. Safe for concurrent use.
type Process struct {
	Name string
	// Crashed is called when the process ends although nobody killed or stopped it. Set it before Start.
	Crashed func(name string, err error)

	path string
	args []string
	env  []string
	log  io.Writer

	mu      sync.Mutex
	cmd     *exec.Cmd
	done    chan struct{}
	exitErr error
	starts  int
	meant   bool          // the end of this life is ours
	cpu     time.Duration // of the lives that have ended
}

// NewProcess prepares a process that writes its output to log. Nothing is started.
func NewProcess(name, path string, log io.Writer, args ...string) *Process {
	return &Process{Name: name, path: path, args: args, log: log, env: os.Environ()}
}

// Start starts the process. It must not be running.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return fmt.Errorf("start %s: it is running", p.Name)
	}
	cmd := exec.Command(p.path, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.log, p.log
	cmd.SysProcAttr = childAttr()
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.cmd, p.done = cmd, make(chan struct{})
	p.starts++
	p.meant = false
	go p.wait(cmd, p.done)
	return nil
}

func (p *Process) wait(cmd *exec.Cmd, done chan struct{}) {
	err := cmd.Wait()
	p.mu.Lock()
	p.exitErr = err
	if s := cmd.ProcessState; s != nil {
		p.cpu += s.UserTime() + s.SystemTime()
	}
	crashed := !p.meant && p.Crashed != nil
	close(done)
	p.mu.Unlock()
	if crashed {
		p.Crashed(p.Name, err)
	}
}

// running is called with the lock held.
func (p *Process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Running reports whether the process lives.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

// Exited returns how the last life ended, nil while it lasts or when it ended well.
func (p *Process) Exited() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return nil
	}
	return p.exitErr
}

// Done is closed when the present life ends. The process must have been started.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// PID returns the process id, 0 when it does not run.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Kill ends the process with SIGKILL and waits until it is gone. It does nothing when the process does not run.
func (p *Process) Kill() {
	p.mu.Lock()
	running, cmd, done := p.running(), p.cmd, p.done
	p.meant = true
	p.mu.Unlock()
	if !running {
		return
	}
	_ = cmd.Process.Kill() // it may have ended in between
	<-done
}

// Stop asks the process to end and waits; when ctx ends first it is killed.
func (p *Process) Stop(ctx context.Context) error {
	p.mu.Lock()
	running, cmd, done := p.running(), p.cmd, p.done
	p.meant = true
	p.mu.Unlock()
	if !running {
		return nil
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.Name, err)
	}
	select {
	case <-done:
		return p.Exited()
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("stop %s: %w: killed", p.Name, ctx.Err())
	}
}

// CPU is the processor time of all lives, the present one included where the platform tells.
func (p *Process) CPU() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return p.cpu + cpuOf(p.cmd.Process.Pid)
	}
	return p.cpu
}
