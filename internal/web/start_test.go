package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

func TestStartPageShowsEveryDoor(t *testing.T) {
	body := get(newPages(t, someMail(), devStart()), "/").Body.String()
	contains(t, "the page", body, `href="/dev/inbox"`, `href="/health/ready"`, "1.2.3", "http://public.test:8080", "http://internal.test:8081")

	doors := map[string]string{}
	for _, li := range named(parse(t, body), "li") {
		if class := attr(li, "class"); strings.HasPrefix(class, "door ") {
			h3 := named(descendants(li), "h3")[0]
			doors[text(h3)] = class + " " + text(li)
		}
	}
	for name, wants := range map[string][]string{
		"Portal":  {"is-needs-config", "Needs configuration", "Keycloak", "Set doors.portal.issuer, doors.portal.client_id to open it"},
		"Partner": {"is-open", "Open", "PUT /api/users/", "Try the Partner door"},
		"Sunbird": {"is-off", "Switched off", "v2/user/create"},
		"EDI":     {"is-open", "Open", "/auth/v1/profile", "Try the EDI door"},
		"GraphQL": {"is-later", "In a later release", "Authorization: JWT"},
	} {
		contains(t, "the door "+name, doors[name], wants...)
	}
	if len(doors) != 5 {
		t.Errorf("%d doors", len(doors))
	}
}

func descendants(n *html.Node) (out []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode {
			out = append(out, d)
		}
	}
	return out
}

func TestStartPageOutsideDevelopmentTellsNothing(t *testing.T) {
	start := devStart()
	start.Dev = false
	p := newPages(t, someMail(), start)
	body := get(p, "/").Body.String()
	contains(t, "the page", body, "<h1>usher</h1>", `href="/health/ready"`)
	lacks(t, "the page", body, "internal.test", "public.test", "1.2.3", "client-app", "x-user-ctx", "doors.portal", "/dev/", "Development")
	for _, path := range []string{"/dev/inbox", "/dev/inbox.json", "/dev/inbox/m0", "/dev/inbox/m0/html"} {
		if w := get(p, path); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "/dev/") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestStartPageEscapesWhatItIsTold(t *testing.T) {
	start := devStart()
	start.Version, start.Command = `<script>v</script>`, `"><img src=x>`
	start.Doors[0].Needs = []string{`<b onclick="x">`}
	start.Doors = append(start.Doors, web.DoorCard{Door: `"><i>`, State: web.Later})
	body := get(newPages(t, someMail(), start), "/").Body.String()
	lacks(t, "the page", body, "<script", "<img", "<b ", "<i>")
}

func TestStartPageSaysWhereToSignIn(t *testing.T) {
	start := devStart()
	contains(t, "without a provider", get(newPages(t, someMail(), start), "/").Body.String(), "doors.edi.providers.NAME.issuer")
	start.SignIn = "http://public.test:8080/auth/ui/signin"
	body := get(newPages(t, someMail(), start), "/").Body.String()
	contains(t, "with one", body, `href="http://public.test:8080/auth/ui/signin"`)
	lacks(t, "with one", body, "doors.edi.providers")
}

func TestNoStepsWithoutAnInternalListener(t *testing.T) {
	start := devStart()
	start.Internal = ""
	body := get(newPages(t, someMail(), start), "/").Body.String()
	lacks(t, "the page", body, "Try the Partner door")
	contains(t, "the page", body, "Try the EDI door", "none")
}

// seen is a request that a step made.
type seen struct {
	Listener, Call, Cookie, Context, Type string
	Body                                  string
}

// paste runs the commands shown for one door, as a person would who pastes
// them into one terminal, against listeners that note what they are asked.
func paste(t *testing.T, door user.Door, usher string) (requests []seen, output string) {
	t.Helper()
	for _, tool := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("this machine lacks %s", tool)
		}
	}
	var mu sync.Mutex
	listener := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			requests = append(requests, seen{
				name, r.Method + " " + r.URL.String(), r.Header.Get("Cookie"), r.Header.Get("X-User-Ctx"),
				r.Header.Get("Content-Type"), string(body),
			})
			_, _ = io.WriteString(w, `{"accessToken":"0123456789abcdef0123456789abcdef01234567","refreshToken":"ff","scope":"read write","userId":"755243458806280480","idToken":"x.y.z"}`)
		}))
		t.Cleanup(s.Close)
		return s
	}
	start := devStart()
	start.Public, start.Internal, start.Command = listener("public").URL, listener("internal").URL, usher

	var script strings.Builder
	for _, section := range named(parse(t, get(newPages(t, someMail(), start), "/").Body.String()), "section") {
		if attr(section, "aria-labelledby") != "try-"+string(door) {
			continue
		}
		for _, pre := range named(descendants(section), "pre") {
			script.WriteString(text(pre) + "\n")
		}
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script.String()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, script.String())
	}
	return requests, string(out)
}

