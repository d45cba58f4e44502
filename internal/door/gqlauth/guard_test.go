package gqlauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// hostile are documents that are refused before anything is asked of the
// domain, and what is said.
func hostile() map[string]struct{ query, want string } {
	login := `tokenAuth(email:"lisa@x.org",password:"right"){token}`
	many := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	aliased := func(n int, field string) string {
		return "mutation{" + many(n, func(i int) string { return fmt.Sprintf("a%d:%s ", i, field) }) + "}"
	}
	const one, three, mails = "at most one field that signs in", "at most three fields that confirm", "at most three fields that register"
	return map[string]struct{ query, want string }{
		"two logins":                  {aliased(2, login), one},
		"a thousand logins":           {aliased(1000, login), "more than 2000 tokens"},
		"a login and a mailed token":  {"mutation{" + login + ` verifyAccount(token:"x"){success}}`, one},
		"logins of one name":          {"mutation{" + login + login + "}", one},
		"logins that are skipped":     {"mutation{a:" + login + `b:tokenAuth(email:"x",password:"y")@skip(if:true){token}}`, one},
		"logins in a fragment":        {"mutation{...F b:" + login + "} fragment F on Mutation{" + login + "}", one},
		"logins by spreading twice":   {"mutation{...F ...F} fragment F on Mutation{" + login + "}", one},
		"logins in inline fragments":  {"mutation{...{" + login + "}...on Mutation{b:" + login + "}}", one},
		"four passwords":              {aliased(4, `swapEmails(password:"right"){success}`), three},
		"four passwords of all kinds": {`mutation{archiveAccount(password:"a"){success} swapEmails(password:"a"){success} removeSecondaryEmail(password:"a"){success} passwordChange(oldPassword:"a",newPassword1:"b",newPassword2:"b"){success}}`, three},
		"four mails":                  {aliased(4, `sendPasswordResetEmail(email:"a@b.co"){success}`), mails},
		"depth 13":                    {"{" + strings.Repeat("a{", 12) + "b" + strings.Repeat("}", 13), "nested deeper than 12"},
		"depth 200":                   {"{" + strings.Repeat("a{", 200) + "b" + strings.Repeat("}", 201), "nested deeper than 12"},
		"depth in fragments":          {"{a{b{c{d{...F}}}}} fragment F on X{e{f{g{h{...G}}}}} fragment G on X{i{j{k{l{m}}}}}", "nested deeper than 12"},
		"introspection depth 21":      {"{__schema{" + strings.Repeat("a{", 19) + "b" + strings.Repeat("}", 21), "nested deeper than 20"},
		"introspection deeper inside": {"{me{__schema{" + strings.Repeat("a{", 10) + "b" + strings.Repeat("}", 13), "nested deeper than 12"},
		"inline fragments in a row":   {"{" + strings.Repeat("...{", 100) + "me{email}" + strings.Repeat("}", 101), "nested deeper"},
		"deep values":                 {"{user(id:" + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "){email}}", "nested deeper"},
		"deep types":                  {"query($a:" + strings.Repeat("[", 100) + "Int" + strings.Repeat("]", 100) + "){me{email}}", "nested deeper"},
		"31 aliases":                  {"{" + many(31, func(i int) string { return fmt.Sprintf("a%d:me{email}", i) }) + "}", "more than 30 aliases"},
		"aliases by spreading":        {"{me{" + strings.Repeat("...F ", 31) + "}} fragment F on UserNode{a:email}", "more than 30 aliases"},
		"a fragment in itself":        {"{...F} fragment F on Query{...F}", "within itself"},
		"a cycle of fragments":        {"{...A} fragment A on Query{...B} fragment B on Query{...C} fragment C on Query{...A}", "within itself"},
		"a bomb of fragments": {"{...F0}" + many(30, func(i int) string {
			return fmt.Sprintf(" fragment F%d on Query{...F%d ...F%d}", i, i+1, i+1)
		}) + " fragment F30 on Query{me{email}}", "more than 1000 fields"},
		"directives":             {"{me" + strings.Repeat("@include(if:true)", 31) + "{email}}", "more than 30 directives"},
		"directives on the root": {"query" + strings.Repeat(" @a", 500) + "{me{email}}", "more than 30 directives"},
		"many fields":            {"{me{" + strings.Repeat("email ", 1990) + "}}", "more than 1000 fields"},
		"a megabyte":             {"{me{email}}#" + strings.Repeat("x", 1<<20), "more than 65536 bytes"},
		"many tokens":            {"{me{" + strings.Repeat("email ", 5000) + "}}", "more than 2000 tokens"},
		"two of a name":          {"query A{me{email}} query A{me{email}}", "only one operation named"},
		"two fragments":          {"{...F} fragment F on Query{me{pk}} fragment F on Query{me{email}}", "only one fragment named"},
		"a subscription":         {"subscription{me{email}}", "Syntax Error"},
		"a block string":         {`{user(id:"""x"""){email}}`, "block strings"},
		"an open string":         {`{user(id:"x`, "unterminated"},
		"a line in a string":     {"{user(id:\"x\ny\"){email}}", "unterminated"},
		"half a pair":            {`{user(id:"\ud83d"){email}}`, "malformed escape"},
		"an unknown escape":      {`{user(id:"\x41"){email}}`, "malformed escape"},
		"a hexadecimal number":   {`{users(first:0x10){edges{cursor}}}`, "malformed number"},
		"a leading zero":         {`{users(first:01){edges{cursor}}}`, "malformed number"},
		"a huge float":           {`{users(first:1e999){edges{cursor}}}`, "out of range"},
		"a back quote":           {"{user(id:`x`){email}}", "unexpected character"},
		"a NUL":                  {"{me{email}}\x00", "unexpected character"},
		"letters of elsewhere":   {"{m\u0435{email}}", "unexpected character"},
		"nothing":                {"# a comment", "unexpected end"},
		"an empty set":           {"{}", "unexpected"},
		"a fragment alone":       {"fragment F on Query{me{email}}", "unexpected end"},
	}
}

