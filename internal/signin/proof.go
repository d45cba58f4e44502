package signin

import (
	"context"
	"net/netip"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/user"
)

// TokenKind is what a client says that a provider's token is.
type TokenKind string

// The kinds, as the contract names them (partner.md, providerTokenType).
const (
	IDToken     TokenKind = "idtoken"
	AccessToken TokenKind = "accesstoken"
)

// Prover verifies the tokens of one outside provider, for this service alone.
// It fails with *Unproven where the token proves nothing, and with a
// *user.Refusal of Busy, seconds included, where the provider cannot be asked.
type Prover interface {
	Prove(ctx context.Context, text string, kind TokenKind) (Proof, error)
}

// Unproven says that a token proves nothing. Why is for the record alone and
// holds nothing of the token.
type Unproven struct{ Why string }

func (u *Unproven) Error() string { return "the token proves nothing: " + u.Why }

// Proof is what a provider's token proves.
type Proof struct {
	Source    user.Source // what the strand is called
	Identity  user.IdentityKey
	Addresses []admission.Address
	Facts     map[user.Attr]*string
	// Once is a hash that names the token and what it is good for here: two
	// texts of one token have one. It is redeemed together with what it proves.
	Once [32]byte
	// Until is when no clock would take the token any more.
	Until time.Time
}

// ProviderAttempt is one try to sign in with a provider's token.
type ProviderAttempt struct {
	Door         user.Door
	ClientID     string
	ClientSecret *string
	Provider     string // one of Options.Provers
	Token        string
	Kind         TokenKind
	Network      netip.Prefix
}
