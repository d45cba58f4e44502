package snowflake_test

import (
	"testing"

	"github.com/usher-id/usher/internal/snowflake"
)

// Every id has one spelling and one _guid, and each leads back to it alone.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"755243458806280480", "user_3DqfWw6ZJoZf5waKSckJLMOtVu", "0", "-1", "007", "9223372036854775808", "user_", "user_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "+1", "１"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := snowflake.Parse(s); ok {
			if snowflake.Format(id) != s {
				t.Errorf("%q is read as %d", s, id)
			}
			if back, ok := snowflake.ParseGUID("user", snowflake.GUID("user", id)); !ok || back != id {
				t.Errorf("%d comes back as %d, %v", id, back, ok)
			}
		}
		if id, ok := snowflake.ParseGUID("user", s); ok && snowflake.GUID("user", id) != s {
			t.Errorf("%q is read as %d, whose _guid is %q", s, id, snowflake.GUID("user", id))
		}
	})
}
