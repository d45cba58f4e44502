package golden

import (
	_ "embed"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/replay"
)

// static are tokens of the original, signed with djangoKey (contract gqlauth.md,
// section 8): NAME=TOKEN a line.
//
//go:embed testdata/gqlauth.static.txt
var static string

const djangoKey = "gqlauth-research-secret-key-0001"

// Given an empty database under the policy of a deployment that moves over, with
// its key and its fixtures, when the recorded exchanges of django-graphql-auth
// are played in order, then every answer is the recorded one.
func TestRecordedCasesOfTheGraphQLDoor(t *testing.T) {
	policy, err := filepath.Abs("../../examples/policy.gqlauth-compat.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fixtures, err := filepath.Abs("testdata/gqlauth.fixtures.json")
	if err != nil {
		t.Fatal(err)
	}
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		o := store.Empty(t)
		o.Args = []string{"--policy", policy}
		o.Env = []string{"USHER_DOORS_GQLAUTH_SECRET_KEY=" + djangoKey}
		s := harness.Start(t, o)
		s.CLI("import", "groups", fixtures)
		cases, err := replay.Recorded("gqlauth")
		if err != nil {
			t.Fatal(err)
		}
		p := s.Player("1")
		for line := range strings.Lines(static) {
			if name, token, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				p.Vars[name] = token
			}
		}
		replay.Run(t, p, cases)
	})
}
