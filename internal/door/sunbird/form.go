package sunbird

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// notAllowedFields never come in with a user (contract B.5).
var notAllowedFields = []string{"rootOrgId", "regOrgId", "provider", "externalId", "externalIdProvider", "externalIdType", "idType"}

// emailShape is the original's EmailValidator (contract B.5), before usher's own
// grammar.
var emailShape = regexp.MustCompile(`^[_A-Za-z0-9+-]+(\.[_A-Za-z0-9-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9]+)*(\.[A-Za-z]{2,})$`)

var (
	countryCode = regexp.MustCompile(`^\+?[0-9]{1,3}$`)
	dateShape   = "2006-01-02"
)

// home is the country of phones that name none (contract B.5: +91).
const home = "91"

// reading is a form as it is being read, with who sent it.
type reading struct {
	f        fields
	by       store.Caller
	known    bool
	needName bool // userName must be there: v1
	// proven says that the request's own proof stands for one address.
	proven user.AddressKind
}

// form reads a create in the contract's order; the first failure ends it.
func (rd reading) form() (onboarding.Form, error) {
	out := onboarding.Form{}
	if rd.known {
		out.Caller = rd.by.Name
	}
	for _, step := range []func(*onboarding.Form) error{
		rd.allowed, rd.names, rd.contacts, rd.birth, rd.email, rd.lists, rd.phone, rd.place, rd.username, rd.identities,
	} {
		if err := step(&out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (rd reading) allowed(*onboarding.Form) error {
	for _, n := range notAllowedFields {
		if rd.f.sent(n) {
			return notTaken(n)
		}
	}
	if rd.f.sent("externalIds") && (!rd.known || !rd.by.MayAttest) {
		// Whoever may name identities for others could lie in wait for them.
		return notTaken("externalIds")
	}
	return nil
}

func (rd reading) names(out *onboarding.Form) (err error) {
	if out.FirstName, err = rd.f.text("firstName"); err != nil {
		return err
	}
	if !strings.ContainsFunc(out.FirstName, unicode.IsGraphic) {
		return missing("firstName") // invisible is absent too
	}
	if out.LastName, err = rd.f.text("lastName"); err != nil {
		return err
	}
	if name, err := rd.f.first("userName", "username"); err != nil || rd.needName && name == "" {
		if err == nil {
			err = missing("userName")
		}
		return err
	}
	return nil
}

func (rd reading) contacts(*onboarding.Form) error {
	email, err := rd.f.text("email")
	if err != nil {
		return err
	}
	phone, err := rd.f.text("phone")
	if err != nil {
		return err
	}
	if email == "" && phone == "" {
		return noContact
	}
	return nil
}

func (rd reading) birth(out *onboarding.Form) error {
	out.Facts = map[user.Attr]*string{}
	dob, err := rd.f.text("dob")
	if err != nil {
		return err
	}
	if dob != "" {
		if _, err := time.Parse(dateShape, dob); err != nil {
			return badDate
		}
		out.Facts[user.Birthdate] = user.Text(dob)
	}
	gender, err := rd.f.text("gender")
	if err == nil && gender != "" {
		out.Facts[user.Gender] = user.Text(gender)
	}
	return err
}

func (rd reading) email(out *onboarding.Form) error {
	text, err := rd.f.text("email")
	if err != nil || text == "" {
		return err
	}
	e, ok := readEmail(text)
	if !ok {
		return badEmail
	}
	out.Email = &onboarding.Said{Key: e.Key(), Display: e.String(), Attested: rd.attests("emailVerified")}
	if !out.Email.Attested && rd.proven != user.Email {
		return unprovenEmail
	}
	return nil
}

// attests says that a caller who may says that something is verified.
func (rd reading) attests(flag string) bool { return rd.known && rd.by.MayAttest && rd.f.isTrue(flag) }

func readEmail(text string) (normal.Email, bool) {
	text = strings.ToLower(text)
	if !emailShape.MatchString(text) {
		return normal.Email{}, false
	}
	e, err := normal.ParseEmail(text)
	return e, err == nil
}

func (rd reading) lists(*onboarding.Form) error {
	for _, n := range []string{"roles", "language"} {
		if !rd.f.isList(n) {
			return wrongType(n, "List")
		}
	}
	return nil
}

func (rd reading) phone(out *onboarding.Form) error {
	code, err := rd.f.text("countryCode")
	if err != nil {
		return err
	}
	if code != "" && !countryCode.MatchString(code) {
		return badCountry
	}
	text, err := rd.f.text("phone")
	if err != nil || text == "" {
		return err
	}
	if strings.Contains(text, "+") {
		return plusInPhone
	}
	if code == "" {
		code = home
	}
	p, ok := readPhone("+" + strings.TrimPrefix(code, "+") + text)
	if !ok {
		return badPhone
	}
	out.Phone = &onboarding.Said{Key: p.Key(), Display: p.String(), Region: p.Region(), Attested: rd.attests("phoneVerified")}
	otp, err := rd.f.first("OTP", "otp")
	if err != nil {
		return err
	}
	switch {
	case rd.proven == user.Phone:
	case otp != "" && rd.proven == "":
		out.Code, out.CodeFor = otp, user.Phone
	case !out.Phone.Attested:
		return unprovenPhone
	}
	return nil
}

// readPhone reads a number in international form that its country has given out.
func readPhone(text string) (normal.Phone, bool) {
	p, err := normal.ParsePhone(text, "")
	return p, err == nil && p.IsValid()
}

func (rd reading) place(out *onboarding.Form) (err error) {
	for _, p := range []struct {
		name string
		into *string
	}{{"channel", &out.Channel}, {"organisationId", &out.Organisation}, {"orgExternalId", &out.OrgExternalID}} {
		if *p.into, err = rd.f.text(p.name); err != nil {
			return err
		}
	}
	return nil
}

func (rd reading) username(out *onboarding.Form) error {
	text, err := rd.f.first("userName", "username")
	if err != nil || text == "" {
		return err
	}
	n, err := normal.NewUsername(strings.ToLower(text))
	if err != nil {
		return badUsername
	}
	out.Username = &n
	return nil
}

// maxIdentities is more than anybody has.
const maxIdentities = 10

func (rd reading) identities(out *onboarding.Form) error {
	if !rd.f.sent("externalIds") {
		return nil
	}
	var said []struct{ ID, Provider, IDType string }
	if !rd.f.isList("externalIds") || json.Unmarshal(rd.f["externalIds"], &said) != nil || len(said) > maxIdentities {
		return wrongType("externalIds", "List")
	}
	seen := map[user.IdentityKey]bool{}
	for _, s := range said {
		s.ID, s.Provider, s.IDType = strings.TrimSpace(s.ID), strings.TrimSpace(s.Provider), strings.TrimSpace(s.IDType)
		for _, v := range []struct{ name, value string }{{"id", s.ID}, {"provider", s.Provider}, {"idType", s.IDType}} {
			if strings.TrimSpace(v.value) == "" {
				return missing("externalIds." + v.name)
			}
			if len(v.value) > maxText {
				return tooLongText("externalIds."+v.name, maxText)
			}
			if strings.ContainsFunc(v.value, unicode.IsControl) {
				return wrongValue("", "externalIds."+v.name)
			}
		}
		key := onboarding.StateIdentity(strings.ToLower(s.Provider), s.ID)
		if seen[key] {
			return duplicateIDs
		}
		seen[key] = true
		out.Identities = append(out.Identities, key)
	}
	return nil
}
