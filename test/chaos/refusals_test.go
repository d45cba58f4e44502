package chaos

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// refusal is one bad input and the answer that its contract documents.
type refusal struct {
	name   string
	ask    harness.Ask
	status int
	says   string // part of the answer's text
}

// scene is a server with the users that bad inputs are about.
type scene struct {
	*harness.Server
	t *testing.T

	ada, bess, gone record // of the partner; gone was deleted
	bearer          string // ada's access token; she has no role

	vera, bob ediUser // vera is vetted
}

type record struct {
	ID   string
	Guid string `json:"_guid"` //nolint:staticcheck // the wire's own name
}

type ediUser struct {
	Token string
	EDIID string `json:"edi_id"`
}

func (e ediUser) cookie() string { return "edi-token=" + e.Token }

func newScene(t *testing.T, store harness.Store) *scene {
	t.Helper()
	s := &scene{Server: harness.Start(t, store.Empty(t)), t: t}
	for name, r := range map[string]*record{"ada": &s.ada, "bess": &s.bess, "gone": &s.gone} {
		harness.Send(t, s.system(http.MethodPut, "/api/users/", map[string]any{
			"email": name + "@example.org", "username": name, "emailVerified": true, "password": "lanterns-over-the-weir",
		})).JSON(t, http.StatusOK, r)
	}
	if a := harness.Send(t, s.system(http.MethodDelete, "/api/users/"+s.gone.ID, nil)); a.Status != http.StatusOK {
		t.Fatalf("delete: %d %s", a.Status, a.Text)
	}
	var in struct{ AccessToken string }
	harness.Send(t, s.login(map[string]any{"withPassword": map[string]any{
		"emailOrUsername": "ada", "password": "lanterns-over-the-weir",
	}})).JSON(t, http.StatusOK, &in)
	s.bearer = "Bearer " + in.AccessToken
	for name, u := range map[string]*ediUser{"vera": &s.vera, "bob": &s.bob} {
		s.CLI("user", "create", "--email", name+"@example.org", "--name", name, "--verified")
		harness.Read(t, s.CLI("token", "mint", "--door", "edi", "--user", name+"@example.org", "--json"), u)
	}
	s.CLI("group", "add", "Vetted", "vera@example.org")
	return s
}

// stored is everything of the users that an operator can list or look at.
func (s *scene) stored() string {
	s.t.Helper()
	parts := []string{s.CLI("user", "list", "--limit", "1000", "--json"), s.CLI("group", "list", "--json")}
	for _, ref := range []string{s.ada.ID, s.bess.ID, s.gone.ID, s.vera.EDIID, s.bob.EDIID} {
		parts = append(parts, s.CLI("user", "show", ref, "--json"))
	}
	return strings.Join(parts, "\n")
}

func (s *scene) system(method, path string, body any) harness.Ask {
	return harness.Ask{
		Method: method, URL: s.Internal + path, Body: body, Header: http.Header{"X-User-Ctx": {harness.System}},
	}
}

// login fills in what a right login has, unless the body says otherwise.
func (s *scene) login(body map[string]any) harness.Ask {
	full := map[string]any{"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret"}
	for k, v := range body {
		full[k] = v
		if v == nil {
			delete(full, k)
		}
	}
	return harness.Ask{Method: http.MethodPost, URL: s.Public + "/api/auth/login", Body: full}
}

// put is a sync of a new user with one thing wrong.
func (s *scene) put(body map[string]any) harness.Ask {
	full := map[string]any{
		"email": "new@example.org", "username": "newcomer", "emailVerified": true, "password": "lanterns-over-the-weir",
	}
	for k, v := range body {
		full[k] = v
	}
	return s.system(http.MethodPut, "/api/users/", full)
}

func (s *scene) edi(method, path, cookie string, body any) harness.Ask {
	return harness.Ask{Method: method, URL: s.Public + path, Cookie: cookie, Body: body}
}

