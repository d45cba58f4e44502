package store

import (
	"time"

	"github.com/usher-id/usher/internal/user"
)

// ChannelProfile is what a channel keeps of a user beside attributes: which
// profile they have there, and which they ask for. It hangs on the strand that
// came through the channel.
type ChannelProfile struct {
	Strand  user.ID
	Channel user.Door
	User    user.ID
	// Type is the profile they have; empty: none yet.
	Type string
	// Asked is the profile that waits for a decision since AskedAt; empty: none.
	Asked   string
	AskedAt time.Time
	// LinkPending says that their address is another user's, whom they have not
	// proven to be.
	LinkPending bool
	// Verdict is the last decision on a request, why, when and whose.
	Verdict   Verdict
	Reason    string
	Decided   time.Time
	DecidedBy string
	// Made is when the profile was made, zero while there is none.
	Made    time.Time
	Created time.Time
	Updated time.Time
}

// Verdict is a decision on a request.
type Verdict string

// The verdicts.
const (
	Undecided Verdict = ""
	Approved  Verdict = "approved"
	Refused   Verdict = "refused"
)

// Cursor is how far a feed of another system was read.
type Cursor struct {
	Name  string
	Value string
	At    time.Time
}

// ChannelState is a session at a channel with all that an answer there shows of
// its user: one row of one query.
type ChannelState struct {
	TokenState
	Strand user.Strand // the session's
	// Profile is zero where the channel keeps none.
	Profile ChannelProfile
}

// Channels reads what channels keep.
type Channels interface {
	// ChannelByToken finds a session by a kept token.
	ChannelByToken(channel user.Door, hash []byte) (ChannelState, error)
	// ChannelProfile gives that of a user: of several, after a merge, one that has
	// a type before one that has none, then the oldest.
	ChannelProfile(channel user.Door, u user.ID) (ChannelProfile, error)
	// ChannelProfileOn gives the one that hangs on a strand.
	ChannelProfileOn(channel user.Door, strand user.ID) (ChannelProfile, error)
	// ChannelRequests lists what waits for a decision, oldest first.
	ChannelRequests(channel user.Door, limit int) ([]ChannelProfile, error)
	Cursor(name string) (Cursor, error)
}
