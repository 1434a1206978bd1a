package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// HostEnv is the environment variable that makes this executable the host of an engine; its value is JSON and private to this package.
const HostEnv = "CAGNOTTE_ENGINE_HOST"

// hostSpec tells the child what to run.
type hostSpec struct {
	Program        program `json:"program"`
	Dir            string  `json:"dir"`
	TCPPort        int     `json:"tcp_port"`
	HTTPPort       int     `json:"http_port"`
	MaxMemoryBytes int64   `json:"max_memory_bytes"`
}

const (
	// lockWait bounds how long a new engine waits for the one before it, which may still be writing its last part.
	lockWait = 30 * time.Second
	// lockBusy begins the message of a child that waited in vain.
	lockBusy = "another engine still runs over"
	// hangWait is how long the engine may take to end by itself once its parent is gone, before it is ended.
	hangWait = 15 * time.Second
	// lifelineFD is the first of exec.Cmd.ExtraFiles.
	lifelineFD = 3
)

// HostIfChild turns this process into the host of an engine when it was started as one, and then does not return. Otherwise it does
// nothing. Call it first in main, and in TestMain of every test binary that calls Start.
func HostIfChild() {
	value, ok := os.LookupEnv(HostEnv)
	if !ok {
		return
	}
	var spec hostSpec
	err := json.Unmarshal([]byte(value), &spec)
	if err == nil {
		err = host(spec)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func host(spec hostSpec) error {
	// The engine may hand its environment on; and a child of ours must not believe that it is a host.
	if err := os.Unsetenv(HostEnv); err != nil {
		return err
	}
	unlock, err := lockDir(spec.Dir, lockWait)
	if err != nil {
		return err
	}
	defer unlock()
	config, err := writeConfig(spec)
	if err != nil {
		return err
	}
	parentGone := watchLifeline()
	if spec.Program.Library {
		go exitWhenHung(parentGone)
		runtime.LockOSThread() // the library keeps thread-local state for the thread that called it
		return runLibrary(spec, config)
	}
	return runServer(spec, config, parentGone)
}

// watchLifeline returns a channel that is closed when the parent has closed its end of the pipe, or is gone.
func watchLifeline() <-chan struct{} {
	gone := make(chan struct{})
	pipe := os.NewFile(lifelineFD, "lifeline")
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, pipe) // ends at the pipe's end, whatever the reason
	}()
	return gone
}

// exitWhenHung ends a library that does not notice the end of its input, for example in a query that runs for minutes.
func exitWhenHung(parentGone <-chan struct{}) {
	<-parentGone
	time.Sleep(hangWait)
	fmt.Fprintln(os.Stderr, "engine: still running after its parent has gone: ended")
	os.Exit(1)
}

// lockDir takes the directory for this process. The lock is the kernel's, so it goes with the process that holds it, however that ends:
// what is left on disk by a killed engine blocks nobody, and a dying one is waited for.
func lockDir(dir string, wait time.Duration) (unlock func(), err error) {
	path := filepath.Join(dir, "engine.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	deadline := time.Now().Add(wait)
	for {
		err := tryLock(f)
		if err == nil {
			break
		}
		if !errors.Is(err, errLocked) || time.Now().After(deadline) {
			holder, _ := os.ReadFile(path)
			f.Close()
			return nil, fmt.Errorf("%s %s (process %s): stop it, or choose another directory: %w", lockBusy, dir, string(holder), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0) // for the message above only
	}
	return func() { f.Close() }, nil
}