func with(a harness.Ask, header, value string) harness.Ask {
	h := http.Header{}
	for k, v := range a.Header {
		h[k] = v
	}
	h[header] = []string{value}
	a.Header = h
	return a
}

// Given a server with users, when an input that a contract calls bad is sent,
// then the answer is the documented one and nothing is stored.
func TestBadInputs(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := newScene(t, store)
		before := s.stored()
		for _, group := range [][]refusal{s.badLogins(), s.badCallers(), s.badSyncs(), s.badRecords(), s.badProfiles(), s.badEdits()} {
			for _, r := range group {
				t.Run(r.name, func(t *testing.T) {
					a := harness.Send(t, r.ask)
					if a.Status != r.status || !strings.Contains(a.Text, r.says) {
						t.Errorf("status %d, wanted %d with %q: %s", a.Status, r.status, r.says, a.Text)
					}
				})
			}
			if after := s.stored(); after != before {
				t.Fatalf("after %q … %q something was stored:\n%s", group[0].name, group[len(group)-1].name, firstDifference(before, after))
			}
		}
	})
}

func firstDifference(a, b string) string {
	was, is := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return fmt.Sprintf("was %s\n is %s", was[i], is[i])
		}
	}
	return fmt.Sprintf("%d lines, were %d", len(is), len(was))
}

func (s *scene) badLogins() []refusal {
	right := map[string]any{"emailOrUsername": "ada", "password": "lanterns-over-the-weir"}
	login := func(name string, status int, says string, body map[string]any) refusal {
		return refusal{"login: " + name, s.login(body), status, says}
	}
	raw := func(name, body string) refusal {
		a := s.login(nil)
		a.Body = body
		return refusal{"login: " + name, with(a, "Content-Type", "application/json"), http.StatusBadRequest, `"statusCode":400`}
	}
	return []refusal{
		raw("not JSON", "{oops"), raw("nothing", ""), raw("a list", "[]"), raw("null", "null"),
		login("unknown type", 400, "Unsupported login type", map[string]any{"type": "telepathy"}),
		login("type of another kind", 400, "", map[string]any{"type": 1}),
		login("no type", 400, "", map[string]any{"type": nil, "withPassword": right}),
		login("no withPassword", 400, "", nil),
		login("withPassword is text", 400, "", map[string]any{"withPassword": "ada"}),
		login("password is a number", 400, "", map[string]any{"withPassword": map[string]any{"emailOrUsername": "ada", "password": 1}}),
		login("no password", 400, "", map[string]any{"withPassword": map[string]any{"emailOrUsername": "ada"}}),
		login("client id is a number", 400, "", map[string]any{"clientId": 1, "withPassword": right}),
		login("no client id", 400, "", map[string]any{"clientId": nil, "withPassword": right}),
		login("unknown client", 401, "Invalid client", map[string]any{"clientId": "nobody", "withPassword": right}),
		login("wrong secret", 401, "Invalid client", map[string]any{"clientSecret": "wrong", "withPassword": right}),
		login("no secret where there is one", 401, "Invalid client", map[string]any{"clientSecret": nil, "withPassword": right}),
		login("unknown user", 401, "User not found", map[string]any{"withPassword": map[string]any{"emailOrUsername": "nobody", "password": "x"}}),
		login("wrong password", 401, "User not found", map[string]any{"withPassword": map[string]any{"emailOrUsername": "ada", "password": "x"}}),
		login("deleted user", 401, "User not found", map[string]any{"withPassword": map[string]any{"emailOrUsername": "gone", "password": "lanterns-over-the-weir"}}),
		login("refresh without a token", 400, "", map[string]any{"type": "refresh-token"}),
		login("refresh with nobody's token", 401, "", map[string]any{"type": "refresh-token", "withRefreshToken": map[string]any{"refreshToken": strings.Repeat("0", 40)}}),
	}
}

