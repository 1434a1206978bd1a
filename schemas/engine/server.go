package engine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// runServer runs `clickhouse server` as a child of this host until the parent is gone, or the server ends by itself.
func runServer(spec hostSpec, config string, parentGone <-chan struct{}) error {
	runtime.LockOSThread() // the death signal below follows the thread that started the child
	cmd := exec.Command(spec.Program.Path, "server", "--config-file", config)
	cmd.Dir = spec.Dir
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run %s server: %w", spec.Program.Path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return fmt.Errorf("%s server ended: %w", spec.Program.Path, orExited(err))
	case <-parentGone:
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s server: %w", spec.Program.Path, err)
	}
	select {
	case <-ended:
		return nil
	case <-time.After(hangWait):
		return cmd.Process.Kill()
	}
}

func orExited(err error) error {
	if err == nil {
		return fmt.Errorf("exit status 0")
	}
	return err
}
