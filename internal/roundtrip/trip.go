package roundtrip

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Life is how long a browser may be away.
const Life = 15 * time.Minute

// Provider exchanges codes; proof/oidc does.
type Provider interface {
	AuthURL(ctx context.Context, a Asking) (string, error)
	// From says whether an answer that names this issuer, or none, is the provider's
	// (RFC 9207). It fails as Exchange does.
	From(ctx context.Context, issuer string) error
	// Exchange fails with a *signin.Unproven for what proves nothing, and a
	// *user.Refusal of Busy while the provider cannot be asked.
	Exchange(ctx context.Context, x Exchange) (signin.Proof, error)
}

// Asking is what a provider is asked for.
type Asking struct{ State, Nonce, Challenge, RedirectURI string }

// Exchange is a code that came back, with what proves whose it is.
type Exchange struct{ Code, Verifier, RedirectURI, Nonce string }

// Trip is the way to one provider and back.
type Trip struct {
	Store    store.Store
	Provider Provider
	// Kind names whose visits these are among all that browsers make: a state of one
	// provider is none of another's.
	Kind string
	// Back is where the provider sends browsers back to, as it is registered there.
	Back string
}

// Visit is a browser that is away.
type Visit struct {
	Browser         []byte // SHA-256 of its cookie
	Nonce, Verifier string
	About           json.RawMessage // the caller's
}

// Answer is what a browser comes back with. Issuer is what says who sent it (RFC
// 9207), if anything does.
type Answer struct{ State, Code, Error, Issuer, Cookie string }

// Start begins a sign-in: the provider's address, and the secret that the browser
// has to keep in its cookie. browser is what it has there already, if anything: that
// is kept, for another tab may be away with it. about is written as JSON, and
// comes back from Take.
func (t *Trip) Start(ctx context.Context, browser string, about any) (to, cookie string, err error) {
	if !isSecret(browser) {
		browser = secret()
	}
	v := Visit{Browser: hash(browser), Nonce: secret(), Verifier: secret()}
	if v.About, err = json.Marshal(about); err != nil {
		return "", "", fmt.Errorf("writing what a visit is about: %w", err)
	}
	state := secret()
	to, err = t.Provider.AuthURL(ctx, Asking{
		State: state, Nonce: v.Nonce, Challenge: base64.RawURLEncoding.EncodeToString(hash(v.Verifier)), RedirectURI: t.Back,
	})
	if err != nil {
		return "", "", err
	}
	doc, err := json.Marshal(v)
	if err != nil {
		return "", "", fmt.Errorf("writing a visit: %w", err)
	}
	err = t.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		return store.Insert(tx, store.Visit{Hash: hash(state), Kind: t.Kind, Body: doc, Created: tx.Now(), Until: tx.Now().Add(Life)})
	})
	return to, browser, err
}

// Take uses the visit of a state up, and reads into about what it was begun with.
// BadToken of state for one that is over, was used, or is another browser's or
// provider's.
func (t *Trip) Take(ctx context.Context, a Answer, about any) (v Visit, err error) {
	gone := user.Refuse(user.BadToken, "state")
	err = t.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		v = Visit{}
		row, err := tx.Visit(hash(a.State))
		if errors.Is(err, store.ErrNotFound) || err == nil && (row.Kind != t.Kind || !row.Until.After(tx.Now())) {
			return gone
		}
		if err != nil {
			return fmt.Errorf("reading a visit: %w", err)
		}
		if err := json.Unmarshal(row.Body, &v); err != nil {
			return fmt.Errorf("reading a visit: %w", err)
		}
		if subtle.ConstantTimeCompare(v.Browser, hash(a.Cookie)) != 1 {
			return gone
		}
		return store.Delete(tx, row)
	})
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(v.About, about); err != nil {
		return v, gone // of an earlier version, whose visits said it elsewhere
	}
	return v, nil
}

// Prove gives what the answer to a visit proves. Forbidden of provider where another
// sent it, or the provider itself says no, with its error (RFC 6749, section 4.1.2.1)
// as "error"; BadToken of token for what proves nothing; Busy.
func (t *Trip) Prove(ctx context.Context, v Visit, a Answer) (signin.Proof, error) {
	var none signin.Proof
	err := t.Provider.From(ctx, a.Issuer)
	if no, ok := errors.AsType[*signin.Unproven](err); ok {
		return none, user.Refuse(user.Forbidden, "provider", "why", no.Why)
	}
	if err != nil {
		return none, err
	}
	if a.Error != "" || a.Code == "" {
		return none, user.Refuse(user.Forbidden, "provider", "error", a.Error)
	}
	p, err := t.Provider.Exchange(ctx, Exchange{Code: a.Code, Verifier: v.Verifier, RedirectURI: t.Back, Nonce: v.Nonce})
	return p, Unproven(err)
}

// Unproven makes BadToken of what a provider's token lacks.
func Unproven(err error) error {
	if no, ok := errors.AsType[*signin.Unproven](err); ok {
		return user.Refuse(user.BadToken, "token", "why", no.Why)
	}
	return err
}

// Redeem uses a proof up. BadToken for one that was used.
func Redeem(tx store.Tx, p signin.Proof) error {
	err := store.Insert(tx, user.Token{Hash: p.Once[:], Kind: user.RedeemedProof, Created: tx.Now(), Expires: p.Until})
	if errors.Is(err, store.ErrExists) {
		return user.Refuse(user.BadToken, "token", "why", "used before")
	}
	if err != nil {
		return fmt.Errorf("redeeming a token: %w", err)
	}
	return nil
}

// secretBytes is how much of chance a state, a nonce, a verifier and a browser's
// secret have each.
const secretBytes = 32

func secret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// isSecret says whether a text has the form of one.
func isSecret(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == secretBytes
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
