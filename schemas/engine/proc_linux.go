package engine

import "syscall"

// dieWithParent ends a server with its host even when the host is killed. It shares the host's group, so that Kill reaches both.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
