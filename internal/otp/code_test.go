package otp

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func deriver(secret string) *Service { return New(Options{Secret: []byte(strings.Repeat(secret, 32))}) }

// Given a secret and a row, then its code is this one for ever: messages of codes
// that are alive outlast an update of the program. The codes were computed by
// other means than this package's.
func TestCodesOfRows(t *testing.T) {
	const first, second = "0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000002"
	for _, c := range []struct {
		row  store.Code
		want string
	}{
		{store.Code{Purpose: "test", Kind: user.Phone, Address: "+919876543210", ID: first}, "818583"},
		{store.Code{Purpose: "test", Kind: user.Phone, Address: "+919876543210", ID: second}, "758216"},
		{store.Code{Purpose: "other", Kind: user.Phone, Address: "+919876543210", ID: first}, "632071"},
		{store.Code{Purpose: "test", Kind: user.Email, Address: "a@example.org", ID: first}, "598022"},
	} {
		if got := deriver("k").derive(c.row); got != c.want {
			t.Errorf("%+v: %s, want %s", c.row, got, c.want)
		}
		if got := deriver("l").derive(c.row); got == c.want {
			t.Errorf("%+v: %s with another secret, too", c.row, got)
		}
	}
}

// Given rows whose parts read alike when they are run together, then they have
// codes of their own.
func TestPartsOfARowAreApart(t *testing.T) {
	s := deriver("k")
	seen := map[string]store.Code{}
	for _, row := range []store.Code{
		{Purpose: "a", Kind: "b", Address: "c", ID: "d"},
		{Purpose: "ab", Kind: "", Address: "c", ID: "d"},
		{Purpose: "a", Kind: "bc", Address: "", ID: "d"},
		{Purpose: "a", Kind: "b", Address: "cd", ID: ""},
		{Purpose: "", Kind: "ab", Address: "c", ID: "d"},
	} {
		code := s.derive(row)
		if other, ok := seen[code]; ok {
			t.Errorf("%+v and %+v have the code %s", row, other, code)
		}
		seen[code] = row
	}
}

// Given many rows, then every digit of their codes is as likely as another: the
// first of 1 to 9, the others of 0 to 9. The rows are fixed, and so is the answer;
// the bounds are those of chi squared that one honest draw in a thousand passes.
func TestDigitsAreUniform(t *testing.T) {
	const rows = 90_000
	s := deriver("k")
	var counts [Digits][10]int
	for n := range rows {
		id := uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(n), byte(n >> 8), byte(n >> 16)})
		code := s.derive(store.Code{Purpose: "test", Kind: user.Phone, Address: "+919876543210", ID: user.ID(id.String())})
		if len(code) != Digits {
			t.Fatalf("the code %q", code)
		}
		for place := range Digits {
			counts[place][code[place]-'0']++
		}
	}
	for place, digits := range counts {
		least, bound := 0, 27.88 // nine degrees of freedom
		if place == 0 {
			if digits[0] != 0 {
				t.Errorf("%d codes begin with 0", digits[0])
			}
			least, bound = 1, 26.12 // eight
		}
		want := float64(rows) / float64(10-least)
		var sum float64
		for _, n := range digits[least:] {
			sum += (float64(n) - want) * (float64(n) - want) / want
		}
		if sum > bound {
			t.Errorf("place %d: chi squared is %.1f, want at most %.1f: %v", place, sum, bound, digits)
		}
	}
}

// Given an address, then its counter has another key with another secret, for
// another window and for another address: nobody who has the table can look one up.
func TestKeysOfCounters(t *testing.T) {
	seen := map[string]bool{}
	for _, key := range []string{
		deriver("k").counter("hour", "phone +919876543210"), deriver("l").counter("hour", "phone +919876543210"),
		deriver("k").counter("hour", "phone +919876543211"), deriver("k").counter("hour", "email +919876543210"),
		strings.Replace(deriver("k").counter("day", "phone +919876543210"), ":day:", ":hour:", 1),
	} {
		if seen[key] {
			t.Errorf("two counters have the key %s", key)
		}
		seen[key] = true
	}
}
