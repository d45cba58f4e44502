package store

import (
	"time"

	"github.com/usher-id/usher/internal/user"
)

// AccountState is an account of the GraphQL door with everything that door shows
// of its user: one row of one query.
type AccountState struct {
	Account user.Account
	User    user.User
	Locked  bool
	// Staff says that the user is in the role staff or operator, by a live
	// strand.
	Staff bool
	// Group is the working group the user is a member of, the one joined last;
	// Represents the one they represent. Empty for none.
	Group, Represents user.ID
}

// AccountSession is a session with its user and that user's account.
type AccountSession struct {
	Session user.Session
	AccountState
}

// AccountFilter is a conjunction; nil asks for nothing.
type AccountFilter struct {
	// Email and Second are compared with an address's key, Username with the
	// username as it was typed.
	Email, Username, Second *string
	// UsernameContains and UsernameStarts are compared in any case, byte by byte
	// outside of ASCII; % and _ in them are themselves.
	UsernameContains, UsernameStarts *string
	Active, Archived, Verified       *bool // Active: not locked
	PK                               *int32
}

// Accounts reads the accounts of the GraphQL door. Only those count whose strand
// is live and whose user is active or archived; of a user with several, the one
// with the lowest PK stands for the user unless it is named by its PK or strand.
type Accounts interface {
	// Account gives a user's.
	Account(u user.ID) (AccountState, error)
	// AccountOn gives the one that hangs on a strand.
	AccountOn(strand user.ID) (AccountState, error)
	// AccountsByPK gives those that exist, one query for each sixteen, by PK.
	AccountsByPK(pks []int32) ([]AccountState, error)
	// AccountsAt gives those whose first or second address has this key, by PK;
	// never more than sixteen.
	AccountsAt(address string) ([]AccountState, error)
	// AccountBySession gives a session whatever its state, with its user and the
	// account on its strand, else the user's: one query. The account is zero
	// where the user has none that counts.
	AccountBySession(session user.ID) (AccountSession, error)
	// CountAccounts and ListAccounts page through users' accounts by PK.
	CountAccounts(f AccountFilter) (int, error)
	ListAccounts(f AccountFilter, offset, limit int) ([]AccountState, error)
	// AccountsIn gives the accounts of the members of groups, in whatever role
	// but except, with the group each is in: by group and PK, limit for each
	// sixteen groups.
	AccountsIn(groups []user.ID, except string, limit int) ([]AccountIn, error)
	// AccountNumbers gives the PKs of users.
	AccountNumbers(users []user.ID) (map[user.ID]int32, error)
	// MailedToken finds what was mailed by its record.
	MailedToken(record []byte) (MailedToken, error)
}

// AccountIn is an account in a group.
type AccountIn struct {
	Group user.ID
	AccountState
}

// MailedToken is the record of a token that was mailed: never its text.
type MailedToken struct {
	Record []byte // the SHA-256 that names the token
	Action string // what it does, as token/django names it
	User   user.ID
	// Strand is the sign-up or account it was mailed for; empty where the user
	// had none at this door. Like everything on a strand it moves with it.
	Strand user.ID
	// To is the address it went to, and proves.
	To user.Mailbox
	// Renew says that the password of the sign-up is dropped when the token is
	// used, since somebody else may have chosen it (contract, decision 14).
	Renew bool
	// Sent is the second in the token; Until when nobody would take it any more;
	// Used is zero until it was.
	Sent, Until, Used time.Time
}
