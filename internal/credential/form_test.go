package credential_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/credential"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

const good = "C3rs3i#L4nnist3r"

// say writes refusals as "field code why detail", in their order.
func say(t *testing.T, errs []error) string {
	t.Helper()
	var out []string
	for _, err := range errs {
		no, ok := errors.AsType[*user.Refusal](err)
		if !ok {
			t.Fatalf("not a refusal: %v", err)
		}
		detail := no.Params["to"] + no.Params["min"] + no.Params["max"]
		out = append(out, strings.TrimSpace(strings.Join(strings.Fields(
			fmt.Sprintf("%s %s %s %s", no.Field, no.Code, no.Params["why"], detail)), " ")))
	}
	return strings.Join(out, "; ")
}

func TestAFormSaysEveryReasonInTheOrderOfTheContract(t *testing.T) {
	ada := password.Attributes{Username: "countess", FirstName: "Augusta", LastName: "Lovelace", Email: "ada@analytical.example"}
	rule := policy.PasswordRule{MinLength: 8, Blocklist: true}
	tests := []struct {
		name, first, second string
		want                string
	}{
		{"nothing wrong", good, good, ""},
		{"blanks are characters", "        ", "        ", ""},
		{"neither given", "", "", "p1 missing; p2 missing"},
		{"first left out", "", good, "p1 missing"},
		{"second left out", good, "", "p2 missing"},
		{"a mismatch is told alone, however weak", "12345", "abc", "p2 weak_password mismatch"},
		{"a blank makes a mismatch", good, good + " ", "p2 weak_password mismatch"},
		{"short", "x7#", "x7#", "p2 weak_password too_short 8"},
		{"seven characters of two bytes are short", "äöüßéèê", "äöüßéèê", "p2 weak_password too_short 8"},
		{"eight are not", "äöüßéèêç", "äöüßéèêç", ""},
		{"common, in capitals", "PASSWORD1", "PASSWORD1", "p2 weak_password too_common"},
		{"numeric", "8365028417", "8365028417", "p2 weak_password entirely_numeric"},
		{
			"short, common and numeric", "123456", "123456",
			"p2 weak_password too_short 8; p2 weak_password too_common; p2 weak_password entirely_numeric",
		},
		{"like the username", "Countess1", "Countess1", "p2 weak_password too_similar username"},
		{"like the first name, and short", "august4", "august4", "p2 weak_password too_similar first name; p2 weak_password too_short 8"},
		{"like the last name", "lovelace9", "lovelace9", "p2 weak_password too_similar last name"},
		{"like the address", "analytical1", "analytical1", "p2 weak_password too_similar email"},
		{"129 characters", strings.Repeat("aB3#", 32) + "x", strings.Repeat("aB3#", 32) + "x", "p2 too_large 128"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			errs, err := credential.Form{
				First: tt.first, Second: tt.second, FirstField: "p1", SecondField: "p2", Who: ada,
			}.Check(rule)
			if err != nil {
				t.Fatal(err)
			}
			if got := say(t, errs); got != tt.want {
				t.Errorf("said %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAFormFollowsPolicy(t *testing.T) {
	form := credential.Form{First: "PASSWORD1", Second: "PASSWORD1", FirstField: "p1", SecondField: "p2"}
	tests := []struct {
		rule policy.PasswordRule
		want string
	}{
		{policy.PasswordRule{MinLength: 8}, ""},
		{policy.PasswordRule{MinLength: 10, Blocklist: true}, "p2 weak_password too_short 10; p2 weak_password too_common"},
	}
	for _, tt := range tests {
		errs, err := form.Check(tt.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := say(t, errs); got != tt.want {
			t.Errorf("%+v: said %q, want %q", tt.rule, got, tt.want)
		}
	}
}

func TestJoin(t *testing.T) {
	if credential.Join(nil) != nil {
		t.Error("no refusals are no error")
	}
	a, b := user.Refuse(user.Missing, "a"), user.Refuse(user.Missing, "b")
	if err := credential.Join([]error{a, b}); !errors.Is(err, a) || !errors.Is(err, b) {
		t.Errorf("%v", err)
	}
}

// busy is a hasher for whom too many wait.
type busy struct{ err error }

func (b busy) Hash(context.Context, password.Plain) (password.Hash, error) {
	return password.Hash{}, b.err
}

func TestHash(t *testing.T) {
	h, err := password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := credential.Hash(t.Context(), h, good)
	if err != nil || !strings.HasPrefix(text, "$argon2id$") || strings.Contains(text, good) {
		t.Errorf("%q, %v", text, err)
	}
	broken := errors.New("out of memory")
	if _, err := credential.Hash(t.Context(), busy{broken}, good); !errors.Is(err, broken) {
		t.Errorf("a fault became %v", err)
	}
	_, err = credential.Hash(t.Context(), busy{&password.BusyError{RetryAfter: time.Second}}, good)
	if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Busy {
		t.Errorf("got %v, want %s", err, user.Busy)
	}
}
