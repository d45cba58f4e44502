package gqlauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// most is how long a refusal may be: it must not repeat what was sent.
const most = 1 << 10

// abuse is a request that must be refused.
type abuse struct {
	method, query string // a GET has what is asked in its query string
	kind, body    string
	status        int
	says          string
}

func posted(body, says string) abuse {
	return abuse{method: http.MethodPost, kind: "application/json", body: body, status: http.StatusBadRequest, says: says}
}

func asked(query, says string) abuse { return posted(document(query), says) }

func document(query string) string {
	text, err := json.Marshal(map[string]any{"query": query})
	if err != nil {
		panic(err) // of a string
	}
	return string(text)
}

// try is a field that signs in, were it run.
const try = `tokenAuth(email: "ann@example.org", password: "` + good + `") { token refreshToken }`

// many repeats a text, with the number of each time in place of its %d.
func many(n int, text string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, text+" ", i)
	}
	return b.String()
}

// chain is n fragments, each of which spreads the next one twice.
func chain(n int, last string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "fragment F%d on Mutation { ...F%[2]d ...F%[2]d } ", i, i+1)
	}
	return b.String() + fmt.Sprintf("fragment F%d on Mutation { %s }", n, last)
}

// abuses are requests that look cheap to send and dear to answer. Most would
// sign somebody in if they were run.
func abuses() map[string]abuse {
	mutation := "mutation { " + try + " }"
	deep := func(n int) string { return strings.Repeat("node { ", n) + "id" + strings.Repeat(" }", n) }
	tooMany, tooDeep := "one field that signs in", "nested deeper than"
	all := map[string]abuse{
		"two logins under aliases":              asked("mutation { a: "+try+" b: "+try+" }", tooMany),
		"a login in a fragment beside one":      asked("mutation { "+try+" ...f } fragment f on Mutation { a: "+try+" }", tooMany),
		"a login in an inline fragment":         asked("mutation { "+try+" ... on Mutation { a: "+try+" } }", tooMany),
		"logins that a directive leaves out":    asked("mutation { a: "+try+" b: "+strings.Replace(try, " {", " @include(if: false) {", 1)+" }", tooMany),
		"one fragment of logins, spread twice":  asked("mutation { ...f ...f } fragment f on Mutation { "+try+" }", tooMany),
		"a login beside a mailed token":         asked(`mutation { `+try+` verifyAccount(token: "x") { success } }`, tooMany),
		"four passwords of one's own":           asked("mutation { "+many(4, `a%d: archiveAccount(password: "x") { success }`)+"}", "three fields that confirm"),
		"four mails":                            asked("mutation { "+many(4, `a%d: sendPasswordResetEmail(email: "a%[1]d@example.org") { success }`)+"}", "three fields that register or send"),
		"31 aliases":                            asked("mutation { "+try+" "+many(31, `a%d: __typename`)+"}", "30 aliases"),
		"1,000 logins under aliases":            asked("mutation { "+many(1000, `a%d: tokenAuth(email:"ann@example.org",password:"x"){token}`)+"}", "more than 2000 tokens"),
		"a mutation 200 levels deep":            asked(`mutation { tokenAuth(email: "ann@example.org", password: "`+good+`") { user { `+deep(200)+" } } }", tooDeep),
		"a query 200 levels deep":               asked("{ users { edges { "+deep(200)+" } } }", tooDeep),
		"200 inline fragments in one another":   asked("{ "+strings.Repeat("... { ", 200)+"me { email }"+strings.Repeat(" }", 200)+" }", "nested deeper than"),
		"depth in fragments":                    asked("mutation { ...f } fragment f on Mutation { tokenAuth(email: \"ann@example.org\", password: \""+good+"\") { user { ...g } } } fragment g on UserNode { "+deep(20)+" }", tooDeep),
		"introspection without an end":          asked("{ __schema { types { "+strings.Repeat("fields { type { ", 40)+"name"+strings.Repeat(" } }", 40)+" } } }", tooDeep),
		"a list 5,000 levels deep":              asked("{ user(id: "+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+") { email } }", "more than 2000 tokens"),
		"brackets without an end":               asked(strings.Repeat("{", 20_000), "more than 2000 tokens"),
		"variables 10,000 levels deep":          posted(`{"query":"{me{email}}","variables":{"a":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+`}}`, "invalid JSON"),
		"a fragment in itself":                  asked("mutation { ...f } fragment f on Mutation { "+try+" ...f }", "within itself"),
		"two fragments in each other":           asked("mutation { "+try+" ...f } fragment f on Mutation { ...g } fragment g on Mutation { ...f }", "within itself"),
		"a cycle that nobody spreads":           asked(mutation+" fragment f on Mutation { ...g } fragment g on Mutation { ...f }", "within itself"),
		"a million fields from 21 fragments":    asked("mutation { "+try+" ...F0 } "+chain(20, "__typename"), "more than 1000"),
		"a million logins from 21 fragments":    asked("mutation { ...F0 } "+chain(20, try), tooMany),
		"1,000 directives on one field":         asked("mutation { "+strings.Replace(try, " {", " "+strings.Repeat("@include(if: true) ", 1000)+"{", 1)+" }", "more than 2000 tokens"),
		"a directive on each of 40 fields":      asked("{ "+strings.Repeat("me @include(if: true) { email } ", 40)+"}", "more than 30 directives"),
		"31 directives that are unknown":        asked("mutation { "+strings.Replace(try, " {", " "+many(31, "@d%d")+"{", 1)+" }", "more than 30 directives"),
		"a batch":                               posted("["+document(mutation)+","+document(mutation)+"]", "not a valid JSON query"),
		"a batch of one":                        posted("["+document(mutation)+"]", "not a valid JSON query"),
		"an empty batch":                        posted("[]", "not a valid JSON query"),
		"operations without a choice":           asked("mutation a { "+try+" } mutation b { "+try+" }", "Must provide operation name"),
		"a login and a field that is not there": asked("mutation { "+try+" noSuchField { success } }", "Cannot query field"),
		"a login and a variable without value":  asked("mutation($p: String!) { "+try+" archiveAccount(password: $p) { success } }", "was not provided"),
		"1 MB of query":                         asked(mutation+" #"+strings.Repeat("x", 1<<20), "65536 bytes"),
		"1 MB of fields":                        asked("{ "+strings.Repeat("me { email } ", 1<<20/13)+"}", "65536 bytes"),
		"64 KiB and a byte":                     posted(document(mutation)+strings.Repeat(" ", 64<<10+1-len(document(mutation))), "65536 bytes"),
		"a body that is no JSON":                posted("{"+document(mutation), "invalid JSON"),
		"64 kB of short fields":                 asked("{ me { "+strings.Repeat("pk ", 20_000)+"} }", "more than 2000 tokens"),
	}
	for name, kind := range map[string]string{
		"1 MB as application/graphql": "application/graphql", "1 MB as a form": "application/x-www-form-urlencoded", "1 MB as multipart": "multipart/form-data; boundary=b",
	} {
		body := mutation + " #" + strings.Repeat("x", 1<<20)
		switch kind {
		case "application/x-www-form-urlencoded":
			body = url.Values{"query": {body}}.Encode()
		case "multipart/form-data; boundary=b":
			body = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n" + body + "\r\n--b--\r\n"
		}
		all[name] = abuse{method: http.MethodPost, kind: kind, body: body, status: http.StatusBadRequest, says: "65536 bytes"}
	}
	byGet := func(values url.Values) abuse {
		return abuse{method: http.MethodGet, query: "?" + values.Encode(), status: http.StatusMethodNotAllowed, says: "Can only perform a mutation operation from a POST request."}
	}
	all["a mutation by GET"] = byGet(url.Values{"query": {mutation}})
	all["a mutation by GET, named among queries"] = byGet(url.Values{"query": {"query a { me { email } } mutation b { " + try + " }"}, "operationName": {"b"}})
	hidden := byGet(url.Values{"query": {mutation}})
	hidden.kind, hidden.body = "application/json", document("{ me { email } }")
	all["a mutation by GET, with a query as its body"] = hidden
	return all
}

// Given a user, when requests come that are made to cost much, each is refused
// with one clear message before any password is hashed, anybody is signed in or
// anything is written. The one that asks for a little is answered.
func TestAbuseIsRefusedCheaply(t *testing.T) {
	inTown(t, func(w town) {
		w.join("ann@example.org", "ann", good)
		for _, path := range []string{"/graphql", "/graphql/"} {
			for name, a := range abuses() {
				w.refuses(path+": "+name, path, a)
			}
		}
		before, tries := w.hashes(), w.metric("usher_sign_ins_total")
		var got map[string]outcome
		w.ask("", "mutation { "+try+" }", &got)
		if got["tokenAuth"].Token == "" || w.hashes() != before+1 || w.metric("usher_sign_ins_total") != tries+1 {
			w.Errorf("afterwards a sign-in gives %+v, with %d hashes", got, w.hashes()-before)
		}
		if n := w.metric("usher_panics_total"); n != 0 {
			w.Errorf("%v panics", n)
		}
	})
}

func (w town) refuses(what, path string, a abuse) {
	w.Helper()
	hashed, tried := w.hashes(), w.metric("usher_sign_ins_total")
	mails := len(w.letters(""))
	h := http.Header{}
	if a.kind != "" {
		h.Set("Content-Type", a.kind)
	}
	var body any
	if a.body != "" {
		body = a.body
	}
	got := harness.Send(w, harness.Ask{Method: a.method, URL: w.Public + path + a.query, Header: h, Body: body})
	var said struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	harness.Read(w, got.Text, &said)
	switch {
	case got.Status != a.status:
		w.Errorf("%s: %d %.300s", what, got.Status, got.Text)
	case said.Data != nil || len(said.Errors) == 0 || said.Errors[0].Message == "" || !strings.Contains(got.Text, a.says):
		w.Errorf("%s: says %.300s, wanted %q", what, got.Text, a.says)
	case len(got.Text) > most:
		w.Errorf("%s: answered with %d bytes: %.300s", what, len(got.Text), got.Text)
	case strings.Contains(got.Text, good):
		w.Errorf("%s: the answer repeats the password", what)
	case got.Header.Get("Set-Cookie") != "":
		w.Errorf("%s: sets a cookie", what)
	}
	if n := w.hashes() - hashed; n != 0 {
		w.Errorf("%s: %d passwords were hashed", what, n)
	}
	if n := w.metric("usher_sign_ins_total") - tried; n != 0 {
		w.Errorf("%s: %v sign-ins were tried", what, n)
	}
	if n := len(w.letters("")) - mails; n != 0 {
		w.Errorf("%s: %d mails were sent", what, n)
	}
}

// Given a filter that is longer than any name, then it is refused as what it is,
// and not as an outage.
func TestAFilterWithoutEnd(t *testing.T) {
	inTown(t, func(w town) {
		w.join("ada@example.org", "ada", good)
		in := w.enter("ada@example.org", good)
		for _, length := range []int{100, 60_000} {
			a := w.post(in.Token, fmt.Sprintf("{ users(username_Icontains: %q) { edges { node { username } } } }", strings.Repeat("a", length)))
			if a.Status != http.StatusOK || strings.Contains(a.Text, "unavailable") || strings.Contains(a.Text, "can have 1024") != (length > 1024) {
				w.Errorf("%d letters: %d %.200s", length, a.Status, a.Text)
			}
		}
	})
}
