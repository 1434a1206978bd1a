//go:build !linux

package drive

import (
	"syscall"
	"time"
)

// childAttr puts a child into a group of its own, so that Ctrl-C reaches only the parent.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// cpuOf cannot look into a living process here: its time counts when it has ended.
func cpuOf(int) time.Duration { return 0 }

// memoryOf is not known here.
func memoryOf(int) (now, peak int64) { return 0, 0 }
