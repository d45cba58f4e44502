package edge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// H8. The Host a request names opens the door of that name, and goes into no
// answer; an absolute target counts as the Host, whatever the header says.
func TestHostOpensADoorAndNothingElse(t *testing.T) {
	s := harness.Start(t, harness.Options{Env: []string{"USHER_DOORS_EDI_HOST=edi.usher.test", "USHER_DOORS_PARTNER_HOST=partner.usher.test"}})
	ping, list := "/auth/v1/ping", "/api/users"
	for _, c := range []struct {
		target, heads string
		status        int
	}{
		{ping, "Host: edi.usher.test", 200},
		{ping, "Host: EDI.Usher.Test.:8080", 200},
		{list, "Host: partner.usher.test", 401},
		{ping, "Host: partner.usher.test", 404},
		{list, "Host: edi.usher.test", 303}, // to under /auth, as that service does
		{ping, "Host: evil.test", 404},
		{list, "Host: evil.test", 404},
		{ping, "Host: edi.usher.test.evil.test", 404},
		{ping, "Host: edi.usher.test@evil.test", 400},
		{ping, "Host: evil.test\r\nX-Forwarded-Host: edi.usher.test", 404},
		{ping, "Host: evil.test\r\nForwarded: host=edi.usher.test", 404},
		{ping, "Host: evil.test\r\nX-Host: edi.usher.test\r\nX-Original-Host: edi.usher.test", 404},
		{"http://edi.usher.test" + ping, "Host: evil.test", 200},
		{"http://evil.test" + ping, "Host: edi.usher.test", 404},
		{"http://partner.usher.test" + ping, "Host: edi.usher.test", 404},
		{"http://edi.usher.test" + ping, "Host: partner.usher.test", 200},
		{"//edi.usher.test" + ping, "Host: partner.usher.test", 404},
		{"http://user:pw@edi.usher.test" + ping, "Host: evil.test", 200},
		{ping, "Host: ", 404},
		{ping, "Host: edi.usher.test\r\nHost: evil.test", 400},
		{ping, "X-Foo: no host", 400},
	} {
		got := once(t, hostOf(s.Public), fmt.Sprintf("GET %s HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n", c.target, c.heads))
		if got.status != c.status {
			t.Errorf("%s, %q: %d %s, want %d", c.target, c.heads, got.status, got.body, c.status)
		}
		if strings.Contains(got.header.Get("Location"), "//") {
			t.Errorf("%s, %q: sent to %s", c.target, c.heads, got.header.Get("Location"))
		}
	}
}

