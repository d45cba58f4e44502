package chaos

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/usher-id/usher/test/replay"
)

// request is one request as bytes will have it.
type request struct {
	internal bool
	method   string
	target   string
	headers  []string // "Name: value"
	body     string
}

func (r request) bytes(host string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", r.method, r.target, host)
	for _, h := range r.headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(r.body), r.body)
	return []byte(b.String())
}

// readable says whether net/http can make a request of the head. Where it
// cannot, it says 400 and hangs up at once; if much of the body is still under
// way by then, the connection is reset and the answer may be lost.
func (r request) readable() bool {
	_, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.bytes("localhost"))))
	if err != nil || r.method == http.MethodConnect {
		return false
	}
	for _, h := range r.headers {
		if strings.HasPrefix(h, "Host:") || strings.ContainsFunc(h, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return false
		}
	}
	return true
}

// dice makes requests. The same seed and vars make the same ones.
type dice struct {
	*rand.Rand
	recorded []replay.Request
	cast     []replay.Vars // what recorded requests refer to, for each role
	vars     replay.Vars   // for the role of the request that is being made
}

func pick[T any](d *dice, of []T) T { return of[d.IntN(len(of))] }

// chance is true once in n.
func (d *dice) chance(n int) bool { return d.IntN(n) == 0 }

var methods = []string{
	"GET", "GET", "POST", "POST", "PUT", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY", "get", "X-1", "CONNECT",
}

// paths are the known ones, and their neighbours. %s is an id.
var paths = []string{
	"/", "/dev/inbox", "/dev/inbox.json?to=%s", "/dev/inbox/%s", "/health/live", "/health/ready", "/metrics", "/assets/usher.css",
	"/api/auth/login", "/auth/login", "/api/users", "/api/users/", "/api/users/%s", "/api/users/%s/lock", "/api/users/%s/unlock",
	"/api/users?cursor=%s", "/api/users:batch", "/api/users/?dryRun=true", "/api/users/?dryRun=%s", "/internal/auth/user-context",
	"/internal/auth/user-context?format=json", "/internal/%s", "/api/v1/users", "/api/my-user", "/graphql", "/v2/user/create",
	"/auth", "/auth/v1/ping", "/auth/v1/profile", "/auth/v1/profile/%s", "/auth/v1/profile?s=%s", "/auth/v1/search?s=%s",
	"/auth/v1/group", "/auth/v1/token/refresh", "/auth/ui/api/avatar/gen/%s", "/.well-known/jwks.json", "/favicon.ico",
}

// words are values that have broken parsers before.
var words = []string{
	"", " ", "0", "-1", "null", "true", "[]", "{}", "NaN", "1e999", "9223372036854775808", "00000000000000000000",
	"__system", "EDI-00000000000000000000000000000000", "user_", "user_0", "user_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
	"%00", "%2e%2e%2f", "..", "../../etc/passwd", "%zz", "%", "%25", "a%2fb", "\\", "'", "\"", "';--", "<script>", "{{7*7}}", "${x}",
	"é", "\u202e", "\ufeff", "\x00", "\xff\xfe", "\U0001F469\u200D\U0001F680", "ﬀ", "İ", strings.Repeat("a", 255), strings.Repeat("x", 5000),
	"a@b", "a@b.c", "@", "a@", "cersei-lannister@gmail.com'", "\"a b\"@example.org", "a@[127.0.0.1]", strings.Repeat("a", 65) + "@example.org",
	"https://orcid.org/0000-0002-1825-0097", "uid=x,o=EDI,dc=edirepository,dc=org", "https://github.com/", "123456789012345678901",
	"$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC", "$2b$31$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC",
	"$argon2id$v=19$m=4294967295,t=99999,p=255$AAAA$AAAA", "pbkdf2_sha256$999999999$a$b", "$1$", "$2b$",
	"application/xml", "text/html;q=0", "bytes=0-", "W/\"x\"", "1969-12-31T23:59:59Z", "../", "a;b=c", "a,b", ";", ",",
}

// word is one of those, one that means something here, or noise.
func (d *dice) word() string {
	switch d.IntN(4) {
	case 0:
		return d.known()
	case 1:
		return d.noise(1 + d.IntN(40))
	default:
		return pick(d, words)
	}
}

