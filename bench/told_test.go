package main

import (
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/password"
)

func TestTold(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b []float64
		want float64
	}{
		{"alike", []float64{1, 2, 3}, []float64{1, 2, 3}, 0.5},
		{"all the same", []float64{5, 5}, []float64{5, 5, 5}, 0.5},
		{"always longer", []float64{1, 2}, []float64{3, 4}, 1},
		{"always shorter", []float64{3, 4}, []float64{2, 1}, 1},
		{"three of four", []float64{1, 3}, []float64{2, 4}, 0.75},
	} {
		if got := told(tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// Five thousand of each, and one in a hundred goes beyond 51.5 %.
func TestByChance(t *testing.T) {
	for n, want := range map[int]float64{5000: 0.5149, 2000: 0.5235, 50: 0.6495, 1: 1} {
		if got := byChance(n); math.Abs(got-want) > 0.0001 {
			t.Errorf("of %d: %.4f, want %.4f", n, got, want)
		}
	}
}

func TestInterval(t *testing.T) {
	var to100 []float64
	for i := range 101 {
		to100 = append(to100, float64(100-i))
	}
	for _, tc := range []struct {
		of        []float64
		low, high float64
	}{{nil, 0, 0}, {[]float64{7}, 7, 7}, {[]float64{3, 1}, 1, 3}, {to100, 40, 60}} {
		if low, high := interval(slices.Clone(tc.of)); low != tc.low || high != tc.high {
			t.Errorf("of %d: %v to %v, want %v to %v", len(tc.of), low, high, tc.low, tc.high)
		}
	}
}

// Given a series, when its answers or medians differ, then it says so.
func TestSeriesSaysWhatDiffers(t *testing.T) {
	same := map[string]int{"401": 3}
	for name, tc := range map[string]struct {
		took    []float64
		answers map[string]int
		says    string
		fails   bool
	}{
		"alike":           {[]float64{300, 301, 309}, same, "The medians lie within 0.00 ms; 5ms are allowed.", false},
		"within":          {[]float64{303, 305, 309}, same, "| other | 305.00 | 309.00 | +4.00 | 72.2 % |", false},
		"later":           {[]float64{303, 307, 309}, same, "5ms are allowed, so this is TOO MUCH", false},
		"earlier":         {[]float64{202, 201, 209}, same, "5ms are allowed, so this is TOO MUCH", false},
		"another answer":  {[]float64{300, 301, 309}, map[string]int{"403": 3}, "3 times:\n403", true},
		"sometimes other": {[]float64{300, 301, 309}, map[string]int{"401": 2, "429": 1}, "1 times:\n429", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := series{title: "Tries", askers: 4, within: within}
			s.add("first", nil)
			s.add("other", nil)
			s.classes[0].took, s.classes[0].answers = []float64{309, 300, 301}, same
			s.classes[1].took, s.classes[1].answers = tc.took, tc.answers
			var out strings.Builder
			if err := s.write(&out); (err != nil) != tc.fails || !strings.Contains(out.String(), tc.says) {
				t.Errorf("error %v; no %q in\n%s", err, tc.says, out.String())
			}
		})
	}
}

// What differs from one answer to the next for everybody is left out; nothing
// else is.
func TestSeen(t *testing.T) {
	answer := func(status, header, value, body string) string {
		res := &http.Response{Proto: "HTTP/1.1", Status: status, Header: http.Header{"Content-Length": {"9"}}, Body: io.NopCloser(strings.NewReader(""))}
		res.Header.Set(header, value)
		return seen(res, []byte(body), "EDI-77")
	}
	first := answer("401 Unauthorized", "Date", "today", `{"id":"EDI-77"}`)
	for name, tc := range map[string]struct {
		other string
		alike bool
	}{
		"the date":       {answer("401 Unauthorized", "Date", "tomorrow", `{"id":"EDI-77"}`), true},
		"the request":    {answer("401 Unauthorized", "X-Request-Id", "5", `{"id":"EDI-77"}`), true},
		"whom it is of":  {answer("401 Unauthorized", "Date", "today", `{"id":"WHOM"}`), true},
		"a status":       {answer("403 Forbidden", "Date", "today", `{"id":"EDI-77"}`), false},
		"a header":       {answer("401 Unauthorized", "Retry-After", "1", `{"id":"EDI-77"}`), false},
		"a header twice": {answer("401 Unauthorized", "Content-Length", "10", `{"id":"EDI-77"}`), false},
		"a body":         {answer("401 Unauthorized", "Date", "today", `{"id":"EDI-77" }`), false},
	} {
		if (first == tc.other) != tc.alike {
			t.Errorf("%s: alike is %v\n%s\n%s", name, !tc.alike, first, tc.other)
		}
	}
}

// The accounts' hashes are of the right password, and what they are said to be:
// as quick as usher's own, or slower.
func TestHashesAreWhatTheyAreSaidToBe(t *testing.T) {
	own, err := ownHash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cheap, err := cheapHashes()
	if err != nil {
		t.Fatal(err)
	}
	dear, err := dearHashes()
	if err != nil {
		t.Fatal(err)
	}
	h, err := password.NewHasher(password.DefaultParams(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range slices.Concat([]hashOf{own}, cheap, dear) {
		stored, err := password.ParseHash(o.text)
		if err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		v, err := h.Verify(t.Context(), plain, stored)
		if err != nil || !v.Match || v.Dear != (i > len(cheap)) {
			t.Errorf("%s: %+v, %v", o.name, v, err)
		}
	}
}
