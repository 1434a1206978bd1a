package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// devDir is the data directory of dev:
//
//	lock            held while a dev uses the directory
//	running         exists while a dev runs: still there at a start, it tells of a kill
//	settings.json   ports, partitions and currency, chosen at the first start and kept
//	endpoints.json  where the parts listen, for the other commands
//	broker/ registry.json engine/ state/   what the parts keep
//	replay.json     how far a replay has come
//	dev.log         the log of all parts, as JSON
type devDir struct {
	path     string
	settings devSettings
	unclean  bool // the dev before this one was killed
	lock     *os.File
}

// devSettings are fixed for the life of the directory.
type devSettings struct {
	Currency   string `json:"currency"`
	Partitions int32  `json:"partitions"`
	Broker     int    `json:"broker_port"`
	ClickHouse int    `json:"clickhouse_port"`
	HTTP       int    `json:"clickhouse_http_port"`
}

// diskMin is the free space below which dev does not start.
const diskMin = 256 << 20

// devWant is what a start asks of the directory.
type devWant struct {
	currency                 string
	partitions               int32
	ownBroker, ownClickHouse bool // parts that will listen on the directory's ports
}

// openDevDir makes, locks and reads the directory.
func openDevDir(path string, want devWant) (*devDir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, exitf(ExitFailed, "make the data directory: %w: give --data DIR where you may write", err)
	}
	d := &devDir{path: path}
	if err := d.takeLock(); err != nil {
		return nil, err
	}
	if err := d.open(want); err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d, nil
}

func (d *devDir) open(want devWant) error {
	if err := d.checkDisk(); err != nil {
		return err
	}
	_, err := os.Stat(d.file("running"))
	d.unclean = err == nil
	if err := d.readSettings(want); err != nil {
		return err
	}
	if err := os.WriteFile(d.file("running"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return exitf(ExitFailed, "write to the data directory: %w: give --data DIR where you may write", err)
	}
	return nil
}

func (d *devDir) file(name string) string { return filepath.Join(d.path, name) }

func (d *devDir) takeLock() error {
	f, err := os.OpenFile(d.file("lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return exitf(ExitFailed, "open the data directory: %w: give --data DIR where you may write", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := os.ReadFile(d.file("running"))
		_ = f.Close() // nothing was written
		return exitf(ExitFailed, "another dev uses %s (process %s): stop it, or give --data DIR of its own", d.path, strings.TrimSpace(string(owner)))
	}
	d.lock = f
	return nil
}

func (d *devDir) checkDisk() error {
	free, err := diskFree(d.path)
	if err != nil {
		return exitf(ExitFailed, "look at the disk of %s: %w", d.path, err)
	}
	if free < diskMin {
		return exitf(ExitFailed, "only %d MB are free on the disk of %s, dev needs %d MB: free some, or give --data DIR on another disk", free>>20, d.path, diskMin>>20)
	}
	return nil
}

// diskFree returns the bytes that may still be written to the disk of a directory.
func diskFree(dir string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}

func (d *devDir) readSettings(want devWant) error {
	raw, err := os.ReadFile(d.file("settings.json"))
	if errors.Is(err, os.ErrNotExist) {
		return d.choose(want)
	}
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	if err := json.Unmarshal(raw, &d.settings); err != nil {
		return exitf(ExitInvalid, "read %s: %w: remove the data directory to start anew", d.file("settings.json"), err)
	}
	if d.settings.Currency != want.currency {
		return exitf(ExitUsage, "%s holds a programme in %s, this one is in %s: give --data DIR of its own", d.path, d.settings.Currency, want.currency)
	}
	return d.checkPorts(want)
}

// choose takes the usual ports where they are free, so that a first dev is where tools look for it.
func (d *devDir) choose(want devWant) error {
	d.settings = devSettings{Currency: want.currency, Partitions: want.partitions}
	for _, p := range []struct {
		usual int
		port  *int
	}{{9092, &d.settings.Broker}, {9000, &d.settings.ClickHouse}, {8123, &d.settings.HTTP}} {
		var err error
		if *p.port, err = usualOrFree(p.usual); err != nil {
			return err
		}
	}
	raw, err := json.MarshalIndent(d.settings, "", "  ")
	if err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	return writeFileAtomic(d.file("settings.json"), append(raw, '\n'))
}

func usualOrFree(usual int) (int, error) {
	for _, port := range []int{usual, 0} {
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		defer ln.Close()
		return ln.Addr().(*net.TCPAddr).Port, nil
	}
	return 0, exitf(ExitFailed, "no free loopback port is left")
}

// childWait is how long the children of a killed dev may take to notice and free their ports.
const childWait = 20 * time.Second

// checkPorts says in words what a part would only say with its own error.
func (d *devDir) checkPorts(want devWant) error {
	deadline := time.Now()
	if d.unclean {
		deadline = deadline.Add(childWait)
	}
	for {
		err := d.portsFree(want)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (d *devDir) portsFree(want devWant) error {
	for _, p := range []struct {
		name string
		port int
		used bool
	}{
		{"broker_port", d.settings.Broker, want.ownBroker}, {"clickhouse_port", d.settings.ClickHouse, want.ownClickHouse},
		{"clickhouse_http_port", d.settings.HTTP, want.ownClickHouse},
	} {
		if !p.used {
			continue
		}
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)))
		if err != nil {
			return exitf(ExitFailed, "port %d (%s of %s) is taken by another process: stop that, or change the port in the file", p.port, p.name, d.file("settings.json"))
		}
		_ = ln.Close() // it was only tried
	}
	return nil
}

// close marks the directory as left in order and unlocks it.
func (d *devDir) close(clean bool) error {
	var errs []error
	if clean {
		errs = append(errs, os.Remove(d.file("running")))
	}
	return errors.Join(append(errs, removeEndpoints(d.path), d.lock.Close())...)
}
