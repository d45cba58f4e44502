package django_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
	"pgregory.net/rapid"
)

const session user.ID = "019ab000-0000-7000-8000-000000000001"

// login is a good one at now.
func login() django.Login {
	return django.Login{Subject: "a@x.org", Issued: now, Expires: now.Add(300 * time.Second), Session: session, Epoch: 7}
}

// jwt is a token of whoever has the key.
func jwt(header, payload string) string { return jwtBy(secretKey, header, payload) }

func jwtBy(key, header, payload string) string {
	text := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return text + "." + mac([]byte(key), text)
}

const header = `{"typ":"JWT","alg":"HS256"}`

func TestUshersLoginTokens(t *testing.T) {
	s := newLogins(t, secretKey, django.Email, now)
	text, err := s.Sign(login())
	if err != nil {
		t.Fatal(err)
	}
	want := jwt(header, fmt.Sprintf(`{"email":"a@x.org","exp":%d,"origIat":%d,"usherEpoch":7,"usherSession":%q}`, now.Unix()+300, now.Unix(), session))
	if text != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	l, err := s.Verify(text)
	if err != nil || l != login() {
		t.Errorf("%+v, %v", l, err)
	}
	if got := string(s.Payload(l)); got != fmt.Sprintf(`{"email":"a@x.org","exp":%d,"origIat":%d}`, now.Unix()+300, now.Unix()) {
		t.Errorf("payload %s", got)
	}
}

