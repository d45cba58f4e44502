package statetoken

import (
	"crypto/sha256"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/token"
)

// Claims are what a verified token says. What is required is there and no longer
// than said; what is not and does not fit is left out, since it is no reason to
// keep a person out. None of it is a proof of an address.
type Claims struct {
	Issuer  string // as Keys knows it
	Subject string // whom the issuer means; up to 255 characters, as they stand
	Channel string // state_id, one of the issuer's
	School  string // school_id, up to 255 characters
	// Name is one line without control characters and marks that turn the
	// direction of text, cut at 255 characters.
	Name string
	// RedirectURI is an absolute http or https address, or a path, of up to 2048
	// bytes, or empty. Whether anybody may be sent there is not judged.
	RedirectURI string
	Phone       string   // phone_number as it was sent, up to 40 characters
	Email       string   // a well-formed address as it was sent
	Roles       []string // up to 32 different names of up to 64 characters
	ID          string   // jti
	// Once is a hash that names the token among those of all issuers.
	Once [32]byte
	// Until is when no clock would take the token any more.
	Until time.Time
}

const (
	maxText     = 255 // characters
	maxRedirect = 2048
	maxPhone    = 40
	maxRoles    = 32
	maxRole     = 64
)

// read takes the claims out of a token whose signature is right. Times are judged
// elsewhere.
func read(c token.Claims) (Claims, error) {
	out := Claims{
		Issuer: c.Issuer, RedirectURI: redirect(c.Text("redirect_uri")), Phone: line(c.Text("phone_number")),
		Email: email(c.Text("email")), Roles: roles(c), Until: c.Expires.Add(apart),
	}
	if utf8.RuneCountInString(out.Phone) > maxPhone {
		out.Phone = ""
	}
	for _, need := range []struct {
		name string
		into *string
	}{{"state_id", &out.Channel}, {"school_id", &out.School}, {"sub", &out.Subject}, {"jti", &out.ID}, {"name", &out.Name}} {
		s := c.Text(need.name)
		switch {
		case !c.Has(need.name):
			return Claims{}, no(DataMissing, need.name+" is missing")
		case s == "" && !isEmptyText(c, need.name):
			return Claims{}, no(DataInvalid, need.name+" is not text")
		case need.name == "name":
			s = cut(line(s), maxText)
		case strings.ContainsFunc(s, unicode.IsControl), utf8.RuneCountInString(s) > maxText:
			return Claims{}, no(DataInvalid, need.name+" is too long or has control characters")
		}
		if strings.TrimSpace(s) == "" {
			return Claims{}, no(DataMissing, need.name+" is empty")
		}
		*need.into = s
	}
	out.Once = sha256.Sum256([]byte(strings.Join([]string{"redeemed", "state", out.Issuer, out.ID}, "\x00")))
	return out, nil
}

// isEmptyText tells the text "" from what is no text.
func isEmptyText(c token.Claims, name string) bool {
	var v any
	return c.Get(name, &v) && v == ""
}

// line makes one line of a text for people. Joiners stay, which the scripts of India
// need; marks that turn the direction of what follows go.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most]))
	}
	return s
}

// redirect takes an absolute web address, an app's, or a path, as recorded tokens have
// it. Where it may end, policy says.
func redirect(s string) string {
	u, err := url.Parse(s)
	if err == nil && len(s) <= maxRedirect && u.Scheme == "" && u.Host == "" && strings.HasPrefix(s, "/") && !strings.ContainsAny(s, "\\\r\n\t") {
		return s
	}
	if err != nil || len(s) > maxRedirect || u.User != nil || strings.ContainsAny(s, "\\\r\n\t ") {
		return ""
	}
	// An app's own scheme has a dot in it (RFC 8252, section 7.1).
	if web := u.Scheme == "https" || u.Scheme == "http"; web && u.Hostname() == "" || !web && !strings.Contains(u.Scheme, ".") {
		return ""
	}
	return s
}

func email(s string) string {
	e, err := normal.ParseEmail(s)
	if err != nil {
		return ""
	}
	return e.String()
}

// roles reads a list of names; a list that is none of names is none.
func roles(c token.Claims) (out []string) {
	var all []any
	if !c.Get("roles", &all) {
		return nil
	}
	seen := map[string]bool{}
	for _, v := range all {
		s, ok := v.(string)
		s = line(s)
		if !ok || s == "" || utf8.RuneCountInString(s) > maxRole || seen[s] {
			continue
		}
		if seen[s] = true; len(out) == maxRoles {
			break
		}
		out = append(out, s)
	}
	return out
}