func TestPartnerStepsWorkAsTheyStand(t *testing.T) {
	got, _ := paste(t, user.DoorPartner, "")
	const system = `{"id":"__system","user":"__system"}`
	want := []seen{
		{Listener: "internal", Call: "PUT /api/users/", Context: system, Type: "application/json"},
		{Listener: "public", Call: "POST /api/auth/login", Type: "application/json"},
		{Listener: "internal", Call: "POST /internal/auth/user-context?format=json", Type: "application/json"},
		{Listener: "internal", Call: "GET /api/users/755243458806280480", Context: system},
	}
	bodies := matchRequests(t, got, want)

	var synced struct{ Username, Email, Password string }
	var login struct {
		Type, ClientID, ClientSecret string
		WithPassword                 struct{ EmailOrUsername, Password string }
	}
	var whose struct{ AccessToken string }
	for i, into := range []any{&synced, &login, &whose} {
		if err := json.Unmarshal([]byte(bodies[i]), into); err != nil {
			t.Fatalf("step %d sends %s: %v", i+1, bodies[i], err)
		}
	}
	if synced.Password == "" || login.WithPassword.Password != synced.Password || login.WithPassword.EmailOrUsername != synced.Email {
		t.Errorf("%+v signs in, %+v was synced", login.WithPassword, synced)
	}
	if login.Type != "password" || login.ClientID != "client-app-id" || login.ClientSecret != "client-app-secret" {
		t.Errorf("the login is %+v", login)
	}
	if whose.AccessToken != "0123456789abcdef0123456789abcdef01234567" {
		t.Errorf("asked whose token %q is", whose.AccessToken)
	}
}

func TestEDIStepsWorkAsTheyStand(t *testing.T) {
	// Given a command line that notes how it is called, and prints what
	// minting prints with --json, over several lines.
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	script := "#!/bin/sh\necho \"$*\" >> '" + calls + "'\n" +
		"[ \"$1\" = token ] && printf '{\\n  \"token\": \"e.d.i\",\\n  \"expires_at\": \"x\",\\n  \"edi_id\": \"EDI-12\"\\n}\\n'\nexit 0\n"
	usher := filepath.Join(dir, "usher")
	if err := os.WriteFile(usher, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}

	got, _ := paste(t, user.DoorEDI, usher)

	bodies := matchRequests(t, got, []seen{
		{Listener: "public", Call: "GET /auth/v1/profile/EDI-12", Cookie: "edi-token=e.d.i"},
		{Listener: "public", Call: "POST /auth/v1/profile", Cookie: "edi-token=e.d.i", Type: "application/json"},
	})
	var create struct {
		UID string `json:"idp_uid"`
	}
	if err := json.Unmarshal([]byte(bodies[1]), &create); err != nil || !strings.HasPrefix(create.UID, "https://orcid.org/") {
		t.Errorf("creating sends %s", bodies[1])
	}
	called, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	want := "user create --email grace@example.org --name Grace Hopper --verified\n" +
		"group add Vetted grace@example.org\n" +
		"token mint --door edi --user grace@example.org --json\n"
	if string(called) != want {
		t.Errorf("called\n%swant\n%s", called, want)
	}
}

// matchRequests compares all but the bodies, and gives those.
func matchRequests(t *testing.T, got, want []seen) (bodies []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d requests, want %d: %+v", len(got), len(want), got)
	}
	for i, g := range got {
		bodies = append(bodies, g.Body)
		g.Body = ""
		if g != want[i] {
			t.Errorf("step %d asked\n%+v, want\n%+v", i+1, g, want[i])
		}
	}
	return bodies
}
