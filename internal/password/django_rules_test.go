package password_test

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/password"
)

// djangoRules has what Django 3.1.7 itself says; testdata/README.md tells how it
// was made.
//
//go:embed testdata/django-rules.json
var djangoRules []byte

func TestDjangoRulesAreDjangos(t *testing.T) {
	var vectors []struct {
		About, Password, Username, Email string
		FirstName                        string `json:"first_name"`
		LastName                         string `json:"last_name"`
		Weak                             []struct{ Reason, To string }
	}
	if err := json.Unmarshal(djangoRules, &vectors); err != nil {
		t.Fatal(err)
	}
	seen := map[password.Reason]int{}
	for _, v := range vectors {
		var want []password.Weakness
		for _, w := range v.Weak {
			weak := password.Weakness{Reason: password.Reason(w.Reason), To: w.To}
			if weak.Reason == password.TooShort {
				weak.Min = 8
			}
			want = append(want, weak)
			seen[weak.Reason]++
		}
		got, err := password.DjangoRules{MinLength: 8, Blocklist: true}.Check(password.Plain(v.Password),
			password.Attributes{Username: v.Username, FirstName: v.FirstName, LastName: v.LastName, Email: v.Email})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q beside %q, %q, %q, %q: %v, %v; Django says %v",
				v.About, v.Password, v.Username, v.FirstName, v.LastName, v.Email, got, err, want)
		}
	}
	if len(vectors) < 600 || seen[password.TooSimilar] < 200 || len(seen) != 4 {
		t.Errorf("%d vectors with %v are too few", len(vectors), seen)
	}
}

func TestDjangoRules(t *testing.T) {
	who := password.Attributes{Username: "lisalou", FirstName: "Louise", LastName: "Lou", Email: "test@pledge4future.org"}
	short, common, numeric := password.Weakness{Reason: password.TooShort, Min: 8}, password.Weakness{Reason: password.TooCommon}, password.Weakness{Reason: password.Numeric}
	like := func(what string) password.Weakness {
		return password.Weakness{Reason: password.TooSimilar, To: what}
	}
	tooLong := password.Weakness{Reason: password.TooLong}
	longest := strings.Repeat("äb3#", 32)
	for plain, want := range map[string][]password.Weakness{
		"lisa445566!":   nil,
		"        ":      nil, // eight blanks are a password, as they are there
		"lisalou1":      {like("username")},
		"Louise12":      {like("first name")},
		"pledge4future": {like("email")},
		"LISALOU":       {like("username"), short},
		"ab1!x":         {short},
		"password123":   {common},
		"123456":        {short, common, numeric},

		// What is hashed is the NFKC form, so both forms have to be good.
		"ｌｉｓａｌｏｕ１":                                      {like("username")},
		"ｐａｓｓｗｏｒｄ１２３":                                   {common},
		"㊿㊿㊿㊿㊿㊿㊿㊿":                                      {numeric},
		"⁹⁴⁷²⁶¹⁰³⁸⁴⁷²":                                  {numeric},
		"⒈⒉⒊⒋⑴⑵⑶⑷":                                      {numeric},
		"ﷺ":                                             {short}, // eighteen letters
		"x\u0308y\u0308" + strings.Repeat("a\u0308", 3): {short}, // five characters of ten

		// usher's own bounds.
		longest:                  nil,
		longest + "x":            {tooLong},
		strings.Repeat("1", 129): {tooLong},
		"not \xff text at all!!": {{Reason: password.NotText}},
	} {
		got, err := password.DjangoRules{MinLength: 8, Blocklist: true}.Check(password.Plain(plain), who)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", plain, got, err, want)
		}
	}
}

func TestDjangoRulesFollowThePolicy(t *testing.T) {
	for name, c := range map[string]struct {
		rules password.DjangoRules
		plain password.Plain
		want  []password.Weakness
	}{
		"no blocklist":     {password.DjangoRules{MinLength: 8}, "password123", nil},
		"another length":   {password.DjangoRules{MinLength: 12}, "lisa445566!", []password.Weakness{{Reason: password.TooShort, Min: 12}}},
		"just long enough": {password.DjangoRules{MinLength: 11}, "lisa445566!", nil},
	} {
		if got, err := c.rules.Check(c.plain, password.Attributes{}); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

// An attribute in full width is the word that it stands for, as a password is.
func TestAttributesInOtherForms(t *testing.T) {
	who := password.Attributes{FirstName: "Ｌｏｖｅｌａｃｅ", LastName: "Zoe\u0308gran"}
	for plain, to := range map[password.Plain]string{"Lovelace12": "first name", "ｌｏｖｅｌａｃｅ": "first name", "zo\u00ebgran1": "last name"} {
		got, err := password.DjangoRules{MinLength: 8}.Check(plain, who)
		if err != nil || !slices.Equal(got, []password.Weakness{{Reason: password.TooSimilar, To: to}}) {
			t.Errorf("%q: %v, %v, want too similar to the %s", string(plain), got, err, to)
		}
	}
}

func FuzzDjangoRules(f *testing.F) {
	f.Add("lisa445566!", "lisalou", "test@x.org")
	f.Add("ﷺﷺ", "\u0130", "a@b")
	f.Add("ΟΔΥΣΣΕΥΣ", "οδυσσευς οδυσσευσ", "\xff@x")
	f.Add("٩٤٧٢٦١٠٣٨٤٧٢", "", "")
	order := []password.Reason{password.NotText, password.TooLong, password.TooSimilar, password.TooShort, password.TooCommon, password.Numeric}
	f.Fuzz(func(t *testing.T, plain, name, email string) {
		rules := password.DjangoRules{MinLength: 8, Blocklist: true}
		weak, err := rules.Check(password.Plain(plain), password.Attributes{Username: name, Email: email})
		if err != nil {
			t.Fatal(err)
		}
		last := -1
		for _, w := range weak {
			at := slices.Index(order, w.Reason)
			if at <= last || last >= 0 && last < 2 || (w.To != "") != (w.Reason == password.TooSimilar) || (w.Min != 0) != (w.Reason == password.TooShort) {
				t.Fatalf("%q: %v", plain, weak)
			}
			last = at
		}
		// Whatever may be a password at all is too similar to itself.
		if plain == "" || last == 0 || last == 1 {
			return
		}
		own, err := rules.Check(password.Plain(plain), password.Attributes{Username: plain, Email: email})
		if err != nil || len(own) == 0 || own[0] != (password.Weakness{Reason: password.TooSimilar, To: "username"}) {
			t.Fatalf("%q as its own username: %v, %v", plain, own, err)
		}
	})
}
