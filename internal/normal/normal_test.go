package normal_test

import (
	"errors"
	"testing"

	"github.com/usher-id/usher/internal/normal"
)

// reason gives why something was refused, "" where it was not.
func reason(t testing.TB, err error) normal.Reason {
	t.Helper()
	var refused *normal.RefusedError
	if err == nil {
		return ""
	}
	if !errors.As(err, &refused) || refused.Reason == "" || refused.What == "" {
		t.Fatalf("not a refusal with a reason: %v", err)
	}
	return refused.Reason
}