func (s *scene) badCallers() []refusal {
	body := map[string]any{"email": "new@example.org", "emailVerified": true, "password": "lanterns-over-the-weir"}
	public := harness.Ask{Method: http.MethodPut, URL: s.Public + "/api/users/", Body: body}
	internal := harness.Ask{Method: http.MethodPut, URL: s.Internal + "/api/users/", Body: body}
	list := []refusal{
		{"caller: nobody, in public", public, 401, `"statusCode":401`},
		{"caller: nobody, inside", internal, 401, `"statusCode":401`},
		{"caller: a bearer without the role", with(public, "Authorization", s.bearer), 403, `"statusCode":403`},
		{"caller: a bearer nobody has", with(public, "Authorization", "Bearer "+strings.Repeat("0", 40)), 401, `"statusCode":401`},
		{"caller: an edi-token", with(public, "Authorization", "Bearer "+s.vera.Token), 401, `"statusCode":401`},
		{"caller: internal path in public", harness.Ask{
			Method: http.MethodPost, URL: s.Public + "/internal/auth/user-context?format=json", Body: map[string]any{"accessToken": "x"},
		}, 404, ""},
		{"caller: context of a dead token", harness.Ask{
			Method: http.MethodPost, URL: s.Internal + "/internal/auth/user-context", Body: map[string]any{"accessToken": strings.Repeat("0", 40)},
		}, 401, ""},
		{"caller: context of no token", harness.Ask{
			Method: http.MethodPost, URL: s.Internal + "/internal/auth/user-context", Body: map[string]any{},
		}, 400, ""},
	}
	for _, name := range []string{"x-user-ctx", "X-User-Ctx", "X-USER-CTX", "X_User_Ctx", "x_user-ctx", "X-User_Ctx"} {
		list = append(list, refusal{"caller: the context in public as " + name, with(public, name, harness.System), 401, ""})
	}
	for _, value := range []string{
		"%%%", "", "{}", "[]", `"__system"`, `{"id":"1"}`, `{"id":1}`, `{"id":"__system","user":"1"}`, `{"id":`, "e30=", "bm90IGpzb24=",
	} {
		list = append(list, refusal{"caller: a context that is " + value, with(internal, "X-User-Ctx", value), 401, ""})
	}
	return list
}

func (s *scene) badSyncs() []refusal {
	put := func(name string, status int, body map[string]any) refusal {
		return refusal{"sync: " + name, s.put(body), status, fmt.Sprintf(`"statusCode":%d`, status)}
	}
	raw := func(name, body string) refusal {
		a := s.put(nil)
		a.Body = body
		return refusal{"sync: " + name, with(a, "Content-Type", "application/json"), 400, `"statusCode":400`}
	}
	list := []refusal{
		raw("not JSON", `{"email": "new@example.org"`), raw("nothing", ""), raw("a list", "[]"), raw("null", "null"), raw("text", `"x"`),
		raw("deep", strings.Repeat(`{"a":`, 5000)),
		put("the stray quote is not stripped", 400, map[string]any{"email": "cersei-lannister@gmail.com'"}),
		put("no domain", 400, map[string]any{"email": "cersei@"}),
		put("no local part", 400, map[string]any{"email": "@example.org"}),
		put("empty e-mail", 400, map[string]any{"email": ""}),
		put("two addresses", 400, map[string]any{"email": "a@example.org,b@example.org"}),
		put("a line break in the e-mail", 400, map[string]any{"email": "a@example.org\r\nBcc: b@example.org"}),
		put("weak password", 400, map[string]any{"password": "password"}),
		put("short password", 400, map[string]any{"password": "x1!"}),
		put("unknown hash", 400, map[string]any{"password": nil, "passwordHash": "whatever"}),
		put("a hash beyond all cost", 400, map[string]any{"password": nil, "passwordHash": "$2b$31$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"}),
		put("hash and password", 400, map[string]any{"passwordHash": "$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"}),
		put("a username that is another's address", 400, map[string]any{"username": "bess@example.org"}),
		put("a username with a control", 400, map[string]any{"username": "a\u0000b"}),
		put("an identity without an issuer", 400, map[string]any{"identities": []any{map[string]any{"subject": "x"}}}),
		put("an id that names nobody", 404, map[string]any{"id": "755243458806280480"}),
		put("a _guid that names nobody", 404, map[string]any{"_guid": "user_3DqfWw6ZJoZf5waKSckJLMOtVu"}),
		put("e-mail and username of two users", 409, map[string]any{"email": "ada@example.org", "username": "bess"}),
		put("a deleted user", 409, map[string]any{"email": "gone@example.org", "username": "gone"}),
	}
	types := map[string][]any{
		"email": {1, true, []any{}, map[string]any{}, nil}, "username": {1, true, []any{"a"}}, "password": {1, []any{}},
		"passwordHash": {1}, "emailVerified": {"true", 1, []any{}}, "isActive": {"yes", 0}, "roles": {"sysadmin", map[string]any{}, []any{1}},
		"firstName": {1, []any{}}, "lastName": {true}, "locale": {1}, "phoneNumber": {49}, "avatar": {map[string]any{}}, "birthday": {1},
		"gender": {0}, "id": {1, []any{}}, "_guid": {1}, "identities": {"x", map[string]any{}, []any{"x"}, []any{map[string]any{"issuer": 1, "subject": "x"}}},
	}
	for _, field := range slices.Sorted(maps.Keys(types)) {
		for _, v := range types[field] {
			list = append(list, put(fmt.Sprintf("%s is %v (%T)", field, v, v), 400, map[string]any{field: v}))
		}
	}
	return list
}

