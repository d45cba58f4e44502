package password_test

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/password"
)

// similarity has what Python's difflib says: pairs that its quick_ratio, over the
// words of a value and the whole, puts at 0.7 or more, as Django 3.1 asks it.
//
//go:embed testdata/django-similarity.json
var similarity []byte

func TestSimilarityIsDjangos(t *testing.T) {
	var vectors []struct {
		Password, Value string
		Similar         bool
	}
	if err := json.Unmarshal(similarity, &vectors); err != nil || len(vectors) < 400 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		weak, err := password.DjangoRules{MinLength: 1}.Check(password.Plain(v.Password), password.Attributes{FirstName: v.Value})
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Contains(weak, password.Weakness{Reason: password.TooSimilar, To: "first name"})
		if got != v.Similar {
			t.Errorf("%q beside %q: similar %v, Django says %v", v.Password, v.Value, got, v.Similar)
		}
	}
}

func TestDjangoRules(t *testing.T) {
	who := password.Attributes{Username: "lisalou", FirstName: "Louise", LastName: "Lou", Email: "test@pledge4future.org"}
	long := strings.Repeat("äb3#", 32)
	for plain, want := range map[string][]password.Weakness{
		"lisa445566!":            nil,
		"        ":               nil, // eight blanks are a password, as they are there
		"lisalou1":               {{Reason: password.TooSimilar, To: "username"}},
		"Louise12":               {{Reason: password.TooSimilar, To: "first name"}},
		"pledge4future":          {{Reason: password.TooSimilar, To: "email"}},
		"ab1!x":                  {{Reason: password.TooShort}},
		"password123":            {{Reason: password.TooCommon}},
		"  PassWord123 ":         {{Reason: password.TooCommon}},
		"123456":                 {{Reason: password.TooShort}, {Reason: password.TooCommon}, {Reason: password.Numeric}},
		"94726103847261":         {{Reason: password.Numeric}},
		"٩٤٧٢٦١٠٣٨٤٧٢":           {{Reason: password.Numeric}},
		"⁹⁴⁷²⁶¹⁰³⁸⁴⁷²":           {{Reason: password.Numeric}},
		"":                       {{Reason: password.TooShort}},
		long:                     nil,
		long + "x":               {{Reason: password.TooLong}},
		"not \xff text at all!!": {{Reason: password.NotText}},
	} {
		got, err := password.DjangoRules{MinLength: 8, Blocklist: true}.Check(password.Plain(plain), who)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", plain, got, err, want)
		}
	}
	got, err := password.DjangoRules{MinLength: 8}.Check("password123", who)
	if err != nil || len(got) > 0 {
		t.Errorf("without a blocklist: %v, %v", got, err)
	}
}

func FuzzDjangoRules(f *testing.F) {
	f.Add("lisa445566!", "lisalou", "test@x.org")
	f.Add("ﷺﷺ", "\u0130", "a@b")
	f.Fuzz(func(t *testing.T, plain, name, email string) {
		weak, err := password.DjangoRules{MinLength: 8}.Check(password.Plain(plain), password.Attributes{Username: name, Email: email})
		if err != nil || len(weak) > 4 {
			t.Fatalf("%v, %v", weak, err)
		}
	})
}
