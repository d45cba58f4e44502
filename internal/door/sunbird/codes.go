package sunbird

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/user"
)

// generate sends a one-time code (contract B.7).
func (d *Door) generate(w http.ResponseWriter, r *http.Request) error {
	f, err := readBody(w, r)
	if err != nil {
		return err
	}
	to, err := readTo(f, false)
	if err != nil {
		return err
	}
	err = d.Codes.Send(r.Context(), otp.Request{
		To: to, Purpose: onboarding.Purpose, Network: d.Network(r), Lang: r.Header.Get("Accept-Language"), Site: d.site(),
	})
	if err != nil {
		return err
	}
	d.good(w, r, r.URL.Path, map[string]any{"response": "SUCCESS"})
	return nil
}

// verify checks a code and uses it up; in a browser that has begun a state
// sign-in, the address then counts as confirmed there.
func (d *Door) verify(w http.ResponseWriter, r *http.Request) error {
	f, err := readBody(w, r)
	if err != nil {
		return err
	}
	to, err := readTo(f, true)
	if err != nil {
		return err
	}
	code, err := f.first("otp", "OTP")
	if err != nil {
		return err
	}
	var tried otp.Tried
	if cookie := d.stateCookie(r); cookie != "" && to.Kind == user.Phone {
		tried, err = d.States.Verify(r.Context(), cookie, to, code)
		if refused(err, user.BadToken) { // the visit is over; the code is the phone's
			tried, err = d.Codes.Verify(r.Context(), to, onboarding.Purpose, code)
		}
	} else {
		tried, err = d.Codes.Verify(r.Context(), to, onboarding.Purpose, code)
	}
	if err != nil {
		return err
	}
	if !tried.Right {
		return told(onboarding.WrongCode(tried), d.Policies.Current())
	}
	d.good(w, r, r.URL.Path, map[string]any{"response": "SUCCESS"})
	return nil
}

// readTo reads key and type in the contract's order: what is missing, the type,
// the form of the key.
func readTo(f fields, withCode bool) (otp.To, error) {
	need := []string{"key", "type"}
	if withCode {
		need = append(need, "otp")
	}
	values := map[string]string{}
	for _, n := range need {
		v, err := f.text(n)
		if err != nil {
			return otp.To{}, err
		}
		if v == "" {
			return otp.To{}, missing(n)
		}
		values[n] = v
	}
	switch values["type"] {
	case "email":
		e, ok := readEmail(values["key"])
		if !ok {
			return otp.To{}, badEmail
		}
		return otp.To{Kind: user.Email, Key: e.Key(), Display: e.String()}, nil
	case "phone":
		p, ok := readAnyPhone(values["key"])
		if !ok {
			return otp.To{}, badPhone
		}
		return otp.To{Kind: user.Phone, Key: p.Key(), Display: p.String(), Region: p.Region()}, nil
	default:
		return otp.To{}, invalidKey("type", shorten(values["type"]), "email", "phone")
	}
}

// readAnyPhone reads a number of the home country, or of any with its +.
func readAnyPhone(text string) (normal.Phone, bool) {
	if !strings.HasPrefix(text, "+") {
		text = "+" + home + text
	}
	return readPhone(text)
}

func (d *Door) site() string {
	if s := d.Policies.Current().Sunbird.Site; s != "" {
		return s
	}
	return d.Site
}

// longText is a token of somebody else's, which may be long.
func longText(f fields, names ...string) (string, error) {
	for _, n := range names {
		if !f.sent(n) {
			continue
		}
		var s string
		if f[n][0] != '"' {
			return f.text(n) // digits of a code
		}
		if json.Unmarshal(f[n], &s) != nil || len(s) > maxIDToken {
			return "", badCredential
		}
		return strings.TrimSpace(s), nil
	}
	return "", nil
}

// maxIDToken is longer than any ID token of Google's.
const maxIDToken = 16 << 10
