package django_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token/django"
	"pgregory.net/rapid"
)

var b64 = base64.RawURLEncoding

func mac(key []byte, value string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(value))
	return b64.EncodeToString(h.Sum(nil))
}

// mailKey is the key that the contract derives from secretKey.
var mailKey, _ = hex.DecodeString("8bc9cfe26d60206d31e2f474388f17f58271c71d4c1624ad8ce160352e39bbb3")

// signed is a value under the signature of whoever has the key.
func signed(value string) string { return value + ":" + mac(mailKey, value) }

func TestKeysAndFieldsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		key   string
		field django.Field
		good  bool
	}{
		"the shortest":        {secretKey, django.Email, true},
		"Django's own":        {strings.Repeat("0123456789", 5), django.Username, true},
		"one byte short":      {secretKey[1:], django.Email, false},
		"none":                {"", django.Email, false},
		"one letter":          {strings.Repeat("x", 50), django.Email, false},
		"four letters":        {strings.Repeat("abcd", 20), django.Email, false},
		"five letters":        {strings.Repeat("abcde", 10), django.Email, true},
		"no field":            {secretKey, "", false},
		"another field":       {secretKey, "action", false},
		"in another spelling": {secretKey, "Email", false},
	} {
		_, err := django.NewSigner([]byte(c.key), c.field)
		_, errLogins := django.NewLogins([]byte(c.key), c.field, time.Now)
		if (err == nil) != c.good || (errLogins == nil) != c.good {
			t.Errorf("%s: %v, %v", name, err, errLogins)
		}
		if !c.good && c.key != "" && (strings.Contains(err.Error(), c.key) || strings.Contains(errLogins.Error(), c.key)) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
	if _, err := django.NewLogins([]byte(secretKey), django.Email, nil); err == nil {
		t.Error("login tokens without a clock")
	}
}

