//go:build !linux

package password

// inLargePages is left to the system.
func inLargePages([]argonBlock) {}
