package nearest_test

import (
	"testing"

	"github.com/usher-id/usher/internal/nearest"
)

// Given a name that nobody knows, then the known one that was meant is named,
// and none where nothing is like it.
func TestTo(t *testing.T) {
	known := []string{"create", "show", "lock", "unlock", "list", "listen", "up"}
	for name, want := range map[string]string{
		"shw": "show", "lisen": "listen", "lst": "list", "craete": "create", "unlok": "unlock", "list": "list",
		"u": "up", "bogus": "", "e": "", "li": "", "sow": "show", "x": "", "": "", "completely": "",
	} {
		if got, ok := nearest.To(name, known); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v; want %q", name, got, ok, want)
		}
	}
	if got, ok := nearest.To("x", nil); ok {
		t.Errorf("nothing is known: %q", got)
	}
}

// Of names one in any case, the first of equals.
func TestOf(t *testing.T) {
	if got := nearest.Of("bogus", []string{"show", "list"}); got != "show" && got != "list" {
		t.Errorf("%q", got)
	}
	if got := nearest.Of("lisx", []string{"list", "lisp"}); got != "list" {
		t.Errorf("%q", got)
	}
}
