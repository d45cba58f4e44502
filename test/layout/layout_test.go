// Package layout holds the arrows between packages: who may import whom.
package layout

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/usher-id/usher/"

// floors lists the packages from the ground up; a package imports only from
// floors below its own. Packages of one floor do not know each other.
var floors = [][]string{
	{"internal/nearest", "internal/failpoint"},
	{"internal/user", "internal/normal", "internal/token", "internal/jsonx", "internal/snowflake", "internal/config", "internal/server"},
	{"internal/policy", "internal/password", "internal/token/django", "internal/username"},
	{"internal/store"},
	{"internal/store/sqlstore", "internal/event", "internal/job", "internal/directory"},
	{"internal/backup"},
	{"internal/notify", "internal/session", "internal/group", "internal/settings", "internal/caller", "internal/otp"},
	{"internal/ledger"},
	{"internal/admission", "internal/account", "internal/workgroup", "internal/mailed"},
	{"internal/signin", "internal/feed", "internal/operator"},
	{"internal/credential", "internal/onboarding", "internal/roundtrip"},
	{"internal/enrol", "internal/member", "internal/statelogin", "internal/registrant"},
	{"internal/providerlogin", "internal/edilogin"},
	{
		"internal/proof/oidc", "internal/proof/statetoken", "internal/effect/mail", "internal/effect/sms", "internal/effect/keycloak", "internal/web",
		"internal/door/partner", "internal/door/edi", "internal/door/gqlauth", "internal/door/sunbird", "internal/door/portal",
	},
	{"internal/metrics"},
	{"cmd/usher"},
}

// testing packages serve tests and are imported by nothing else.
var forTests = []string{"internal/storetest", "internal/testpg", "internal/testkeycloak"}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		var own []string
		for _, i := range p.Imports {
			if name, ok := strings.CutPrefix(i, module); ok {
				own = append(own, name)
			}
		}
		all[strings.TrimPrefix(p.ImportPath, module)] = own
	}
}

func TestArrowsPointDown(t *testing.T) {
	floor := map[string]int{}
	for n, names := range floors {
		for _, name := range names {
			floor[name] = n
		}
	}
	all := packages(t)
	for _, names := range floors {
		for _, name := range names {
			if _, ok := all[name]; !ok {
				t.Errorf("%s has a floor and does not exist", name)
			}
		}
	}
	for name, imports := range all {
		n, known := floor[name]
		program := strings.HasPrefix(name, "internal/") && !slices.Contains(forTests, name) && !strings.HasPrefix(name, "internal/testpg/")
		if program && !known {
			t.Errorf("%s has no floor", name)
		}
		for _, i := range imports {
			m, has := floor[i]
			switch {
			case known && has && m >= n:
				t.Errorf("%s, floor %d, imports %s, floor %d", name, n, i, m)
			case known && slices.Contains(forTests, i):
				t.Errorf("%s imports %s, which is for tests", name, i)
			}
		}
	}
}

func TestWhatOnlyTheProgramImports(t *testing.T) {
	for name, imports := range packages(t) {
		if name == "cmd/usher" {
			continue
		}
		for _, i := range imports {
			if strings.HasPrefix(i, "internal/effect/") || strings.HasPrefix(i, "internal/proof/") || strings.HasPrefix(i, "internal/door/") {
				t.Errorf("%s imports %s, which only the program wires", name, i)
			}
		}
	}
}
