package partner

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// Whatever is in the header: no panic; what is taken names one somebody, within
// bounds; and the same context is taken in every form the contract has for it.
func FuzzUserContext(f *testing.F) {
	for _, seed := range []string{
		`{"id":"__system","user":"__system"}`, `{"id":"__system"}`, "eyJpZCI6Il9fc3lzdGVtIn0=", "eyJpZCI6Il9fc3lzdGVtIn0",
		`{"id":"500768179843385796","clientId":"1","authorization":{"accessToken":"` + strings.Repeat("a", 40) + `"},"user":{"id":"500768179843385796"}}`,
		`{"id":"a","user":"b"}`, `{"id":"a","id":"b"}`, `{"id":1}`, `[]`, `{`, "", " ", "====", `{"id":"__system","authorization":{"accessToken":"x"}}`,
		"{\"id\":\"a\u0000\"}", `{"id":"\ud800"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		c, ok := parseContext(header)
		if !ok {
			if c != (userCtx{}) {
				t.Errorf("refused, and says %+v", c)
			}
			return
		}
		if c.id == "" || len(c.id) > maxID*4 || len(c.accessToken) > maxBearer || c.system() && c.accessToken != "" {
			t.Errorf("took %+v", c)
		}
		raw := []byte(strings.TrimSpace(header))
		if raw[0] != '{' {
			var fine bool
			if raw, fine = decodeBase64(string(raw)); !fine {
				t.Fatal("took what is no base64")
			}
		}
		for _, form := range []string{
			base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
			base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		} {
			if again, ok := parseContext(form); len(form) <= maxContext && (!ok || again != c) {
				t.Errorf("as %s: %+v, %v, want %+v", form, again, ok, c)
			}
		}
	})
}

// A Bearer token is one word's worth of header, and never from two headers.
func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer  abc ", "Bearer", "Bearer ", "Basic abc", "Bearer\tabc", "Bearer a b", "Bearer " + strings.Repeat("a", maxBearer+1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, ok := bearer([]string{header})
		if ok && (token == "" || len(token) > maxBearer || strings.TrimSpace(token) != token || !strings.Contains(header, token)) {
			t.Errorf("%q gave %q", header, token)
		}
		if _, ok := bearer([]string{header, header}); ok {
			t.Error("took one of two")
		}
	})
}

// An object that is taken is one to encoding/json too, with the same members,
// each there once.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, `{"a":1,"a":2}`, `{"a":{"b":[1,null,"x"]}}`, `[]`, `null`, `{"a":"\ud800"}`, "\xef\xbb\xbf{}", `{"a":1} x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseObject(raw)
		if err != nil {
			return
		}
		var plain map[string]any
		if err := json.Unmarshal(raw, &plain); err != nil || len(plain) != len(m) {
			t.Fatalf("%q: %d members, encoding/json has %d, %v", raw, len(m), len(plain), err)
		}
		for name := range m {
			if _, there := plain[name]; !there {
				t.Errorf("%q: %q is not in it", raw, name)
			}
		}
	})
}
