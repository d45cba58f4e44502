package password

import (
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/user"
)

// Refusal turns a full queue into a refusal that says when to try again, in
// whole seconds; any other error is a fault and stays one.
func Refusal(err error) error {
	if busy, ok := errors.AsType[*BusyError](err); ok {
		r := user.Refuse(user.Busy, "")
		r.RetryAfter = max(1, int(busy.RetryAfter.Seconds()))
		return r
	}
	return fmt.Errorf("hashing a password: %w", err)
}
