package statetoken_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/statetoken"
)

func TestWhatATokenProves(t *testing.T) {
	w := newWorld(t)
	text := w.token(claims{
		"phone_number": "9900032121", "email": "Some.User@Example.org", "roles": []string{"TEACHER", "BOOK_CREATOR"},
	})
	got := w.proves("all claims", text)
	want := statetoken.Claims{
		Issuer: "gj", Subject: "10012189", Channel: "gj", School: "321456", Name: "Some User",
		RedirectURI: "https://site.example.org/resources", Phone: "9900032121", Email: "Some.User@Example.org",
		Roles: []string{"TEACHER", "BOOK_CREATOR"}, ID: "261263cd-3a0e-4aee-8faf-6d9d9eb14bb1",
		Once: got.Once, Until: time.Unix(start.Unix()+900, 0).UTC(),
	}
	if !reflect.DeepEqual(got, want) || got.Once == [32]byte{} {
		t.Errorf("%+v", got)
	}
	bare := w.proves("what is required alone", w.token(claims{"nbf": nil, "aud": nil, "redirect_uri": nil}))
	if bare.RedirectURI != "" || bare.Phone != "" || bare.Email != "" || bare.Roles != nil {
		t.Errorf("%+v", bare)
	}
	for what, header := range map[string]string{
		"no typ": `{"alg":"RS256"}`, "kid as iss": `{"alg":"RS256","kid":"gj"}`, "spaces": ` { "alg" : "RS256" , "typ" : "JWT" } `,
		"escapes": `{"\u0061lg":"RS25\u0036"}`,
	} {
		w.proves(what, w.signed(0, header, w.payload(nil)))
	}
	for what, change := range map[string]claims{
		"another of the issuer's channels": {"state_id": "gujarat"},
		"any audience":                     {"aud": []string{"somebody", "else"}},
		"what nobody knows":                {"identifier": claims{"a": []any{1, nil}}},
		"iat long ago":                     {"iat": 1},
		"nbf now":                          {"nbf": float64(start.UnixMilli()) / 1000},
		"times with a fraction":            {"iat": float64(start.Unix()) + 0.25, "exp": float64(start.Unix()) + 0.75},
		"an hour, as the example's":        {"exp": start.Unix() + 3600},
		"a year":                           {"exp": start.AddDate(1, 0, 0).Unix()},
	} {
		w.proves(what, w.token(change))
	}
}

