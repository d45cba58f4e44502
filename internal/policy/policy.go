package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/usher-id/usher/internal/user"
)

// Policy is one version of what an organisation decided. The zero Version is
// the built-in default.
type Policy struct {
	Version int64 `yaml:"-"`

	// Sources grades who speaks: "partner:__system", "partner" for every
	// partner not named, "google".
	Sources map[string]SourceRule `yaml:"sources"`
	Linking Linking               `yaml:"linking"`
	// Authority names, for an attribute, whose word counts, first match wins:
	// "person" (their latest edit), a source, or "assurance" (the surest of
	// the rest). "*" is for attributes not named.
	Authority map[string][]string `yaml:"authority"`
	// Passwords are the rules for new passwords at a door; "*" for the rest.
	Passwords map[string]PasswordRule `yaml:"passwords"`
	Limits    Limits                  `yaml:"limits"`
	// ResponseFloor is the least time that an answer to a password or code
	// check takes, so that its length tells nothing; 0 to 5 s.
	ResponseFloor Duration `yaml:"response_floor"`
	Notify        Notify   `yaml:"notify"`
	Partner       Partner  `yaml:"partner"`
	EDI           EDI      `yaml:"edi"`
	GQLAuth       GQLAuth  `yaml:"gqlauth"`
	Sunbird       Sunbird  `yaml:"sunbird"`
	Codes         Codes    `yaml:"codes"`
	Portal        Channel  `yaml:"portal"`
}

// Grade is what a source's word is worth.
type Grade string

const (
	Untrusted     Grade = "untrusted"     // asserted, never joins anything
	Trusted       Grade = "trusted"       // attested: may name a known identity or address
	Authoritative Grade = "authoritative" // its e-mail is proven
)

// maxFloor keeps a slip of the unit from keeping everybody out.
const maxFloor = Duration(5 * time.Second)

// SourceRule grades a source.
type SourceRule struct {
	Trust Grade `yaml:"trust"`
}

// Linking bounds what may join by itself.
type Linking struct {
	// PhoneProof is how old a phone owner's proof may be for a fresh proof of
	// the phone to link.
	PhoneProof Duration `yaml:"phone_proof_max_age"`
}

// PasswordRule bounds a new password. Lengths are in code points.
type PasswordRule struct {
	MinLength int `yaml:"min_length"`
	// Blocklist holds where a rule does not name it.
	Blocklist bool `yaml:"blocklist"`
}

// UnmarshalYAML reads a rule; only an explicit false turns the blocklist off.
func (r *PasswordRule) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		// What decodes a node by itself does not look for unknown keys.
		if k := n.Content[i]; k.Value != "min_length" && k.Value != "blocklist" {
			return fmt.Errorf("line %d: field %s not found in a password rule", k.Line, k.Value)
		}
	}
	type plain PasswordRule
	rule := plain{Blocklist: true}
	if err := n.Decode(&rule); err != nil {
		return err
	}
	*r = PasswordRule(rule)
	return nil
}

// Limits bound wrong tries.
type Limits struct {
	// AccountFailures within AccountWindow make an account wait, 30 s at
	// first, doubling up to an hour.
	AccountFailures int      `yaml:"account_failures"`
	AccountWindow   Duration `yaml:"account_window"`
	// AccountTotal failures without a success in between stop password sign-in
	// until an operator or a reset lifts it (NIST 800-63B 3.2.2).
	AccountTotal int `yaml:"account_total"`
	// NetworkFailures within NetworkWindow refuse a network with 429.
	NetworkFailures int      `yaml:"network_failures"`
	NetworkWindow   Duration `yaml:"network_window"`
	// AddressMails is how many mails with a link one address gets within an hour.
	AddressMails int `yaml:"address_mails"`
}

// Notify says which mails a person gets, at a proven address only.
type Notify struct {
	// Linked tells the owner of an address that a source was connected to it.
	Linked bool `yaml:"linked"`
	// LockedOut tells of too many wrong passwords.
	LockedOut bool `yaml:"locked_out"`
	// PasswordChanged tells that it was, and by what.
	PasswordChanged bool `yaml:"password_changed"`
}

// Partner is what an organisation decides about the partner door.
type Partner struct {
	// EchoPasswordHash overrides what a sync's answer carries as password:
	// "bcrypt", "marker", or empty for the contract's rule.
	EchoPasswordHash string `yaml:"echo_password_hash"`
}

