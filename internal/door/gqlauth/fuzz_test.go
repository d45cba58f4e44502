package gqlauth

import (
	"encoding/json"
	"strings"
	"testing"
	"text/scanner"
	"unicode/utf8"

	graphql "github.com/graph-gophers/graphql-go"
)

// FuzzHeader: a token is one word and came with its scheme.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{"JWT x", "jwt\tx", "Bearer x", "JWT", "JWT x y", "", " ", "JWT\u00a0x", "JWT \x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		token, ok := fromHeader([]string{line})
		if !ok {
			if token != "" {
				t.Errorf("%q: no token, and %q", line, token)
			}
			return
		}
		if parts := strings.Fields(line); len(parts) != 2 || parts[1] != token || !strings.EqualFold(parts[0], "JWT") {
			t.Errorf("%q: %q", line, token)
		}
	})
}

// FuzzGlobalID: what is read as an id or a cursor is exactly what is written.
func FuzzGlobalID(f *testing.F) {
	for _, seed := range []string{globalID(userNode, 1), globalID(cursorName, 0), "", "VXNlck5vZGU6MDE=", "VXNlck5vZGU6LTE=", "%%%", "VXNlck5vZGU6MQ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{userNode, cursorName} {
			n, ok := fromGlobalID(name, text)
			if ok && globalID(name, int(n)) != text {
				t.Errorf("%q is read as %s %d, which is written %q", text, name, n, globalID(name, int(n)))
			}
			if !ok && n != 0 {
				t.Errorf("%q: refused, and %d", text, n)
			}
		}
	})
}

// FuzzWindow: whatever is asked for, what is given lies in the list.
func FuzzWindow(f *testing.F) {
	f.Add(int32(1), int32(2), int32(3), "a", globalID(cursorName, 5), 10, uint8(31))
	f.Add(int32(0), int32(0), int32(0), globalID(cursorName, 1<<31-1), "", 0, uint8(7))
	f.Fuzz(func(t *testing.T, offset, first, last int32, before, after string, total int, sent uint8) {
		var p paging
		for i, set := range []func(){
			func() { p.offset = &offset }, func() { p.first = &first }, func() { p.last = &last },
			func() { p.before = &before }, func() { p.after = &after },
		} {
			if sent>>i&1 == 1 {
				set()
			}
		}
		if total < 0 || p.check() != nil {
			return
		}
		if got := p.window(total); got.from < 0 || got.from > got.to || got.to > total || got.to-got.from > maxPage {
			t.Errorf("%+v of %d", got, total)
		}
	})
}

// FuzzGuard: what passes is read by the engine as the guard read it: token for
// token, and without more fields of a kind than are allowed.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{
		`{me{email}}`, `query($a:[String!]!=["x"]){user(id:$a)@skip(if:true){...F}} fragment F on UserNode{pk}`,
		`mutation{a:tokenAuth(email:"a\u00fc\"#",password:"\\"){token}}`, "{a #x\r\n b(c:-1.5e3,d:{e:[null,E,true]})}", `{a(b:"""x""")}`,
		"{...F}fragment F on Q{...F}", "\ufeff{a}", `{a(b:"",c:"")}`, "{a(b:1 c:2)d}", `{a(b:"\\u{41}")}`, "{a...{b}...on C{d}...E}",
	} {
		f.Add(seed)
	}
	schema := graphql.MustParseSchema(sdl, nil, limits()...)
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > maxBody {
			return
		}
		doc, err := parse(src)
		if err != nil {
			return
		}
		op := doc.operations[0]
		if doc.check(op) != nil {
			return
		}
		spelt := doc.spell(op)
		if !utf8.ValidString(spelt) {
			t.Fatalf("%q is spelt %q", src, spelt)
		}
		again, err := parse(strings.NewReplacer(`\x22`, `\"`, `\x5c`, `\\`).Replace(spelt))
		if err != nil {
			if strings.Contains(spelt, `\x`) {
				return // other control characters have no escape of GraphQL's here
			}
			t.Fatalf("%q is spelt %q: %v", src, spelt, err)
		}
		if len(doc.operations) == 1 && len(again.tokens) != len(doc.tokens) {
			t.Fatalf("%q is spelt %q", src, spelt)
		}
		for _, e := range schema.Validate(spelt) {
			if strings.HasPrefix(e.Message, "syntax error") {
				t.Fatalf("%q is spelt %q, which the engine cannot read: %s", src, spelt, e.Message)
			}
		}
		// text/scanner is what the engine's lexer is made of.
		var s scanner.Scanner
		s.Init(strings.NewReader(spelt))
		s.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats | scanner.ScanStrings
		s.Error = func(_ *scanner.Scanner, msg string) { t.Fatalf("%q is spelt %q: %s", src, spelt, msg) }
		names := 0
		for r := s.Scan(); r != scanner.EOF; r = s.Scan() {
			if r == scanner.Ident {
				names++
			}
		}
		mine := 0
		for _, token := range again.tokens {
			if token.kind == nameToken {
				mine++
			}
		}
		if names != mine {
			t.Errorf("%q is spelt %q: %d names for the guard, %d for the engine", src, spelt, mine, names)
		}
	})
}

// FuzzASCII: the spelling of an answer changes nothing that it says.
func FuzzASCII(f *testing.F) {
	for _, seed := range []string{"", "\u00fc<>&\u2028\U0001f600\x7f", "\"\\\n\x00", `\u003c`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, err := json.Marshal(map[string]string{text: text})
		if err != nil {
			t.Fatal(err)
		}
		out := ascii(in)
		var want, got map[string]string
		if json.Unmarshal(in, &want) != nil || json.Unmarshal(out, &got) != nil {
			t.Fatalf("%s became %s", in, out)
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s became %s", in, out)
			}
		}
		for _, c := range out {
			if c >= 0x7f {
				t.Errorf("%s is not ASCII", out)
			}
		}
	})
}