// H8. Where hosts are configured, nobody is answered under another name but who
// asks whether usher is well; the internal listener answers at any.
func TestOnlyConfiguredHostsAreAnswered(t *testing.T) {
	s := harness.Start(t, harness.Options{Env: []string{
		"USHER_HOSTS=id.usher.test", "USHER_PUBLIC_URL=https://public.usher.test", "USHER_DOORS_EDI_HOST=edi.usher.test",
	}})
	for _, c := range []struct {
		base, target, host string
		status             int
	}{
		{s.Public, "/api/users", "id.usher.test", 401},
		{s.Public, "/api/users", "ID.usher.test.:443", 401},
		{s.Public, "/api/users", "public.usher.test", 401},
		{s.Public, "/auth/v1/ping", "edi.usher.test", 200},
		{s.Public, "/api/users", "evil.test", 421},
		{s.Public, "/api/users", "127.0.0.1", 421},
		{s.Public, "/", "", 421},
		{s.Public, "/health/live", "10.0.0.7:8080", 200},
	} {
		got := once(t, hostOf(c.base), fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", c.target, c.host))
		if got.status != c.status {
			t.Errorf("%s at %q: %d %s, want %d", c.target, c.host, got.status, got.body, c.status)
		}
	}
}

// Given a page whose own name was made to point at this machine, when its
// browser asks the internal listener, then nobody is answered as the system;
// with a secret, which no page knows, any name will do.
func TestInternalListenerUnderAForeignName(t *testing.T) {
	open := harness.Start(t, harness.Options{Env: []string{"USHER_PUBLIC_URL=https://id.usher.test", "USHER_DOORS_EDI_HOST=edi.usher.test"}})
	const secret = "0123456789abcdef0123456789abcdef"
	guarded := harness.Start(t, harness.Options{Env: []string{"USHER_DOORS_PARTNER_INTERNAL_SECRET=" + secret}})
	for _, c := range []struct {
		at     *harness.Server
		host   string
		status int
	}{
		{open, "127.0.0.1:8081", 200},
		{open, "[::1]:8081", 200},
		{open, "localhost", 200},
		{open, "LOCALHOST.:8081", 200},
		{open, "usher.localhost", 200},
		{open, "10.1.2.3", 200},
		{open, "id.usher.test", 200},
		{open, "edi.usher.test:8081", 200},
		{open, "usher.test", 421},
		{open, "usher:8081", 200},
		{open, "evil.test:8081", 421},
		{open, "127.0.0.1.evil.test", 421},
		{open, "localhost.evil.test", 421},
		{open, "evil.localhost.test", 421},
		{guarded, "usher.internal", 200},
	} {
		got := once(t, hostOf(c.at.Internal), fmt.Sprintf(
			"GET /api/users HTTP/1.1\r\nHost: %s\r\nX-User-Ctx: %s\r\nX-Usher-Internal-Secret: %s\r\nConnection: close\r\n\r\n",
			c.host, harness.System, secret))
		if got.status != c.status {
			t.Errorf("%q: %d %s, want %d", c.host, got.status, got.body, c.status)
		}
	}
}

// H6, H8. No answer is made of what a request says of its host or scheme.
func TestAnswersAreNotMadeOfTheRequestsHost(t *testing.T) {
	s := newScene(t, harness.Options{Env: []string{"USHER_PUBLIC_URL=https://id.usher.test"}})
	poison := "X-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Prefix: /evil.test\r\nForwarded: host=evil.test;proto=gopher\r\nX-Original-URL: /evil.test\r\nX-Rewrite-URL: /evil.test\r\n"
	login := `{"type":"password","clientId":"client-app-id","clientSecret":"client-app-secret","withPassword":{"emailOrUsername":"ada","password":"` + password + `"}}`
	routes := append(s.routes(), route{"POST", "/api/auth/login", "", login}, route{"GET", "/auth", "", ""}, route{"GET", "/api//users", "", ""}, route{"GET", "//evil.test/..", "", ""})
	for _, r := range routes {
		sent := strings.Replace(r.bytes(poison), "Host: usher", "Host: evil.test", 1)
		sent = strings.Replace(sent, " /", " http://evil.test/", 1)
		got := once(t, hostOf(s.Public), sent)
		whole := fmt.Sprint(got.header) + strings.ReplaceAll(got.body, "//evil.test/..", "")
		if got.status >= 500 || strings.Contains(whole, "evil") || strings.Contains(whole, "gopher") {
			t.Errorf("%s %s: %d %s", r.method, r.path, got.status, clip(whole))
		}
	}
}

// H6. Nobody is believed about where a request came from, unless configured.
func TestForwardedForIsNotBelieved(t *testing.T) {
	s := newScene(t, harness.Options{})
	for _, lines := range []string{
		"X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 127.0.0.1, 203.0.113.7", "X-Real-Ip: 203.0.113.7", "Forwarded: for=203.0.113.7",
		"True-Client-Ip: 203.0.113.7", "Cf-Connecting-Ip: 203.0.113.7", "X_Forwarded_For: 203.0.113.7",
	} {
		id := newID()
		once(t, hostOf(s.Public), route{method: "GET", path: "/api/users"}.bytes("X-Request-Id: "+id+"\r\n"+lines+"\r\n"))
		s.awaitHandled(id)
	}
	if strings.Contains(s.Said(), "203.0.113") || !strings.Contains(s.Said(), "network=127.0.0.1/32") {
		t.Errorf("the log has another network:\n%s", s.Said())
	}
}

// A path in another spelling is nobody's: neither a redirect nor a way around
// what guards the right one.
func TestUncleanPathsAreUnknown(t *testing.T) {
	s := newScene(t, harness.Options{})
	for target, says := range map[string]string{
		"/api//users": `{"statusCode":404`, "//api/users": `{"statusCode":404`, "/api/./users": `{"statusCode":404`, "/api/users//": `{"statusCode":404`,
		"/x/../api/users": `{"statusCode":404`, "/api/auth//login": `{"statusCode":404`, "/api/users/..//users:batch": `{"statusCode":404`,
		"/auth//v1/ping": "", "/auth/v1/../v1/ping": "", "//auth/v1/ping": "", "/auth/v1/profile/../ping": "",
		"//dev/inbox": "nothing at this address", "/dev/./inbox": "nothing at this address", "/./": "nothing at this address", "/internal//auth/user-context": "",
		"/api%2fusers": "", "/api/%2e%2e/api/users": "", "/API/users": "", "/api/users;x": "", "/api\\users": "",
	} {
		for _, base := range []string{s.Public, s.Internal} {
			for _, method := range []string{http.MethodGet, http.MethodPut} {
				got := once(t, hostOf(base), route{method: method, path: target}.bytes("X-User-Ctx: "+harness.System+"\r\n"))
				if got.status != http.StatusNotFound || (base == s.Public && !strings.Contains(got.body, says)) {
					t.Errorf("%s %s: %d %s %s", method, target, got.status, got.header.Get("Location"), got.body)
				}
			}
		}
	}
}
