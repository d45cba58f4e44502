package django

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

// The claims of a login token, in their order; before them stands the Field.
// The last two are usher's own. PyJWT judges registered names alone and the
// original reads none besides its own, so that it takes usher's tokens too.
const (
	claimExpires = "exp"
	claimIssued  = "origIat"
	claimEpoch   = "usherEpoch"
	claimSession = "usherSession"
)

// maxAhead is how far the clock of who made a token may be ahead (security T4).
// A token of the original is dead by comparing origIat with a later change; one
// of the far future would outlive every change.
const maxAhead = time.Minute

// header is PyJWT's; of what others made, the order does not matter.
const header = `{"typ":"JWT","alg":"HS256"}`

// Login is what a login token says. Times are whole seconds, UTC.
type Login struct {
	// Subject is the user's e-mail or username; which, the Logins fix. It is
	// empty where the original's token names nobody, which is good for
	// verifyToken and signs nobody in.
	Subject         string
	Issued, Expires time.Time
	// Session and Epoch are of usher's own tokens. Session is empty in the
	// original's, which are judged by Issued.
	Session user.ID
	Epoch   int64
}

// Logins make and check login tokens: JWTs with HS256 under the bytes of a
// SECRET_KEY as they are.
type Logins struct {
	subject Field
	key     []byte
	now     func() time.Time
	// timely is the verifier; ever is the same at the beginning of time, to
	// tell a token that was good from one that never was.
	timely, ever *token.Verifier
}

// NewLogins takes the bytes of a SECRET_KEY; too short a one is ErrKey. now is
// time.Now outside of tests.
func NewLogins(secretKey []byte, subject Field, now func() time.Time) (*Logins, error) {
	fail := func(err error) (*Logins, error) { return nil, fmt.Errorf("login tokens: %w", err) }
	if err := usable(secretKey, subject); err != nil {
		return fail(err)
	}
	secret, err := token.NewSecret(secretKey)
	if err != nil {
		return fail(err)
	}
	rules := token.VerifierConfig{
		Algs: []token.Alg{token.HS256}, Keys: token.SingleKey(secret),
		NoIssuer: true, NoAudience: true, Typ: "JWT", Now: now,
	}
	timely, err := token.NewVerifier(rules)
	if err != nil {
		return fail(err)
	}
	rules.Now = func() time.Time { return time.Time{} }
	ever, err := token.NewVerifier(rules)
	if err != nil {
		return fail(err)
	}
	return &Logins{subject: subject, key: append([]byte(nil), secretKey...), now: now, timely: timely, ever: ever}, nil
}

// Sign makes one of usher's own tokens; fractions of seconds are dropped.
func (s *Logins) Sign(l Login) (string, error) {
	fail := func(why string) (string, error) { return "", fmt.Errorf("sign a login token: %s", why) }
	switch {
	case l.Subject == "" || !storable(l.Subject):
		return fail("the subject is empty, not UTF-8 or has control characters")
	case l.Session == "" || !storable(string(l.Session)) || l.Epoch < 0:
		return fail("no session, or no epoch")
	case l.Issued.Unix() < 0 || l.Expires.Unix() <= l.Issued.Unix() || l.Expires.Unix() > maxSecond:
		return fail("the times are out of range")
	}
	signed := b64.EncodeToString([]byte(header)) + "." + s.encode(l)
	if len(signed)+1+b64.EncodedLen(sha256.Size) > maxText {
		return fail("longer than is read back")
	}
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(signed))
	return signed + "." + b64.EncodeToString(mac.Sum(nil)), nil
}

// Verify gives what a token says, usher's or the original's: ErrInvalid unless
// it was signed and is of the one form, then ErrExpired. At the second of exp a
// token has expired (RFC 7519, section 4.1.4; PyJWT 1.7 takes it a second more).
func (s *Logins) Verify(text string) (Login, error) {
	c, refused := s.timely.Verify(text)
	if refused != nil {
		var err error
		if c, err = s.ever.Verify(text); err != nil {
			return Login{}, invalid(token.Reason(refused))
		}
	}
	l := s.claims(c)
	// The verifier took it, so there are three parts.
	if parts := strings.Split(text, "."); parts[1] != s.encode(l) {
		return Login{}, invalid("claims are of another form")
	}
	switch {
	case !storable(l.Subject) || !storable(string(l.Session)):
		return Login{}, invalid("a text has control characters")
	case refused != nil: // for its time alone, since ever takes it
		return Login{}, fmt.Errorf("%w: exp has passed", ErrExpired)
	case l.Issued.After(s.now().Add(maxAhead)):
		return Login{}, invalid("origIat is in the future")
	}
	return l, nil
}

// claims reads what Verify then holds to the canonical form: what is missing or
// of another type becomes a zero value, whose form is another. That refuses a
// token without origIat too; nothing would say whether it is older than a change
// of password.
func (s *Logins) claims(c token.Claims) Login {
	return Login{
		Subject: c.Text(string(s.subject)), Expires: c.Expires,
		Issued:  time.Unix(min(whole(c, claimIssued), maxSecond), 0).UTC(),
		Session: user.ID(c.Text(claimSession)), Epoch: whole(c, claimEpoch),
	}
}

// whole reads a claim that is a whole number and not negative, or gives zero.
func whole(c token.Claims, name string) int64 {
	var n int64
	if !c.Get(name, &n) {
		return 0
	}
	return max(n, 0)
}

// Payload gives the claims that the original shows for a token, as a JSON object
// in the order they stand in it: usher's own are left out.
func (s *Logins) Payload(l Login) json.RawMessage { return s.shown(l).end() }

func (s *Logins) shown(l Login) object {
	var o object
	if l.Subject != "" {
		o = o.text(string(s.subject), l.Subject)
	}
	return o.number(claimExpires, l.Expires.Unix()).number(claimIssued, l.Issued.Unix())
}

// encode gives the one text of a token's claims.
func (s *Logins) encode(l Login) string {
	o := s.shown(l)
	if l.Session != "" {
		o = o.number(claimEpoch, l.Epoch).text(claimSession, string(l.Session))
	}
	return b64.EncodeToString(o.end())
}
