package django_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// maxReason bounds what a refusal puts into a log, in bytes.
const maxReason = 300

// Nobody without the key makes a token, of whatever purpose.
func FuzzForge(f *testing.F) {
	all := purposes(f)
	var made []string
	for _, p := range all {
		for _, text := range p.texts {
			f.Add(text)
			made = append(made, text)
		}
	}
	for _, text := range []string{"", ":", "::", "..", ".:1mCmVk:", strings.Repeat(":", 9<<10), "e30:1mCmVk:AAAA"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range all {
			err := p.check(text)
			if err == nil && !slices.Contains(made, text) {
				t.Errorf("good as %s: %q", p.name, text)
			}
			if err != nil && len(err.Error()) > maxReason {
				t.Errorf("%s: the refusal says too much: %q", p.name, err)
			}
		}
	})
}

// Whoever has the key and signs anything: what is read is what usher would have
// signed, letter for letter.
func FuzzRead(f *testing.F) {
	s := newSigner(f, secretKey, django.Email)
	for _, payload := range []string{
		`{"email":"a@x.org","action":"activation"}`, `{"email":"\u00fc@x.org","action":"password_reset"}`,
		`{"email":"a@x.org","action":"activation_secondary_email","secondary_email":"\ud83d\ude42@x.org"}`,
		`{"email":"a","email":"b","action":"activation"}`, `{"Email":"a","action":"activation"}`, `null`, `[`, "\xff",
	} {
		f.Add(payload, "1mCmVk")
	}
	f.Add(`{}`, "01")
	f.Add(`{}`, "JMAIjoX")
	f.Fuzz(func(t *testing.T, payload, second string) {
		for _, data := range []string{payload, b64.EncodeToString([]byte(payload))} {
			text := signed(data + ":" + second)
			for action := range life {
				m, err := s.Read(text, time.Unix(0, 0), 0, action)
				if err != nil {
					if outcome(t, err) != "invalid" || len(err.Error()) > maxReason || m != (django.Mailed{}) {
						t.Errorf("%v, %+v", err, m)
					}
					continue
				}
				again, record, err := s.Sign(m.Payload, m.At)
				if err != nil || again != text || record != m.Record || m.Action != action {
					t.Errorf("%q is read as %+v: %q, %v", text, m, again, err)
				}
			}
		}
	})
}

// The same of login tokens, the original's and usher's.
func FuzzVerify(f *testing.F) {
	s := newLogins(f, secretKey, django.Email, now)
	for _, payload := range []string{
		`{"email":"a@x.org","exp":4102444800,"origIat":1577836800}`, `{"exp":4102444800,"origIat":1577836800}`,
		`{"email":"a@x.org","exp":4102444800,"origIat":0,"usherEpoch":1,"usherSession":"s"}`,
		`{"email":"a@x.org","exp":4e9,"origIat":1}`, `{"exp":1,"origIat":1}`, `{"exp":4102444800,"origIat":1,"x":[null]}`, `{`,
	} {
		f.Add(header, payload)
	}
	f.Add(`{"alg":"none"}`, `{}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		text := jwt(header, payload)
		l, err := s.Verify(text)
		if err != nil {
			if outcome(t, err); len(err.Error()) > maxReason || l != (django.Login{}) {
				t.Errorf("%v, %+v", err, l)
			}
			return
		}
		var head map[string]string
		if json.Unmarshal([]byte(header), &head) != nil || head["alg"] != "HS256" || head["typ"] != "JWT" || len(head) != 2 {
			t.Errorf("header %q", header)
		}
		if !l.Expires.After(now) || l.Issued.After(now.Add(time.Minute)) {
			t.Errorf("%+v", l)
		}
		shown := string(s.Payload(l))
		if l.Session != "" {
			shown = fmt.Sprintf(`%s,"usherEpoch":%d,"usherSession":`, shown[:len(shown)-1], l.Epoch)
		}
		if !strings.HasPrefix(payload, shown) || l.Session == "" && payload != shown {
			t.Errorf("%q is read as %s", payload, shown)
		}
	})
}

// Any texts are signed and read as they were, or not signed.
func FuzzSign(f *testing.F) {
	f.Add("a@x.org", "b@x.org", int64(1628443376), int64(0))
	f.Add("\u00fc\U0001f642\u2028\"\\</>", "\x7f", int64(0), int64(1))
	f.Add("\xff", "", int64(-1), int64(-1))
	f.Add(strings.Repeat("\U0001f642", 600), "s", int64(1<<40), int64(1<<62))
	signer := newSigner(f, secretKey, django.Username)
	plain := func(s string) bool {
		return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
	}
	f.Fuzz(func(t *testing.T, subject, second string, at, epoch int64) {
		when := time.Unix(at, 0).UTC()
		inRange := at >= 0 && at <= 1<<40
		short := len(subject)+len(second) < 500
		for action := range life {
			p := django.Payload{Subject: subject, Action: action}
			good := inRange && plain(subject)
			if action == django.SecondaryActivation {
				p.SecondaryEmail = second
				good = good && plain(second)
			}
			text, record, err := signer.Sign(p, when)
			if err == nil && !good || err != nil && good && short {
				t.Fatalf("%+v: %v", p, err)
			}
			if err != nil {
				continue
			}
			if strings.Count(text, ":") != 2 || len(text) > 8<<10 {
				t.Errorf("signed %q", text)
			}
			if m, err := signer.Read(text, when, 0, action); err != nil || m != (django.Mailed{Payload: p, At: when, Record: record}) {
				t.Errorf("%+v, %v", m, err)
			}
		}
		l := django.Login{Subject: subject, Session: user.ID(second), Epoch: epoch, Issued: when, Expires: when.Add(time.Second)}
		logins := newLogins(t, secretKey, django.Username, when)
		good := inRange && at < 1<<40 && plain(subject) && plain(second) && epoch >= 0
		text, err := logins.Sign(l)
		if err == nil && !good || err != nil && good && short {
			t.Fatalf("%+v: %v", l, err)
		}
		if err == nil {
			if got, err := logins.Verify(text); err != nil || got != l {
				t.Errorf("%+v, %v", got, err)
			}
		}
	})
}
