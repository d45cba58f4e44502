package portal_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/policy"
)

// Whatever a body is, and whatever it says it is: no panic, an answer of the
// contract's in JSON; what is taken over fits policy, and nothing is when any of it
// was refused.
func FuzzBody(f *testing.F) {
	const boundary = "multipart/form-data; boundary=b"
	part := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for _, seed := range [][2]string{
		{jsonKind, `{"profile":{"gender":"male","bio":"x","occupation":"freelancer","age":"19 - 30"},"accepted_terms_of_service":true}`},
		{jsonKind, `{"profile_type":"privilegeduserprofile","profile":{},"accepted_terms_of_service":"maybe"}`},
		{jsonKind, `{"nickname":"a","nickname":1e400}`},
		{jsonKind, `[[[]]]`},
		{jsonKind, `null`},
		{"", ``},
		{jsonKind, `{"profile":{"age":{"a":[null,{}]}}}`},
		{jsonKind, `{"profile":-9e99}`},
		{jsonKind, `{"language_preference":"` + "\xed\xa0\x80" + `"}`},
		{formKind, "nickname=a&profile.age=40&profile=x&profile.=y"},
		{formKind, "%zz;=&&="},
		{boundary, part("nickname", "a") + part("profile.age", "65+") + "--b--\r\n"},
		{boundary, part("profile", "") + "--b"},
		{boundary, "--b"},
		{"multipart/form-data", "x"},
		{"application/xml", "<a/>"},
		{"multipart/form-data; boundary=\"\"", "--"},
		{";", "{}"},
		{"a/b; c=\"", ""},
	} {
		f.Add(seed[0], []byte(seed[1]), "en")
		f.Add(seed[0], []byte(seed[1]), "it;q=0.1, *")
	}
	rules := policy.Default().Portal
	f.Fuzz(func(t *testing.T, kind string, body []byte, lang string) {
		w := newWorld(t)
		rec := w.asks(call{kind: kind, body: string(body), header: map[string]string{"Accept-Language": lang}})
		if !slices.Contains([]int{200, 400, 413, 415}, rec.Code) {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		var said map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &said); err != nil || len(said) == 0 || !utf8.Valid(rec.Body.Bytes()) {
			t.Fatalf("%q: %v", rec.Body, err)
		}
		if taken := len(w.people.changed); taken != map[bool]int{true: 1}[rec.Code == 200] {
			t.Fatalf("%d, and %d changes", rec.Code, taken)
		}
		for _, ch := range w.people.changed {
			for name, v := range ch.Fields {
				a, attribute := rules.Attributes[name]
				switch {
				case !attribute && name != policy.NicknameField && name != policy.LanguageField:
					t.Errorf("took %s", name)
				case v == nil && attribute:
				case v == nil || !utf8.ValidString(*v) || strings.ContainsRune(*v, 0) || strings.TrimSpace(*v) == "":
					t.Errorf("took %v for %s", v, name)
				case attribute && len(a.Faults(*v)) > 0:
					t.Errorf("took %q for %s", *v, name)
				case name == policy.LanguageField && utf8.RuneCountInString(*v) > 20:
					t.Errorf("took %q for %s", *v, name)
				}
			}
		}
	})
}
