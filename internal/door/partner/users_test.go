package partner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// envelope is the published answer of a user that was just created.
const envelope = `{"emailVerified":true,"username":"cersei.lannister","email":"cersei@example.com","password":"$2b$06$of.C3rs3i#L4nnist3r",` +
	`"id":"755243458806280480","_guid":"user_3DqfWw6ZJoZf5waKSckJLMOtVu","createdBy":"__system","createdAt":"2023-05-04T01:34:03.320Z","updatedAt":"2023-05-04T01:34:03.320Z",` +
	`"deletedAt":null,"updatedBy":null,"deletedBy":null,"firstName":null,"lastName":null,"locale":null,"roles":null,"phoneNumber":null,"avatar":null,` +
	`"birthday":null,"gender":null,"lockedAt":null,"isActive":true,"isLocked":false}`

func TestSyncAnswersTheEnvelope(t *testing.T) {
	for _, path := range []string{"/api/users", "/api/users/"} {
		w := newWorld()
		got := call(w.internal(), "PUT", path, one, systemCtx)
		if got.Code != 200 || got.Body.String() != envelope {
			t.Errorf("%s: %d\ngot  %s\nwant %s", path, got.Code, got.Body, envelope)
		}
		if len(w.modes) != 1 || w.modes[0] != feed.Write {
			t.Errorf("modes %v", w.modes)
		}
	}
}

func TestEveryFieldOfTheEnvelope(t *testing.T) {
	w := newWorld()
	rec := w.records[cersei]
	for a, v := range map[user.Attr]string{
		user.GivenName: "Cersei", user.FamilyName: "Lannister", user.Locale: "en-GB", user.Roles: `["queen","regent"]`, user.PhoneNumber: "+44 20 7946 0000",
		user.Picture: "https://img.example.org/c", user.Birthdate: "1990-01-02", user.Gender: "f", user.EmailVerified: "false",
	} {
		rec.Strand.Document[a] = user.Fact{Value: &v}
	}
	rec.Strand.Updated, rec.Strand.UpdatedBy = born.Add(time.Hour), cersei
	rec.Strand.Withdrawn, rec.Strand.WithdrawnBy = born.Add(2*time.Hour), "__system"
	rec.LockedAt = born.Add(time.Minute)
	w.records[cersei] = rec
	got := call(w.internal(), "GET", users+cersei, "", systemCtx)
	want := `{"emailVerified":false,"username":"cersei.lannister","email":"cersei@example.com","id":"755243458806280480","_guid":"user_3DqfWw6ZJoZf5waKSckJLMOtVu",` +
		`"createdBy":"__system","createdAt":"2023-05-04T01:34:03.320Z","updatedAt":"2023-05-04T02:34:03.320Z","deletedAt":"2023-05-04T03:34:03.320Z",` +
		`"updatedBy":"755243458806280480","deletedBy":"__system","firstName":"Cersei","lastName":"Lannister","locale":"en-GB","roles":["queen","regent"],` +
		`"phoneNumber":"+44 20 7946 0000","avatar":"https://img.example.org/c","birthday":"1990-01-02","gender":"f","lockedAt":"2023-05-04T01:35:03.320Z","isActive":false,"isLocked":true}`
	if got.Body.String() != want {
		t.Errorf("got  %s\nwant %s", got.Body, want)
	}
}