func (s *scene) badRecords() []refusal {
	var list []refusal
	for _, id := range []string{"755243458806280480", "user_3DqfWw6ZJoZf5waKSckJLMOtVu", "nobody", "-1", "99999999999999999999", "user_", "%00", "%27%20or%201=1"} {
		for _, x := range []struct {
			method, path string
			body         any
		}{
			{http.MethodGet, "", nil},
			{http.MethodPatch, "", map[string]any{"firstName": "X"}},
			{http.MethodDelete, "", nil},
			{http.MethodPost, "/lock", nil},
			{http.MethodPost, "/unlock", nil},
		} {
			list = append(list, refusal{
				"record: " + x.method + " " + id + x.path, s.system(x.method, "/api/users/"+id+x.path, x.body), 404, "",
			})
		}
	}
	list = append(list,
		refusal{"record: PATCH with a wrong type", s.system(http.MethodPatch, "/api/users/"+s.ada.ID, map[string]any{"firstName": 1}), 400, ""},
		refusal{"record: PATCH with a bad e-mail", s.system(http.MethodPatch, "/api/users/"+s.ada.ID, map[string]any{"email": "x"}), 400, ""},
		refusal{"record: PATCH to another's username", s.system(http.MethodPatch, "/api/users/"+s.ada.ID, map[string]any{"username": "bess"}), 409, ""},
		refusal{"record: PATCH to another's e-mail", s.system(http.MethodPatch, "/api/users/"+s.ada.ID, map[string]any{"email": "bess@example.org"}), 409, ""},
		refusal{"record: POST on the collection", s.system(http.MethodPost, "/api/users", map[string]any{"email": "new@example.org"}), 405, ""},
		refusal{"record: a cursor that is none", s.system(http.MethodGet, "/api/users?cursor=%25%25", nil), 400, ""},
	)
	return list
}

const missing = "EDI-00000000000000000000000000000000"

