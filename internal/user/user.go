package user

import "time"

// ID is a UUIDv7 in its canonical text form. It names users, strands, groups,
// sessions and ledger entries, and never appears on a legacy wire.
type ID string

// Status says what a user is to those who look for it.
type Status string

const (
	// Reserved exists so that grants can point at it; nobody has been there.
	Reserved Status = "reserved"
	// Active is the ordinary state.
	Active Status = "active"
	// Archived was closed by the person; signing in reopens it.
	Archived Status = "archived"
	// SetAside was evicted from an address it had not proven.
	SetAside Status = "set_aside"
	// Merged leads to its survivor.
	Merged Status = "merged"
	// Deleted is a tombstone; Closer says whether identifiers stay taken.
	Deleted Status = "deleted"
)

// Closer says on whose word a user was deleted, which decides what becomes of
// its identifiers: a person's are free again, a feed's or operator's stay taken.
type Closer string

const (
	ClosedByPerson   Closer = "person"
	ClosedByFeed     Closer = "feed"
	ClosedByOperator Closer = "operator"
)

// User is one person.
type User struct {
	ID     ID
	Status Status
	// Epoch moves with each change of proof owner or credential; sessions and
	// tokens made under an earlier one are dead.
	Epoch int64
	// EpochAt is when it last moved; zero if it never has. What was mailed or
	// issued without an epoch before then is dead.
	EpochAt time.Time
	// Profile is derived from the live strands; policy.Project makes it.
	Profile  Profile
	Survivor ID     // set while Merged
	ClosedBy Closer // set while Deleted
	Created  time.Time
	Updated  time.Time
	Closed   time.Time
}

// MoveEpoch ends whatever was made under the present epoch.
func (u *User) MoveEpoch(at time.Time) { u.Epoch, u.EpochAt = u.Epoch+1, at }

// Outdates says whether what was made without an epoch is from before the last
// move of this one. Whole seconds are all that such things tell of their time.
func (u User) Outdates(made time.Time) bool {
	return u.Epoch != 1 && (u.EpochAt.IsZero() || made.Before(u.EpochAt.Truncate(time.Second)))
}

// StrandKind says how a strand began, which decides whether its user can be
// taken over by a proof.
type StrandKind string

const (
	// Human began with Arrive: somebody was there.
	Human StrandKind = "human"
	// Feed began with a source that speaks about the absent, and stays a
	// feed's even after its password is used.
	Feed StrandKind = "feed"
	// Operator began at the console or the command line.
	Operator StrandKind = "operator"
	// Reservation began with a grant to an identity nobody has used yet.
	Reservation StrandKind = "reservation"
)

// StrandState says whether a strand still counts.
type StrandState string

const (
	Live           StrandState = "live"
	Withdrawn      StrandState = "withdrawn" // its source deleted it
	StrandSetAside StrandState = "set_aside" // evicted, restorable
	Erased         StrandState = "erased"    // its content is gone
)

// Strand is what one source or one chain of proof brought. Everything that can
// be linked, undone or withdrawn carries a strand's id.
type Strand struct {
	ID   ID
	User ID
	// Origin is the user the strand began with; it differs from User after a
	// link or merge.
	Origin ID
	// Source is the door and the speaker, as "partner:__system" or "edi".
	Source Source
	Kind   StrandKind
	State  StrandState
	// Document holds what the source says; Edits what the person changed in
	// sessions of this strand.
	Document Document
	Edits    Document

	Created     time.Time
	CreatedBy   string
	Updated     time.Time
	UpdatedBy   string // empty until somebody changed something
	Withdrawn   time.Time
	WithdrawnBy string
}

// Source names who speaks: a door, and within it a speaker where the door has
// several.
type Source string

// SourceOf joins a door and a speaker.
func SourceOf(door Door, speaker string) Source {
	if speaker == "" {
		return Source(door)
	}
	return Source(string(door) + ":" + speaker)
}

// Door gives the door part of a source.
func (s Source) Door() Door {
	for i := range len(s) {
		if s[i] == ':' {
			return Door(s[:i])
		}
	}
	return Door(s)
}

// Door is an API through which people become users, or the operator's desk.
type Door string

const (
	DoorPortal   Door = "portal"
	DoorPartner  Door = "partner"
	DoorSunbird  Door = "sunbird"
	DoorEDI      Door = "edi"
	DoorGQLAuth  Door = "gqlauth"
	DoorOperator Door = "operator"
)

// Doors lists the five APIs in the order they are shown.
func Doors() []Door { return []Door{DoorPortal, DoorPartner, DoorSunbird, DoorEDI, DoorGQLAuth} }
