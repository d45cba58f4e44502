package user

import "time"

// Identity is a subject at a provider or source; (Issuer, Subject) is unique.
// Issuer is usher's internal name of it, since realms move.
type Identity struct {
	Issuer  string
	Subject string
	User    ID
	Strand  ID
	// Reserved is true while only a grant has named it and nobody has come.
	Reserved bool
	Created  time.Time
}

// IdentityKey names an identity.
type IdentityKey struct{ Issuer, Subject string }

// Key gives the identity's name.
func (i Identity) Key() IdentityKey { return IdentityKey{i.Issuer, i.Subject} }

// Space is a kind of outside name. Values are unique within a space.
type Space string

const (
	SpaceEDI       Space = "edi"              // EDI-…
	SpacePartner   Space = "partner"          // snowflake, decimal
	SpacePartnerUN Space = "partner.username" // a partner's username, case-folded
	SpaceUsername  Space = "username"         // usher's own username, case-folded
	// SpaceGQLAuth has the numbers (pk) of the GraphQL door, decimal, and
	// SpaceGQLAuthUN its usernames, case-folded.
	SpaceGQLAuth   Space = "gqlauth"
	SpaceGQLAuthUN Space = "gqlauth.username"
	// SpaceSunbird has the ids (UUID) of the Sunbird door, SpaceSunbirdUN its
	// usernames, case-folded.
	SpaceSunbird   Space = "sunbird"
	SpaceSunbirdUN Space = "sunbird.username"
	SpacePortal    Space = "portal" // the subject at the portal's realm
	SpaceRetired   Space = "user"   // the id of a user that was merged or absorbed
)

// Handle is an outside name of a user.
type Handle struct {
	Space  Space
	Value  string
	User   ID
	Strand ID
	// Dead marks a tombstone: the name answers as unknown and is never reused.
	Dead    bool
	Created time.Time
}

// AddressKind says what an address is.
type AddressKind string

const (
	Email AddressKind = "email"
	Phone AddressKind = "phone"
)

// Assurance says how sure a fact is.
type Assurance string

const (
	None     Assurance = "none"
	Asserted Assurance = "asserted" // the person says so, or a source nobody trusts
	Attested Assurance = "attested" // a trusted source says so
	Proven   Assurance = "proven"   // one-time code, mailed link, authoritative provider
)

// Rank orders assurances; higher is surer.
func (a Assurance) Rank() int {
	switch a {
	case Asserted:
		return 1
	case Attested:
		return 2
	case Proven:
		return 3
	default:
		return 0
	}
}

// Claim says that a strand's user uses an address. Claims need not be unique.
type Claim struct {
	Kind AddressKind
	// Address is the canonical key, Display what was given.
	Address   string
	Display   string
	User      ID
	Strand    ID
	Source    Source
	Assurance Assurance
	Since     time.Time // when this assurance was reached
}

// Owner is the one user an address belongs to for linking; always proven.
type Owner struct {
	Kind    AddressKind
	Address string
	User    ID
	Strand  ID
	Proven  time.Time
}

// Password is a strand's credential. A user has at most one that is live,
// except after a link or merge of two that had one each.
type Password struct {
	User   ID
	Strand ID
	Hash   string // PHC or modular-crypt text
	// Imported is the SHA-256, in hex, of the foreign hash that a feed last
	// brought, so that the same feed again is recognised after an upgrade.
	Imported string
	// SetAside keeps a credential from before a change of proof owner; it
	// signs nobody in.
	SetAside bool
	Set      time.Time
}

// Lock keeps a user out. Each source holds its own, so that a feed's unlock
// does not lift an operator's.
type Lock struct {
	User   ID
	Source Source
	Reason string
	By     string
	At     time.Time
}