// The key is the caller's to overwrite.
func TestKeysAreCopied(t *testing.T) {
	key := []byte(secretKey)
	signer, err := django.NewSigner(key, django.Email)
	if err != nil {
		t.Fatal(err)
	}
	logins, err := django.NewLogins(key, django.Email, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	clear(key)
	text, _, err := signer.Sign(django.Payload{Subject: "a@x.org", Action: django.Activation}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newSigner(t, secretKey, django.Email).Read(text, now, week, django.Activation); err != nil {
		t.Error(err)
	}
	text, err = logins.Sign(login())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newLogins(t, secretKey, django.Email, now).Verify(text); err != nil {
		t.Error(err)
	}
}

func TestPayloadsThatAreNotSigned(t *testing.T) {
	s := newSigner(t, secretKey, django.Email)
	good := django.Payload{Subject: "a@x.org", Action: django.Activation}
	for name, c := range map[string]struct {
		p  django.Payload
		at time.Time
	}{
		"no subject":             {django.Payload{Action: django.Activation}, now},
		"no action":              {django.Payload{Subject: "a@x.org"}, now},
		"an unknown action":      {django.Payload{Subject: "a@x.org", Action: "login"}, now},
		"an address too many":    {django.Payload{Subject: "a@x.org", Action: django.PasswordReset, SecondaryEmail: "b@x.org"}, now},
		"an address too few":     {django.Payload{Subject: "a@x.org", Action: django.SecondaryActivation}, now},
		"a line end":             {django.Payload{Subject: "a@x.org\n", Action: django.Activation}, now},
		"a NUL":                  {django.Payload{Subject: "a\x00@x.org", Action: django.Activation}, now},
		"not UTF-8":              {django.Payload{Subject: "\xff@x.org", Action: django.Activation}, now},
		"a second in Latin-1":    {django.Payload{Subject: "a@x.org", Action: django.SecondaryActivation, SecondaryEmail: "\xfc@x.org"}, now},
		"too long":               {django.Payload{Subject: strings.Repeat("a", 6100), Action: django.Activation}, now},
		"before 1970":            {good, time.Unix(-1, 0)},
		"at no time":             {good, time.Time{}},
		"beyond the year 36,812": {good, time.Unix(1<<40+1, 0)},
	} {
		if text, _, err := s.Sign(c.p, c.at); err == nil || text != "" {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

// What has the right signature and is still not of the form: only who has the
// key could make it, and neither usher nor the original does.
func TestFormsThatAreRefused(t *testing.T) {
	s := newSigner(t, secretKey, django.Email)
	const second = ":1mCmVk"
	data := func(json string) string { return b64.EncodeToString([]byte(json)) }
	good := `{"email":"a@x.org","action":"activation"}`
	read := func(text string) error {
		_, err := s.Read(text, time.Unix(1628443376, 0), week, django.Activation)
		return err
	}
	if err := read(signed(data(good) + second)); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"nothing":                 "",
		"no second":               data(good),
		"an empty second":         data(good) + ":",
		"a negative second":       data(good) + ":-1mCmVk",
		"zeros in front":          data(good) + ":01mCmVk",
		"two zeros":               data(good) + ":00",
		"a second with a blank":   data(good) + ": 1mCmVk",
		"a second beyond base62":  data(good) + ":1mCm_k",
		"a second beyond reason":  data(good) + ":JMAIjoX",
		"a second beyond int64":   data(good) + ":" + strings.Repeat("z", 12),
		"a part too many":         data(good) + ":1mCmVk" + second,
		"padding":                 base64.URLEncoding.EncodeToString([]byte(good)) + second,
		"the other alphabet":      base64.RawStdEncoding.EncodeToString([]byte(`{"email":"???>>>@x","action":"activation"}`)) + second,
		"unused bits":             data(good)[:len(data(good))-1] + "1" + second,
		"a line end amid":         data(good)[:8] + "\n" + data(good)[8:] + second,
		"compressed":              "." + data(good) + second,
		"no data":                 second,
		"no JSON":                 data("x") + second,
		"null":                    data("null") + second,
		"a list":                  data(`["email","a@x.org"]`) + second,
		"text":                    data(`"email"`) + second,
		"an empty object":         data("{}") + second,
		"blanks":                  data(`{"email": "a@x.org", "action": "activation"}`) + second,
		"a blank behind":          data(good+" ") + second,
		"two objects":             data(good+good) + second,
		"another order":           data(`{"action":"activation","email":"a@x.org"}`) + second,
		"a member too many":       data(`{"email":"a@x.org","action":"activation","x":""}`) + second,
		"a member twice":          data(`{"email":"b@x.org","email":"a@x.org","action":"activation"}`) + second,
		"twice by an escape":      data(`{"email":"b@x.org","\u0065mail":"a@x.org","action":"activation"}`) + second,
		"twice in another case":   data(`{"email":"a@x.org","EMAIL":"b@x.org","action":"activation"}`) + second,
		"another case":            data(`{"Email":"a@x.org","action":"activation"}`) + second,
		"the other field":         data(`{"username":"a@x.org","action":"activation"}`) + second,
		"both fields":             data(`{"email":"a@x.org","username":"a","action":"activation"}`) + second,
		"no subject":              data(`{"action":"activation"}`) + second,
		"an empty subject":        data(`{"email":"","action":"activation"}`) + second,
		"a null subject":          data(`{"email":null,"action":"activation"}`) + second,
		"a number":                data(`{"email":1,"action":"activation"}`) + second,
		"a list of subjects":      data(`{"email":["a@x.org","b@x.org"],"action":"activation"}`) + second,
		"no action":               data(`{"email":"a@x.org"}`) + second,
		"an unknown action":       data(`{"email":"a@x.org","action":"Activation"}`) + second,
		"an address too many":     data(`{"email":"a@x.org","action":"activation","secondary_email":"b@x.org"}`) + second,
		"an empty address":        data(`{"email":"a@x.org","action":"activation","secondary_email":""}`) + second,
		"a null address":          data(`{"email":"a@x.org","action":"activation","secondary_email":null}`) + second,
		"not escaped":             data(`{"email":"ü@x.org","action":"activation"}`) + second,
		"escaped in upper case":   data(`{"email":"\u00FC@x.org","action":"activation"}`) + second,
		"escaped for nothing":     data(`{"email":"a\u0040x.org","action":"activation"}`) + second,
		"an escaped solidus":      data(`{"email":"a\/b@x.org","action":"activation"}`) + second,
		"half a pair":             data(`{"email":"\ud800@x.org","action":"activation"}`) + second,
		"the replacement":         data("{\"email\":\"\xff@x.org\",\"action\":\"activation\"}") + second,
		"a NUL":                   data(`{"email":"a\u0000@x.org","action":"activation"}`) + second,
		"a line end":              data(`{"email":"a\n@x.org","action":"activation"}`) + second,
		"a deep one":              data(strings.Repeat(`{"a":`, 900)+"1"+strings.Repeat("}", 900)) + second,
		"longer than is accepted": data(`{"email":"`+strings.Repeat("a", 6100)+`","action":"activation"}`) + second,
	} {
		if err := read(signed(value)); outcome(t, err) != "invalid" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":         "",
		"a colon":         ":",
		"two colons":      "::",
		"no signature":    data(good) + second,
		"an empty one":    data(good) + second + ":",
		"cut":             signed(data(good) + second)[:80],
		"percent-encoded": strings.ReplaceAll(signed(data(good)+second), ":", "%3A"),
		"quoted":          `"` + signed(data(good)+second) + `"`,
		"with a blank":    signed(data(good)+second) + " ",
		"of 9 KB":         strings.Repeat("a", 9<<10),
		"colons, 8 KB":    strings.Repeat(":", 8<<10),
		"padded":          signed(data(good)+second) + "=",
	} {
		if err := read(text); outcome(t, err) != "invalid" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Signature, age, action: a token that fails by more than one is what the first
// of them says.
func TestOrderOfChecks(t *testing.T) {
	s := newSigner(t, secretKey, django.Email)
	text, _, err := s.Sign(django.Payload{Subject: "a@x.org", Action: django.PasswordReset}, now)
	if err != nil {
		t.Fatal(err)
	}
	broken := text[:len(text)-1] + "!"
	for _, c := range []struct {
		name   string
		text   string
		after  time.Duration
		action django.Action
		want   string
	}{
		{"at once", text, 0, django.PasswordReset, "ok"},
		{"in the last second", text, time.Hour, django.PasswordReset, "ok"},
		{"a nanosecond late", text, time.Hour + 1, django.PasswordReset, "expired"},
		{"from the future", text, -1000 * week, django.PasswordReset, "ok"},
		{"for another action", text, 0, django.Activation, "invalid"},
		{"late, for another action", text, 2 * time.Hour, django.Activation, "expired"},
		{"late, for no action", text, 2 * time.Hour, "", "expired"},
		{"for no action", text, 0, "", "invalid"},
		{"late and broken", broken, 2 * time.Hour, django.PasswordReset, "invalid"},
		{"late and of another form", signed("e30:1mCmVk"), 0, django.PasswordReset, "expired"},
	} {
		if _, err := s.Read(c.text, now.Add(c.after), time.Hour, c.action); outcome(t, err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The next second is another token of another record, and the same second the
// same.
func TestRecords(t *testing.T) {
	s := newSigner(t, secretKey, django.Email)
	texts, records := map[string]bool{}, map[[32]byte]bool{}
	for _, subject := range []string{"a@x.org", "b@x.org"} {
		for _, action := range []django.Action{django.Activation, django.PasswordReset, django.PasswordSet} {
			for _, at := range []time.Time{now, now, now.Add(time.Second - 1), now.Add(time.Second)} {
				text, record, err := s.Sign(django.Payload{Subject: subject, Action: action}, at)
				if err != nil {
					t.Fatal(err)
				}
				texts[text], records[record] = true, true
			}
		}
	}
	if len(texts) != 12 || len(records) != 12 {
		t.Errorf("%d texts, %d records, want 12", len(texts), len(records))
	}
}

// storable are the texts that tokens carry.
func storable() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		text := rapid.StringN(1, 100, -1).Draw(t, "text")
		return "x" + strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' {
				return -1
			}
			return r
		}, text)
	})
}

func payloads() *rapid.Generator[django.Payload] {
	return rapid.Custom(func(t *rapid.T) django.Payload {
		p := django.Payload{
			Subject: storable().Draw(t, "subject"),
			Action:  rapid.SampledFrom([]django.Action{django.Activation, django.PasswordReset, django.PasswordSet, django.SecondaryActivation}).Draw(t, "action"),
		}
		if p.Action == django.SecondaryActivation {
			p.SecondaryEmail = storable().Draw(t, "second address")
		}
		return p
	})
}

// What is signed is read, as what it was, for its action, field and key alone.
func TestSignedIsRead(t *testing.T) {
	other := secretKey[1:] + "x"
	rapid.Check(t, func(rt *rapid.T) {
		p := payloads().Draw(rt, "payload")
		at := time.Unix(rapid.Int64Range(0, 1<<40).Draw(rt, "second"), 0).UTC()
		field := rapid.SampledFrom([]django.Field{django.Email, django.Username}).Draw(rt, "field")
		text, record, err := newSigner(t, secretKey, field).Sign(p, at)
		if err != nil {
			rt.Fatal(err)
		}
		for _, f := range []django.Field{django.Email, django.Username} {
			for action := range life {
				m, err := newSigner(t, secretKey, f).Read(text, at, 0, action)
				if good := f == field && action == p.Action; good != (err == nil) {
					rt.Fatalf("%s by %s: %v", action, f, err)
				} else if good && m != (django.Mailed{Payload: p, At: at, Record: record}) {
					rt.Fatalf("%+v", m)
				}
			}
		}
		if _, err := newSigner(t, other, field).Read(text, at, 0, p.Action); err == nil {
			rt.Fatal("read with another key")
		}
	})
}
