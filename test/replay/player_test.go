package replay

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// echo answers with what it was asked, so that a case can look at it.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Add("X-Twice", "first")
	w.Header().Add("X-Twice", "second")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "uri": r.RequestURI, "headers": r.Header, "cookie": r.Header.Get("Cookie"), "body": string(body),
	})
}

func player(t *testing.T, public http.HandlerFunc) *Player {
	t.Helper()
	p, i := httptest.NewServer(public), httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"listener": "internal"}`)
	}))
	t.Cleanup(p.Close)
	t.Cleanup(i.Close)
	return &Player{Public: p.URL, Internal: i.URL, Vars: Vars{"run": "r1"}}
}

func load(t *testing.T, text string) []Case {
	t.Helper()
	cases, err := Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestRequestsGoOutAsTheyAreWritten(t *testing.T) {
	p := player(t, echo)
	Run(t, p, load(t, `
# a comment, and an empty line

{"name": "JSON body, with its type", "request": {"method": "PUT", "path": "/a%2fb/../c?x=1&y=%zz", "json": {"k": "{{run}}"}}, "expect": {"status": 200, "headers": {"content-type": "application/json", "x-twice": "first", "x-none": "<<absent>>"}, "json": {"method": "PUT", "uri": "/a%2fb/../c?x=1&y=%zz", "body": "{\"k\":\"r1\"}", "headers": {"Content-Type": ["application/json"]}}}, "capture": {"first": "$.method", "type": "header:content-type", "cookie": "cookie:seen"}}
{"name": "captured values come back", "request": {"path": "/{{first}}", "headers": {"X-Type": "{{type}}", "X-Cookie": "{{cookie}}"}}, "expect": {"status": [200, 201], "json": {"method": "GET", "uri": "/PUT", "cookie": "", "body": "", "headers": {"X-Type": ["application/json"], "X-Cookie": ["yes"]}}}}
{"name": "form", "request": {"method": "POST", "path": "/", "form": {"a": "1 &", "b": "{{run}}"}}, "expect": {"json": {"body": "a=1+%26&b=r1", "headers": {"Content-Type": ["application/x-www-form-urlencoded"]}}}}
{"name": "text has no type of its own", "request": {"method": "POST", "path": "/", "text": "{oops"}, "expect": {"json": {"body": "{oops", "headers": {"Content-Type": "<<absent>>"}}}}
{"name": "a type that is given stays", "request": {"method": "POST", "path": "/", "json": 1, "headers": {"content-type": "text/plain"}}, "expect": {"json": {"headers": {"Content-Type": ["text/plain"]}}}}
{"name": "cookies, well formed or not", "request": {"path": "/", "cookies": {"b": "", "a": "x y"}}, "expect": {"json": {"cookie": "a=x y; b="}}}
{"name": "the jar on demand, under a case's own cookies", "request": {"path": "/", "jar": true, "cookies": {"own": "1"}}, "expect": {"json": {"cookie": "own=1; seen=yes"}}}
{"name": "the internal listener", "request": {"path": "/", "listener": "internal"}, "expect": {"json": {"listener": "internal", "<<exact>>": true}}}
{"name": "text of the answer", "request": {"path": "/", "listener": "internal"}, "expect": {"text": "<<regex:internal>>", "lacks": ["$.password"]}}
`))
}

// net/http would bring names into its own form on either side, so this looks at
// the bytes.
func TestHeaderNamesAreSentAsSpelled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var head strings.Builder
		for lines := bufio.NewScanner(conn); lines.Scan() && lines.Text() != ""; {
			head.WriteString(lines.Text() + "\n")
		}
		sent <- head.String()
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	}()
	Run(t, &Player{Public: "http://" + l.Addr().String()}, load(t,
		`{"name": "underscores", "request": {"path": "/", "headers": {"x_User-CTX": "1"}}, "expect": {"status": 204}}`))
	if head := <-sent; !strings.Contains(head, "\nx_User-CTX: 1\n") {
		t.Errorf("sent:\n%s", head)
	}
}

// Every kind of expectation must be able to fail.
func TestDifferencesAreFound(t *testing.T) {
	p := player(t, echo)
	p.CLI = func(context.Context, ...string) (Ran, error) {
		return Ran{Code: 1, Stdout: `{"id": "u1"}`, Stderr: "refused"}, nil
	}
	for _, text := range []string{
		`{"name": "status", "request": {"path": "/"}, "expect": {"status": 404}}`,
		`{"name": "status of a list", "request": {"path": "/"}, "expect": {"status": [404, 405]}}`,
		`{"name": "header", "request": {"path": "/"}, "expect": {"headers": {"x-none": "<<any>>"}}}`,
		`{"name": "json", "request": {"path": "/"}, "expect": {"json": {"method": "PUT"}}}`,
		`{"name": "json null", "request": {"path": "/"}, "expect": {"json": null}}`,
		`{"name": "text", "request": {"path": "/"}, "expect": {"text": "GET"}}`,
		`{"name": "lacks", "request": {"path": "/"}, "expect": {"lacks": ["$.method"]}}`,
		`{"name": "capture", "request": {"path": "/"}, "capture": {"x": "$.nothing"}}`,
		`{"name": "not captured", "request": {"path": "/{{nobody}}"}}`,
		`{"name": "no server", "request": {"path": "/", "base": "http://127.0.0.1:1"}}`,
		`{"name": "exit", "cli": ["user", "list"]}`,
		`{"name": "stdout", "cli": ["user", "list"], "expect": {"status": 1, "text": "nothing"}}`,
		`{"name": "inbox", "inbox": {"to": "a"}}`,
		`{"name": "key", "jwt": {"as": "t", "alg": "RS256", "key": "x", "claims": {}}}`,
		`{"name": "algorithm", "jwt": {"as": "t", "alg": "XS1", "claims": {}}}`,
	} {
		for _, c := range load(t, text) {
			if diffs := p.Play(t.Context(), c); len(diffs) == 0 {
				t.Errorf("%s: should differ", c.Name)
			}
		}
	}
}

func TestCommands(t *testing.T) {
	p := player(t, echo)
	var ran []string
	p.CLI = func(_ context.Context, args ...string) (Ran, error) {
		ran = args
		if args[0] == "broken" {
			return Ran{}, errors.New("no such program")
		}
		return Ran{Code: len(args) - 1, Stdout: `{"id": "u1", "list": [1]}` + "\n"}, nil
	}
	Run(t, p, load(t, `
{"name": "exit 0 is expected", "cli": ["user"], "capture": {"id": "$.id", "all": "stdout"}}
{"name": "arguments are filled", "cli": ["user", "{{id}}"], "expect": {"status": "<<number>>", "text": "<<regex:u1>>"}}
`))
	if got := strings.Join(ran, " "); got != "user u1" {
		t.Errorf("ran %q", got)
	}
	if p.Vars["all"] != `{"id": "u1", "list": [1]}` {
		t.Errorf("stdout was captured as %q", p.Vars["all"])
	}
	if diffs := p.Play(t.Context(), Case{CLI: []string{"broken"}}); len(diffs) == 0 {
		t.Error("a program that cannot be run should be a difference")
	}
}

func TestInboxAndRepetition(t *testing.T) {
	asked := 0
	p := player(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path != "/dev/inbox.json" || r.URL.Query().Get("to") != "r1@example.org" {
			http.NotFound(w, r)
			return
		}
		messages := `{"subject": "old", "text": "activate/OLD", "html": null}`
		if asked >= 3 {
			messages += `, {"subject": "new", "text": "go to activate/NEW now", "html": ""}`
		}
		fmt.Fprintf(w, `{"messages": [%s]}`, messages)
	})
	Run(t, p, load(t, `
{"name": "the newest message, once it is there", "inbox": {"to": "{{run}}@example.org", "since": 0}, "find": {"token": "activate/(\\w+)", "subject": "new"}, "count": 2, "repeat_until": 30}
`))
	if asked != 3 || p.Vars["token"] != "NEW" || p.Vars["subject"] != "new" {
		t.Errorf("asked %d times, found %v", asked, p.Vars)
	}
}

func TestTokens(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := player(t, echo)
	p.Vars["pem"] = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}))
	Run(t, p, load(t, `
{"name": "none", "jwt": {"as": "none", "alg": "none", "claims": {"sub": "{{run}}"}}}
{"name": "HS256", "jwt": {"as": "hs", "key": "secret", "header": {"kid": "k"}, "claims": {"iat": "<<now-5>>", "exp": "<<now+5>>", "at": "<<now>>"}}}
{"name": "RS256", "jwt": {"as": "rs", "alg": "RS256", "key": "{{pem}}", "claims": {}}}
`))
	if !strings.HasSuffix(p.Vars["none"], ".") {
		t.Errorf("an unsigned token has a signature: %s", p.Vars["none"])
	}
	part := func(name string, i int) []byte {
		raw, err := base64.RawURLEncoding.DecodeString(strings.Split(p.Vars[name], ".")[i])
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var claims struct{ IAT, EXP, At int64 }
	if err := json.Unmarshal(part("hs", 1), &claims); err != nil || claims.EXP-claims.IAT != 10 || claims.At-claims.IAT != 5 {
		t.Errorf("claims %+v %v", claims, err)
	}
	var header map[string]string
	if err := json.Unmarshal(part("hs", 0), &header); err != nil || header["alg"] != "HS256" || header["kid"] != "k" {
		t.Errorf("header %v %v", header, err)
	}
	signed := p.Vars["rs"][:strings.LastIndex(p.Vars["rs"], ".")]
	sum := sha256.Sum256([]byte(signed))
	if err := rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA256, sum[:], part("rs", 2)); err != nil {
		t.Error(err)
	}
}

func TestLoadRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for _, text := range []string{
		`{"name": "nothing to do"}`,
		`{"name": "two things", "cli": ["a"], "request": {"path": "/"}}`,
		`{"name": "misspelled", "request": {"path": "/"}, "expects": {}}`,
		`{"name": "misspelled inside", "request": {"path": "/"}, "expect": {"statsu": 200}}`,
		`{"name": "cut off"`,
		`{"name": "more", "cli": ["a"]} {}`,
	} {
		if _, err := Load(strings.NewReader(text)); err == nil {
			t.Errorf("%s: should be refused", text)
		}
	}
}

func TestRecorded(t *testing.T) {
	for door, least := range map[string]int{"partner": 35, "edi": 54, "sunbird": 52} {
		cases, err := Recorded(door)
		if err != nil {
			t.Fatal(err)
		}
		if len(cases) < least {
			t.Errorf("%s: %d cases, and there were %d", door, len(cases), least)
		}
	}
	if _, err := Recorded("nobody"); err == nil {
		t.Error("a door without cases should be an error")
	}
}