func TestGuard(t *testing.T) {
	for name, c := range hostile() {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			got := w.post(t, "lisa@x.org", c.query, nil)
			got.holds(t, 400, c.want)
			if len(w.calls) > 0 {
				t.Errorf("the domain was asked: %v", w.calls)
			}
			if strings.Contains(got.body, `"data"`) {
				t.Errorf("there is data: %s", got.body)
			}
		})
	}
}

func TestGuardOfBodies(t *testing.T) {
	large := `{"query":"{me{email}} #` + strings.Repeat("x", 1<<20) + `"}`
	for name, send := range map[string]func(*world) reply{
		"a megabyte of unknown length": func(w *world) reply {
			r := httptest.NewRequestWithContext(t.Context(), post, "/graphql", strings.NewReader(large))
			r.ContentLength = -1
			r.Header.Set("Content-Type", "application/json")
			rec := httptest.NewRecorder()
			w.handler(t).ServeHTTP(rec, r)
			return reply{rec.Code, rec.Header(), rec.Body.String()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			send(w).says(t, 400, `{"errors":[{"message":"The request body has more than 65536 bytes."}]}`)
		})
	}
	// The same, of what is allowed.
	fits := `{"query":"{me{email}} #` + strings.Repeat("x", 60<<10) + `"}`
	newWorld().send(t, post, "/graphql", "application/json", fits).says(t, 200, meNull)
}

func TestWhatTheGuardLetsPass(t *testing.T) {
	for name, query := range map[string]string{
		"depth 12": "{users{edges{node{workingGroup{institution{workinggroupSet{institution{workinggroupSet{institution{workinggroupSet{institution{name}}}}}}}}}}}}",
		"30 aliases": "{" + func() (s string) {
			for i := range 30 {
				s += fmt.Sprintf("a%d:me{email}", i)
			}
			return s
		}() + "}",
		"one login, three passwords": `mutation{tokenAuth(email:"lisa@x.org",password:"right"){token} a:swapEmails(password:"x"){success} b:swapEmails(password:"x"){success} c:removeSecondaryEmail(password:"x"){success}}`,
		"commas and comments":        "# hello\n{,me,{,email,}}# end",
		"a byte order mark":          "\ufeff{me{email}}",
	} {
		t.Run(name, func(t *testing.T) {
			if got := newWorld().post(t, "lisa@x.org", query, nil); got.status != 200 || strings.Contains(got.body, `"errors":[`) {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

// What GraphiQL and code generators ask for.
const introspectionQuery = `query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
types { ...FullType } directives { name description locations args { ...InputValue } } } }
fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`

func BenchmarkRefused(b *testing.B) {
	h := newWorld().handler(b)
	for name, c := range hostile() {
		body, err := json.Marshal(map[string]string{"query": c.query})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) { benchmark(b, h, string(body), 400) })
	}
}

func BenchmarkAnswered(b *testing.B) {
	w := newWorld()
	h := w.handler(b)
	b.Run("me", func(b *testing.B) { benchmark(b, h, `{"query":"{me{username email firstName}}"}`, 200) })
	body, err := json.Marshal(map[string]string{"query": introspectionQuery})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("introspection", func(b *testing.B) { benchmark(b, h, string(body), 200) })
}

func benchmark(b *testing.B, h http.Handler, body string, status int) {
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), post, "/graphql", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "JWT lisa@x.org")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != status {
			b.Fatal(rec.Code, rec.Body)
		}
	}
}
