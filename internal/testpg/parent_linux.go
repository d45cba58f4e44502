package testpg

import "syscall"

// endWithParent has the kernel shut PostgreSQL down (fast mode) when the test
// binary dies without stopping it: a panic, a timeout, a kill.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
