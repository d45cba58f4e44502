package edi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

const (
	collection = "/auth/v1/profile"
	unknownID  = "EDI-00000000000000000000000000000000"
	sentence   = "Unauthorized: Authentication token is missing or invalid"
)

// exchange is one request with the answer that the contract has for it.
type exchange struct {
	name    string
	method  string
	target  string
	as      string
	body    string
	headers []string
	status  int
	want    string // the whole body
}

func run(t *testing.T, world func() *world, list []exchange) {
	t.Helper()
	for _, x := range list {
		t.Run(x.name, func(t *testing.T) {
			headers := x.headers
			if x.as != "" {
				headers = append([]string{as(x.as)}, headers...)
			}
			got := call(world().handler(t), x.method, x.target, x.body, headers...)
			if got.Code != x.status || got.Body.String() != x.want {
				t.Errorf("got  %d %s\nwant %d %s", got.Code, got.Body, x.status, x.want)
			}
		})
	}
}

func unauthorized(method string) string {
	return fmt.Sprintf(`{"msg":"%s","method":"%s"}`, sentence, method)
}

func says(method, msg string) string { return fmt.Sprintf(`{"msg":"%s","method":"%s"}`, msg, method) }

func saysAbout(method, msg, id string) string {
	return fmt.Sprintf(`{"msg":"%s","edi_id":"%s","method":"%s"}`, msg, id, method)
}

func TestCreate(t *testing.T) {
	const (
		method  = "createProfile"
		good    = `{"idp_uid":"uid=u,o=EDI,dc=edirepository,dc=org"}`
		vetting = "Access denied: Must be in the Vetted system group to create a profile"
		missing = "Bad request: Missing field in JSON in request body: 'idp_uid'"
		noText  = "Bad request: Field in JSON in request body must be a string: 'idp_uid'"
		bytes   = "Bad request: Field in JSON in request body has a character that cannot be stored: 'idp_uid'"
	)
	created := saysAbout(method, "A new profile was created", skelID)
	post := func(name, as, body string, status int, want string, headers ...string) exchange {
		return exchange{name, "POST", collection, as, body, headers, status, want}
	}
	run(t, newWorld, []exchange{
		post("no cookie", "", good, 401, unauthorized(method)),
		post("a cookie nobody issued", "forged", good, 401, unauthorized(method)),
		post("not vetted", "bob", good, 403, says(method, vetting)),
		post("not vetted, with a body nobody can read", "bob", "{oops", 403, says(method, vetting)),
		post("not vetted, asking for HTML", "bob", good, 403, says(method, vetting), "Accept: text/html"),
		post("new", "alice", good, 200, created),
		post("form type, as curl sends it", "alice", good, 200, created, "Content-Type: application/x-www-form-urlencoded"),
		post("byte order mark", "alice", "\ufeff"+good, 200, created),
		post("unknown members", "alice", `{"idp_uid":"x","roles":["admin"],"n":NaN,"i":[-Infinity, Infinity]}`, 200, created),
		post("the last of two", "alice", `{"idp_uid":7,"idp_uid":"x"}`, 200, created),
		post("names are exact", "alice", `{"IDP_UID":"x"}`, 400, says(method, missing)),
		post("empty text", "alice", `{"idp_uid":""}`, 200, created),
		post("spaces", "alice", `{"idp_uid":"  "}`, 200, created),
		post("256 characters", "alice", `{"idp_uid":"`+strings.Repeat("é", 256)+`"}`, 200, created),
		post("no body", "alice", "", 400, says(method, "Bad request: Invalid JSON in request body: Expecting value: line 1 column 1 (char 0)")),
		post("a stray comma", "alice", `{"idp_uid":"x",}`, 400, says(method, "Bad request: Invalid JSON in request body: Expecting value: line 1 column 16 (char 15)")),
		post("not UTF-8", "alice", "{\"idp_uid\":\"\xff\"}", 400, says(method, "Bad request: Invalid JSON in request body: not UTF-8")),
		post("missing", "alice", "{}", 400, says(method, missing)),
		post("an array", "alice", "[]", 400, says(method, "Bad request: Invalid JSON in request body: Expecting an object")),
		post("a number", "alice", "NaN", 400, says(method, "Bad request: Invalid JSON in request body: Expecting an object")),
		post("null", "alice", "null", 400, says(method, "Bad request: Invalid JSON in request body: Expecting an object")),
		post("null idp_uid", "alice", `{"idp_uid":null}`, 400, says(method, noText)),
		post("NaN idp_uid", "alice", `{"idp_uid":NaN}`, 400, says(method, noText)),
		post("number idp_uid", "alice", `{"idp_uid":7}`, 400, says(method, noText)),
		post("object idp_uid", "alice", `{"idp_uid":{}}`, 400, says(method, noText)),
		post("NUL", "alice", `{"idp_uid":"a\u0000"}`, 400, says(method, bytes)),
		post("half a character", "alice", `{"idp_uid":"\ud83d"}`, 400, says(method, "Bad request: Invalid JSON in request body: not UTF-8")),
		post("NaN in a text", "alice", `{"a":"\"NaN","idp_uid":NaN,"idp_uid":"Infinity"}`, 200, created),
		post("two halves", "alice", `{"idp_uid":"\ud83d\ude00"}`, 200, created),
		post("an escaped backslash is no half", "alice", `{"idp_uid":"\\ud83d"}`, 200, created),
		post("257 characters", "alice", `{"idp_uid":"`+strings.Repeat("x", 257)+`"}`, 400,
			says(method, "Bad request: Field in JSON in request body is longer than 256 characters: 'idp_uid'")),
		post("a body without end", "alice", `{"idp_uid":"`+strings.Repeat("x", 1<<20)+`"}`, 413, says(method, "Bad request: The request body is too large")),
	})
}