func (d *dice) known() string {
	names := []string{"id", "guid", "alice_edi", "bob_edi", "skel", "at", "rt", "alice", "bob", "alice_id", "run"}
	return d.vars[pick(d, names)]
}

func (d *dice) noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return string(b)
}

// request makes the next request.
func (d *dice) request() request {
	maps.Copy(d.vars, pick(d, d.cast))
	var r request
	if d.chance(3) {
		r = d.fromNothing()
	} else {
		r = d.fromRecorded(pick(d, d.recorded))
	}
	r.internal = r.internal != d.chance(8)
	return r
}

func (d *dice) fromNothing() request {
	r := request{internal: d.chance(3), method: pick(d, methods), target: d.target()}
	for range d.IntN(4) {
		r.headers = append(r.headers, d.header())
	}
	switch d.IntN(3) {
	case 0:
		r.body = d.noise(d.IntN(300))
	case 1:
		r.body = d.json(0)
	}
	return r
}

func (d *dice) target() string {
	p := pick(d, paths)
	if strings.Contains(p, "%s") {
		p = fmt.Sprintf(p, d.escaped())
	}
	if d.chance(6) {
		p += pick(d, []string{"/", "//", "/..", "/.", "?", "#", "?a=b;c", "%00", "%2f", "/" + d.escaped(), "?" + d.escaped() + "=" + d.escaped()})
	}
	return p
}

// escaped is a word as it may stand in a request line; a space or a control
// would end it.
func (d *dice) escaped() string {
	w := d.word()
	if d.chance(3) && !strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\ufffd' }) {
		return w
	}
	return url.PathEscape(w)
}

func (d *dice) header() string {
	name := pick(d, []string{
		"Content-Type", "Accept", "Cookie", "Authorization", "x-user-ctx", "X_User_Ctx", "X-User-Ctx", "Origin", "Sec-Fetch-Site", "Host",
		"X-Forwarded-For", "X-Forwarded-Host", "Accept-Language", "Range", "If-None-Match", "If-Modified-Since", "X-HTTP-Method-Override",
		"Content-Encoding", "Usher-Secret", "Referer",
	})
	value := d.word()
	switch {
	case name == "Cookie":
		value = pick(d, []string{"edi-token=", "edi-token=\"", "Edi-Token=", "a=b; edi-token=", "edi-token=x; edi-token="}) + value
	case name == "Authorization":
		value = pick(d, []string{"Bearer ", "bearer ", "Basic ", "JWT ", ""}) + value
	case strings.EqualFold(strings.ReplaceAll(name, "_", "-"), "x-user-ctx"):
		value = d.context()
	case name == "Content-Type":
		value = pick(d, []string{"application/json", "application/x-ndjson", "text/plain", "multipart/form-data", "application/json; charset=utf-16", value})
	case name == "Accept":
		value = pick(d, []string{"application/json", "application/xml", "text/html", "*/*", "image/png", "application/xml;q=0", value})
	}
	return name + ": " + oneLine(value)
}

// oneLine keeps a value from ending its header, which would only make another.
func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }

func (d *dice) context() string {
	c := pick(d, []string{
		`{"id":"__system","user":"__system"}`, `{"id":"__system"}`, `{"id":"` + d.vars["id"] + `"}`, `{"id":1}`, `[]`, `{}`, `"__system"`,
		`{"id":"__system","id":"1"}`, d.json(0),
	})
	switch d.IntN(3) {
	case 0:
		return base64.StdEncoding.EncodeToString([]byte(c))
	case 1:
		return base64.RawURLEncoding.EncodeToString([]byte(c))
	}
	return c
}

// fields are the names that bodies of the open doors know.
var fields = []string{
	"type", "clientId", "clientSecret", "withPassword", "emailOrUsername", "password", "withOAuth", "providerName", "providerToken",
	"withRefreshToken", "refreshToken", "username", "email", "emailVerified", "id", "_guid", "firstName", "lastName", "locale", "roles",
	"phoneNumber", "avatar", "birthday", "gender", "isActive", "passwordHash", "identities", "issuer", "subject", "accessToken",
	"idp_uid", "common_name", "edi_id", "",
}

