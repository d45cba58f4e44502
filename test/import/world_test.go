package imports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/replay"
)

func TestMain(m *testing.M) { harness.Main(m) }

// The password of every generated user that has one, and a hash of it as
// another system kept it (contract partner.md, fact 2).
const (
	password = "C3rs3i#L4nnist3r"
	foreign  = "$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"
)

// firstNumber is the id of the first generated user that has one.
const firstNumber = 500768179843385796

// written is a line of an import, and what must become of it.
type written struct {
	text   string
	status int // 0 for a blank line, which is not answered
}

// generated are n lines of every sort.
func generated(n int) []written {
	lines := make([]written, n)
	for i := range lines {
		u := map[string]any{
			"email": fmt.Sprintf("user%d@example.org", i), "username": fmt.Sprintf("user.%d", i),
			"firstName": "Ada", "lastName": fmt.Sprintf("Nr %d", i), "emailVerified": i%3 == 0,
		}
		status := 200
		switch {
		case i%100 == 17:
			u["email"], status = "nobody", 400
		case i%100 == 34:
			lines[i] = written{`{"email":`, 400}
			continue
		case i%100 == 51:
			u["id"], status = "0", 400
		case i%100 == 68:
			u["email"], u["username"], status = fmt.Sprintf("user%d@example.org", i-4), fmt.Sprintf("user.%d", i-2), 409 // two users'
		case i%100 == 85:
			lines[i] = written{"", 0}
			continue
		case i%1000 == 3:
			u["password"] = password
		case i%100 == 5:
			u["email"], u["username"] = fmt.Sprintf("user%d@example.org", i-1), fmt.Sprintf("user.%d", i-1) // said again, with another name
		case i%10 == 1:
			u["isActive"] = false
		case i%10 == 2:
			u["roles"] = []string{"reader", "writer"}
		case i%2 == 0:
			u["id"], u["passwordHash"] = fmt.Sprint(firstNumber+i), foreign
		}
		text, err := json.Marshal(u)
		if err != nil {
			panic(err)
		}
		lines[i] = written{string(text), status}
	}
	return lines
}

func texts(lines []written) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

// put writes a file of the test's own.
func put(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ran runs a command that must end with this status.
func ran(t *testing.T, s *harness.Server, code int, args ...string) replay.Ran {
	t.Helper()
	got, err := s.Run(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	if got.Code != code {
		t.Fatalf("usher %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got.Code, code, got.Stderr, got.Stdout)
	}
	return got
}

// answer is a line of a result file.
type answer struct {
	Line       int             `json:"line"`
	Sum        string          `json:"sum"`
	StatusCode int             `json:"statusCode"`
	Created    bool            `json:"created"`
	Changed    bool            `json:"changed"`
	User       map[string]any  `json:"user"`
	Group      map[string]any  `json:"group"`
	Message    json.RawMessage `json:"message"`
}

func answers(t *testing.T, text string) (out []answer) {
	t.Helper()
	for line := range strings.Lines(text) {
		var a answer
		harness.Read(t, line, &a)
		out = append(out, a)
	}
	return out
}

func results(t *testing.T, path string) []answer {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return answers(t, string(text))
}

// complete holds answers against the lines: each once, in order, with its
// status.
func complete(t *testing.T, got []answer, lines []written) {
	t.Helper()
	wrong := 0
	for i, l := range lines {
		if l.status == 0 {
			continue
		}
		if len(got) == 0 {
			t.Fatalf("no answer from line %d on", i+1)
		}
		if a := got[0]; a.Line != i+1 || a.StatusCode != l.status || a.Sum == "" {
			if wrong++; wrong < 5 {
				t.Errorf("line %d: %+v, want status %d: %s", i+1, a, l.status, l.text)
			}
		}
		got = got[1:]
	}
	if len(got) > 0 || wrong > 0 {
		t.Fatalf("%d answers too many, %d wrong", len(got), wrong)
	}
}

type totals struct {
	DryRun                                                        bool `json:"dry_run"`
	Lines, Earlier, Created, Updated, Unchanged, Refused, Seconds float64
	InPart                                                        int `json:"in_part"`
	Refusals                                                      []struct{ Line int }
}

// users are all that the partner has, by their e-mail; those without adopted
// numbers without any, and nobody with times.
func users(t *testing.T, s *harness.Server) []string {
	t.Helper()
	var all []string
	for cursor := ""; ; {
		var page struct {
			Users      []map[string]any
			NextCursor *string `json:"nextCursor"`
		}
		harness.Send(t, harness.Ask{
			Method: http.MethodGet, URL: s.Internal + "/api/users?limit=200&cursor=" + cursor,
			Header: http.Header{"X-User-Ctx": {harness.System}},
		}).JSON(t, http.StatusOK, &page)
		for _, u := range page.Users {
			all = append(all, fmt.Sprint(u["email"], " ", essence(t, u)))
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	slices.Sort(all)
	return all
}

// essence is a user without what no two runs share.
func essence(t *testing.T, u map[string]any) string {
	t.Helper()
	out := map[string]any{"locked": u["lockedAt"] != nil}
	for k, v := range u {
		if k != "lockedAt" && !strings.HasSuffix(k, "At") && k != "changes" {
			out[k] = v
		}
	}
	if id, _ := u["id"].(string); !strings.HasPrefix(id, fmt.Sprint(firstNumber)[:12]) {
		delete(out, "id")
		delete(out, "_guid")
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(out); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// system asks the internal listener on the system's word.
func system(s *harness.Server, method, path string, body any) harness.Ask {
	return harness.Ask{Method: method, URL: s.Internal + path, Header: http.Header{"X-User-Ctx": {harness.System}}, Body: body}
}

// signIn gives the status of a sign-in at the partner door.
func signIn(t *testing.T, s *harness.Server, login, password string) int {
	t.Helper()
	return harness.Send(t, harness.Ask{Method: http.MethodPost, URL: s.Public + "/api/auth/login", Body: map[string]any{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": map[string]string{"emailOrUsername": login, "password": password},
	}}).Status
}
