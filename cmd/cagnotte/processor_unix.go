//go:build unix

package main

import (
	"syscall"
	"time"
)

// processorSeconds is what the process has used of all cores so far; 0 when the system does not say.
func processorSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
