package user

import (
	"encoding/json"
	"time"
)

// Attr is the OIDC name of an attribute (design, section 4).
type Attr string

const (
	GivenName      Attr = "given_name"
	FamilyName     Attr = "family_name"
	Name           Attr = "name"
	PreferredName  Attr = "preferred_username"
	EmailAttr      Attr = "email"          // what a source says the sign-in e-mail is
	EmailVerified  Attr = "email_verified" // "true" or "false", as the source said it
	ContactEmail   Attr = "contact_email"  // shown, never signs in or links
	PhoneNumber    Attr = "phone_number"
	Locale         Attr = "locale"
	Picture        Attr = "picture"
	Birthdate      Attr = "birthdate"
	Gender         Attr = "gender"
	Roles          Attr = "roles" // JSON list of names
	Notifications  Attr = "email_notifications"
	PrivacyPolicy  Attr = "privacy_policy_accepted"
	PrivacyPolicyT Attr = "privacy_policy_accepted_date"
)

// Fact is one attribute's value as one source says it.
type Fact struct {
	// Value is nil where the source says that there is none, which differs
	// from saying nothing.
	Value     *string   `json:"v"`
	Assurance Assurance `json:"a,omitempty"`
	At        time.Time `json:"t"`
}

// Document holds one source's facts.
type Document map[Attr]Fact

// Get gives the value, or nil where the document says none or nothing.
func (d Document) Get(a Attr) *string { return d[a].Value }

// Text gives the value or "".
func (d Document) Text(a Attr) string {
	if v := d[a].Value; v != nil {
		return *v
	}
	return ""
}

// Set records a value; nil says that there is none. It reports whether the
// value differs from what stood there.
func (d Document) Set(a Attr, v *string, s Assurance, at time.Time) bool {
	old, had := d[a]
	same := had && old.Assurance == s && equal(old.Value, v)
	if same {
		return false
	}
	d[a] = Fact{Value: v, Assurance: s, At: at}
	return true
}

func equal(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// Clone gives a copy that can be changed freely.
func (d Document) Clone() Document {
	c := make(Document, len(d))
	for k, v := range d {
		c[k] = v
	}
	return c
}

// Profile is the projection of a user's strands: for each attribute the value
// that counts, and which strand it came from.
type Profile map[Attr]Shown

// Shown is one attribute of the effective profile.
type Shown struct {
	Value     *string   `json:"v"`
	Strand    ID        `json:"s,omitempty"`
	Assurance Assurance `json:"a,omitempty"`
}

// Get gives the value, or nil.
func (p Profile) Get(a Attr) *string { return p[a].Value }

// Text gives the value or "".
func (p Profile) Text(a Attr) string {
	if v := p[a].Value; v != nil {
		return *v
	}
	return ""
}

// List reads a value that holds a JSON list of strings, such as Roles.
func List(v *string) []string {
	if v == nil {
		return nil
	}
	var out []string
	if json.Unmarshal([]byte(*v), &out) != nil {
		return nil
	}
	return out
}

// Text makes a value.
func Text(s string) *string { return &s }
