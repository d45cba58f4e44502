package edge

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// taker is somewhere that takes a JSON object.
type taker struct {
	name   string
	ask    harness.Ask    // without a body
	right  map[string]any // a body that is taken
	texts  []string       // members that are texts; "a.b" is b within a
	others map[string][]any
	lenient
}

// lenient takers read JSON as the service did that they stand for.
type lenient bool

func (s *scene) takers() []taker {
	login := s.login("ada")
	right := newcomer("grace")
	others := map[string][]any{
		"emailVerified": {1, "true", []any{true}, map[string]any{}},
		"isActive":      {1, "true", []any{true}},
		"roles":         {"sysadmin", 1, true, map[string]any{"0": "sysadmin"}, []any{1}, []any{[]any{"x"}}, []any{nil}},
		"identities":    {"x", 1, map[string]any{}, []any{"x"}, []any{nil}, []any{map[string]any{"issuer": 1, "subject": "x"}}, []any{map[string]any{"issuer": []any{"x"}, "subject": "x"}}},
	}
	texts := []string{"email", "username", "password", "passwordHash", "firstName", "lastName", "locale", "phoneNumber", "avatar", "birthday", "gender", "id", "_guid"}
	edi := func(method, path string) harness.Ask {
		return harness.Ask{Method: method, URL: s.Public + path, Cookie: s.cookie}
	}
	return []taker{
		{
			"login",
			harness.Ask{Method: http.MethodPost, URL: login.URL},
			login.Body.(map[string]any),
			[]string{"type", "clientId", "clientSecret", "withPassword.emailOrUsername", "withPassword.password"},
			map[string][]any{"withPassword": {"x", 1, true, []any{}, []any{map[string]any{}}, nil}},
			false,
		},
		{"sync", s.system(http.MethodPut, "/api/users/", nil), right, texts, others, false},
		{"dry run", s.system(http.MethodPut, "/api/users/?dryRun=true", nil), right, texts, others, false},
		{"patch", s.system(http.MethodPatch, "/api/users/"+s.ada.ID, nil), map[string]any{"firstName": "Ada"}, texts, others, false},
		{
			"user context", s.system(http.MethodPost, "/internal/auth/user-context", nil),
			map[string]any{"accessToken": strings.TrimPrefix(s.bearer, "Bearer ")},
			[]string{"accessToken"},
			nil, false,
		},
		{"reserve", edi(http.MethodPost, "/auth/v1/profile"), map[string]any{"idp_uid": "uid=grace,o=EDI,dc=edirepository,dc=org"}, []string{"idp_uid"}, nil, true},
		{"edit", edi(http.MethodPut, "/auth/v1/profile/"+s.vera.EDIID), map[string]any{"common_name": "Vera", "email": "vera@example.org"}, []string{"common_name", "email"}, nil, true},
	}
}

// with is the right body with one member otherwise.
func (k taker) with(path string, v any) map[string]any {
	body := maps.Clone(k.right)
	outer, inner, nested := strings.Cut(path, ".")
	if !nested {
		body[path] = v
		return body
	}
	within := maps.Clone(body[outer].(map[string]any))
	within[inner] = v
	body[outer] = within
	return body
}

func (k taker) send(t *testing.T, body any) harness.Answer {
	t.Helper()
	a := k.ask
	a.Body = body
	return harness.Send(t, a)
}

// H10. A member of another type is refused and never read as something else.
func TestTypesAreNotConfused(t *testing.T) {
	s := newScene(t, harness.Options{})
	before := s.stored()
	tries := 0
	for _, k := range s.takers() {
		wrong := maps.Clone(k.others)
		if wrong == nil {
			wrong = map[string][]any{}
		}
		for _, name := range k.texts {
			wrong[name] = []any{
				0, 1, -1.5, true, false,
				[]any{},
				[]any{"a@example.org"},
				[]any{"a@example.org", "b@example.org"},
				[]any{nil},
				map[string]any{},
				map[string]any{"$ne": ""},
				map[string]any{"0": "a@example.org"},
				"a\x00b",
			}
		}
		for _, name := range slices.Sorted(maps.Keys(wrong)) {
			for _, v := range wrong[name] {
				tries++
				if a := k.send(t, k.with(name, v)); a.Status != http.StatusBadRequest {
					t.Errorf("%s: %s is %#v: %d %s", k.name, name, v, a.Status, a.Text)
				}
			}
		}
		for _, whole := range []any{`[]`, `"x"`, `1`, `true`, `null`, `[{}]`, ``, `{`, `{}{}`, "email=a@example.org&email=b@example.org", "user[email][]=a@example.org&user[email][]=b@example.org"} {
			tries++
			if a := k.send(t, whole); a.Status != http.StatusBadRequest {
				t.Errorf("%s: the body is %s: %d %s", k.name, whole, a.Status, a.Text)
			}
		}
	}
	for _, query := range []string{"dryRun=1", "dryRun=", "dryRun=TRUE", "dryRun=true&dryRun=false", "dryRun=true&dryRun=true", "dryRun=%00"} {
		if got := harness.Send(t, s.system(http.MethodPut, "/api/users/?"+query, newcomer("grace"))); got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, got.Status, got.Text)
		}
	}
	if after := s.stored(); after != before {
		t.Errorf("was %s\n is %s", before, after)
	}
	t.Logf("%d bodies", tries)
}

