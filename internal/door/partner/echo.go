package partner

import (
	"context"
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/feed"
)

const (
	// redacted stands where an answer carries no hash.
	redacted = feed.RedactedPassword
	// bcryptLimit is what bcrypt takes, in bytes.
	bcryptLimit = 72
)

// echo makes what a sync's answer carries as password (contract partner.md): a
// bcrypt hash of the password just sent, made for the answer and kept nowhere,
// for the system; the marker for everybody else. Policy overrides which. It is
// made before the sync, so that a sync is not done and then reported failed.
func (d *Door) echo(ctx context.Context, c caller, in feed.Sync) (string, error) {
	hashed := c.system
	switch d.EchoPolicy() {
	case "bcrypt":
		hashed = true
	case "marker":
		hashed = false
	}
	if !hashed || in.Password.Value == nil || len(*in.Password.Value) > bcryptLimit {
		return redacted, nil
	}
	hash, err := d.Echo(ctx, *in.Password.Value)
	if err != nil {
		return "", fmt.Errorf("hashing a password for the answer: %w", err)
	}
	return hash, nil
}

// echoed is the echo, unless the password was not taken.
func echoed(echo string, res feed.Result) string {
	if slices.Contains(res.Ignored, "password") {
		return redacted
	}
	return echo
}
