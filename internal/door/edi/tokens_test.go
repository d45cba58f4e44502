package edi_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/door/edi"
	"github.com/usher-id/usher/internal/user"
)

func TestRefresh(t *testing.T) {
	const (
		method = "refreshToken"
		target = "/auth/v1/token/refresh"
		fresh  = `{"msg":"PASTA and EDI tokens refreshed successfully","pasta-token":null,"edi-token":"fresh","method":"refreshToken"}`
		dead   = "Attempted to refresh invalid edi-token: Token is missing or invalid"
	)
	post := func(name, body string, status int, want string, headers ...string) exchange {
		return exchange{name, "POST", target, "", body, headers, status, want}
	}
	bad := func(why string) string { return says(method, "Bad request: "+why) }
	run(t, newWorld, []exchange{
		post("without a pasta-token", `{"edi-token":"alice"}`, 200, fresh),
		post("null, as the client sends it", `{"pasta-token":null,"edi-token":"alice"}`, 200, fresh),
		post("with one", `{"pasta-token":"dWlk-c2ln","edi-token":"alice"}`, 200, fresh),
		post("a dead token", `{"edi-token":"forged"}`, 401, says(method, dead)),
		post("empty", `{"edi-token":""}`, 401, says(method, dead)),
		post("none", `{"pasta-token":"x"}`, 400, bad("Missing field in JSON in request body: 'edi-token'")),
		post("null token", `{"edi-token":null}`, 400, bad("Field in JSON in request body must be a string: 'edi-token'")),
		post("number", `{"edi-token":7}`, 400, bad("Field in JSON in request body must be a string: 'edi-token'")),
		post("pasta-token of another type", `{"edi-token":"alice","pasta-token":{}}`, 400, bad("Field in JSON in request body must be a string: 'pasta-token'")),
		post("unreadable", `{oops`, 400, bad("Invalid JSON in request body: Expecting value: line 1 column 2 (char 1)")),
		post("the cookie is not asked", `{}`, 400, bad("Missing field in JSON in request body: 'edi-token'"), as("alice")),
		post("HTML", `{"edi-token":"alice"}`, 400, bad("Unsupported media type in Accept header; application/json and application/xml are served"), "Accept: text/html"),
		post("a foreign page", `{"edi-token":"alice"}`, 403, says(method, "Access denied: Cross-site requests are not accepted"), "Sec-Fetch-Site: cross-site"),
		post("XML", `{"edi-token":"alice"}`, 200, `<?xml version="1.0" encoding="UTF-8"?>
<result>
  <msg>PASTA and EDI tokens refreshed successfully</msg>
  <pasta-token>None</pasta-token>
  <edi-token>fresh</edi-token>
  <method>refreshToken</method>
</result>
`, "Accept: application/xml"),
	})
	w := newWorld()
	w.fault = errors.New("disk on fire")
	if got := call(w.handler(t), "POST", target, `{"edi-token":"alice"}`); got.Code != 503 || strings.Contains(got.Body.String(), "fire") {
		t.Errorf("a fault: %d %s", got.Code, got.Body)
	}
}

func TestDownload(t *testing.T) {
	const target = "/auth/ui/api/token/download"
	got := call(newWorld().handler(t), "GET", target, "", as("alice"))
	h := got.Header()
	if got.Code != 200 || got.Body.String() != "fresh" || h.Get("Content-Type") != "application/octet-stream" || h.Get("Cache-Control") != "no-store" ||
		h.Get("Content-Disposition") != `attachment; filename="token-`+aliceID+`.jwt"` {
		t.Errorf("%d %s %v", got.Code, got.Body, h)
	}
	odd := newWorld()
	live := odd.tokens["alice"]
	live.Session.Subject = "EDI-\"\r\nä/"
	odd.tokens["alice"] = live
	if got := call(odd.handler(t), "GET", target, "", as("alice")).Header().Get("Content-Disposition"); got != `attachment; filename="token-EDI-_____.jwt"` {
		t.Errorf("an odd id: %q", got)
	}
	for _, headers := range [][]string{nil, {as("forged")}, {"Authorization: Bearer alice"}} {
		w := newWorld()
		if got := call(w.handler(t), "GET", target, "", headers...); got.Code != 401 || got.Body.String() != unauthorized("downloadToken") || w.minted > 0 {
			t.Errorf("%v: %d %s", headers, got.Code, got.Body)
		}
	}
	w := newWorld()
	w.fault = errors.New("disk on fire")
	if got := call(w.handler(t), "GET", target, "", as("alice")); got.Code != 503 {
		t.Errorf("a fault: %d %s", got.Code, got.Body)
	}
}