func (s *scene) badProfiles() []refusal {
	const unauthorized = "Unauthorized: Authentication token is missing or invalid"
	skeleton := map[string]any{"idp_uid": "uid=newcomer,o=EDI,dc=edirepository,dc=org"}
	create := func(name string, status int, says, cookie string, body any) refusal {
		return refusal{"create: " + name, s.edi(http.MethodPost, "/auth/v1/profile", cookie, body), status, says}
	}
	bad := func(name string, body any) refusal {
		return create(name, 400, "Bad request: ", s.vera.cookie(), body)
	}
	uid := func(name string, v any) refusal { return bad("idp_uid is "+name, map[string]any{"idp_uid": v}) }
	tampered := s.vera.Token[:len(s.vera.Token)-4] + "AAAA"
	if tampered == s.vera.Token {
		tampered = s.vera.Token[:len(s.vera.Token)-4] + "BBBB"
	}
	right := create("", 0, "", s.vera.cookie(), skeleton).ask
	return []refusal{
		create("no cookie", 401, unauthorized, "", skeleton),
		create("empty cookie", 401, unauthorized, "edi-token=", skeleton),
		create("garbage", 401, unauthorized, "edi-token=a.b.c", skeleton),
		create("another signature", 401, unauthorized, "edi-token="+tampered, skeleton),
		create("no signature", 401, unauthorized, "edi-token="+s.vera.Token[:strings.LastIndex(s.vera.Token, ".")+1], skeleton),
		create("another case of the name", 401, unauthorized, "Edi-Token="+s.vera.Token, skeleton),
		create("two tokens", 401, unauthorized, s.vera.cookie()+"; "+s.vera.cookie(), skeleton),
		{"create: two cookie headers", func() harness.Ask {
			a := s.edi(http.MethodPost, "/auth/v1/profile", "", skeleton)
			a.Header = http.Header{"Cookie": {s.vera.cookie(), s.bob.cookie()}}
			return a
		}(), 401, unauthorized},
		create("token in the body", 401, unauthorized, "", map[string]any{"idp_uid": "x", "edi-token": s.vera.Token}),
		{"create: bearer header", with(s.edi(http.MethodPost, "/auth/v1/profile", "", skeleton), "Authorization", "Bearer "+s.vera.Token), 401, unauthorized},
		{"create: edi-token header", with(s.edi(http.MethodPost, "/auth/v1/profile", "", skeleton), "edi-token", s.vera.Token), 401, unauthorized},
		{"create: token in the query", s.edi(http.MethodPost, "/auth/v1/profile?edi-token="+s.vera.Token, "", skeleton), 401, unauthorized},
		{"create: partner's token", with(s.edi(http.MethodPost, "/auth/v1/profile", "", skeleton), "Authorization", s.bearer), 401, unauthorized},
		create("not vetted", 403, "Access denied: Must be in the Vetted system group to create a profile", s.bob.cookie(), skeleton),
		create("not vetted, bad body", 403, "Access denied: ", s.bob.cookie(), "{oops"),
		{"create: foreign origin", with(right, "Origin", "https://evil.example"), 403, ""},
		{"create: cross-site", with(right, "Sec-Fetch-Site", "cross-site"), 403, ""},
		{"create: media type nobody serves", with(right, "Accept", "image/png"), 400, "Bad request: "},
		bad("nothing", ""), bad("not JSON", "{oops"), bad("comma at the end", `{"idp_uid": "x",}`), bad("not UTF-8", "{\"idp_uid\": \"\xff\"}"),
		bad("a list", "[]"), bad("text", `"x"`), bad("a number", "1"), bad("null", "null"), bad("deep", strings.Repeat("[", 20000)),
		create("no idp_uid", 400, "Bad request: Missing field in JSON in request body: 'idp_uid'", s.vera.cookie(), map[string]any{}),
		uid("null", nil), uid("a number", 1), uid("a list", []any{"x"}), uid("an object", map[string]any{}), uid("true", true),
		uid("257 characters", strings.Repeat("x", 257)), uid("with a NUL", "a\u0000b"),
		{"create: PATCH", s.edi(http.MethodPatch, "/auth/v1/profile", s.vera.cookie(), skeleton), 405, "Method Not Allowed"},
		{"create: PUT", s.edi(http.MethodPut, "/auth/v1/profile", s.vera.cookie(), skeleton), 405, "Method Not Allowed"},
		{"create: OPTIONS", s.edi(http.MethodOptions, "/auth/v1/profile", s.vera.cookie(), nil), 405, ""},
		{"create: unknown path", s.edi(http.MethodPost, "/auth/v1/profiles", s.vera.cookie(), skeleton), 404, "Not Found"},
		{"read: no cookie", s.edi(http.MethodGet, "/auth/v1/profile/"+s.vera.EDIID, "", nil), 401, unauthorized},
		{"read: unknown", s.edi(http.MethodGet, "/auth/v1/profile/"+missing, s.vera.cookie(), nil), 404, "Not found: Profile does not exist"},
		{"read: malformed", s.edi(http.MethodGet, "/auth/v1/profile/nonsense", s.vera.cookie(), nil), 404, "Not found: Profile does not exist"},
		{"read: in capitals", s.edi(http.MethodGet, "/auth/v1/profile/"+strings.ToUpper(s.vera.EDIID), s.vera.cookie(), nil), 404, "Not found: "},
		{"read: NUL", s.edi(http.MethodGet, "/auth/v1/profile/%00", s.vera.cookie(), nil), 404, ""},
		{"read: HEAD", s.edi(http.MethodHead, "/auth/v1/profile/"+s.vera.EDIID, s.vera.cookie(), nil), 405, ""},
	}
}