// json makes a JSON value, mostly well formed.
func (d *dice) json(depth int) string {
	switch k := d.IntN(8); {
	case k <= 2 && depth < 4:
		var members []string
		for range d.IntN(6) {
			name, _ := json.Marshal(pick(d, fields))
			members = append(members, string(name)+":"+d.json(depth+1))
		}
		return "{" + strings.Join(members, ",") + "}"
	case k == 3 && depth < 4:
		var elements []string
		for range d.IntN(4) {
			elements = append(elements, d.json(depth+1))
		}
		return "[" + strings.Join(elements, ",") + "]"
	case k == 4:
		return pick(d, []string{"null", "true", "false", "0", "-0", "1e400", "12345678901234567890", "NaN", "01", strings.Repeat("[", 20000)})
	}
	text, _ := json.Marshal(d.word())
	if d.chance(12) {
		return pick(d, []string{`"\ud800"`, `"\u0000"`, `"` + d.noise(5) + `"`, `"\x"`})
	}
	return string(text)
}

// fromRecorded takes a recorded request and does one to three things to it, or
// leaves it as it was.
func (d *dice) fromRecorded(rec replay.Request) request {
	r := request{internal: rec.Listener == "internal", method: rec.Method, target: d.fill(rec.Path)}
	if r.method == "" {
		r.method = "GET"
	}
	for _, k := range slices.Sorted(maps.Keys(rec.Headers)) {
		r.headers = append(r.headers, k+": "+oneLine(d.fill(rec.Headers[k])))
	}
	for _, k := range slices.Sorted(maps.Keys(rec.Cookies)) {
		r.headers = append(r.headers, "Cookie: "+k+"="+oneLine(d.fill(rec.Cookies[k])))
	}
	switch {
	case rec.JSON != nil:
		r.body = d.fill(string(rec.JSON))
		r.headers = append(r.headers, "Content-Type: application/json")
	case rec.Text != nil:
		r.body = d.fill(*rec.Text)
	}
	for range d.IntN(4) {
		d.mutate(&r)
	}
	return r
}

func (d *dice) fill(s string) string {
	for name, value := range d.vars {
		s = strings.ReplaceAll(s, "{{"+name+"}}", value)
	}
	return s
}

func (d *dice) mutate(r *request) {
	switch d.IntN(9) {
	case 0:
		r.method = pick(d, methods)
	case 1:
		r.target = d.target()
	case 2:
		parts := strings.Split(r.target, "/")
		parts[1+d.IntN(max(1, len(parts)-1))] = d.escaped()
		r.target = strings.Join(parts, "/")
	case 3:
		r.headers = append(r.headers, d.header())
	case 4:
		if len(r.headers) > 0 {
			i := d.IntN(len(r.headers))
			r.headers = append(r.headers[:i:i], r.headers[i+1:]...)
		}
	case 5:
		r.body = d.otherValue(r.body)
	case 6:
		if len(r.body) > 0 {
			r.body = r.body[:d.IntN(len(r.body))]
		}
	case 7:
		if len(r.body) > 0 {
			b := []byte(r.body)
			b[d.IntN(len(b))] ^= byte(1 << d.IntN(8))
			r.body = string(b)
		}
	case 8:
		r.body = d.json(0)
	}
}

// otherValue puts another value at, or beside, one member of an object.
func (d *dice) otherValue(body string) string {
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &m) != nil || m == nil {
		return body
	}
	at := pick(d, fields)
	if len(m) > 0 && !d.chance(3) {
		names := make([]string, 0, len(fields))
		for _, f := range fields { // in a fixed order, unlike m's
			if _, ok := m[f]; ok {
				names = append(names, f)
			}
		}
		if len(names) > 0 {
			at = pick(d, names)
		}
	}
	value := d.json(1)
	if !json.Valid([]byte(value)) {
		return strings.TrimSuffix(strings.TrimSpace(body), "}") + `,"` + at + `":` + value + "}"
	}
	m[at] = json.RawMessage(value)
	text, err := json.Marshal(m)
	if err != nil {
		return body
	}
	return string(text)
}
