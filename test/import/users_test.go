package imports

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// Given lines of another system's users with hashes, numbers and roles, among
// them some that can be nobody's, when they are imported beside a running
// server, then each has its answer, the users sign in with their passwords, and
// to import them again changes nothing.
func TestUsersAreBroughtOver(t *testing.T) {
	lines := generated(1000)
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := harness.Start(t, store.Empty(t))
		file := put(t, "users.ndjson", texts(lines))
		said := ran(t, s, 1, "import", "users", file)
		complete(t, results(t, file+".results.ndjson"), lines)
		for _, want := range []string{"990 lines in ", "refused    40", "line 18: email must be an email", "and 35 more"} {
			if !strings.Contains(said.Stdout, want) {
				t.Errorf("no %q in %s", want, said.Stdout)
			}
		}
		for login, want := range map[string]int{
			"user4@example.org": 200, "user.6": 200, // with a foreign hash
			"user3@example.org":  200,                // with a password
			"user17@example.org": 401, "user.7": 401, // refused; without a password
		} {
			if got := signIn(t, s, login, password); got != want {
				t.Errorf("signing in as %s: %d, want %d", login, got, want)
			}
		}
		before := users(t, s)
		var again totals
		harness.Read(t, ran(t, s, 1, "import", "users", file, "--json").Stdout, &again)
		if again.Created+again.Earlier != 0 || again.Lines != 990 || again.Refused != 40 {
			t.Errorf("again: %+v", again)
		}
		// Names that two lines give one user go back and forth.
		if again.Updated > 20 {
			t.Errorf("again: %v users changed", again.Updated)
		}
		if after := users(t, s); strings.Join(after, "") != strings.Join(before, "") {
			t.Error("a second import left other users")
		}
	})
}

// Given users on a server, when it is asked what an import would do, then it
// says for each line what the import then does, and nothing is there before.
func TestADryRunSaysWhatTheRealOneDoes(t *testing.T) {
	// Lines about users of others stand near them only: those further apart do
	// not see each other in a dry run.
	var lines []written
	for i, l := range generated(1000) {
		if i < 60 || i%100 != 5 && i%100 != 68 {
			lines = append(lines, l)
		}
	}
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := harness.Start(t, store.Empty(t))
		file := put(t, "users.ndjson", texts(lines))
		dry := ran(t, s, 1, "import", "users", file, "--dry-run")
		if n := len(users(t, s)); n > 0 {
			t.Fatalf("a dry run left %d users", n)
		}
		if _, err := os.Stat(file + ".results.ndjson"); err == nil {
			t.Error("a dry run left a result file")
		}
		if !strings.Contains(dry.Stderr, "a dry run: nothing was written") {
			t.Errorf("said %s", dry.Stderr)
		}
		ran(t, s, 1, "import", "users", file)
		foretold, done := answers(t, dry.Stdout), results(t, file+".results.ndjson")
		if len(foretold) != len(done) {
			t.Fatalf("%d lines foretold, %d answered", len(foretold), len(done))
		}
		for i, a := range foretold {
			b := done[i]
			if a.Line != b.Line || a.StatusCode != b.StatusCode || a.Created != b.Created || a.Changed != b.Changed ||
				string(a.Message) != string(b.Message) || a.User != nil && essence(t, a.User) != essence(t, b.User) {
				t.Errorf("line %d:\nforetold %+v\n    done %+v", a.Line, a, b)
			}
		}
	})
}

