package replay

import (
	"strings"
	"testing"
)

// Run plays cases in order, each as a subtest. A case that fails does not stop
// those after it, though they may miss what it would have captured.
func Run(t *testing.T, p *Player, cases []Case) {
	t.Helper()
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if diffs := p.Play(t.Context(), c); len(diffs) > 0 {
				t.Errorf("line %d:\n  %s", c.Line, strings.Join(diffs, "\n  "))
			}
		})
	}
}