func (s *scene) badEdits() []refusal {
	own, other := "/auth/v1/profile/"+s.bob.EDIID, "/auth/v1/profile/"+s.vera.EDIID
	put := func(name string, status int, says, path string, body any) refusal {
		return refusal{"update: " + name, s.edi(http.MethodPut, path, s.bob.cookie(), body), status, says}
	}
	right := map[string]any{"common_name": "Mallory"}
	list := []refusal{
		{"update: no cookie", s.edi(http.MethodPut, own, "", right), 401, "Unauthorized: "},
		put("not JSON", 400, "Bad request: ", own, "{oops"),
		put("a list", 400, "Bad request: ", own, "[]"),
		put("65 characters", 400, "Bad request: ", own, map[string]any{"common_name": strings.Repeat("n", 65)}),
		put("129 characters", 400, "Bad request: ", own, map[string]any{"email": strings.Repeat("e", 117) + "@example.org"}),
		put("no address", 400, "Bad request: ", own, map[string]any{"email": "nobody"}),
		put("the right with the wrong", 400, "Bad request: ", own, map[string]any{"common_name": "Bobby", "email": 1}),
		put("bad JSON of another's", 400, "Bad request: ", other, "{oops"),
		put("unknown", 404, "Not found: Profile does not exist", "/auth/v1/profile/"+missing, right),
		put("another's", 403, "Access denied: You do not have permission to update this profile", other, right),
		{"update: foreign origin", with(s.edi(http.MethodPut, own, s.bob.cookie(), right), "Origin", "https://evil.example"), 403, ""},
		{"delete: no cookie", s.edi(http.MethodDelete, own, "", nil), 401, "Unauthorized: "},
		{"delete: unknown", s.edi(http.MethodDelete, "/auth/v1/profile/"+missing, s.bob.cookie(), nil), 404, "Not found: Profile does not exist"},
		{"delete: another's", s.edi(http.MethodDelete, other, s.bob.cookie(), nil), 403, "Access denied: Only the owner can delete this profile"},
		{"delete: cross-site", with(s.edi(http.MethodDelete, own, s.bob.cookie(), nil), "Sec-Fetch-Site", "cross-site"), 403, ""},
	}
	for _, field := range []string{"common_name", "email"} {
		for _, v := range []any{1, true, []any{"a"}, map[string]any{"a": 1}, "a\u0000b"} {
			list = append(list, put(fmt.Sprintf("%s is %v (%T)", field, v, v), 400, "Bad request: ", own, map[string]any{field: v}))
		}
	}
	return list
}