func TestTokenByKey(t *testing.T) {
	const (
		method = "getToken"
		target = "/auth/v1/token/"
		key    = "0123456789abcdef0123456789abcdef"
		good   = `{"key":"` + key + `"}`
	)
	keyed := func() *world { w := newWorld(); w.key = key; return w }
	post := func(name, id, body string, status int, want string) exchange {
		return exchange{name, "POST", target + id, "", body, nil, status, want}
	}
	denied, unknown := "Access denied: Invalid request", "Not found: Invalid request"
	run(t, keyed, []exchange{
		post("the key", bobID, good, 200, `{"msg":"Token created successfully","edi_id":"`+bobID+`","edi-token":"minted for bob","method":"getToken"}`),
		post("another", bobID, `{"key":"`+strings.ToUpper(key)+`"}`, 403, saysAbout(method, denied, bobID)),
		post("another, for nobody", unknownID, `{"key":"x"}`, 403, saysAbout(method, denied, unknownID)),
		post("empty", bobID, `{"key":""}`, 403, saysAbout(method, denied, bobID)),
		post("nobody", unknownID, good, 404, saysAbout(method, unknown, unknownID)),
		post("NUL", "EDI%00", good, 404, saysAbout(method, unknown, `EDI\u0000`)),
		post("no key", bobID, `{}`, 400, says(method, "Bad request: Invalid request")),
		post("null", bobID, `{"key":null}`, 400, says(method, "Bad request: Invalid request")),
		post("number", bobID, `{"key":7}`, 400, says(method, "Bad request: Invalid request")),
		post("unreadable", bobID, `{oops`, 400, says(method, "Bad request: Invalid request")),
	})
	// Where no key is set none is right, the empty one included.
	for _, body := range []string{good, `{"key":""}`} {
		w := newWorld()
		if got := call(w.handler(t), "POST", target+bobID, body); got.Code != 403 || w.minted > 0 {
			t.Errorf("without a key set: %d %s", got.Code, got.Body)
		}
	}
	// What keeps somebody from signing in keeps them from a token.
	w := keyed()
	w.refusal = user.Refuse(user.UserLocked, "user")
	if got := call(w.handler(t), "POST", target+bobID, good); got.Code != 403 {
		t.Errorf("locked: %d %s", got.Code, got.Body)
	}
	for _, o := range []edi.Options{{PublicURL: "https://a.example", TokenKey: key}, {PublicURL: "https://a.example", TokenKey: "short"}} {
		if _, err := edi.New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestSearchAsksForWhatIsWanted(t *testing.T) {
	const method = "searchPrincipals"
	invalid := func(why string) string {
		return `{"msg":"Bad request: Invalid URL: ` + why + `","method":"searchPrincipals"}`
	}
	const (
		alice = `{"edi_id":"` + aliceID + `","common_name":"Alice Example","email":"alice@example.org","avatar_url":"` + gen + `AE"}`
		some  = `{"msg":"Profiles and/or groups searched successfully","profiles":[` + alice + `],"groups":[],"method":"searchPrincipals"}`
		none  = `{"msg":"Profiles and/or groups searched successfully","profiles":[],"groups":[],"method":"searchPrincipals"}`
	)
	long := strings.Repeat("x", 257)
	var list []exchange
	for _, path := range []string{"/auth/v1/search", collection} {
		get := func(name, as, query string, status int, want string, headers ...string) {
			list = append(list, exchange{path + " " + name, "GET", path + query, as, "", headers, status, want})
		}
		get("no cookie", "", "?s=ali", 401, unauthorized(method))
		get("no cookie, no search", "", "", 401, unauthorized(method))
		get("anybody signed in", "bob", "?s=ali", 200, some)
		get("profiles only", "bob", "?s=ali&groups=false", 200, some)
		get("groups only", "bob", "?s=ali&profiles=NO", 200, none)
		get("neither", "bob", "?s=ali&profiles=0&groups=no", 400, invalid("Must include profiles and/or groups"))
		get("nothing", "bob", "", 400, invalid("Missing query parameter: s (search string)"))
		get("too short", "bob", "?s=al", 400, invalid("Search string must be at least 3 characters"))
		get("only spaces", "bob", "?s=++++", 400, invalid("Search string must be at least 3 characters"))
		get("too long", "bob", "?s="+long, 400, invalid("Search string must be at most 256 characters"))
		get("no boolean", "bob", "?s=ali&profiles=INVALID", 400,
			invalid(`Invalid boolean value: \"INVALID\". Expected one of: true, false, yes, no, 1, 0 (case insensitive).`))
		get("three other letters", "bob", "?s=%E6%9D%8E%E6%9D%8E%E6%9D%8E", 200, some)
		get("HTML", "bob", "?s=ali", 400, says(method, "Bad request: Unsupported media type in Accept header; application/json and application/xml are served"), "Accept: text/html")
		get("XML", "bob", "?s=ali", 200, `<?xml version="1.0" encoding="UTF-8"?>
<result>
  <msg>Profiles and/or groups searched successfully</msg>
  <profiles>
    <profile>
      <edi_id>`+aliceID+`</edi_id>
      <common_name>Alice Example</common_name>
      <email>alice@example.org</email>
      <avatar_url>`+gen+`AE</avatar_url>
    </profile>
  </profiles>
  <groups>
  </groups>
  <method>searchPrincipals</method>
</result>
`, "Accept: text/xml")
	}
	run(t, newWorld, list)

	w := newWorld()
	call(w.handler(t), "GET", "/auth/v1/search?s=one&s=two", "", as("bob"))
	if len(w.searched) != 2 || w.searched[0] != "two" || w.searched[1] != "two 4" {
		t.Errorf("asked for %q", w.searched)
	}
	w = newWorld()
	w.strict = true
	if got := call(w.handler(t), "GET", "/auth/v1/search?s=a", "", as("bob")); got.Code != 200 {
		t.Errorf("as the code of 2025-12: %d %s", got.Code, got.Body)
	}
	w = newWorld()
	w.refusal = errors.New("disk on fire")
	if got := call(w.handler(t), "GET", "/auth/v1/search?s=ali", "", as("bob")); got.Code != 503 || !json.Valid(got.Body.Bytes()) {
		t.Errorf("a fault: %d %s", got.Code, got.Body)
	}
}
