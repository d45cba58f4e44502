package sqlstore

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/user"
)

// However a document is written, it is read as encoding/json reads it, and what
// encoding/json refuses is refused.
func FuzzDocuments(f *testing.F) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	for _, d := range []user.Document{
		{},
		{user.EmailAttr: {Value: user.Text("a@example.org"), Assurance: user.Attested, At: at}, user.Locale: {At: at}},
		{user.Name: {Value: user.Text("Zoë <\"O'Neil\"> \\ \u2028 & Söhne"), At: at}, user.GivenName: {Value: user.Text(""), At: time.Time{}}},
	} {
		f.Add(doc(d))
	}
	f.Add(doc(user.Profile{user.Name: {Value: user.Text("Ada"), Strand: "s", Assurance: user.Proven}, user.Gender: {}}))
	for _, s := range []string{
		`{}`, `{"a":{"v":"x","t":"2026-01-02T03:04:05Z"}`, `{"a":{"v":"x","t":"2026-01-02T03:04:05Z"}}x`, `{"a":{"v":"x","t":"yesterday"}}`,
		`{"a":{"v":"x"}}`, `{"a":{"v":null,"s":"","a":""}}`, ` {"a":{"v":1}}`, `{"a":{"v":"x","t":"2026-01-02T03:04:05+24:00"}}`, `{,}`, `[]`,
		"{\"a\":{\"v\":\"\x01\"}}", "{\"a\":{\"v\":\"\xff\"}}", `{"a":{"v":"1"},"a":{"v":"2"}}`, `{"a":{"v":"x","t":"2026-01-02T03:04:05,5Z"}}`, `null`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := document(s)
		sameAs(t, s, d, err)
		p, err := profile(s)
		sameAs(t, s, p, err)
	})
}

func sameAs[M ~map[user.Attr]V, V any](t *testing.T, s string, got M, err error) {
	t.Helper()
	want := M{}
	var wrong error
	if s != "" {
		wrong = json.Unmarshal([]byte(s), &want)
	}
	if (err == nil) != (wrong == nil) || err == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nis read as %v, %v\ninstead of  %v, %v", s, got, err, want, wrong)
	}
}

func BenchmarkDocuments(b *testing.B) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	d := user.Document{}
	for _, a := range []user.Attr{user.EmailAttr, user.EmailVerified, user.GivenName, user.FamilyName, user.PreferredName} {
		d[a] = user.Fact{Value: user.Text("someone@example.org"), Assurance: user.Attested, At: at}
	}
	s := doc(d)
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = document(s)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = undoc[user.Document](s)
		}
	})
}
