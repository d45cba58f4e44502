package signin

import (
	"context"
	"errors"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Method is what somebody tried to sign in with.
type Method string

// The methods.
const (
	ByPassword Method = "password"
	ByProvider Method = "provider"
	ByRefresh  Method = "refresh"
)

// Outcome is what a try came to, as its caller may know it: a refusal's code,
// or one of those below. Why a person was refused is for the record alone.
type Outcome string

// Outcomes that are no refusals.
const (
	Entered     Outcome = "ok"
	Unavailable Outcome = "unavailable" // the database cannot be asked
	Gone        Outcome = "gone"        // the caller hung up
	Failed      Outcome = "failed"      // a fault
)

// Wait is why a try was turned away without being checked.
type Wait string

// The waits.
const (
	AccountWaits Wait = "account"
	NetworkWaits Wait = "network"
)

// Observer is told of each try, by many goroutines at once: it must be quick.
type Observer interface {
	Tried(door user.Door, by Method, o Outcome)
	TurnedAway(door user.Door, w Wait)
}

// nobody watches.
type nobody struct{}

func (nobody) Tried(user.Door, Method, Outcome) {}
func (nobody) TurnedAway(user.Door, Wait)       {}

func outcome(err error) Outcome {
	if err == nil {
		return Entered
	}
	if r, ok := errors.AsType[*user.Refusal](err); ok {
		return Outcome(r.Code)
	}
	switch {
	case errors.Is(err, store.ErrUnavailable):
		return Unavailable
	case errors.Is(err, context.Canceled):
		return Gone
	default:
		return Failed
	}
}
