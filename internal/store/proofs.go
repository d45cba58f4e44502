package store

import (
	"time"

	"github.com/usher-id/usher/internal/user"
)

// Proofs reads what proofs need kept: codes that were sent, callers whose word
// counts, issuers of signed tokens, and visits that are not over.
type Proofs interface {
	// Code finds what was last sent to an address for a purpose.
	Code(kind user.AddressKind, address, purpose string) (Code, error)
	// Caller finds a caller, CallerByToken the one that a token is of, with the
	// token, and Callers lists a door's by name.
	Caller(door user.Door, name string) (Caller, error)
	CallerByToken(hash []byte) (CallerToken, Caller, error)
	Callers(door user.Door) ([]Caller, error)
	// IssuerChannels and IssuerKeys give what is known of an issuer, Issuers a
	// door's by name and channel.
	IssuerChannels(door user.Door, iss string) ([]Issuer, error)
	IssuerKeys(door user.Door, iss string) ([]IssuerKey, error)
	Issuers(door user.Door) ([]Issuer, error)
	// Visit finds a visit by the hash of what names it.
	Visit(hash []byte) (Visit, error)
}

// Code is a one-time code that was sent: what it is derived from, never the code.
type Code struct {
	Kind    user.AddressKind
	Address string // the key
	Purpose string
	ID      user.ID // another with each code
	Created time.Time
	Until   time.Time
	Wrong   int       // comparisons that failed
	Used    time.Time // zero until it was
}

// Caller is a program that speaks at a door under a name of its own.
type Caller struct {
	Door user.Door
	Name string
	// MayAttest lets it say that an address is verified, MayAdminister that a user
	// is blocked.
	MayAttest, MayAdminister bool
	Created                  time.Time
}

// CallerToken is the kept form of a caller's token: its SHA-256, never its text.
type CallerToken struct {
	Hash    []byte
	Door    user.Door
	Caller  string
	Created time.Time
	Expires time.Time // zero: never
}

// Issuer is a party whose signed tokens a door takes, for one channel.
type Issuer struct {
	Door    user.Door
	ISS     string
	Channel string
	Created time.Time
}

// IssuerKey is a key that an issuer signs with. Several hold at a time while it
// goes over from one to the next.
type IssuerKey struct {
	Door        user.Door
	ISS         string
	Fingerprint string // SHA-256 of Public, in hex
	Public      []byte // PKIX, ASN.1 DER
	Created     time.Time
	Until       time.Time // zero: until it is taken away
}

// Visit is what a browser has begun and not ended: known by a cookie or a link
// whose SHA-256 is Hash, for one kind of visit.
type Visit struct {
	Hash    []byte
	Kind    string
	Body    []byte // JSON
	Created time.Time
	Until   time.Time
}