// EDI is what an organisation decides about the EDI door.
type EDI struct {
	// ID is the form of new EDI numbers: "uuid" or "sha256".
	ID string `yaml:"edi_id"`
	// StrictReference answers as the public code of 2025-12 where it differs
	// from the document.
	StrictReference bool `yaml:"strict_reference"`
	// Redirects are origins that a sign-in may end at besides usher's own; they get
	// the token in the address.
	Redirects []string `yaml:"redirects"`
}

// GQLAuth is what an organisation decides about the GraphQL door (contract
// gqlauth.md, its decisions).
type GQLAuth struct {
	// UsersQuery says who may ask for users: "public", "authenticated" or
	// "staff".
	UsersQuery string `yaml:"users_query"`
	// CompatEnumeration lets register and resendActivationEmail say that an
	// address is known, and keeps a second sign-up from an address that is only
	// claimed.
	CompatEnumeration bool `yaml:"compat_enumeration"`
	// UnverifiedReset is what is mailed when a password is asked for that belongs
	// to an unproven sign-up: "activation_mail" or "reset_mail".
	UnverifiedReset string `yaml:"unverified_reset"`
	// RotateRefreshTokens lets a refresh token be used once.
	RotateRefreshTokens bool `yaml:"rotate_refresh_tokens"`
}

// The values of unverified_reset.
const (
	ActivationMail = "activation_mail"
	ResetMail      = "reset_mail"
)

// Duration is a time.Duration that YAML writes as "180d" or "15m".
type Duration time.Duration

// maxDays is a century; three of them do not fit into a time.Duration.
const maxDays = 36_525

// UnmarshalYAML reads Go's notation, and days.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	var s string
	if err := n.Decode(&s); err != nil {
		return err
	}
	var days int
	if c, err := fmt.Sscanf(s, "%dd", &days); err == nil && c == 1 && fmt.Sprintf("%dd", days) == s && days >= 0 && days <= maxDays {
		*d = Duration(time.Duration(days) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("line %d: %q is not a duration such as 15m, 1h or 180d", n.Line, s)
	}
	*d = Duration(v)
	return nil
}

// String writes what UnmarshalYAML reads: whole days as 180d, the rest without
// parts that are zero.
func (d Duration) String() string {
	const day = Duration(24 * time.Hour)
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalYAML writes String.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// YAML writes the whole policy as Parse reads it, every default filled in.
func (p Policy) YAML() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(p), enc.Close()); err != nil {
		return nil, fmt.Errorf("writing the policy: %w", err)
	}
	return b.Bytes(), nil
}

// Default is what holds where nothing else was applied (design, section 3).
func Default() Policy {
	return Policy{
		Sources: map[string]SourceRule{
			string(user.DoorPartner):  {Trust: Trusted},
			string(user.DoorOperator): {Trust: Trusted},
			string(user.DoorEDI):      {Trust: Untrusted},
			// Only what a caller says that may attest comes in as its word.
			string(user.DoorSunbird): {Trust: Trusted},
		},
		Linking:   Linking{PhoneProof: Duration(180 * 24 * time.Hour)},
		Authority: map[string][]string{"*": {"person", "assurance"}},
		Passwords: map[string]PasswordRule{
			"*":                       {MinLength: 15, Blocklist: true},
			string(user.DoorPartner):  {MinLength: 8, Blocklist: true},
			string(user.DoorGQLAuth):  {MinLength: 8, Blocklist: true},
			string(user.DoorOperator): {MinLength: 8, Blocklist: true},
		},
		Limits: Limits{
			AccountFailures: 5, AccountWindow: Duration(15 * time.Minute), AccountTotal: 100,
			NetworkFailures: 300, NetworkWindow: Duration(15 * time.Minute),
			AddressMails: 5,
		},
		ResponseFloor: Duration(300 * time.Millisecond),
		Notify:        Notify{Linked: true, LockedOut: true, PasswordChanged: true},
		EDI:           EDI{ID: "uuid", Redirects: []string{}},
		GQLAuth:       GQLAuth{UsersQuery: "authenticated", UnverifiedReset: ActivationMail},
		Sunbird:       defaultSunbird(),
		Codes:         defaultCodes(),
		Portal:        defaultPortal(),
	}
}

