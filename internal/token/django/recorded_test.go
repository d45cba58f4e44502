package django_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token/django"
)

// The key of the contract's vectors, and its life of mailed tokens.
const (
	secretKey = "gqlauth-research-secret-key-0001"
	week      = 7 * 24 * time.Hour
)

var (
	now  = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	life = map[django.Action]time.Duration{
		django.Activation: week, django.PasswordReset: time.Hour, django.PasswordSet: time.Hour, django.SecondaryActivation: time.Hour,
	}
)

func newSigner(t testing.TB, key string, subject django.Field) *django.Signer {
	t.Helper()
	s, err := django.NewSigner([]byte(key), subject)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newLogins(t testing.TB, key string, subject django.Field, at time.Time) *django.Logins {
	t.Helper()
	s, err := django.NewLogins([]byte(key), subject, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// outcome is what became of reading a token: ok, expired or invalid.
func outcome(t testing.TB, err error) string {
	t.Helper()
	expired, invalid := errors.Is(err, django.ErrExpired), errors.Is(err, django.ErrInvalid)
	switch {
	case err == nil:
		return "ok"
	case expired && !invalid:
		return "expired"
	case invalid && !expired:
		return "invalid"
	}
	t.Fatalf("neither expired nor invalid: %v", err)
	return ""
}

// Contract section 8, byte for byte.
func TestVectorsOfTheContract(t *testing.T) {
	at := time.Unix(1628443376, 0).UTC()
	s := newSigner(t, secretKey, django.Email)
	for want, p := range map[string]django.Payload{
		"eyJlbWFpbCI6InRlc3RAcGxlZGdlNGZ1dHVyZS5vcmciLCJhY3Rpb24iOiJhY3RpdmF0aW9uIn0:1mCmVk:hY2SBpfdWBc7IKDath4Hdb6RwqfhtaXxi2tYrNd6E48": {
			Subject: "test@pledge4future.org", Action: django.Activation,
		},
		"eyJlbWFpbCI6InRlc3RAcGxlZGdlNGZ1dHVyZS5vcmciLCJhY3Rpb24iOiJwYXNzd29yZF9yZXNldCJ9:1mCmVk:MgJQD_bVwcMU4zMs_tJtYg_uUdjJpsguqyWH8hsuPRw": {
			Subject: "test@pledge4future.org", Action: django.PasswordReset,
		},
		"eyJlbWFpbCI6InRlc3RAcGxlZGdlNGZ1dHVyZS5vcmciLCJhY3Rpb24iOiJhY3RpdmF0aW9uX3NlY29uZGFyeV9lbWFpbCIsInNlY29uZGFyeV9lbWFpbCI6Ilx1MDBmY0B4Lm9yZyJ9:1mCmVk:sQWLJaZ0I73ZnHRUgg7xClK0FG0YnCHPVOSh9cIamQ8": {
			Subject: "test@pledge4future.org", Action: django.SecondaryActivation, SecondaryEmail: "ü@x.org",
		},
	} {
		text, record, err := s.Sign(p, at)
		if err != nil || text != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
		if m, err := s.Read(want, at, 0, p.Action); err != nil || m != (django.Mailed{Payload: p, At: at, Record: record}) {
			t.Errorf("%+v, %v", m, err)
		}
	}

	const jwt = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6InRlc3RAcGxlZGdlNGZ1dHVyZS5vcmciLCJleHAiOjE2Mjg0NDM2NzYsIm9yaWdJYXQiOjE2Mjg0NDMzNzZ9.5Ql0mqpmw4P5l6CC5paUMTjZlRYwMVm_RdDuXRYG3fs"
	logins := newLogins(t, secretKey, django.Email, at)
	l, err := logins.Verify(jwt)
	if want := (django.Login{Subject: "test@pledge4future.org", Issued: at, Expires: at.Add(300 * time.Second)}); err != nil || l != want {
		t.Errorf("%+v, %v", l, err)
	}
	if got := string(logins.Payload(l)); got != `{"email":"test@pledge4future.org","exp":1628443676,"origIat":1628443376}` {
		t.Errorf("payload %s", got)
	}
}

// The 17 tokens that the recorded cases send, each by every reader.
func TestStaticTokensOfTheContract(t *testing.T) {
	text, err := os.ReadFile("testdata/static.txt")
	if err != nil {
		t.Fatal(err)
	}
	type mailed struct {
		outcome string // for its own action
		django.Payload
	}
	const person, ghost = "test@pledge4future.org", "ghost@pledge4future.org"
	mails := map[string]mailed{
		"static_expired_activation":      {"expired", django.Payload{Action: django.Activation}},
		"static_future_activation_ghost": {"ok", django.Payload{Subject: ghost, Action: django.Activation}},
		"static_expired_reset":           {"expired", django.Payload{Action: django.PasswordReset}},
		"static_future_reset":            {"ok", django.Payload{Subject: person, Action: django.PasswordReset}},
		"static_future_reset_ghost":      {"ok", django.Payload{Subject: ghost, Action: django.PasswordReset}},
		"static_expired_set":             {"expired", django.Payload{Action: django.PasswordSet}},
		"static_future_set":              {"ok", django.Payload{Subject: person, Action: django.PasswordSet}},
		"static_expired_secondary":       {"expired", django.Payload{Action: django.SecondaryActivation}},
		"static_wrong_salt":              {"invalid", django.Payload{Action: django.Activation}},
		"static_sha1_activation_sec":     {"ok", django.Payload{Subject: "sha1@pledge4future.org", Action: django.Activation}},
	}
	type login struct{ outcome, payload string }
	logins := map[string]login{
		"static_jwt_expired":    {"expired", ""},
		"static_jwt_unverified": {"ok", `{"email":"unver@pledge4future.org","exp":4102444800,"origIat":1577836800}`},
		"static_jwt_wrongkey":   {"invalid", ""},
		"static_jwt_none":       {"invalid", ""},
		"static_jwt_noemail":    {"ok", `{"exp":4102444800,"origIat":1577836800}`},
		"static_jwt_ghost":      {"ok", `{"email":"ghost@pledge4future.org","exp":4102444800,"origIat":1577836800}`},
		"static_jwt_noexp":      {"invalid", ""},
	}
	signer, verifier := newSigner(t, secretKey, django.Email), newLogins(t, secretKey, django.Email, now)
	seen := 0
	for line := range strings.Lines(string(text)) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		seen++
		want, isMail := mails[name]
		wantLogin, isLogin := logins[name]
		if isMail == isLogin {
			t.Errorf("%s: nothing is known of it", name)
		}
		for action, maxAge := range life {
			expect := "invalid"
			// The age is looked at before the action.
			if isMail && (action == want.Action || want.outcome == "expired") {
				expect = want.outcome
			}
			m, err := signer.Read(text, now, maxAge, action)
			if got := outcome(t, err); got != expect {
				t.Errorf("%s as %s: %s, want %s", name, action, got, expect)
			} else if got == "ok" && m.Payload != want.Payload || got != "ok" && m != (django.Mailed{}) {
				t.Errorf("%s as %s: %+v", name, action, m)
			}
		}
		if !isLogin {
			wantLogin.outcome = "invalid"
		}
		l, err := verifier.Verify(text)
		if got := outcome(t, err); got != wantLogin.outcome {
			t.Errorf("%s: %s, want %s", name, got, wantLogin.outcome)
		} else if got == "ok" && (string(verifier.Payload(l)) != wantLogin.payload || l.Session != "") || got != "ok" && l != (django.Login{}) {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if seen != 17 {
		t.Errorf("%d tokens", seen)
	}
}

// ask and answer are those of testdata/original.py.
type ask struct {
	Key       string       `json:"key"`
	Field     django.Field `json:"field"`
	Now       int64        `json:"now"`
	Do        string       `json:"do"`
	Subject   string       `json:"subject,omitempty"`
	Action    string       `json:"action,omitempty"`
	Secondary string       `json:"secondary,omitempty"`
	Life      int64        `json:"life,omitempty"`
	Token     string       `json:"token,omitempty"`
	MaxAge    int64        `json:"max_age,omitempty"`
}

type answer struct {
	Token   string         `json:"token,omitempty"`
	Outcome string         `json:"outcome,omitempty"`
	Payload map[string]any `json:"payload,omitempty"`
}

type exchange struct {
	Ask    ask    `json:"ask"`
	Answer answer `json:"answer"`
}

func exchanges(t *testing.T, jsonLines string) (all []exchange) {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(jsonLines)); lines.Scan(); {
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func recorded(t *testing.T) []exchange {
	t.Helper()
	text, err := os.ReadFile("testdata/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	all := exchanges(t, string(text))
	if len(all) < 150 {
		t.Fatalf("%d exchanges", len(all))
	}
	return all
}

// What the original made and judged is made and judged alike.
func TestRecordedOriginal(t *testing.T) {
	for _, e := range recorded(t) {
		agree(t, e)
	}
}

// agree holds usher to one exchange with the original.
func agree(t *testing.T, e exchange) {
	t.Helper()
	at := time.Unix(e.Ask.Now, 0).UTC()
	signer, logins := newSigner(t, e.Ask.Key, e.Ask.Field), newLogins(t, e.Ask.Key, e.Ask.Field, at)
	p := django.Payload{Subject: e.Ask.Subject, Action: django.Action(e.Ask.Action), SecondaryEmail: e.Ask.Secondary}
	maxAge := time.Duration(e.Ask.MaxAge) * time.Second
	switch e.Ask.Do {
	case "mail", "sha1":
		text, record, err := signer.Sign(p, at)
		if err != nil || text != e.Answer.Token && e.Ask.Do == "mail" {
			t.Errorf("%+v: made %s, %v", e, text, err)
		}
		m, err := signer.Read(e.Answer.Token, at, maxAge, p.Action)
		if err != nil || m != (django.Mailed{Payload: p, At: at, Record: record}) {
			t.Errorf("%+v: read as %+v, %v", e, m, err)
		}
	case "compressed":
		if m, err := signer.Read(e.Answer.Token, at, maxAge, p.Action); outcome(t, err) != "invalid" {
			t.Errorf("%+v: read as %+v, %v", e, m, err)
		}
	case "login":
		l, err := logins.Verify(e.Answer.Token)
		if want := (django.Login{Subject: p.Subject, Issued: at, Expires: at.Add(time.Duration(e.Ask.Life) * time.Second)}); err != nil || l != want {
			t.Errorf("%+v: read as %+v, %v", e, l, err)
		}
	case "read":
		m, err := signer.Read(e.Ask.Token, at, maxAge, p.Action)
		got := map[string]any{}
		if err == nil {
			got[string(e.Ask.Field)] = m.Subject
			if m.SecondaryEmail != "" {
				got["secondary_email"] = m.SecondaryEmail
			}
		}
		judged(t, e, outcome(t, err), got)
	case "verify":
		l, err := logins.Verify(e.Ask.Token)
		var got map[string]any
		if err == nil {
			_ = json.Unmarshal(logins.Payload(l), &got)
			if l.Session != "" {
				got["usherEpoch"], got["usherSession"] = float64(l.Epoch), string(l.Session)
			}
		}
		judged(t, e, outcome(t, err), got)
	default:
		t.Errorf("%q is not known", e.Ask.Do)
	}
}

// judged wants the original's judgement, except for what usher alone refuses.
func judged(t *testing.T, e exchange, got string, payload map[string]any) {
	t.Helper()
	if got != e.Answer.Outcome && !stricter(e, got) {
		t.Errorf("%+v: %s", e, got)
	} else if got == "ok" && !maps.Equal(payload, e.Answer.Payload) {
		t.Errorf("%+v: %v", e, payload)
	}
}

// stricter tells whether a difference is one that is meant: a JWT that has no
// exp, is at the second of its exp, or is in another spelling.
func stricter(e exchange, got string) bool {
	if e.Ask.Do != "verify" || e.Answer.Outcome == "invalid" {
		return false
	}
	exp, has := e.Answer.Payload["exp"]
	switch {
	case e.Answer.Outcome == "ok" && !has:
		return got == "invalid"
	case e.Answer.Outcome == "ok" && exp == float64(e.Ask.Now):
		return got == "expired"
	default:
		return got == "invalid" && respelt(e.Ask.Token)
	}
}

// respelt tells whether a JWT's last part is not canonical base64url.
func respelt(text string) bool {
	mac := text[strings.LastIndexByte(text, '.')+1:]
	raw, err := b64.DecodeString(mac)
	return err != nil || b64.EncodeToString(raw) != mac
}
