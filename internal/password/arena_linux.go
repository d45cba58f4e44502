package password

import (
	"syscall"
	"unsafe"
)

// inLargePages asks for pages of 2 MiB: a hash jumps about in its memory, and
// with pages of 4 KiB spends a tenth of its time on finding them. Linux gives
// them to who asks, where it has any; nothing else depends on it.
func inLargePages(blocks []argonBlock) {
	text := unsafe.Slice((*byte)(unsafe.Pointer(&blocks[0])), len(blocks)*int(unsafe.Sizeof(blocks[0]))) //nolint:gosec // the same memory, for its address alone
	_ = syscall.Madvise(text, syscall.MADV_HUGEPAGE)
}
