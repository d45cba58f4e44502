package edi

import (
	"encoding/json"
	"strings"
	"testing"
)

// One edi-token, or none: a second one, tossed in from a sibling host, is never
// chosen between.
func FuzzCookieToken(f *testing.F) {
	for _, seed := range []string{
		"edi-token=abc", "a=b; edi-token=abc; c=d", `edi-token="abc"`, "edi-token=a; edi-token=b", " edi-token = abc ", "edi-token=", "EDI-TOKEN=abc",
		"edi-token=a=b", ";;;", `edi-token="`, "x=edi-token=abc",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, ok := cookieToken([]string{header})
		if !ok {
			return
		}
		if token == "" || len(token) > maxToken || strings.Contains(token, ";") || !strings.Contains(header, token) {
			t.Errorf("%q gave %q", header, token)
		}
		for _, two := range [][]string{{header, "edi-token=x"}, {header + ";edi-token=x"}, {"edi-token=x;" + header}} {
			if got, ok := cookieToken(two); ok {
				t.Errorf("%q gave %q", two, got)
			}
		}
		if got, ok := cookieToken([]string{header, "other=1"}); !ok || got != token {
			t.Errorf("beside another cookie %q gave %q, %v", header, got, ok)
		}
	})
}

// An Accept header leads to a format or to none, whatever is in it, and a
// wildcard behind it to one always.
func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{"", "application/json", "application/xml", "text/html;q=0.9, application/xml", "*/*;q=0", "application/xml;q=0, */*", ";;,,", "a;q=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got, ok := negotiate([]string{accept})
		if !ok && got != asJSON {
			t.Errorf("%q: refused as %v", accept, got)
		}
		if _, ok := negotiate([]string{accept, "*/*"}); !ok {
			t.Errorf("%q and a wildcard: nothing fits", accept)
		}
	})
}

// What is taken becomes an object to encoding/json, after NaN and its kin were
// put aside, and no text in it was changed by that.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"idp_uid":"x"}`, `{"a":NaN,"b":-Infinity,"c":"NaN"}`, "\xef\xbb\xbf{}", `{"a":1,"a":"Infinity"}`, `[]`, `NaN`, `{"a":"\\"}`, `{"NaN":NaN}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, why := parseObject(raw)
		if why != "" {
			if m != nil {
				t.Errorf("%q: refused, and there is %v", raw, m)
			}
			return
		}
		for name, value := range m {
			if !json.Valid(value) {
				t.Errorf("%q: %q is %q", raw, name, value)
			}
			var text string
			if json.Unmarshal(value, &text) == nil && value[0] == '"' && !strings.Contains(string(raw), string(value)) {
				t.Errorf("%q: %q was changed to %q", raw, name, value)
			}
		}
	})
}
