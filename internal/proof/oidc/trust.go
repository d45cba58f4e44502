package oidc

import (
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/user"
)

// Trust is what the issuer's email_verified is worth.
type Trust string

const (
	// Attesting: a trusted word, which links nobody by itself.
	Attesting Trust = "attesting"
	// Authoritative: a proof. The issuer has seen to it that the address is the
	// person's, and to what becomes of it when it is given to another.
	Authoritative Trust = "authoritative"
	// Google is a proof where Google keeps the mailbox or the domain, and a
	// trusted word otherwise.
	Google Trust = "google"
)

// claims are what an issuer says, by exact names.
type claims interface {
	Text(name string) string
	True(name string) bool
}

// address reads the e-mail and what it counts as (design, section 3). What is
// not text, or no address, is none.
func address(c claims, by Trust) []admission.Address {
	e, err := normal.ParseEmail(c.Text("email"))
	if err != nil {
		return nil
	}
	a := admission.Address{Kind: user.Email, Key: e.Key(), Display: e.String(), Assurance: user.Asserted}
	switch {
	case !c.True("email_verified"):
	case by == Authoritative,
		by == Google && (e.Domain() == "gmail.com" || c.Text("hd") != ""):
		a.Assurance = user.Proven
	default:
		a.Assurance = user.Attested
	}
	return []admission.Address{a}
}

// Lengths of facts, in characters.
const (
	maxName    = 255
	maxPicture = 2048
	maxGender  = 64
	maxPhone   = 40
)

var language = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$`)

// facts reads the rest of what the issuer says. A claim that cannot be what it
// should is left out: it is no reason to keep a person out.
func facts(c claims) map[user.Attr]*string {
	out := map[user.Attr]*string{}
	take := func(a user.Attr, name string, fits func(string) bool) {
		v := c.Text(name)
		if v != "" && !strings.ContainsFunc(v, unicode.IsControl) && strings.TrimSpace(v) != "" && fits(v) {
			out[a] = &v
		}
	}
	upTo := func(most int) func(string) bool {
		return func(s string) bool { return utf8.RuneCountInString(s) <= most }
	}
	take(user.GivenName, "given_name", upTo(maxName))
	take(user.FamilyName, "family_name", upTo(maxName))
	take(user.Name, "name", upTo(maxName))
	take(user.Locale, "locale", language.MatchString)
	take(user.Picture, "picture", isPicture)
	take(user.Birthdate, "birthdate", isDate)
	take(user.Gender, "gender", upTo(maxGender))
	take(user.PhoneNumber, "phone_number", upTo(maxPhone))
	if p := out[user.PhoneNumber]; p != nil {
		delete(out, user.PhoneNumber)
		if n, err := normal.ParsePhone(*p, ""); err == nil {
			out[user.PhoneNumber] = user.Text(n.String())
		}
	}
	// Who gives one name only has it as the given name (design, section 4).
	if n := out[user.Name]; n != nil && out[user.GivenName] == nil && out[user.FamilyName] == nil {
		out[user.GivenName] = n
		delete(out, user.Name)
	}
	return out
}

// isPicture: a browser will show it, usher never fetches it.
func isPicture(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxPicture && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