func TestCreateIsIdempotent(t *testing.T) {
	h := newWorld().handler(t)
	const body = `{"idp_uid":"https://orcid.org/0000-0002-1825-0097"}`
	call(h, "POST", collection, body, as("alice"))
	got := call(h, "POST", collection, body, as("alice"))
	if want := saysAbout("createProfile", "An existing profile was used", skelID); got.Body.String() != want {
		t.Errorf("got %s, want %s", got.Body, want)
	}
	if got := call(h, "POST", collection, strings.Replace(body, "https", "HTTPS", 1), as("alice")); !strings.Contains(got.Body.String(), "An existing profile") {
		t.Errorf("another spelling of the same identity: %s", got.Body)
	}
}

func TestCreateSaysWhoAsked(t *testing.T) {
	w := newWorld()
	call(w.handler(t), "POST", collection, `{"idp_uid":"x"}`, as("alice"))
	if len(w.asked) != 1 || w.asked[0].By != aliceID || w.asked[0].Door != user.DoorEDI {
		t.Errorf("asked %+v", w.asked)
	}
}

func TestOperatorsNeedNoVetting(t *testing.T) {
	w := newWorld()
	w.members = map[user.ID]string{"bob": "role/operator"}
	if got := call(w.handler(t), "POST", collection, `{"idp_uid":"x"}`, as("bob")); got.Code != 200 {
		t.Errorf("operator: %d %s", got.Code, got.Body)
	}
	w.members = map[user.ID]string{"bob": "group/Vetted"}
	if got := call(w.handler(t), "POST", collection, `{"idp_uid":"x"}`, as("bob")); got.Code != 403 {
		t.Errorf("an ordinary group named Vetted: %d %s", got.Code, got.Body)
	}
}

