package statelogin_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/user"
)

// Given any failure, then the person hears one of five texts, and of a fault that
// it is usher's (contract B.3, B.8).
func TestWhatAPersonIsTold(t *testing.T) {
	refused := func(c user.Code, field string) error { return user.Refuse(c, field) }
	for _, c := range []struct {
		err  error
		want string
	}{
		{refused(user.BadToken, "token"), statelogin.TextInvalid},
		{refused(user.BadToken, "visit"), statelogin.TextInvalid},
		{refused(user.BadCredential, "OTP"), statelogin.TextInvalid},
		{refused(user.Forbidden, "phone"), statelogin.TextInvalid},
		{refused(user.NotFound, "school"), statelogin.TextSchool},
		{refused(user.NotFound, "channel"), statelogin.TextTrouble},
		{refused(user.UserLocked, "user"), statelogin.TextBlocked},
		{refused(user.UserLocked, "phone"), statelogin.TextBlocked},
		{refused(user.UserDeleted, "user"), statelogin.TextBlocked},
		{refused(user.Throttled, "phone"), statelogin.TextTrouble},
		{refused(user.Busy, ""), statelogin.TextTrouble},
		{fmt.Errorf("beginning: %w", refused(user.UserLocked, "user")), statelogin.TextBlocked},
		{errors.New("the database is away"), statelogin.TextTrouble},
		{nil, statelogin.TextTrouble},
	} {
		if got := statelogin.TextFor(c.err); got != c.want {
			t.Errorf("%v: %q", c.err, got)
		}
	}
	all := statelogin.Texts()
	for _, c := range user.Codes() {
		for _, field := range []string{"", "school", "phone"} {
			if got := statelogin.TextFor(refused(c, field)); !slices.Contains(all, got) {
				t.Errorf("%s of %q: %q is not on the list", c, field, got)
			}
		}
	}
	if slices.Sort(all); len(slices.Compact(all)) != 5 {
		t.Errorf("%d texts", len(all))
	}
}
