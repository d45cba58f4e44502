package store

import (
	"time"

	"github.com/usher-id/usher/internal/user"
)

// Reader is everything that can be read, by subject. A single row that is not
// there is ErrNotFound; a list that is empty is not an error.
type Reader interface {
	People
	Records
	SignIns
	Groups
	Accounts
	Proofs
	Channels
	Settings
	Log
	Search
}

// TakenMost is how many values one question about taken ones may name.
const TakenMost = 64

// People reads users and what hangs on them.
type People interface {
	User(id user.ID) (user.User, error)
	// Users lists users by id, after the given one.
	Users(after user.ID, limit int) ([]user.User, error)
	Strand(id user.ID) (user.Strand, error)
	// Strands lists a user's strands, oldest first, whatever their state.
	Strands(u user.ID) ([]user.Strand, error)
	Identity(key user.IdentityKey) (user.Identity, error)
	Identities(u user.ID) ([]user.Identity, error)
	// Handle finds a name, dead or alive.
	Handle(space user.Space, value string) (user.Handle, error)
	Handles(u user.ID) ([]user.Handle, error)
	// FindHandles finds a value in every space.
	FindHandles(value string) ([]user.Handle, error)
	// Claims lists the claims on an address, oldest first.
	Claims(kind user.AddressKind, address string) ([]user.Claim, error)
	ClaimsOf(u user.ID) ([]user.Claim, error)
	// TakenAddresses tells which of up to TakenMost addresses anybody claims or
	// owns, TakenNames which names of a space are somebody's, dead ones too.
	TakenAddresses(kind user.AddressKind, addresses []string) ([]string, error)
	TakenNames(space user.Space, values []string) ([]string, error)
	Owner(kind user.AddressKind, address string) (user.Owner, error)
	Owned(u user.ID) ([]user.Owner, error)
	Passwords(u user.ID) ([]user.Password, error)
	Locks(u user.ID) ([]user.Lock, error)
	// Entry finds a ledger entry; Entries lists a user's, newest first,
	// whether it is the one that stayed or the other.
	Entry(id user.ID) (Entry, error)
	Entries(u user.ID) ([]Entry, error)
}

// Record is a strand together with its user, as the door that brought it
// shows it: one row of one query.
type Record struct {
	User   user.User
	Strand user.Strand
	// Number is the strand's handle in the space that was asked for; empty if
	// it has none there.
	Number      string
	LockedAt    time.Time // the earliest lock on the user, zero if none
	HasPassword bool      // the user has one that is not set aside
	// Imported is that of the strand's own live password.
	Imported string
}

// Records reads source records.
type Records interface {
	// RecordByHandle finds the strand that a live handle belongs to. Number is
	// the strand's handle in the numbers space.
	RecordByHandle(space user.Space, value string, numbers user.Space) (Record, error)
	// RecordByStrand finds a strand by its id.
	RecordByStrand(strand user.ID, numbers user.Space) (Record, error)
	// RecordsByClaim finds a source's strands that claim an address.
	RecordsByClaim(source user.Source, kind user.AddressKind, address string, numbers user.Space) ([]Record, error)
	// RecordsAfter pages through a source's strands by strand id.
	RecordsAfter(source user.Source, after user.ID, limit int, numbers user.Space) ([]Record, error)
}

// SignIn is a user that may be the one signing in, with what is needed to
// check: the same shape whether found by e-mail or username.
type SignIn struct {
	User      user.ID
	Status    user.Status
	Epoch     int64
	Locked    bool
	Strand    user.ID // the door's strand of this user, if any
	Number    string  // and its handle in the numbers space
	Passwords []user.Password
}

// TokenState is a kept token with the session and user behind it.
type TokenState struct {
	Token user.Token
	SessionState
}

// SessionState is a session with what decides whether it is alive.
type SessionState struct {
	Session user.Session
	User    user.User
	Locked  bool
}

// SignIns reads what signing in, and every authenticated request, needs.
type SignIns interface {
	// SignInByClaim finds users by the claims of one door's live strands,
	// surest and then oldest first; never more than three.
	SignInByClaim(door user.Door, kind user.AddressKind, address string, numbers user.Space) ([]SignIn, error)
	// SignInByOwner finds the user that owns an address. Strand and Number are
	// those of its oldest live strand of the door.
	SignInByOwner(door user.Door, kind user.AddressKind, address string, numbers user.Space) ([]SignIn, error)
	// SignInByHandle finds the user a username leads to.
	SignInByHandle(space user.Space, value string, numbers user.Space) ([]SignIn, error)
	// SignInByUser finds a user. Strand and Number are those of its oldest live
	// strand of the door.
	SignInByUser(door user.Door, u user.ID, numbers user.Space) (SignIn, error)
	Token(hash []byte) (TokenState, error)
	Session(id user.ID) (SessionState, error)
	Sessions(u user.ID) ([]user.Session, error)
	Client(clientID string) (user.Client, error)
	Clients() ([]user.Client, error)
	// Throttles reads the counters of up to four keys; those that do not exist
	// are left out.
	Throttles(keys ...string) ([]Throttle, error)
}

// Groups reads groups and memberships.
type Groups interface {
	Group(id user.ID) (user.Group, error)
	GroupByName(kind, name string) (user.Group, error)
	// GroupByExternalID finds a group in its parent by its id where it comes from,
	// the oldest of several.
	GroupByExternalID(kind string, parent user.ID, external string) (user.Group, error)
	// GroupsNamed finds groups of any kind by name.
	GroupsNamed(name string) ([]user.Group, error)
	AllGroups() ([]user.Group, error)
	Memberships(u user.ID) ([]user.Membership, error)
	Members(group user.ID) ([]user.Membership, error)
	// InGroup says whether a user is a member, by any strand that is live.
	InGroup(u user.ID, kind, name string) (bool, error)
	// MemberNumbers lists the members of a group by one live name each in a
	// space, in order. Those without one are left out, and so are memberships
	// whose role is but.
	MemberNumbers(group user.ID, numbers user.Space, but string, limit int) ([]string, error)
	// GroupsOf lists the groups a user is in by live strands.
	GroupsOf(u user.ID) ([]user.Group, error)
	// GroupsOfKind lists groups by their age.
	GroupsOfKind(kind string) ([]user.Group, error)
	// GroupsByID gives those that exist, one query for each sixteen, by age.
	GroupsByID(ids []user.ID) ([]user.Group, error)
	// MembersOf lists the memberships of groups with one of two roles, by strands
	// that are live: one query for each sixteen, limit in each.
	MembersOf(groups []user.ID, role, or string, limit int) ([]user.Membership, error)
}

// Settings reads policy, keys and secrets.
type Settings interface {
	// Policy gives the newest version; ErrNotFound while none was applied.
	Policy() (PolicyVersion, error)
	Keys() ([]Key, error)
	Secret(name string) (Secret, error)
	// Invalidations lists what changed after a number.
	Invalidations(after int64, limit int) ([]Invalidation, error)
}

// Log reads events, jobs and the development inbox.
type Log interface {
	// EventsOf lists a user's events, oldest first by id.
	EventsOf(u user.ID, limit int) ([]Event, error)
	// Events lists sequenced events after a number.
	Events(after int64, limit int) ([]Event, error)
	// Unsequenced lists events without a number, oldest first by id.
	Unsequenced(limit int) ([]Event, error)
	// LastEvent gives the event with the highest number.
	LastEvent() (Event, error)
	Jobs(state JobState, limit int) ([]Job, error)
	Messages(f MessageFilter) ([]Message, error)
}
