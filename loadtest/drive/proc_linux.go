package drive

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// childAttr puts a child into a group of its own, so that Ctrl-C reaches only the parent, and lets the kernel end it with its parent.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// ticksPerSecond is the unit of the times in /proc/PID/stat; it is 100 on every platform that Go runs on.
const ticksPerSecond = 100

// cpuOf returns user and system time of a living process, 0 when it cannot be read. /proc/PID/schedstat has nanoseconds but no system time of dead
// threads, so stat it is: 10 ms steps.
func cpuOf(pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	end := bytes.LastIndexByte(raw, ')') // the name before it may hold spaces
	f := strings.Fields(string(raw[end+1:]))
	if len(f) < 13 {
		return 0
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// memoryOf returns the resident memory of a process, now and at its highest, in bytes; 0 when it cannot be read.
func memoryOf(pid int) (now, peak int64) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for _, line := range strings.Split(string(raw), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			continue
		}
		switch f[0] {
		case "VmRSS:":
			now = kb << 10
		case "VmHWM:":
			peak = kb << 10
		}
	}
	return now, peak
}
