package policy

import (
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

// Channel is what an organisation asks of the people who come through one channel:
// which profiles there are, what each must hold, and the terms (contract
// portal.md).
type Channel struct {
	// Language is that of texts where nobody asks for one of Languages.
	Language string `yaml:"language"`
	// Site is what mails and pages call the service; empty: the host of public_url.
	Site  string `yaml:"site"`
	Terms Terms  `yaml:"terms"`
	// Default is the profile that everybody may make for themselves.
	Default string `yaml:"default_profile"`
	// Attributes are what profiles can hold, by name.
	Attributes map[string]Attribute   `yaml:"attributes"`
	Profiles   map[string]ProfileType `yaml:"profiles"`
	// Administrators are told of requests besides operators.
	Administrators []string `yaml:"administrators"`
	// DisableUntilApproved keeps who asked for a profile from signing in at the
	// realm until somebody decides.
	DisableUntilApproved bool `yaml:"disable_until_approved"`
	// Groups of the realm that are read back, by full path; memberships in others
	// are not usher's.
	Groups []string `yaml:"groups"`
	// Roles makes client roles of the realm usher's own.
	Roles map[string]string `yaml:"roles"`
}

// Terms are what people accept; another version asks everybody again.
type Terms struct {
	Version string `yaml:"version"`
	URL     string `yaml:"url"`
}

// AttributeType says what an attribute can hold.
type AttributeType string

// The types of attributes.
const (
	Choice AttributeType = "choice" // one of Values
	Free   AttributeType = "text"   // up to MaxLength characters
	Tel    AttributeType = "phone"  // +99999999, 8 to 15 digits
	YesNo  AttributeType = "yes_no" // "yes" or "no"
)

// Attribute is something that a profile can hold. Labels, Help and each of
// ValueLabels are texts by language.
type Attribute struct {
	Type        AttributeType                `yaml:"type"`
	Values      []string                     `yaml:"values"`
	MaxLength   int                          `yaml:"max_length"` // 0: 2000
	Labels      map[string]string            `yaml:"labels"`
	Help        map[string]string            `yaml:"help"`
	ValueLabels map[string]map[string]string `yaml:"value_labels"`
}

// ProfileType is a kind of profile.
type ProfileType struct {
	Title map[string]string `yaml:"title"`
	// Form lists the attributes of its form, in order.
	Form []string `yaml:"form"`
	// Required are names of Form, and accepted_terms_of_service, nickname and
	// language_preference.
	Required []string `yaml:"required"`
	// Approval has an operator decide.
	Approval bool `yaml:"approval"`
	// Group of the realm that comes with it; empty: none.
	Group string `yaml:"group"`
}

// What a channel asks for beside attributes.
const (
	TermsField    = "accepted_terms_of_service"
	NicknameField = "nickname"
	LanguageField = "language_preference"
)

// NicknameLength bounds a nickname, in characters.
const NicknameLength = 100

// DefaultLength bounds a text that says no bound of its own, in characters.
const DefaultLength = 2000

// Languages that channels have texts in.
func Languages() []string { return []string{"en", "it"} }

// TermsAttr is where the version of a channel's terms stands that somebody
// accepted.
func TermsAttr(d user.Door) user.Attr { return user.Attr("terms_" + string(d)) }

// AttrOf is the attribute behind a field of a channel.
func AttrOf(d user.Door, field string) user.Attr {
	switch field {
	case TermsField:
		return TermsAttr(d)
	case LanguageField:
		return user.Locale
	default:
		return user.Attr(field)
	}
}

// Channel gives the rules of a door that has any.
func (p Policy) Channel(d user.Door) (Channel, bool) {
	return p.Portal, d == user.DoorPortal
}

// Missing lists which fields a profile of a kind lacks before it is complete, in
// the order policy has them; an unknown kind lacks what the default one does.
// It is the one place that knows: pages, the API and other services ask it.
func (c Channel) Missing(d user.Door, kind string, prof user.Profile) []string {
	t, ok := c.Profiles[kind]
	if !ok {
		t = c.Profiles[c.Default]
	}
	missing := []string{}
	for _, field := range t.Required {
		value := prof.Text(AttrOf(d, field))
		if value == "" || field == TermsField && value != c.Terms.Version {
			missing = append(missing, field)
		}
	}
	return missing
}

// Accepted says whether the terms of now were accepted.
func (c Channel) Accepted(d user.Door, prof user.Profile) bool {
	return prof.Text(TermsAttr(d)) == c.Terms.Version
}

// Label gives the text of a language, else English, else what it is called.
func Label(texts map[string]string, lang, name string) string {
	for _, l := range []string{lang, "en"} {
		if t := texts[l]; t != "" {
			return t
		}
	}
	return strings.ReplaceAll(name, "_", " ")
}

// Length is the most characters an attribute takes.
func (a Attribute) Length() int {
	if a.MaxLength > 0 {
		return a.MaxLength
	}
	return DefaultLength
}

// Choices are the values that an attribute can have; none for free text.
func (a Attribute) Choices() []string {
	if a.Type == YesNo {
		return []string{"yes", "no"}
	}
	return a.Values
}

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// ownFields cannot be attributes: they have rules of their own.
var ownFields = []string{
	TermsField, NicknameField, LanguageField, "email", "username", "first_name", "last_name", "given_name",
	"family_name", "name", "email_verified", "preferred_username", "locale", "picture", "roles", "date_updated", "profile",
	"profile_type", "uuid", "url",
}

func (c Channel) check(section string) error {
	if !slices.Contains(Languages(), c.Language) {
		return fmt.Errorf("policy: %s.language is %q; it can be %s", section, c.Language, strings.Join(Languages(), " or "))
	}
	if c.Terms.Version == "" || len(c.Terms.Version) > 64 {
		return fmt.Errorf("policy: %s.terms.version must say which terms are accepted, in up to 64 bytes", section)
	}
	if u, err := url.Parse(c.Terms.URL); err != nil || u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("policy: %s.terms.url is not a web address", section)
	}
	for name, a := range c.Attributes {
		if err := a.check(name); err != nil {
			return fmt.Errorf("policy: %s.attributes.%s%w", section, name, err)
		}
	}
	if t, ok := c.Profiles[c.Default]; !ok || t.Approval {
		return fmt.Errorf("policy: %s.default_profile is %q; it must be one of %s.profiles that needs no approval", section, c.Default, section)
	}
	for name, t := range c.Profiles {
		if err := c.checkProfile(t); err != nil {
			return fmt.Errorf("policy: %s.profiles.%s%w", section, name, err)
		}
	}
	for _, a := range c.Administrators {
		if at, err := mail.ParseAddress(a); err != nil || at.Address != a {
			return fmt.Errorf("policy: %s.administrators: %q is not an e-mail address", section, a)
		}
	}
	for from, to := range c.Roles {
		if to != user.RoleOperator && to != user.RoleStaff {
			return fmt.Errorf("policy: %s.roles.%s is %q; it can be %s or %s", section, from, to, user.RoleOperator, user.RoleStaff)
		}
	}
	return nil
}