func TestRead(t *testing.T) {
	const method = "readProfile"
	get := func(name, as, id string, status int, want string) exchange {
		return exchange{name, "GET", collection + "/" + id, as, "", nil, status, want}
	}
	public := func(id, name string) string {
		return fmt.Sprintf(`{"msg":"Profile retrieved successfully","edi_id":"%s","common_name":%s,"method":"readProfile"}`, id, name)
	}
	gone := func(id string) string { return saysAbout(method, "Not found: Profile does not exist", id) }
	run(t, newWorld, []exchange{
		get("no cookie", "", aliceID, 401, unauthorized(method)),
		get("no cookie, unknown id", "", unknownID, 401, unauthorized(method)),
		get("own", "alice", aliceID, 200, `{"msg":"Profile retrieved successfully","edi_id":"`+aliceID+`","common_name":"Alice Example",`+
			`"email":"alice@example.org","avatar_url":"https://auth.example.org/auth/ui/api/avatar/gen/AE","email_notifications":false,`+
			`"privacy_policy_accepted":false,"privacy_policy_accepted_date":null,"method":"readProfile"}`),
		get("another's", "bob", aliceID, 200, public(aliceID, `"Alice Example"`)),
		get("a skeleton", "bob", skelID, 200, public(skelID, "null")),
		get("unknown", "alice", unknownID, 404, gone(unknownID)),
		get("malformed", "alice", "nonsense", 404, gone("nonsense")),
		get("another case", "alice", strings.ToUpper(bobID), 404, gone(strings.ToUpper(bobID))),
		get("with a slash", "alice", "EDI%2F1", 404, gone("EDI/1")),
		get("NUL", "alice", "EDI%00", 404, gone(`EDI\u0000`)),
		get("not UTF-8", "alice", "EDI%ff", 404, gone(`EDI\ufffd`)),
		get("very long", "alice", strings.Repeat("x", 300), 404, gone(strings.Repeat("x", 300))),
	})
}

func TestReadOwnerFields(t *testing.T) {
	set := func(p user.Profile, a user.Attr, v *string) { p[a] = user.Shown{Value: v} }
	for _, c := range []struct {
		name  string
		given func(user.Profile)
		field string
		want  any
	}{
		{"contact e-mail before sign-in e-mail", func(p user.Profile) { set(p, user.ContactEmail, user.Text("c@example.org")) }, "email", "c@example.org"},
		{"a cleared contact e-mail stays cleared", func(p user.Profile) { set(p, user.ContactEmail, nil) }, "email", nil},
		{"an empty contact e-mail is kept", func(p user.Profile) { set(p, user.ContactEmail, user.Text("")) }, "email", ""},
		{"own picture", func(p user.Profile) { set(p, user.Picture, user.Text("https://img.example.org/a")) }, "avatar_url", "https://img.example.org/a"},
		{"three words", func(p user.Profile) { set(p, user.Name, user.Text("ana b. cole")) }, "avatar_url", gen + "ABC"},
		{"five words", func(p user.Profile) { set(p, user.Name, user.Text("a b c d e")) }, "avatar_url", gen + "ABE"},
		{"no name", func(p user.Profile) { set(p, user.Name, nil) }, "avatar_url", gen + "%3F"},
		{"a name of spaces", func(p user.Profile) { set(p, user.Name, user.Text("  ")) }, "avatar_url", gen + "%3F"},
		{"other letters", func(p user.Profile) { set(p, user.Name, user.Text("åke 李")) }, "avatar_url", gen + "%C3%85%E6%9D%8E"},
		{"notifications", func(p user.Profile) { set(p, user.Notifications, user.Text("true")) }, "email_notifications", true},
		{"policy", func(p user.Profile) { set(p, user.PrivacyPolicy, user.Text("true")) }, "privacy_policy_accepted", true},
		{"policy date", func(p user.Profile) { set(p, user.PrivacyPolicyT, user.Text("2026-11-22T05:22:46.853436+01:00")) }, "privacy_policy_accepted_date", "2026-11-22T04:22:46.853436"},
		{"policy date of the original", func(p user.Profile) { set(p, user.PrivacyPolicyT, user.Text("2026-11-22T04:22:46.853436")) }, "privacy_policy_accepted_date", "2026-11-22T04:22:46.853436"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			c.given(w.people[aliceID].Profile)
			got := call(w.handler(t), "GET", collection+"/"+aliceID, "", as("alice"))
			var body map[string]any
			if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if v, sent := body[c.field]; !sent || v != c.want {
				t.Errorf("%s = %v, want %v", c.field, v, c.want)
			}
		})
	}
}

const gen = "https://auth.example.org/auth/ui/api/avatar/gen/"

func TestAMergedIDStillHasItsOwner(t *testing.T) {
	w := newWorld()
	w.people["EDI-old"] = w.people[aliceID]
	got := call(w.handler(t), "GET", collection+"/EDI-old", "", as("alice"))
	if !strings.Contains(got.Body.String(), `"edi_id":"EDI-old"`) || !strings.Contains(got.Body.String(), `"email"`) {
		t.Errorf("got %s", got.Body)
	}
}

