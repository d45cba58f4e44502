package imports

import (
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// Given groups with parents and members, when they are imported, then they are
// there with whoever is known, a line says whom it did not find, and to import
// them again changes nothing. A dry run says the same before.
func TestGroupsAreBroughtOver(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := harness.Start(t, store.Empty(t))
		ran(t, s, 0, "import", "users", put(t, "users.ndjson", `{"email":"ada@example.org","username":"ada"}`+"\n"+
			`{"id":"500768179843385796","email":"bob@example.org","identities":[{"issuer":"https://orcid.org","subject":"0000-0002-1825-0097"}]}`+"\n"))
		var many strings.Builder
		for range 70 { // more than one transaction takes
			many.WriteString(`{"name":"Faculty","kind":"organisation"}` + "\n")
		}
		file := put(t, "groups.ndjson", `{"name":"Faculty","kind":"organisation","externalId":"f-1","description":"All of it"}`+"\n"+many.String()+
			`{"name":"Physics","kind":"organisation","parent":"Faculty","members":["ada@example.org","nobody@example.org","500768179843385796"]}`+"\n"+
			`{"name":"Physics","kind":"organisation","members":["https://orcid.org/0000-0002-1825-0097","ada"]}`+"\n"+
			`{"name":"Child","parent":"Nowhere"}`+"\n"+
			`{"name":"Faculty","kind":"organisation","externalId":"f-2"}`+"\n"+
			`{"name":"Mine","kind":"edi"}`+"\n"+
			`{"name":"Mine","member":["ada"]}`+"\n"+
			`{"kind":"organisation"}`+"\n"+
			`{"name":"Vetted","kind":"system","members":["ada@example.org"]}`+"\n")
		dry := answers(t, ran(t, s, 1, "import", "groups", file, "--dry-run").Stdout)
		if strings.Contains(s.CLI("group", "list"), "Physics") {
			t.Fatal("a dry run made a group")
		}
		ran(t, s, 1, "import", "groups", file)
		got := results(t, file+".results.ndjson")
		for i, want := range []struct {
			line, status     int
			created, changed bool
			added            float64
			message          string
		}{
			{1, 200, true, true, 0, ""},
			{72, 207, true, true, 2, `["member \"nobody@example.org\": no such user"]`},
			{73, 200, false, false, 0, ""},
			{74, 404, false, false, 0, `there is no group \"Nowhere\"`},
			{75, 409, false, false, 0, `with another externalId`},
			{76, 400, false, false, 0, `for groups that people make`},
			{77, 400, false, false, 0, `unknown field \"member\"`},
			{78, 400, false, false, 0, `name should not be empty`},
			{79, 200, false, true, 1, ""},
		} {
			if i > 0 {
				i += 70
			}
			a := got[i]
			added, _ := a.Group["added"].(float64)
			if a.Line != want.line || a.StatusCode != want.status || a.Created != want.created || a.Changed != want.changed ||
				added != want.added || !strings.Contains(string(a.Message), want.message) {
				t.Errorf("line %d: %+v %s", want.line, a, a.Message)
			}
			if a.Group != nil {
				delete(a.Group, "id")
			}
			if b := dry[i]; b.StatusCode != a.StatusCode || b.Created != a.Created || string(b.Message) != string(a.Message) || b.Group["parent"] != a.Group["parent"] {
				t.Errorf("line %d foretold as %+v %s", want.line, b, b.Message)
			}
		}
		if got[71].Group["parent"] != "Faculty" {
			t.Errorf("parent %v", got[71].Group)
		}
		var ada struct{ Groups []string }
		harness.Read(t, s.CLI("user", "show", "ada", "--json"), &ada)
		if strings.Join(ada.Groups, " ") != "Physics Vetted" {
			t.Errorf("ada is in %v", ada.Groups)
		}
		var again totals
		harness.Read(t, ran(t, s, 1, "import", "groups", file, "--json").Stdout, &again)
		if again.Created != 0 || again.Updated != 0 || again.InPart != 1 || again.Refused != 5 || again.Lines != 79 {
			t.Errorf("again: %+v", again)
		}
	})
}