// H9. A member that stands twice is refused where no contract says which one
// counts; where one does, it is the last, and it is judged like any.
func TestRepeatedMembers(t *testing.T) {
	s := newScene(t, harness.Options{})
	before := s.stored()
	for _, k := range s.takers() {
		for _, name := range k.texts {
			if strings.Contains(name, ".") {
				continue
			}
			for _, second := range []string{name, strings.ToUpper(name), `\u00` + fmt.Sprintf("%02x", name[0]) + name[1:]} {
				body := fmt.Sprintf(`{%q: "x", "%s": ["x"]}`, name, second)
				if k.lenient && second == strings.ToUpper(name) {
					continue // another member to it
				}
				if a := k.send(t, body); a.Status != http.StatusBadRequest {
					t.Errorf("%s: %s: %d %s", k.name, body, a.Status, a.Text)
				}
			}
		}
	}
	nested := `{"type":"password","clientId":"client-app-id","clientSecret":"client-app-secret","withPassword":{"emailOrUsername":"x","emailOrUsername":"ada","password":"` + password + `"}}`
	if a := harness.Send(t, harness.Ask{Method: http.MethodPost, URL: s.Public + "/api/auth/login", Body: nested}); a.Status != http.StatusBadRequest {
		t.Errorf("nested: %d", a.Status)
	}
	line := `{"email":"a@example.org","emailVerified":true,"email":"b@example.org"}`
	if a := harness.Send(t, s.system(http.MethodPut, "/api/users:batch", line)); !strings.Contains(a.Text, `"statusCode":400`) {
		t.Errorf("a line of a batch: %s", a.Text)
	}
	if after := s.stored(); after != before {
		t.Errorf("was %s\n is %s", before, after)
	}
}