func TestUpdate(t *testing.T) {
	const method = "updateProfile"
	put := func(name, as, id, body string, status int, want string) exchange {
		return exchange{name, "PUT", collection + "/" + id, as, body, nil, status, want}
	}
	done := func(echo string) string {
		return `{"msg":"Profile updated successfully","edi_id":"` + aliceID + `",` + echo + `"method":"updateProfile"}`
	}
	bad := func(why string) string { return says(method, "Bad request: "+why) }
	const denied = "Access denied: You do not have permission to update this profile"
	run(t, newWorld, []exchange{
		put("no cookie", "", aliceID, `{"common_name":"x"}`, 401, unauthorized(method)),
		put("no cookie, unreadable", "", aliceID, `{oops`, 401, unauthorized(method)),
		put("name", "alice", aliceID, `{"common_name":"Ålice <李>"}`, 200, done(`"common_name":"Ålice <李>",`)),
		put("both, in one order", "alice", aliceID, `{"email":"a@example.org","common_name":null}`, 200, done(`"common_name":null,"email":"a@example.org",`)),
		put("empty e-mail", "alice", aliceID, `{"email":""}`, 200, done(`"email":"",`)),
		put("neither", "alice", aliceID, `{}`, 200, done("")),
		put("read-only members only", "alice", aliceID, `{"edi_id":"EDI-1","privacy_policy_accepted":true}`, 200, done("")),
		put("another's", "bob", aliceID, `{"common_name":"x"}`, 403, saysAbout(method, denied, aliceID)),
		put("another's, with nothing to change", "bob", aliceID, `{}`, 403, saysAbout(method, denied, aliceID)),
		put("unknown", "alice", unknownID, `{"common_name":"x"}`, 404, saysAbout(method, "Not found: Profile does not exist", unknownID)),
		put("unknown, unreadable", "alice", unknownID, `{oops`, 400, bad("Invalid JSON in request body: Expecting value: line 1 column 2 (char 1)")),
		put("unknown, wrong type", "alice", unknownID, `{"common_name":1}`, 400, bad("Field in JSON in request body must be a string: 'common_name'")),
		put("64 characters", "alice", aliceID, `{"common_name":"`+strings.Repeat("é", 64)+`"}`, 200, done(`"common_name":"`+strings.Repeat("é", 64)+`",`)),
		put("65 characters", "alice", aliceID, `{"common_name":"`+strings.Repeat("n", 65)+`"}`, 400, bad("Field in JSON in request body is longer than 64 characters: 'common_name'")),
		put("129 characters of e-mail", "alice", aliceID, `{"email":"`+strings.Repeat("n", 129)+`"}`, 400, bad("Field in JSON in request body is longer than 128 characters: 'email'")),
		put("no e-mail address", "alice", aliceID, `{"email":"nobody"}`, 400, bad("Field in JSON in request body is not an e-mail address: 'email'")),
		put("an object", "alice", aliceID, `{"common_name":{"a":1}}`, 400, bad("Field in JSON in request body must be a string: 'common_name'")),
		put("a boolean", "alice", aliceID, `{"email":true}`, 400, bad("Field in JSON in request body must be a string: 'email'")),
		put("NUL", "alice", aliceID, `{"common_name":"a\u0000b"}`, 400, bad("Field in JSON in request body has a character that cannot be stored: 'common_name'")),
		put("an array", "alice", aliceID, `["common_name"]`, 400, bad("Invalid JSON in request body: Expecting an object")),
	})
}

func TestUpdateChangesOnlyWhatWasSent(t *testing.T) {
	w := newWorld()
	h := w.handler(t)
	call(h, "PUT", collection+"/"+aliceID, `{"common_name":"A"}`, as("alice"))
	call(h, "PUT", collection+"/"+aliceID, `{"email":null}`, as("alice"))
	call(h, "PUT", collection+"/"+aliceID, `{}`, as("alice"))
	call(h, "PUT", collection+"/"+aliceID, `{"common_name":"B","email":7}`, as("alice"))
	call(h, "PUT", collection+"/"+bobID, `{"common_name":"C"}`, as("alice"))
	if len(w.edits) != 2 {
		t.Fatalf("%d edits: %v", len(w.edits), w.edits)
	}
	first, second := w.edits[0], w.edits[1]
	if len(first) != 1 || *first[user.Name] != "A" {
		t.Errorf("first edit %v", first)
	}
	if v, named := second[user.ContactEmail]; len(second) != 1 || !named || v != nil {
		t.Errorf("second edit %v", second)
	}
}

