//go:build unix && !linux

package cluster

import "syscall"

// childAttr puts a child into a group of its own, so that Ctrl-C in a terminal reaches only the parent.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
