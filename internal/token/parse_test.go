package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/jsonx"
)

// What split takes is the one text of what it says, and says what a plain
// reader sees.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{
		"", "..", "e30.e30.", "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.e30.AAAA", "e30=.e30.", "e31.e30.", "e30\n.e30.",
		"eyJjcml0IjpbXX0.e30.", "eyJhbGciOm51bGx9.e30.", "eyJhbGciOiJhIiwiYWxnIjoiYiJ9.e30.",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := split(text)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("too long an error: %v", err)
			}
			return
		}
		cut := strings.Split(text, ".")
		if len(cut) != 3 || len(text) > maxToken || len(p.kid) > maxKID {
			t.Fatalf("%d parts, %d bytes", len(cut), len(text))
		}
		for _, part := range cut {
			raw, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil || base64.RawURLEncoding.EncodeToString(raw) != part {
				t.Errorf("%q has another text", part)
			}
		}
		if p.signed != cut[0]+"."+cut[1] || b64.EncodeToString(p.payload) != cut[1] || b64.EncodeToString(p.signature) != cut[2] {
			t.Error("the parts are not those of the text")
		}
		raw, _ := b64.DecodeString(cut[0])
		var header map[string]string
		if err := json.Unmarshal(raw, &header); err != nil || header["alg"] != p.alg || header["typ"] != p.typ || header["kid"] != p.kid {
			t.Errorf("%v reads as %+v", header, p)
		}
	})
}

// parseObject takes what jsonx takes, in which names that differ by case only
// are one; and it loses no member.
func FuzzParseObject(f *testing.F) {
	for _, text := range []string{
		`{}`, ` {"a":1,"b":[{"c":null}]} `, `{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a":{"b":1,"\u0062":2}}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`,
		`{"\ud800":1}`, `{"a":"\ude00\ud83d"}`, `{"a":-1.5e+3,"b":"\\\"","c":true}`, `[]`, `{"a":1}{}`, "{\"a\":\"\xff\"}", `{"a":NaN}`,
		strings.Repeat(`{"a":`, 31) + "{}" + strings.Repeat("}", 31), strings.Repeat(`{"a":`, 32) + "{}" + strings.Repeat("}", 32),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		found, err := parseObject(text)
		if !bytes.Equal(before, text) {
			t.Fatal("the text was changed")
		}
		strict := jsonx.Check(text, jsonx.Options{MaxDepth: maxDepth})
		var object map[string]json.RawMessage
		isObject := json.Unmarshal(text, &object) == nil && object != nil
		if err != nil {
			if strict == nil && isObject {
				t.Errorf("refused %q: %v", text, err)
			}
			return
		}
		if bad, ok := errors.AsType[*jsonx.Error](strict); ok && bad.Kind != jsonx.Duplicate {
			t.Errorf("accepted %q: %v", text, strict)
		}
		if len(found) != len(object) {
			t.Fatalf("%d members of %q", len(found), text)
		}
		for name, want := range object {
			if got, ok := found.get(name); !ok || !bytes.Equal(got, want) {
				t.Errorf("%q is %q, want %q", name, got, want)
			}
		}
	})
}
