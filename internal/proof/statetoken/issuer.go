package statetoken

import (
	"context"
	"crypto/rsa"
	"errors"
	"time"

	"github.com/usher-id/usher/internal/token"
)

// ErrUnknownIssuer is what Keys fails with for an issuer that nobody added.
var ErrUnknownIssuer = errors.New("the issuer is not known")

// Keys finds the issuer that a token names. The name is not to be believed yet; it
// has 1 to 128 bytes and no control characters. An error that is not
// ErrUnknownIssuer is a fault of ours, and Verify's.
type Keys interface {
	Issuer(ctx context.Context, iss string) (Issuer, error)
}

// Issuer is who signs tokens, for which channels and by which keys.
type Issuer struct {
	ISS      string
	Channels []string // what state_id may be, exactly
	// Keys hold side by side while the issuer goes over from one to the next.
	Keys []Key
}

// Key is one of an issuer's. It holds until Until, or for good where that is zero.
type Key struct {
	Public *rsa.PublicKey
	Until  time.Time
}

// inForce gives the keys that may be used now. A key too weak for RS256 is none,
// however it came in.
func (i Issuer) inForce(now time.Time) keys {
	out := keys{iss: i.ISS}
	for _, k := range i.Keys {
		if k.Public == nil || !k.Until.IsZero() && !now.Before(k.Until) {
			continue
		}
		if public, err := token.NewPublicKey(token.RS256, k.Public); err == nil {
			out.all = append(out.all, public)
		}
	}
	return out
}

// keys are one issuer's. They have no names of their own: a token calls them by the
// issuer's, or not at all.
type keys struct {
	iss string
	all []token.PublicKey
}

// Candidates implements token.KeySource.
func (k keys) Candidates(kid string) []token.PublicKey {
	if kid != "" && kid != k.iss {
		return nil
	}
	return k.all
}
