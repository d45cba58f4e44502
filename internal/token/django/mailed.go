package django

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // an HMAC of it, read and never made: Django before 3.1 signed so
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"
)

// Action is what a mailed token does.
type Action string

// The actions of contract section 8.
const (
	Activation          Action = "activation"
	PasswordReset       Action = "password_reset"
	PasswordSet         Action = "password_set"
	SecondaryActivation Action = "activation_secondary_email"
)

// Payload is what a mailed token says. All texts are UTF-8 without control
// characters.
type Payload struct {
	// Subject is the user's e-mail or username; which, the Signer fixes.
	Subject string
	Action  Action
	// SecondaryEmail is set with SecondaryActivation and no other action.
	SecondaryEmail string
}

// Mailed is a token that was signed with the key.
type Mailed struct {
	Payload
	// At is the second it was signed in, which may be in the future.
	At time.Time
	// Record names the token to those who keep what was mailed and what was
	// used.
	Record [sha256.Size]byte
}

// Signer makes and reads mailed tokens: django.core.signing.dumps and loads of
// Django 3.1, with the default salt and without compression.
type Signer struct {
	subject      Field
	key, legacy  []byte // of HMAC-SHA-256, and of HMAC-SHA-1
	signatureLen int
}

// salt is what Django derives the key with: the salt of dumps, and Signer's own.
const salt = "django.core.signing" + "signer"

// NewSigner takes the bytes of a SECRET_KEY as they are; too short a one is
// ErrKey.
func NewSigner(secretKey []byte, subject Field) (*Signer, error) {
	if err := usable(secretKey, subject); err != nil {
		return nil, fmt.Errorf("signer of mailed tokens: %w", err)
	}
	salted := append([]byte(salt), secretKey...)
	key, legacy := sha256.Sum256(salted), sha1.Sum(salted) //nolint:gosec // see the import
	return &Signer{subject: subject, key: key[:], legacy: legacy[:], signatureLen: b64.EncodedLen(sha256.Size)}, nil
}

// Sign makes the token of a payload and a second, and the record that Read will
// give for it. The same payload in the same second is the same token: who needs
// two takes the next second.
func (s *Signer) Sign(p Payload, at time.Time) (text string, record [sha256.Size]byte, err error) {
	second := at.Unix()
	if err := p.check(); err != nil {
		return "", record, fmt.Errorf("sign a mailed token: %w", err)
	}
	if second < 0 || second > maxSecond {
		return "", record, fmt.Errorf("sign a mailed token: %v is out of range", at)
	}
	value := string(appendBase62([]byte(s.encode(p)+":"), second))
	if len(value)+1+s.signatureLen > maxText {
		return "", record, fmt.Errorf("sign a mailed token: longer than the %d bytes that are read back", maxText)
	}
	return value + ":" + signature(sha256.New, s.key, value), recordOf(value), nil
}

// Read gives what a token says if it holds for action: ErrInvalid unless it was
// signed, then ErrExpired if it is older than maxAge, then ErrInvalid if it is
// for another action or of another form (contract section 8, in that order).
func (s *Signer) Read(text string, now time.Time, maxAge time.Duration, action Action) (Mailed, error) {
	if len(text) > maxText {
		return Mailed{}, invalid("longer than 8 KB")
	}
	value, mac, ok := cutLast(text)
	if !ok || !s.signed(value, mac) {
		return Mailed{}, invalid("signature does not verify")
	}
	data, stamp, _ := cutLast(value)
	second, ok := parseBase62(stamp)
	if !ok {
		return Mailed{}, invalid("time is not base62")
	}
	at := time.Unix(second, 0).UTC()
	if now.Sub(at) > maxAge {
		return Mailed{}, fmt.Errorf("%w: older than %v", ErrExpired, maxAge)
	}
	p, ok := s.decode(data)
	switch {
	case !ok:
		return Mailed{}, invalid("payload is of another form")
	case p.Action != action:
		return Mailed{}, invalid("made for another action")
	}
	return Mailed{Payload: p, At: at, Record: recordOf(value)}, nil
}

func (p Payload) check() error {
	switch p.Action {
	case Activation, PasswordReset, PasswordSet, SecondaryActivation:
	default:
		return fmt.Errorf("no action is called %.40q", p.Action)
	}
	if p.Subject == "" || !storable(p.Subject) || !storable(p.SecondaryEmail) {
		return errors.New("a text is empty, not UTF-8 or has control characters")
	}
	if (p.SecondaryEmail != "") != (p.Action == SecondaryActivation) {
		return fmt.Errorf("a second address goes with %s, and with nothing else", SecondaryActivation)
	}
	return nil
}

// encode gives the one text of a payload.
func (s *Signer) encode(p Payload) string {
	o := object(nil).text(string(s.subject), p.Subject).text("action", string(p.Action))
	if p.SecondaryEmail != "" {
		o = o.text("secondary_email", p.SecondaryEmail)
	}
	return b64.EncodeToString(o.end())
}

// decode takes what encode gives and nothing else. Compressed data, which begin
// with a dot, are no base64url.
func (s *Signer) decode(data string) (p Payload, ok bool) {
	raw, err := b64.DecodeString(data)
	if err != nil {
		return Payload{}, false
	}
	// Into a map, since a struct would take names in any case.
	var members map[string]string
	if json.Unmarshal(raw, &members) != nil {
		return Payload{}, false
	}
	p = Payload{Subject: members[string(s.subject)], Action: Action(members["action"]), SecondaryEmail: members["secondary_email"]}
	return p, p.check() == nil && s.encode(p) == data
}

// signed compares texts, so that a signature has one spelling.
func (s *Signer) signed(value, mac string) bool {
	return subtle.ConstantTimeCompare([]byte(mac), []byte(signature(sha256.New, s.key, value))) == 1 ||
		subtle.ConstantTimeCompare([]byte(mac), []byte(signature(sha1.New, s.legacy, value))) == 1
}

func signature(h func() hash.Hash, key []byte, value string) string {
	mac := hmac.New(h, key)
	_, _ = mac.Write([]byte(value))
	return b64.EncodeToString(mac.Sum(nil))
}

// recordOf is the hash of what was signed: the same for both signatures.
func recordOf(value string) [sha256.Size]byte { return sha256.Sum256([]byte(value)) }

// cutLast cuts at the last colon.
func cutLast(s string) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