func TestLoginsThatAreNotSigned(t *testing.T) {
	s := newLogins(t, secretKey, django.Email, now)
	for name, change := range map[string]func(*django.Login){
		"no subject":       func(l *django.Login) { l.Subject = "" },
		"a line end":       func(l *django.Login) { l.Subject = "a@x.org\n" },
		"not UTF-8":        func(l *django.Login) { l.Subject = "\xff" },
		"no session":       func(l *django.Login) { l.Session = "" },
		"a NUL":            func(l *django.Login) { l.Session = "\x00" },
		"an epoch below 0": func(l *django.Login) { l.Epoch = -1 },
		"no issue":         func(l *django.Login) { l.Issued = time.Time{} },
		"no expiry":        func(l *django.Login) { l.Expires = time.Time{} },
		"no life":          func(l *django.Login) { l.Expires = l.Issued.Add(time.Second - 1) },
		"no end":           func(l *django.Login) { l.Expires = time.Unix(1<<40+1, 0) },
		"too long":         func(l *django.Login) { l.Subject = strings.Repeat("a", 6100) },
	} {
		l := login()
		change(&l)
		if text, err := s.Sign(l); err == nil || text != "" {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

func TestLoginTokensThatAreRefused(t *testing.T) {
	s := newLogins(t, secretKey, django.Email, now)
	exp, iat := now.Unix()+300, now.Unix()
	claims := func(format string) string {
		return strings.NewReplacer("EXP", fmt.Sprint(exp), "IAT", fmt.Sprint(iat)).Replace(format)
	}
	const good = `{"email":"a@x.org","exp":EXP,"origIat":IAT}`
	for name, text := range map[string]string{
		"the original's":       jwt(header, claims(good)),
		"another header order": jwt(`{"alg":"HS256","typ":"JWT"}`, claims(good)),
	} {
		if l, err := s.Verify(text); err != nil || l.Subject != "a@x.org" || l.Session != "" || l.Issued.Unix() != iat {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
	whole := jwt(header, claims(good))
	parts := strings.Split(whole, ".")
	for name, text := range map[string]string{
		"nothing":               "",
		"garbage":               "garbage",
		"two parts":             parts[0] + "." + parts[1],
		"four parts":            whole + ".",
		"no signature":          parts[0] + "." + parts[1] + ".",
		"a blank":               whole + " ",
		"padding":               whole + "=",
		"none":                  b64.EncodeToString([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + parts[1] + ".",
		"none, signed":          jwt(`{"typ":"JWT","alg":"none"}`, claims(good)),
		"None":                  jwt(`{"typ":"JWT","alg":"None"}`, claims(good)),
		"HS384":                 jwt(`{"typ":"JWT","alg":"HS384"}`, claims(good)),
		"HS512":                 jwt(`{"typ":"JWT","alg":"HS512"}`, claims(good)),
		"RS256":                 jwt(`{"typ":"JWT","alg":"RS256"}`, claims(good)),
		"ES256":                 jwt(`{"typ":"JWT","alg":"ES256"}`, claims(good)),
		"lower case":            jwt(`{"typ":"JWT","alg":"hs256"}`, claims(good)),
		"no alg":                jwt(`{"typ":"JWT"}`, claims(good)),
		"no typ":                jwt(`{"alg":"HS256"}`, claims(good)),
		"another typ":           jwt(`{"typ":"at+jwt","alg":"HS256"}`, claims(good)),
		"a kid":                 jwt(`{"typ":"JWT","alg":"HS256","kid":"1"}`, claims(good)),
		"a key of its own":      jwt(`{"typ":"JWT","alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`, claims(good)),
		"crit":                  jwt(`{"typ":"JWT","alg":"HS256","crit":[]}`, claims(good)),
		"alg twice":             jwt(`{"typ":"JWT","alg":"none","alg":"HS256"}`, claims(good)),
		"the key, derived":      strings.Join(parts[:2], ".") + "." + strings.TrimPrefix(signed(strings.Join(parts[:2], ".")), strings.Join(parts[:2], ".")+":"),
		"no exp":                jwt(header, claims(`{"email":"a@x.org","origIat":IAT}`)),
		"a null exp":            jwt(header, claims(`{"email":"a@x.org","exp":null,"origIat":IAT}`)),
		"exp as text":           jwt(header, claims(`{"email":"a@x.org","exp":"EXP","origIat":IAT}`)),
		"exp with a fraction":   jwt(header, claims(`{"email":"a@x.org","exp":EXP.0,"origIat":IAT}`)),
		"exp as a power":        jwt(header, claims(`{"email":"a@x.org","exp":4e10,"origIat":IAT}`)),
		"exp beyond reason":     jwt(header, claims(`{"email":"a@x.org","exp":1e99,"origIat":IAT}`)),
		"exp true":              jwt(header, claims(`{"email":"a@x.org","exp":true,"origIat":IAT}`)),
		"exp twice":             jwt(header, claims(`{"email":"a@x.org","exp":1,"exp":EXP,"origIat":IAT}`)),
		"no origIat":            jwt(header, claims(`{"email":"a@x.org","exp":EXP}`)),
		"a null origIat":        jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":null}`)),
		"origIat as text":       jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":"IAT"}`)),
		"origIat below zero":    jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":-1}`)),
		"origIat minus zero":    jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":-0}`)),
		"origIat in the future": jwt(header, claims(fmt.Sprintf(`{"email":"a@x.org","exp":EXP,"origIat":%d}`, iat+61))),
		"origIat beyond reason": jwt(header, claims(fmt.Sprintf(`{"email":"a@x.org","exp":EXP,"origIat":%d}`, int64(math.MaxInt64)))),
		"origIat beyond int64":  jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":9223372036854775808}`)),
		"another order":         jwt(header, claims(`{"exp":EXP,"email":"a@x.org","origIat":IAT}`)),
		"blanks":                jwt(header, claims(`{"email": "a@x.org", "exp": EXP, "origIat": IAT}`)),
		"not escaped":           jwt(header, claims(`{"email":"ü@x.org","exp":EXP,"origIat":IAT}`)),
		"a NUL":                 jwt(header, claims(`{"email":"\u0000","exp":EXP,"origIat":IAT}`)),
		"an empty subject":      jwt(header, claims(`{"email":"","exp":EXP,"origIat":IAT}`)),
		"a null subject":        jwt(header, claims(`{"email":null,"exp":EXP,"origIat":IAT}`)),
		"a list of subjects":    jwt(header, claims(`{"email":["a@x.org"],"exp":EXP,"origIat":IAT}`)),
		"another field":         jwt(header, claims(`{"username":"a","exp":EXP,"origIat":IAT}`)),
		"both fields":           jwt(header, claims(`{"email":"a@x.org","username":"a","exp":EXP,"origIat":IAT}`)),
		"an issuer":             jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"iss":"x"}`)),
		"an audience":           jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"aud":"x"}`)),
		"a party":               jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"azp":"x"}`)),
		"iat":                   jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"iat":IAT}`)),
		"nbf":                   jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"nbf":IAT}`)),
		"an unknown claim":      jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"x":1}`)),
		"an epoch alone":        jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"usherEpoch":7}`)),
		"a session alone":       jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"usherSession":"s"}`)),
		"an empty session":      jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"usherEpoch":7,"usherSession":""}`)),
		"a null epoch":          jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"usherEpoch":null,"usherSession":"s"}`)),
		"an epoch as text":      jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"usherEpoch":"7","usherSession":"s"}`)),
		"an epoch below zero":   jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"usherEpoch":-7,"usherSession":"s"}`)),
		"a session of numbers":  jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"usherEpoch":7,"usherSession":7}`)),
		"a line end":            jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"usherEpoch":7,"usherSession":"s\u000a"}`)),
		"another case":          jwt(header, claims(`{"email":"a@x.org","exp":EXP,"origIat":IAT,"UsherEpoch":7,"usherSession":"s"}`)),
		"of 9 KB":               jwt(header, claims(`{"email":"`+strings.Repeat("a", 6500)+`","exp":EXP,"origIat":IAT}`)),
	} {
		if l, err := s.Verify(text); outcome(t, err) != "invalid" || l != (django.Login{}) {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
}

// That a token expired is said of one that was good, and of no other.
func TestExpiredLoginTokens(t *testing.T) {
	text, err := newLogins(t, secretKey, django.Email, now).Sign(login())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		text  string
		after time.Duration
		want  string
	}{
		{"at once", text, 0, "ok"},
		{"in the last second", text, 300*time.Second - 1, "ok"},
		{"at exp", text, 300 * time.Second, "expired"},
		{"much later", text, 1000 * week, "expired"},
		{"made by a clock a minute ahead", text, -time.Minute, "ok"},
		{"made by a clock more ahead", text, -time.Minute - 1, "invalid"},
		{"late and broken", text[:len(text)-1] + "!", 1000 * week, "invalid"},
		{"late, of another key", jwtBy("another key", header, `{"email":"a@x.org","exp":1,"origIat":1}`), 0, "invalid"},
		{"late, of this key", jwt(header, `{"email":"a@x.org","exp":1,"origIat":1}`), 0, "expired"},
		{"late, of another form", jwt(header, `{"exp":1,"origIat":1,"x":1}`), 0, "invalid"},
		{"late, without origIat", jwt(header, `{"email":"a@x.org","exp":1}`), 0, "invalid"},
		{"late, of the future", jwt(header, `{"email":"a@x.org","exp":1,"origIat":1,"nbf":99999999999}`), 0, "invalid"},
		{"at the beginning", jwt(header, `{"email":"a@x.org","exp":0,"origIat":0}`), 0, "expired"},
	} {
		if _, err := newLogins(t, secretKey, django.Email, now.Add(c.after)).Verify(c.text); outcome(t, err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What is signed is read, as what it was, by its field and key alone.
func TestSignedLoginIsRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		issued := rapid.Int64Range(0, now.Unix()+60).Draw(rt, "issued")
		want := django.Login{
			Subject: storable().Draw(rt, "subject"), Issued: time.Unix(issued, 0).UTC(),
			Expires: time.Unix(rapid.Int64Range(issued+1, 1<<40).Draw(rt, "expires"), 0).UTC(),
			Session: user.ID(storable().Draw(rt, "session")), Epoch: rapid.Int64Range(0, math.MaxInt64).Draw(rt, "epoch"),
		}
		field := rapid.SampledFrom([]django.Field{django.Email, django.Username}).Draw(rt, "field")
		text, err := newLogins(t, secretKey, field, now).Sign(want)
		if err != nil {
			rt.Fatal(err)
		}
		for _, f := range []django.Field{django.Email, django.Username} {
			got, err := newLogins(t, secretKey, f, now).Verify(text)
			switch expect := outcome(t, err); {
			case f != field && expect != "invalid":
				rt.Fatalf("by %s: %v", f, err)
			case f == field && want.Expires.After(now) && (expect != "ok" || got != want):
				rt.Fatalf("%+v, %v, want %+v", got, err, want)
			case f == field && !want.Expires.After(now) && expect != "expired":
				rt.Fatal(err)
			}
		}
		if _, err := newLogins(t, secretKey[1:]+"x", field, now).Verify(text); outcome(t, err) != "invalid" {
			rt.Fatal("read with another key")
		}
	})
}
