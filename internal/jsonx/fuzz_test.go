package jsonx

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// maxError bounds what an error says, in bytes: names are quoted in it, 64
// characters of them at most.
const maxError = 900

func seeds(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.5e3,"\u00e9"]}`, `[NaN]`, `"\ud800"`, `{"a":1,"A":2}`, "\xef\xbb\xbf1", `-`, `[[[`,
		`{"a":{"b":NaN},"a":{"c":-Infinity},"a":[{"d":1,"d":2}]}`, "{\"k\":1,\"\u212a\":2}", `{"a" : 1 , "b":2,"\u0061" :3}`, `{"":{"":""},"":0}`,
	} {
		f.Add([]byte(seed))
	}
}

// What Check accepts, encoding/json decodes, and never the other way round.
func FuzzCheckAgreesWithEncodingJSON(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		valid := json.Valid(data)
		strict := Check(data, Options{MaxDepth: 9_000})
		if strict == nil && (!valid || !utf8.Valid(data)) {
			t.Fatalf("accepted %q", data)
		}
		e, refused := errors.AsType[*Error](strict)
		if refused && valid && e.Kind != Duplicate && e.Kind != NotUTF8 && e.Kind != TooDeep {
			t.Fatalf("refused %q: %v", data, strict)
		}
		if refused && (len(strict.Error()) > maxError || e.Offset > len(data) || e.Line < 1 || e.Column < 1) {
			t.Fatalf("%d bytes of error at %d of %d", len(strict.Error()), e.Offset, len(data))
		}
	})
}

// Decode takes what Check takes, and decodes as a reader does that lets the last
// of equal names win and knows no NaN.
func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		for _, o := range []Options{{}, Tolerant(), {Unknown: RefuseUnknown, AllowNaN: true}} {
			var into struct {
				A any
				B *string
				C map[string]any
			}
			if err := Decode(data, &into, o); err != nil && len(err.Error()) > maxError {
				t.Errorf("%d bytes of error", len(err.Error()))
			}
			var got any
			err := Decode(data, &got, o)
			if bad := Check(data, o); (bad == nil) != (err == nil) {
				// A number beyond float64 is JSON, but not Go's.
				if e, ok := errors.AsType[*Error](err); bad != nil || !ok || e.Kind != WrongType {
					t.Fatalf("%+v: checked %v, decoded %v: %q", o, bad, err, data)
				}
			}
			// A fresh interface is not merged into: encoding/json agrees.
			var want any
			if err == nil && json.Unmarshal(data, &want) == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%q is %v, want %v", data, got, want)
			}
		}
		if !bytes.Equal(before, data) {
			t.Error("the message was changed")
		}
	})
}

// Two names are equal here where encoding/json takes them for one field.
func FuzzFold(f *testing.F) {
	for _, pair := range [][2]string{{"email", "EMAIL"}, {"key", "\u212aey"}, {"users", "u\u017fers"}, {"σ", "ς"}, {"ß", "ẞ"}, {"i", "İ"}, {"a", "b"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		if (fold(a) == fold(b)) != strings.EqualFold(a, b) {
			t.Errorf("%q and %q: folded to %q and %q", a, b, fold(a), fold(b))
		}
		if fold(fold(a)) != fold(a) || strings.ContainsFunc(fold(a), func(r rune) bool { return r < utf8.RuneSelf && unicode.IsUpper(r) }) {
			t.Errorf("%q is folded to %q", a, fold(a))
		}
	})
}