func TestStrictReferenceRefusesNothingToUpdate(t *testing.T) {
	w := newWorld()
	w.strict = true
	got := call(w.handler(t), "PUT", collection+"/"+bobID, `{"other":1}`, as("alice"))
	want := says("updateProfile", "Bad request: Must provide common_name and/or email to update profile")
	if got.Code != 400 || got.Body.String() != want {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
}

func TestDelete(t *testing.T) {
	const method = "deleteProfile"
	del := func(name, as, id, body string, status int, want string) exchange {
		return exchange{name, "DELETE", collection + "/" + id, as, body, nil, status, want}
	}
	run(t, newWorld, []exchange{
		del("no cookie", "", aliceID, "", 401, unauthorized(method)),
		del("another's", "alice", bobID, "", 403, saysAbout(method, "Access denied: Only the owner can delete this profile", bobID)),
		del("unknown", "alice", unknownID, "", 404, saysAbout(method, "Not found: Profile does not exist", unknownID)),
		del("own, whatever the body", "bob", bobID, "{oops", 200,
			saysAbout(method, "Profile deleted successfully. Please sign in and create a new token if you wish to continue using the API", bobID)),
	})
}

func TestDeleteReachesOnlyTheOwner(t *testing.T) {
	w := newWorld()
	w.members["alice"] = "role/operator"
	h := w.handler(t)
	call(h, "DELETE", collection+"/"+bobID, "", as("alice"))
	call(h, "DELETE", collection+"/"+bobID, "", as("bob"))
	if fmt.Sprint(w.deleted) != "[bob]" {
		t.Errorf("deleted %v", w.deleted)
	}
}

func TestEveryCodeHasAnAnswer(t *testing.T) {
	for _, code := range user.Codes() {
		w := newWorld()
		no := user.Refuse(code, "field")
		no.RetryAfter = 7
		w.refusal = no
		got := call(w.handler(t), "POST", collection, `{"idp_uid":"x"}`, as("alice"))
		var body struct{ Msg, Method string }
		if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || body.Msg == "" || body.Method != "createProfile" {
			t.Errorf("%s: %d %s", code, got.Code, got.Body)
		}
		retryable := code == user.Busy || code == user.Throttled
		if got.Code < 400 || got.Code >= 500 && !retryable {
			t.Errorf("%s: status %d", code, got.Code)
		}
		if retryable && got.Header().Get("Retry-After") != "7" {
			t.Errorf("%s: Retry-After %q", code, got.Header().Get("Retry-After"))
		}
	}
}

func TestAFaultIsNeverTheCallersFault(t *testing.T) {
	for _, fault := range []error{fmt.Errorf("reading: %w", store.ErrUnavailable), errors.New("disk on fire")} {
		for _, x := range []struct{ method, target, body string }{
			{"POST", collection, `{"idp_uid":"x"}`},
			{"GET", collection + "/" + aliceID, ""},
			{"PUT", collection + "/" + aliceID, `{"common_name":"x"}`},
			{"DELETE", collection + "/" + aliceID, ""},
		} {
			w := newWorld()
			w.fault = fault
			got := call(w.handler(t), x.method, x.target, x.body, as("alice"))
			if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" || strings.Contains(got.Body.String(), "fire") {
				t.Errorf("%s at the cookie: %d %s", x.method, got.Code, got.Body)
			}
			w = newWorld()
			w.refusal = fault
			if got := call(w.handler(t), x.method, x.target, x.body, as("alice")); x.method != "GET" && got.Code != http.StatusServiceUnavailable {
				t.Errorf("%s at the operation: %d %s", x.method, got.Code, got.Body)
			}
		}
	}
}
