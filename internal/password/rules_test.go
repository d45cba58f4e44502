package password_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/password"
)

func TestRules(t *testing.T) {
	door := password.Rules{MinLength: 8, Blocklist: true}
	pages := password.Rules{MinLength: 15, Blocklist: true}
	lax := password.Rules{MinLength: 1}
	words := []string{"cersei", "Lannister", "usher", "me"}
	tests := []struct {
		name  string
		rules password.Rules
		plain string
		want  password.WeakError
	}{
		{"the partner's example", door, "C3rs3i#L4nnist3r", password.WeakError{}},
		{"seven", door, "tr0ub4d", password.WeakError{Reason: password.TooShort, Limit: 8, Unit: password.CodePoints}},
		{"eight", door, "tr0ub4do", password.WeakError{}},
		{"eight code points of four bytes", door, "🜁🜂🜃🜄🜁🜂🜃🜅", password.WeakError{}},
		{"one ligature of eighteen letters is one", door, "\ufdfa", password.WeakError{Reason: password.TooShort, Limit: 8, Unit: password.CodePoints}},
		{"accents typed apart are no letters", door, "e\u0301e\u0301e\u0301e\u0301", password.WeakError{Reason: password.TooShort, Limit: 8, Unit: password.CodePoints}},
		{"on usher's pages", pages, "tr0ub4dor&3", password.WeakError{Reason: password.TooShort, Limit: 15, Unit: password.CodePoints}},
		{"128", door, strings.Repeat("xy9 ", 32), password.WeakError{}},
		{"129", door, strings.Repeat("xy9 ", 32) + "x", password.WeakError{Reason: password.TooLong, Limit: 128, Unit: password.CodePoints}},
		{"128 of at most 4 bytes are at most 512", door, strings.Repeat("🜁", 128), password.WeakError{}},
		{"1025 bytes under a lax maximum", password.Rules{MaxLength: 5000}, strings.Repeat("a", 1025), password.WeakError{Reason: password.TooLong, Limit: 1024, Unit: password.Bytes}},
		{"common", door, "password1", password.WeakError{Reason: password.TooCommon}},
		{"common in another case", door, " PassWord1 ", password.WeakError{Reason: password.TooCommon}},
		{"common in full width", door, "ｐａｓｓｗｏｒｄ", password.WeakError{Reason: password.TooCommon}},
		{"first of the list", door, "123456789", password.WeakError{Reason: password.TooCommon}},
		{"last of the list", door, "fallen_angel", password.WeakError{Reason: password.TooCommon}},
		{"common, list off", lax, "password1", password.WeakError{}},
		{"own name and a year", door, "Cersei-2024", password.WeakError{Reason: password.TooCommon}},
		{"own names", door, "lannistercersei", password.WeakError{Reason: password.TooCommon}},
		{"own name among others", door, "cersei drinks wine", password.WeakError{}},
		{"short words do not count", door, "me2345678a", password.WeakError{}},
		{"digits alone", door, "8301947265", password.WeakError{}},
		{"not UTF-8", lax, "abc\xff", password.WeakError{Reason: password.NotText}},
		{"empty, nothing asked", password.Rules{}, "", password.WeakError{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.rules.Check(password.Plain(tt.plain), words...)
			var got password.WeakError
			var weak *password.WeakError
			if errors.As(err, &weak) {
				got = *weak
			} else if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if password.WeakReason(err) != tt.want.Reason {
				t.Errorf("reason is %q", password.WeakReason(err))
			}
			if err != nil && len(tt.plain) > 0 && strings.Contains(err.Error(), tt.plain) {
				t.Errorf("the error repeats the password: %v", err)
			}
		})
	}
}