// H9. Depth and length are bounded wherever bodies are read.
func TestDepthAndLength(t *testing.T) {
	s := newScene(t, harness.Options{})
	for _, k := range s.takers() {
		for _, n := range []int{33, 1000, 20_000} {
			for _, brackets := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
				deep := `{"x":` + strings.Repeat(brackets[0], n) + "1" + strings.Repeat(brackets[1], n) + "}"
				if a := k.send(t, deep); a.Status != http.StatusBadRequest && a.Status != http.StatusRequestEntityTooLarge {
					t.Errorf("%s, %d deep: %d %s", k.name, n, a.Status, a.Text)
				}
			}
		}
		long := `{"x":"` + strings.Repeat("x", 64<<10) + `"}`
		if a := k.send(t, long); a.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s, %d bytes: %d %s", k.name, len(long), a.Status, a.Text)
		}
	}
	deep := `{"email":"deep@example.org","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}"
	long := `{"email":"` + strings.Repeat("x", 64<<10) + `@example.org"}`
	a := harness.Send(t, s.system(http.MethodPut, "/api/users:batch", deep+"\n"+long+"\n"))
	if !strings.Contains(a.Text, `"line":1,"statusCode":400`) || !strings.Contains(a.Text, `"line":2,"statusCode":413`) {
		t.Errorf("lines of a batch: %s", a.Text)
	}
}

// H11. Members that no contract gives to the sender change nothing.
func TestNothingElseBinds(t *testing.T) {
	s := newScene(t, harness.Options{})
	forged := map[string]any{
		"createdBy": "forged", "createdAt": "2001-01-01T00:00:00.000Z", "updatedBy": "forged", "updatedAt": "2001-01-01T00:00:00.000Z",
		"deletedAt": "2001-01-01T00:00:00.000Z", "deletedBy": "forged", "lockedAt": "2001-01-01T00:00:00.000Z", "isLocked": true,
		"is_staff": true, "is_superuser": true, "isRepresentative": true, "is_active": false, "edi_id": "EDI-forged", "idp_uid": "forged",
		"privacy_policy_accepted": true, "privacy_policy_accepted_date": "2001-01-01T00:00:00", "email_notifications": true,
		"avatar_url": "https://evil.example/a.png", "status": "closed", "realm": "other", "source": "edi", "strands": []any{}, "handles": []any{"x"},
		"userId": "1", "scope": "admin", "groups": []any{"Vetted", "sysadmin"}, "__proto__": map[string]any{"roles": []any{"sysadmin"}},
		"constructor": map[string]any{}, "user": map[string]any{"id": "1"}, "document": map[string]any{"role": "sysadmin"}, "password_hash": "x",
		"ID": "1", "Email": "forged@example.org", "EMAIL": "forged@example.org", "Roles": []any{"sysadmin"}, "emailverified": true,
	}
	same := func(t *testing.T, what, was, is string) {
		t.Helper()
		if is != was {
			t.Errorf("%s: was %s\n is %s", what, was, is)
		}
	}
	members := func(t *testing.T, a harness.Answer) map[string]any {
		t.Helper()
		var m map[string]any
		a.JSON(t, http.StatusOK, &m)
		return m
	}
	for _, name := range slices.Sorted(maps.Keys(forged)) {
		add := func(body map[string]any) map[string]any {
			body = maps.Clone(body)
			if !slices.ContainsFunc(slices.Collect(maps.Keys(body)), func(k string) bool { return strings.EqualFold(k, name) }) {
				body[name] = forged[name]
			}
			return body
		}
		t.Run(name, func(t *testing.T) {
			before := s.stored()
			sync := s.system(http.MethodPut, "/api/users/?dryRun=true", nil)
			dryRun := func(body map[string]any) string {
				sync.Body = body
				m := members(t, harness.Send(t, sync))
				for _, own := range []string{"password", "id", "_guid", "createdAt", "updatedAt"} { // new each time
					if body["username"] == "grace" || own == "password" {
						delete(m, own)
					}
				}
				return fmt.Sprint(m)
			}
			for _, base := range []map[string]any{newcomer("grace"), newcomer("ada")} {
				same(t, "sync", dryRun(base), dryRun(add(base)))
			}
			for _, k := range s.takers() {
				switch k.name {
				case "login":
					if m := members(t, k.send(t, add(k.right))); m["userId"] != s.ada.ID || m["scope"] != "read write" {
						t.Errorf("login: %v", m)
					}
				case "user context":
					same(t, k.name, k.send(t, k.right).Text, k.send(t, add(k.right)).Text)
				case "patch":
					if m := members(t, k.send(t, add(map[string]any{}))); m["isLocked"] != false || m["id"] != s.ada.ID || m["email"] != "ada@example.org" || m["roles"] != nil {
						t.Errorf("patch: %v", m)
					}
				case "edit":
					if m := members(t, k.send(t, add(map[string]any{}))); m[name] != nil && m["edi_id"] != s.vera.EDIID {
						t.Errorf("edit: %v", m)
					}
				}
			}
			same(t, "stored", before, s.stored())
		})
	}
}

// H11. A partner may not make anybody one of usher's own people, and other roles
// that it names open nothing here.
func TestAPartnerGivesNoPowerOverUsher(t *testing.T) {
	s := newScene(t, harness.Options{})
	before := s.stored()
	for _, role := range []string{"operator", "staff"} {
		body := newcomer("mallory")
		body["roles"] = []any{"reader", role}
		for _, ask := range []harness.Ask{
			s.system(http.MethodPut, "/api/users/", body),
			s.system(http.MethodPatch, "/api/users/"+s.ada.ID, map[string]any{"roles": body["roles"]}),
		} {
			if a := harness.Send(t, ask); a.Status != http.StatusBadRequest {
				t.Errorf("%s %s: %d %s", ask.Method, role, a.Status, a.Text)
			}
		}
		if a := harness.Send(t, s.system(http.MethodPut, "/api/users:batch", body)); !strings.Contains(a.Text, `"statusCode":400`) {
			t.Errorf("a line of a batch, %s: %s", role, a.Text)
		}
	}
	if after := s.stored(); after != before {
		t.Errorf("was %s\n is %s", before, after)
	}
	body := newcomer("mallory")
	body["roles"] = []any{"Operator", "SYSADMIN", "admin", "system", "__system", "Vetted"}
	harness.Send(t, s.system(http.MethodPut, "/api/users/", body)).JSON(t, http.StatusOK, &struct{}{})
	var in struct{ AccessToken string }
	harness.Send(t, s.login("mallory")).JSON(t, http.StatusOK, &in)
	for _, base := range []string{s.Public, s.Internal} {
		a := harness.Send(t, harness.Ask{Method: http.MethodGet, URL: base + "/api/users", Header: http.Header{"Authorization": {"Bearer " + in.AccessToken}}})
		if a.Status != http.StatusForbidden {
			t.Errorf("%d %s", a.Status, a.Text)
		}
	}
}
