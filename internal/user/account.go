package user

import "time"

// Account is what the GraphQL door knows of a user: its number there, its
// username, and the first and second address (contract gqlauth.md, section 3).
type Account struct {
	PK   int32
	User ID
	// Strand is what the account hangs on, and follows through merges.
	Strand ID
	// Username is as it was typed; it is unique by its handle in SpaceGQLAuthUN.
	Username string
	// First is the address that signs in and that login tokens name; empty where
	// the account hangs on another source's strand: the profile's then.
	First Mailbox
	// Second is empty while there is none. It was always proven.
	Second Mailbox
	// Verified says that the first address was proven, or vouched for.
	Verified bool
	Created  time.Time
}

// Mailbox is an e-mail address as it was given and as it is compared.
type Mailbox struct{ Display, Key string }

// None says that there is no address.
func (m Mailbox) None() bool { return m.Key == "" }