// Parse reads a policy file over the default: what it does not name, or leaves
// empty, keeps its default. An unknown key is an error that names its line and
// the nearest known one, a value that cannot be is one that names its key.
func Parse(doc []byte) (Policy, error) {
	p := Default()
	if err := checkShape(doc); err != nil {
		return Policy{}, fmt.Errorf("reading the policy: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(doc))
	dec.KnownFields(true)
	if err := dec.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return Policy{}, fmt.Errorf("reading the policy: %w", plain(err))
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Policy{}, errors.New("reading the policy: more than one document")
	}
	// A heading with nothing under it would leave no rule at all.
	d := Default()
	if p.Sources == nil {
		p.Sources = d.Sources
	}
	if p.Authority == nil {
		p.Authority = d.Authority
	}
	if p.Passwords == nil {
		p.Passwords = d.Passwords
	}
	if err := p.check(); err != nil {
		return Policy{}, err
	}
	return p, nil
}

func (p Policy) check() error {
	for name, r := range p.Sources {
		switch r.Trust {
		case Untrusted, Trusted, Authoritative:
		default:
			return fmt.Errorf("policy: sources.%s.trust is %q; it can be untrusted, trusted or authoritative", name, r.Trust)
		}
	}
	for name, order := range p.Authority {
		if len(order) == 0 {
			return fmt.Errorf("policy: authority.%s names nobody, so that the attribute would never be shown", name)
		}
	}
	for name, r := range p.Passwords {
		if r.MinLength < 1 || r.MinLength > 128 {
			return fmt.Errorf("policy: passwords.%s.min_length is %d; it can be 1 to 128", name, r.MinLength)
		}
	}
	switch p.EDI.ID {
	case "uuid", "sha256":
	default:
		return fmt.Errorf("policy: edi.edi_id is %q; it can be uuid or sha256", p.EDI.ID)
	}
	for _, r := range p.EDI.Redirects {
		if err := checkOrigin(r); err != nil {
			return fmt.Errorf("policy: edi.redirects: %q: %w", r, err)
		}
	}
	switch p.Partner.EchoPasswordHash {
	case "", "bcrypt", "marker":
	default:
		return fmt.Errorf("policy: partner.echo_password_hash is %q; it can be bcrypt or marker", p.Partner.EchoPasswordHash)
	}
	switch p.GQLAuth.UsersQuery {
	case "public", "authenticated", "staff":
	default:
		return fmt.Errorf("policy: gqlauth.users_query is %q; it can be public, authenticated or staff", p.GQLAuth.UsersQuery)
	}
	switch p.GQLAuth.UnverifiedReset {
	case ActivationMail, ResetMail:
	default:
		return fmt.Errorf("policy: gqlauth.unverified_reset is %q; it can be activation_mail or reset_mail", p.GQLAuth.UnverifiedReset)
	}
	if err := errors.Join(p.Sunbird.check(), p.Codes.check(), p.Portal.check("portal")); err != nil {
		return err
	}
	if p.ResponseFloor > maxFloor {
		return fmt.Errorf("policy: response_floor is %s; it can be 0s to %s", p.ResponseFloor, maxFloor)
	}
	l := p.Limits
	for _, n := range []struct {
		key   string
		value int
	}{
		{"account_failures", l.AccountFailures},
		{"account_total", l.AccountTotal},
		{"network_failures", l.NetworkFailures},
		{"address_mails", l.AddressMails},
	} {
		if n.value < 1 {
			return fmt.Errorf("policy: limits.%s is %d; it must be at least 1", n.key, n.value)
		}
	}
	for _, w := range []struct {
		key   string
		value Duration
	}{{"account_window", l.AccountWindow}, {"network_window", l.NetworkWindow}} {
		if w.value <= 0 {
			return fmt.Errorf("policy: limits.%s is %s; it must be longer than 0s", w.key, w.value)
		}
	}
	return nil
}

// Trust grades a source: by its full name, then by its door, else untrusted.
func (p Policy) Trust(s user.Source) Grade {
	if r, ok := p.Sources[string(s)]; ok {
		return r.Trust
	}
	if r, ok := p.Sources[string(s.Door())]; ok {
		return r.Trust
	}
	return Untrusted
}

// Password gives the rule for new passwords at a door.
func (p Policy) Password(d user.Door) PasswordRule {
	if r, ok := p.Passwords[string(d)]; ok {
		return r
	}
	return p.Passwords["*"]
}

// Word is the assurance that a source's word carries when it vouches for a
// fact.
func (g Grade) Word() user.Assurance {
	switch g {
	case Trusted:
		return user.Attested
	case Authoritative:
		return user.Proven
	default:
		return user.Asserted
	}
}