func TestPasswordEcho(t *testing.T) {
	const marker = "$usher$redacted"
	sync := func(w *world, body string, headers ...string) string {
		got := call(w.internal(), "PUT", users, body, headers...)
		var v struct{ Password *string }
		if err := json.Unmarshal(got.Body.Bytes(), &v); err != nil || v.Password == nil {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		return *v.Password
	}
	const email = `{"email":"c@example.com"`
	long := strings.Repeat("x", 73)
	for _, c := range []struct {
		name, policy, body, header, want string
		ignored                          []string
	}{
		{"the system", "", email + `,"password":"pw"}`, systemCtx, "$2b$06$of.pw", nil},
		{"a bearer", "", email + `,"password":"pw"}`, bearer(adminAt), marker, nil},
		{"a user by context", "", email + `,"password":"pw"}`, `x-user-ctx: {"id":"` + cersei + `"}`, marker, nil},
		{"no password", "", email + `}`, systemCtx, marker, nil},
		{"null password", "", email + `,"password":null}`, systemCtx, marker, nil},
		{"a hash", "", email + `,"passwordHash":"$2b$06$x"}`, systemCtx, marker, nil},
		{"73 bytes", "", email + `,"password":"` + long + `"}`, systemCtx, marker, nil},
		{"72 bytes", "", email + `,"password":"` + long[1:] + `"}`, systemCtx, "$2b$06$of." + long[1:], nil},
		{"37 characters of two bytes", "", email + `,"password":"` + strings.Repeat("é", 37) + `"}`, systemCtx, marker, nil},
		{"ignored", "", email + `,"password":"pw"}`, systemCtx, marker, []string{"password"}},
		{"policy marker", "marker", email + `,"password":"pw"}`, systemCtx, marker, nil},
		{"policy bcrypt", "bcrypt", email + `,"password":"pw"}`, bearer(adminAt), "$2b$06$of.pw", nil},
	} {
		w := newWorld()
		w.EchoPolicy = func() string { return c.policy }
		w.result.Ignored = c.ignored
		if got := sync(w, c.body, c.header); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAnEchoThatFailsWritesNothing(t *testing.T) {
	w := newWorld()
	w.Echo = func(context.Context, string) (string, error) { return "", errors.New("the queue is full") }
	if got := call(w.internal(), "PUT", users, one, systemCtx); got.Code != 503 || len(w.syncs) > 0 {
		t.Errorf("%d, %d syncs", got.Code, len(w.syncs))
	}
}

func TestIgnoredIsNamedInAHeader(t *testing.T) {
	w := newWorld()
	if got := call(w.internal(), "PUT", users, one, systemCtx); len(got.Header().Values("Usher-Ignored")) > 0 {
		t.Error("nothing was ignored")
	}
	w.result.Ignored = []string{"password"}
	if got := call(w.internal(), "PUT", users, one, systemCtx).Header().Get("Usher-Ignored"); got != "password" {
		t.Errorf("Usher-Ignored: %q", got)
	}
}

func TestDryRun(t *testing.T) {
	w := newWorld()
	w.result.Changes = []feed.Change{
		{Attr: user.FamilyName, To: user.Text("Lannister")},
		{Attr: user.EmailVerified, From: user.Text("false"), To: user.Text("true")},
		{Attr: user.Roles, From: user.Text(`["a"]`), To: nil},
		{Attr: user.ContactEmail, To: user.Text("not this API's")},
	}
	got := call(w.internal(), "PUT", users+"?dryRun=true", one, systemCtx)
	want := strings.TrimSuffix(envelope, "}") + `,"changes":[{"field":"lastName","from":null,"to":"Lannister"},` +
		`{"field":"emailVerified","from":false,"to":true},{"field":"roles","from":["a"],"to":null}]}`
	if got.Body.String() != want || w.modes[0] != feed.DryRun {
		t.Errorf("mode %v\ngot  %s\nwant %s", w.modes, got.Body, want)
	}
	w.result = feed.Result{Created: true}
	got = call(w.internal(), "PUT", users+"?dryRun=true", one, systemCtx)
	if !strings.Contains(got.Body.String(), `"id":null,"_guid":null`) || !strings.HasSuffix(got.Body.String(), `"changes":[]}`) {
		t.Errorf("a user that would be created: %s", got.Body)
	}
	for _, c := range []struct {
		name, body string
		result     feed.Result
		want       string
	}{
		{"a new password alone", `{"email":"c@example.com","password":"pw"}`, feed.Result{Changed: true}, `[{"field":"password","from":null,"to":"$usher$redacted"}]`},
		{"a new hash alone", `{"email":"c@example.com","passwordHash":"$2b$06$x"}`, feed.Result{Changed: true}, `[{"field":"password","from":null,"to":"$usher$redacted"}]`},
		{"that of a new record", `{"email":"c@example.com","password":"pw"}`, feed.Result{Created: true, Changed: true}, `[{"field":"password","from":null,"to":"$usher$redacted"}]`},
		{"the stored one", `{"email":"c@example.com","password":"pw"}`, feed.Result{}, `[]`},
		{"one that is not taken", `{"email":"c@example.com","password":"pw"}`, feed.Result{Changed: true, Ignored: []string{"password"}}, `[]`},
		{"a lock beside it", `{"email":"c@example.com","password":"pw","isActive":false}`, feed.Result{Changed: true}, `[]`},
		{"none", `{"email":"c@example.com"}`, feed.Result{Changed: true}, `[]`},
	} {
		w := newWorld()
		w.result = c.result
		if got := call(w.internal(), "PUT", users+"?dryRun=true", c.body, systemCtx); got.Code != 200 || !strings.HasSuffix(got.Body.String(), `"changes":`+c.want+"}") {
			t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
		}
	}
	for query, mode := range map[string]feed.Mode{"?dryRun=false": feed.Write, "?trace=1": feed.Write} {
		w := newWorld()
		if call(w.internal(), "PUT", users+query, one, systemCtx); w.modes[0] != mode {
			t.Errorf("%s: %v", query, w.modes)
		}
	}
	for _, query := range []string{
		"?dryRun", "?dryRun=1", "?dryRun=TRUE", "?dryRun=true&dryRun=false", // another value
		"?dryrun=true", "?DryRun=true", "?DRYRUN", "?dry_run=true", "?dry-run=true", "?dryRun=false&dryrun=true", // another spelling
		"?dryRun=true%", "?dryRun=true;x", "?dryRun=%zz", "?x=%&dryRun=true", "?%", "?a;b", // what cannot be read
	} {
		w := newWorld()
		for _, path := range []string{users, "/api/users:batch"} {
			if got := call(w.internal(), "PUT", path+query, one, systemCtx); got.Code != 400 || len(w.syncs) > 0 {
				t.Errorf("%s%s: %d", path, query, got.Code)
			}
		}
	}
	if got := call(w.internal(), "PATCH", users+cersei+"?dryRun=true", one, systemCtx); got.Code != 400 {
		t.Errorf("a dry run where there is none: %d", got.Code)
	}
}

func TestWhoIsRefusedFirst(t *testing.T) {
	if got := call(newWorld().internal(), "PUT", users, "{oops"); got.Code != 401 {
		t.Errorf("a body nobody may send: %d", got.Code)
	}
	if got := call(newWorld().internal(), "PUT", users, "{oops", bearer(plainAt)); got.Code != 403 {
		t.Errorf("without the role: %d", got.Code)
	}
	if got := call(newWorld().internal(), "PUT", users, `{"x":"`+strings.Repeat("x", 1e6)+`"}`, systemCtx); got.Code != 413 {
		t.Errorf("too large: %d", got.Code)
	}
}

func TestEveryCodeHasAnAnswer(t *testing.T) {
	want := map[user.Code]int{
		user.Invalid: 400, user.Missing: 400, user.Malformed: 400, user.WeakPassword: 400, user.Unsupported: 400,
		user.Unauthenticated: 401, user.BadCredential: 401, user.InvalidClient: 401, user.BadToken: 401, user.Forbidden: 403, user.NotFound: 404,
		user.Conflict: 409, user.InUse: 409, user.Challenge: 409, user.UntrustedSource: 409, user.UserDeleted: 409, user.UserLocked: 409,
		user.AlreadyMember: 409, user.NotMember: 409, user.NotUndoable: 409, user.TooLarge: 413, user.Throttled: 429, user.Busy: 503,
	}
	for _, code := range user.Codes() {
		for _, x := range []struct{ method, target, body string }{{"PUT", users, one}, {"POST", login, byName}} {
			w := newWorld()
			no := user.Refuse(code, "roles")
			if code == user.Busy || code == user.Throttled {
				no.RetryAfter = 7
			}
			w.fail = no
			got := call(w.internal(), x.method, x.target, x.body, systemCtx)
			errorBody(t, got)
			if x.method == "PUT" && got.Code != want[code] {
				t.Errorf("%s: %d, want %d", code, got.Code, want[code])
			}
			if x.method == "POST" && (got.Code < 400 || got.Code >= 500 && code != user.Busy) {
				t.Errorf("%s at the login: %d", code, got.Code)
			}
			if no.RetryAfter > 0 && got.Header().Get("Retry-After") != "7" {
				t.Errorf("%s: Retry-After %q", code, got.Header().Get("Retry-After"))
			}
		}
	}
}

func TestWhatAFieldIsRefusedFor(t *testing.T) {
	for want, no := range map[string]*user.Refusal{
		"email must be an email":        user.Refuse(user.Invalid, "email", "why", "no domain"),
		"password is too common":        user.Refuse(user.WeakPassword, "password", "why", "is too common"),
		"password is too weak":          user.Refuse(user.WeakPassword, "password"),
		"passwordHash is not supported": user.Refuse(user.Unsupported, "passwordHash"),
		"username should not be empty":  user.Refuse(user.Missing, "username"),
		"roles is not valid":            user.Refuse(user.Invalid, "roles"),
		"username refused: too long":    user.Refuse(user.Invalid, "username", "why", "username refused: too long"),
	} {
		w := newWorld()
		w.fail = no
		got := call(w.internal(), "PUT", users, one, systemCtx)
		var body struct{ Message []string }
		if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || len(body.Message) != 1 || body.Message[0] != want {
			t.Errorf("%v: %s", no, got.Body)
		}
	}
}

func TestOneUser(t *testing.T) {
	for _, ref := range []string{cersei, cerseiGUID} {
		w := newWorld()
		h := w.internal()
		for _, c := range []struct{ method, path, contains string }{
			{"GET", "", `"isLocked":false`},
			{"POST", "/lock", `"lockedAt":"2023-05-04T01:34:03.320Z","isActive":false,"isLocked":true`},
			{"GET", "", `"isLocked":true`},
			{"POST", "/unlock", `"lockedAt":null,"isActive":true,"isLocked":false`},
			{"DELETE", "", `"deletedAt":"2023-05-04T01:34:03.320Z","updatedBy":null,"deletedBy":"__system"`},
		} {
			got := call(h, c.method, users+ref+c.path, "", systemCtx)
			if got.Code != 200 || !strings.Contains(got.Body.String(), c.contains) || strings.Contains(got.Body.String(), "password") {
				t.Errorf("%s %s: %d %s", c.method, c.path, got.Code, got.Body)
			}
		}
		if want := []string{"lock " + cersei + " by __system", "unlock " + cersei + " by __system", "delete " + cersei + " by __system"}; !reflect.DeepEqual(w.locked, want) {
			t.Errorf("did %v", w.locked)
		}
	}
	for _, ref := range []string{nobody, "0" + cersei, "nonsense", "-1", "user_", cerseiGUID + "x", "%00", "%ff", strings.Repeat("9", 500)} {
		for _, c := range []struct{ method, path string }{{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"POST", "/lock"}, {"POST", "/unlock"}} {
			w := newWorld()
			w.fail = user.Refuse(user.NotFound, "id")
			got := call(w.internal(), c.method, users+ref+c.path, "{}", systemCtx)
			if got.Code != 404 || errorBody(t, got) != "User not found" {
				t.Errorf("%s %.30s%s: %d %s", c.method, ref, c.path, got.Code, got.Body)
			}
		}
	}
}

func TestPatch(t *testing.T) {
	w := newWorld()
	got := call(w.internal(), "PATCH", users+cerseiGUID, `{"lastName":null}`, systemCtx)
	if got.Code != 200 || *w.syncs[0].Number.Value != cersei || len(w.syncs[0].Facts) != 1 {
		t.Errorf("%d %s %+v", got.Code, got.Body, w.syncs)
	}
	if got := call(w.internal(), "PATCH", users+cersei, `{}`, systemCtx); got.Code != 200 {
		t.Errorf("nothing to change: %d %s", got.Code, got.Body)
	}
	if got := call(w.internal(), "PATCH", users+cersei, `{"id":"`+jaime+`"}`, systemCtx); got.Code != 400 {
		t.Errorf("another's id in the body: %d", got.Code)
	}
}

func TestList(t *testing.T) {
	w := newWorld()
	type answer struct {
		Users      []map[string]any
		NextCursor *string
	}
	read := func(query string) (a answer) {
		got := call(w.internal(), "GET", "/api/users"+query, "", systemCtx)
		if err := json.Unmarshal(got.Body.Bytes(), &a); err != nil || got.Code != 200 {
			t.Fatalf("%s: %d %s", query, got.Code, got.Body)
		}
		return a
	}
	if a := read(""); len(a.Users) != 2 || a.NextCursor != nil || a.Users[0]["id"] != cersei {
		t.Errorf("all: %+v", a)
	} else if _, shown := a.Users[0]["password"]; shown {
		t.Error("a password is shown")
	}
	first := read("?limit=1")
	if len(first.Users) != 1 || first.NextCursor == nil || *first.NextCursor != cersei {
		t.Fatalf("first page: %+v", first)
	}
	if second := read("?limit=1&cursor=" + *first.NextCursor); len(second.Users) != 1 || second.Users[0]["id"] != jaime || second.NextCursor != nil {
		t.Errorf("second page: %+v", second)
	}
	if after := read("?cursor=" + jaime); len(after.Users) != 0 {
		t.Errorf("after the last: %+v", after)
	}
	for _, query := range []string{"limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "cursor=x", "cursor=" + nobody, "cursor=%00", "cursor=a&cursor=b", "limit=%zz", "limit=1;cursor=x", "%"} {
		if got := call(w.internal(), "GET", "/api/users?"+query, "", systemCtx); got.Code != 400 {
			t.Errorf("%s: %d %s", query, got.Code, got.Body)
		}
	}
	w.fault = func(string) error { return store.ErrUnavailable }
	if got := call(w.internal(), "GET", "/api/users?cursor="+cersei, "", systemCtx); got.Code != 503 {
		t.Errorf("a fault: %d", got.Code)
	}
}

func TestNoBodyIsTheServersFault(t *testing.T) {
	h := newWorld().internal()
	pieces := []string{
		"{", "}", "[", "]", ",", ":", `"`, `"email"`, `"id"`, `"roles"`, `"identities"`, `"password"`, `"type"`, `"withPassword"`, "null", "true", "1e999", `\u0000`, `\ud800`,
		"\x00", "\xff", "\ufeff", "\n", `"a@b.c"`, "李", strings.Repeat("[", 300), `{"email":"a@b.c"}`, `{"type":"password","clientId":"a","withPassword":`,
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		for _, x := range []struct{ method, target string }{
			{"PUT", users}, {"PATCH", users + cersei}, {"POST", login}, {"POST", "/internal/auth/user-context"}, {"PUT", "/api/users:batch"},
		} {
			if got := call(h, x.method, x.target, b.String(), systemCtx); got.Code != 200 && got.Code != 400 {
				t.Fatalf("%s %s %q: %d %s", x.method, x.target, b.String(), got.Code, got.Body)
			}
		}
		if got := call(h, "GET", users+cersei, "", fmt.Sprintf("X-User-Ctx: %s", b.String())); got.Code != 401 && got.Code != 403 {
			t.Fatalf("context %q: %d", b.String(), got.Code)
		}
	}
}
