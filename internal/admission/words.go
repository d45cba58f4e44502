package admission

import (
	"time"

	"github.com/usher-id/usher/internal/user"
)

// Address is an e-mail or phone as an arrival or a source brings it, already
// in its normal form.
type Address struct {
	Kind      user.AddressKind
	Key       string // canonical
	Display   string
	Assurance user.Assurance
	Proven    time.Time // when the proof was made, for Proven
}

// Arrival is a person who is here, with proof. A door fills it after the
// proof was verified; nothing in it is the person's bare word except Facts
// and addresses marked Asserted.
type Arrival struct {
	Door   user.Door
	Source user.Source // what the new strand is called: "google", "portal:main"
	// Identity is the proven (issuer, subject); nil where the proof was of an
	// address only.
	Identity  *user.IdentityKey
	Addresses []Address
	Facts     map[user.Attr]*string
	// Password is the hash of a password chosen in this very act.
	Password string
	// Names are handles that the new strand brings: a username.
	Names []user.Handle
	// SignedIn is the user of a fresh session that asks to add this proof to
	// itself; empty otherwise.
	SignedIn user.ID
	// Own is the person's own strand that the proof is added to, where there is
	// one already; else a new one is begun.
	Own *user.Strand
}

// Confirmation is the proof of the very address that somebody signed up with
// and had not proven: the link that was mailed for that sign-up was used.
type Confirmation struct {
	Door    user.Door
	SignUp  user.Strand // live, of a user of its own
	Address Address     // Proven
	// Drop gives up the sign-up's password, since another may have chosen it.
	Drop bool
}

// Assertion is a source speaking about somebody absent.
type Assertion struct {
	Door   user.Door
	Source user.Source
	Kind   user.StrandKind // Feed, Operator or Reservation
	By     string          // who called
	// Own is the source's own record, when the feed has found one.
	Own        *user.Strand
	Identities []user.IdentityKey
	Addresses  []Address
	Facts      map[user.Attr]*string
	// Password is a hash to be set where nobody else has proven anything.
	// Imported goes with it: the digest of the foreign hash it was made of.
	Password string
	Imported string
	// Names are handles that the new strand brings: a username.
	Names []user.Handle
	// Lock, when set, locks (true) or lifts this source's own lock (false).
	Lock *bool
}

// Outcome says what admission decided and did.
type Outcome struct {
	Decision Decision
	User     user.User
	Strand   user.Strand
	Created  bool // a new user
	Changed  bool // anything was written
	// Ignored names facts that were not taken: "password".
	Ignored []string
}
