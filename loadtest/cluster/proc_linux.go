package cluster

import "syscall"

// childAttr puts a child into a group of its own, so that Ctrl-C in a terminal reaches only the parent, and lets the kernel end it with its parent.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