func (a Attribute) check(name string) error {
	if !fieldName.MatchString(name) || slices.Contains(ownFields, name) || strings.HasPrefix(name, "terms_") {
		return fmt.Errorf(": the name cannot be used")
	}
	switch a.Type {
	case Choice:
		if len(a.Values) == 0 || slices.Contains(a.Values, "") {
			return fmt.Errorf(".values: a choice needs values, and none is empty")
		}
	case Free, Tel, YesNo:
	default:
		return fmt.Errorf(".type is %q; it can be choice, text, phone or yes_no", a.Type)
	}
	if a.MaxLength < 0 || a.MaxLength > 100_000 {
		return fmt.Errorf(".max_length is %d; it can be 0 to 100000", a.MaxLength)
	}
	return nil
}

func (c Channel) checkProfile(t ProfileType) error {
	for _, name := range t.Form {
		if _, ok := c.Attributes[name]; !ok {
			return fmt.Errorf(".form: %q is not an attribute", name)
		}
	}
	for _, name := range t.Required {
		if !slices.Contains(t.Form, name) && name != TermsField && name != NicknameField && name != LanguageField {
			return fmt.Errorf(".required: %q is not in its form, so that nobody could give it", name)
		}
	}
	if t.Group != "" && !strings.HasPrefix(t.Group, "/") {
		return fmt.Errorf(".group is %q; a group is named by its full path, as /end_users", t.Group)
	}
	return nil
}