// Given the same users in a file of a spreadsheet, when it is imported, then
// they are the users that JSON brings.
func TestCSVIsTheSame(t *testing.T) {
	var table strings.Builder
	table.WriteString("\xef\xbb\xbf")
	w := csv.NewWriter(&table)
	w.UseCRLF = true
	columns := []string{"lastName", "email", "username", "firstName", "id", "passwordHash", "emailVerified", "isActive", "roles"}
	if err := w.Write(columns); err != nil {
		t.Fatal(err)
	}
	var kept []written
	for i, l := range generated(300) {
		var u map[string]any
		if l.status != 200 || json.Unmarshal([]byte(l.text), &u) != nil {
			continue
		}
		u["lastName"] = fmt.Sprintf("says \"%d\",\n and more; é", i)
		if _, has := u["password"]; has {
			continue
		}
		row := make([]string, len(columns))
		for c, name := range columns {
			switch v := u[name].(type) {
			case nil:
			case []any:
				row[c] = "reader; writer"
			case bool:
				row[c] = strings.ToUpper(fmt.Sprint(v))
			default:
				row[c] = fmt.Sprint(v)
			}
		}
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
		u["lastName"] = strings.ReplaceAll(u["lastName"].(string), ",\n and", ", and")
		text, err := json.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, written{string(text), 200})
	}
	w.Flush()
	// A line break within a cell is allowed by CSV and by no member of a user.
	broken := put(t, "broken.csv", table.String())
	whole := put(t, "users.CSV", strings.ReplaceAll(table.String(), ",\r\n and", ", and"))
	s := harness.Start(t, harness.SQLite.Empty(t))
	var none totals
	harness.Read(t, ran(t, s, 1, "import", "users", broken, "--json").Stdout, &none)
	if int(none.Refused) != len(kept) || none.Created != 0 {
		t.Errorf("broken: %+v", none)
	}
	ran(t, s, 0, "import", "users", whole)
	other := harness.Start(t, harness.SQLite.Empty(t))
	ran(t, other, 0, "import", "users", put(t, "users.ndjson", texts(kept)))
	if a, b := strings.Join(users(t, s), ""), strings.Join(users(t, other), ""); a != b || len(a) == 0 {
		t.Errorf("from CSV\n%.2000s\nfrom JSON\n%.2000s", a, b)
	}
}

// Given a number of another system, then an import takes it over and a sync
// does not; once it is there a sync finds the user by it.
func TestOnlyAnImportAdoptsNumbers(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := harness.Start(t, store.Empty(t))
		const id, guid = "755243458806280480", "user_3DqfWw6ZJoZf5waKSckJLMOtVu"
		body := map[string]any{"_guid": guid, "email": "cersei@example.org"}
		line, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		refused := func() {
			t.Helper()
			if a := harness.Send(t, system(s, http.MethodPut, "/api/users/", body)); a.Status != http.StatusNotFound {
				t.Errorf("PUT: %d %s", a.Status, a.Text)
			}
			batch := harness.Send(t, system(s, http.MethodPut, "/api/users:batch", string(line)))
			if a := answers(t, batch.Text); len(a) != 1 || a[0].StatusCode != http.StatusNotFound {
				t.Errorf("batch: %s", batch.Text)
			}
		}
		refused()
		ran(t, s, 0, "import", "users", put(t, "other.ndjson", `{"email":"cersei@example.org"}`), "--source", "hr")
		refused() // the source hr is another's
		ran(t, s, 0, "import", "users", put(t, "users.ndjson", string(line)))
		var u struct{ ID, GUID, CreatedBy, LastName string }
		body["lastName"] = "Lannister"
		harness.Send(t, system(s, http.MethodPut, "/api/users/", body)).JSON(t, http.StatusOK, &u)
		if u.ID != id || u.CreatedBy != "__system" || u.LastName != "Lannister" {
			t.Errorf("a sync by the number: %+v", u)
		}
		two := put(t, "two.ndjson", `{"id":"`+id+`","_guid":"user_3DpcYe3RoUt51HhENDKf7gtQ1M","email":"x@example.org"}`)
		ran(t, s, 1, "import", "users", two)
		if a := results(t, two+".results.ndjson"); string(a[0].Message) != `["_guid is of another user than id"]` {
			t.Errorf("%s", a[0].Message)
		}
	})
}
