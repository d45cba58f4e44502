package store

import (
	"time"

	"github.com/usher-id/usher/internal/user"
)

// Event is one line of the append-only record of what changed and why. Body
// is JSON, may hold personal data, and can be removed; the rest stays.
type Event struct {
	ID   user.ID
	Kind string // "user.created", "admission.decided", "session.revoked"
	User user.ID
	// Actor is who did it: a user's id, "__system", an operator's name.
	Actor string
	Door  user.Door
	At    time.Time
	Body  []byte
	Salt  []byte // 16 random bytes that keep BodyHash from being guessed

	// The rest is given after commit, by the one sequencer.
	Seq      int64
	BodyHash []byte
	Chain    []byte
}

// JobState says where a job stands.
type JobState string

const (
	JobDue  JobState = "due"
	JobDone JobState = "done"
	JobDead JobState = "dead" // given up; kept until somebody looks
)

// Job is an effect to carry out after commit, at least once.
type Job struct {
	ID      user.ID
	Kind    string // "mail"
	Key     string // two jobs of a kind with one key are one; empty: no key
	User    user.ID
	Payload []byte // JSON
	State   JobState

	Due      time.Time
	Attempts int
	Holder   string
	Until    time.Time // lease
	LastErr  string
	Created  time.Time
}

// Message is a mail or SMS kept by the development inbox.
type Message struct {
	ID      user.ID
	Channel string // "email" or "sms"
	To      string
	Subject string
	Text    string
	HTML    string
	Sent    time.Time
}

// MessageFilter narrows Messages; zero values do not.
type MessageFilter struct {
	To      string
	Channel string
	Since   time.Time
	Limit   int
}

// Throttle counts failures under a key.
type Throttle struct {
	Key      string
	Failures int       // in the present window
	Total    int       // since the last success
	Since    time.Time // beginning of the window
	Until    time.Time // refused until then
}

// Key is a signing key at rest; token knows how to open it.
type Key struct {
	KID       string
	State     string // next, active, retiring, retired
	Alg       string
	PublicJWK []byte
	Wrapped   []byte
	Created   time.Time
	Activated time.Time
	Retires   time.Time
}

// Secret is a sealed value under a name.
type Secret struct {
	Name    string
	Wrapped []byte
	Created time.Time
}

// PolicyVersion is one applied policy. Versions count from 1.
type PolicyVersion struct {
	Version  int64
	Document []byte // YAML as it was given
	By       string
	Applied  time.Time
}

// EntryKind says what a ledger entry did.
type EntryKind string

const (
	EntryLink     EntryKind = "link"     // a strand was added to a user
	EntryTakeover EntryKind = "takeover" // a proof took over a user nobody had been in
	EntryEvict    EntryKind = "evict"    // a user lost an address it had not proven
	EntryAbsorb   EntryKind = "absorb"   // a reservation went into a user
	EntryMerge    EntryKind = "merge"    // two users became one
	EntryWithdraw EntryKind = "withdraw" // a door's strand was withdrawn
	EntryErase    EntryKind = "erase"
)

// Entry is one line of the ledger: what was joined or set aside, and what is
// needed to undo it.
type Entry struct {
	ID     user.ID
	Kind   EntryKind
	User   user.ID // the one that stayed, or the only one
	Other  user.ID // the one that went in, or was set aside
	By     string
	Reason string
	// Undo is JSON that ledger writes and reads.
	Undo     []byte
	At       time.Time
	Undone   time.Time
	UndoneBy string
}

// Invalidation tells other processes that something they may have cached is
// stale. Seq is given by the database.
type Invalidation struct {
	Seq   int64
	Topic string // "policy", "keys"
	Key   string
	At    time.Time
}
