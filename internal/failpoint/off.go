//go:build !failpoint

package failpoint

// Enabled says whether this build has failpoints.
const Enabled = false

// Pass does nothing in an ordinary build.
func Pass(Point) {}
