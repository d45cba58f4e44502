//go:build !linux

package testpg

import "syscall"

// endWithParent does nothing: only Linux ends a child with its parent.
func endWithParent(*syscall.SysProcAttr) {}
