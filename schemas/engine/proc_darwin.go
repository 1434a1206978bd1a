package engine

import "syscall"

// dieWithParent: the system has no death signal; a server outlives a host that is killed alone, and Start then says that it still runs.
func dieWithParent() *syscall.SysProcAttr { return nil }