// One token has one name, and two have two, whatever else is alike.
func TestOnce(t *testing.T) {
	w := newWorld(t)
	first := w.proves("one", w.token(nil)).Once
	if w.proves("the same jti", w.token(claims{"name": "Another User", "sub": "2"})).Once != first {
		t.Error("one jti has two names")
	}
	if w.proves("another jti", w.token(claims{"jti": "2"})).Once == first {
		t.Error("two jti have one name")
	}
	other := w.signed(1, head, w.payload(claims{"iss": "rj", "state_id": "rj"}))
	if w.proves("another issuer", other).Once == first {
		t.Error("two issuers share a name")
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("ä", 256)
	for _, c := range []struct {
		what   string
		change claims
		why    statetoken.Why
	}{
		{"no state_id", claims{"state_id": nil}, statetoken.DataMissing},
		{"no school_id", claims{"school_id": nil}, statetoken.DataMissing},
		{"no name", claims{"name": nil}, statetoken.DataMissing},
		{"no sub", claims{"sub": nil}, statetoken.DataMissing},
		{"no jti", claims{"jti": nil}, statetoken.DataMissing},
		{"no iat", claims{"iat": nil}, statetoken.DataMissing},
		{"no exp", claims{"exp": nil}, statetoken.DataMissing},
		{"state_id empty", claims{"state_id": ""}, statetoken.DataMissing},
		{"school_id blank", claims{"school_id": " \u00a0"}, statetoken.DataMissing},
		{"name blank", claims{"name": "\t\u3000\n"}, statetoken.DataMissing},
		{"name of marks alone", claims{"name": "\u202e\u200f"}, statetoken.DataMissing},
		{"sub empty", claims{"sub": ""}, statetoken.DataMissing},
		{"jti empty", claims{"jti": ""}, statetoken.DataMissing},
		{"names in another case", claims{"state_id": nil, "STATE_ID": "gj"}, statetoken.DataMissing},

		{"state_id a list", claims{"state_id": []string{"gj"}}, statetoken.DataInvalid},
		{"school_id a number", claims{"school_id": 321456}, statetoken.DataInvalid},
		{"name an object", claims{"name": claims{"first": "Some"}}, statetoken.DataInvalid},
		{"sub a number", claims{"sub": 10012189}, statetoken.DataInvalid},
		{"sub true", claims{"sub": true}, statetoken.DataInvalid},
		{"jti a number", claims{"jti": 7}, statetoken.DataInvalid},
		{"sub with NUL", claims{"sub": "1\x00"}, statetoken.DataInvalid},
		{"jti with a line break", claims{"jti": "1\n"}, statetoken.DataInvalid},
		{"school_id with a line break", claims{"school_id": "1\n2"}, statetoken.DataInvalid},
		{"state_id with NUL", claims{"state_id": "gj\x00"}, statetoken.DataInvalid},
		{"sub of 256 characters", claims{"sub": long}, statetoken.DataInvalid},
		{"school_id of 256 characters", claims{"school_id": long}, statetoken.DataInvalid},
		{"jti of 256 characters", claims{"jti": long}, statetoken.DataInvalid},
		{"exp as text", claims{"exp": "9999999999"}, statetoken.DataInvalid},
		{"exp true", claims{"exp": true}, statetoken.DataInvalid},
		{"exp negative", claims{"exp": -1}, statetoken.DataInvalid},
		{"exp beyond all years", claims{"exp": 1e300}, statetoken.DataInvalid},
		{"iat as text", claims{"iat": "1"}, statetoken.DataInvalid},
		{"iat a list", claims{"iat": []int{1}}, statetoken.DataInvalid},
		{"nbf as text", claims{"nbf": "1"}, statetoken.DataInvalid},

		{"iat in a second", claims{"iat": start.Unix() + 1}, statetoken.IssuedAhead},
		{"iat now, to the fraction", claims{"iat": float64(start.UnixMilli()) / 1000}, statetoken.IssuedAhead},
		{"iat in milliseconds", claims{"iat": start.UnixMilli()}, statetoken.DataInvalid},
		{"nbf in a second", claims{"nbf": start.Unix() + 1}, statetoken.NotYet},
		{"exp now, to the fraction", claims{"exp": float64(start.UnixMilli()) / 1000}, statetoken.Expired},
		{"exp a second ago", claims{"exp": start.Unix()}, statetoken.Expired},
		{"exp 0", claims{"exp": 0}, statetoken.Expired},
		{"exp in eleven years", claims{"exp": start.AddDate(11, 0, 0).Unix()}, statetoken.LivesTooLong},
		{"exp in the year 10000", claims{"exp": 253402300800}, statetoken.LivesTooLong},

		{"another's channel", claims{"state_id": "rj"}, statetoken.ForeignState},
		{"a channel that nobody has", claims{"state_id": "xx"}, statetoken.ForeignState},
		{"a channel in another case", claims{"state_id": "GJ"}, statetoken.ForeignState},
		{"a channel and a space", claims{"state_id": "gj "}, statetoken.ForeignState},

		{"no iss", claims{"iss": nil}, statetoken.InvalidSignature},
		{"iss empty", claims{"iss": ""}, statetoken.InvalidSignature},
		{"iss a list", claims{"iss": []string{"gj"}}, statetoken.InvalidSignature},
		{"iss a number", claims{"iss": 1}, statetoken.InvalidSignature},
		{"iss in another case", claims{"iss": "GJ"}, statetoken.InvalidSignature},
		{"iss that nobody knows", claims{"iss": "xx"}, statetoken.InvalidSignature},
		{"iss of another", claims{"iss": "rj", "state_id": "rj"}, statetoken.InvalidSignature},
		{"iss with NUL", claims{"iss": "gj\x00"}, statetoken.InvalidSignature},
		{"iss endless", claims{"iss": strings.Repeat("g", 129)}, statetoken.InvalidSignature},
	} {
		w.refuses(c.what, w.token(c.change), c.why)
	}
	for _, iss := range w.asked {
		if iss == "" || len(iss) > 128 || strings.ContainsRune(iss, 0) {
			t.Errorf("%q was looked for", iss)
		}
	}
	// Null is there, and no text.
	payload := strings.Replace(w.payload(nil), `"jti":"261263cd-3a0e-4aee-8faf-6d9d9eb14bb1"`, `"jti":null`, 1)
	w.refuses("jti null", w.signed(0, head, payload), statetoken.DataInvalid)
	payload = strings.Replace(w.payload(nil), `"name":"Some User"`, `"name":null`, 1)
	w.refuses("name null", w.signed(0, head, payload), statetoken.DataInvalid)
}

// A claim that nothing depends on and that cannot be what it should is left out.
func TestClaimsThatAreLeftOut(t *testing.T) {
	w := newWorld(t)
	for what, change := range map[string]claims{
		"addresses of a script":  {"redirect_uri": "javascript:alert(1)"},
		"of no path":             {"redirect_uri": "resources"},
		"of a path for browsers": {"redirect_uri": "/\\evil.example.org"},
		"of any scheme":          {"redirect_uri": "//evil.example.org"},
		"with a password":        {"redirect_uri": "https://site.example.org@evil.example.org/"},
		"with a line break":      {"redirect_uri": "https://site.example.org/\r\nX: y"},
		"endless":                {"redirect_uri": "https://site.example.org/" + strings.Repeat("a", 2048)},
		"a list":                 {"redirect_uri": []string{"https://site.example.org/"}},
		"a phone of a number":    {"redirect_uri": nil, "phone_number": 9900032121},
		"an endless phone":       {"redirect_uri": nil, "phone_number": strings.Repeat("9", 41)},
		"a list of phones":       {"redirect_uri": nil, "phone_number": []string{"9900032121"}},
		"an e-mail that is none": {"redirect_uri": nil, "email": "Some User <some@example.org>"},
		"a list of e-mails":      {"redirect_uri": nil, "email": []string{"some@example.org", "eve@example.org"}},
		"roles in a text":        {"redirect_uri": nil, "roles": "ADMIN"},
		"roles in an object":     {"redirect_uri": nil, "roles": claims{"ADMIN": true}},
		"roles that are none":    {"redirect_uri": nil, "roles": []any{1, true, nil, "", " ", []string{"ADMIN"}, strings.Repeat("R", 65)}},
	} {
		c := w.proves(what, w.token(change))
		if c.RedirectURI != "" || c.Phone != "" || c.Email != "" || len(c.Roles) != 0 {
			t.Errorf("%s: %+v", what, c)
		}
	}
	many := []any{"A", "A", "B\n", 7}
	for i := range 40 {
		many = append(many, strings.Repeat("R", i+1))
	}
	if got := w.proves("many roles", w.token(claims{"roles": many})).Roles; len(got) != 32 || got[0] != "A" || got[1] != "B" || got[2] != "R" {
		t.Errorf("%q", got)
	}
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	for given, want := range map[string]string{
		"  Some \t\r\n User ":           "Some User",
		"\u202eresU emoS\u202c":         "resU emoS",
		"Some\x00 \x1b[31mUser":         "Some [31mUser",
		"अमित कुमार":                    "अमित कुमार",
		"ക്\u200dക \u200c":              "ക്\u200dക \u200c", // joiners are part of the word
		strings.Repeat("ä", 300):        strings.Repeat("ä", 255),
		strings.Repeat("a", 254) + " b": strings.Repeat("a", 254),
	} {
		if got := w.proves(given, w.token(claims{"name": given})).Name; got != want {
			t.Errorf("%q is %q", given, got)
		}
	}
}

// The window is asked for anew with each token.
func TestLongestLife(t *testing.T) {
	w := newWorld(t)
	hour := w.token(claims{"exp": start.Unix() + 3600})
	w.proves("no window", hour)
	w.longest = 10 * time.Minute
	w.refuses("an hour of ten minutes", hour, statetoken.LivesTooLong)
	w.refuses("a second more", w.token(claims{"exp": start.Unix() + 601}), statetoken.LivesTooLong)
	w.refuses("old, nearly over", w.token(claims{"iat": start.Unix() - 3600, "nbf": start.Unix() - 60, "exp": start.Unix() + 60}), statetoken.LivesTooLong)
	w.proves("ten minutes", w.token(nil))
	w.longest = time.Hour
	w.proves("the hour", hour)
}

// A token that is good goes bad by the clock alone.
func TestTimePasses(t *testing.T) {
	w := newWorld(t)
	text := w.token(nil)
	w.now = time.Unix(start.Unix(), 0)
	w.refuses("in the very second of iat", text, statetoken.IssuedAhead)
	w.now = w.now.Add(time.Nanosecond)
	w.proves("just after", text)
	w.now = time.Unix(start.Unix()+600, 0).Add(-time.Nanosecond)
	w.proves("just before exp", text)
	w.now = w.now.Add(time.Nanosecond)
	w.refuses("at exp", text, statetoken.Expired)
}

// A fault of the store is no fault of the token.
func TestIssuersThatCannotBeLookedUp(t *testing.T) {
	w := newWorld(t)
	w.fault = errors.New("the database is gone")
	_, err := w.verifier.Verify(t.Context(), w.token(nil))
	if _, bad := errors.AsType[*statetoken.Unproven](err); bad || !errors.Is(err, w.fault) {
		t.Errorf("%v", err)
	}
	// A store that compares names without case must not stand in for one.
	w.fault = nil
	w.issuers["GJ"] = w.issuers["gj"]
	w.refuses("another's entry", w.token(claims{"iss": "GJ"}), statetoken.InvalidSignature)
	for _, c := range []statetoken.Config{{}, {Keys: w}, {Now: time.Now}} {
		if _, err := statetoken.New(c); err == nil {
			t.Error("a verifier without keys or a clock was made")
		}
	}
	free, err := statetoken.New(statetoken.Config{Keys: w, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := free.Verify(t.Context(), w.token(nil)); err != nil {
		t.Error(err)
	}
}
