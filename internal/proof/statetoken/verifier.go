package statetoken

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/usher-id/usher/internal/jsonx"
	"github.com/usher-id/usher/internal/token"
)

const (
	maxToken  = 8 << 10 // bytes
	maxIssuer = 128     // bytes, as much as a kid that has to be the same
	// farthest bounds exp where no window is set: a redeemed token is remembered
	// until then, by a clock that knows no year after 9999.
	farthest = 10 * 366 * 24 * time.Hour
	// apart is added to how long it is remembered: the database's clock is not this
	// one.
	apart = 5 * time.Minute
)

// Config says by what tokens are verified.
type Config struct {
	Keys Keys
	// Longest is the longest that a token may live, from iat to exp; 0, or no
	// function: as long as it says.
	Longest func() time.Duration
	Now     func() time.Time
}

// Verifier verifies the tokens of all issuers that Keys knows.
type Verifier struct{ c Config }

// New makes a Verifier.
func New(c Config) (*Verifier, error) {
	if c.Keys == nil || c.Now == nil {
		return nil, errors.New("a verifier of states' tokens needs keys and a clock")
	}
	if c.Longest == nil {
		c.Longest = func() time.Duration { return 0 }
	}
	return &Verifier{c}, nil
}

// Verify gives what a token says, if it is good. It fails with *Unproven where it
// is not, and with another error where the issuer could not be looked up.
func (v *Verifier) Verify(ctx context.Context, text string) (Claims, error) {
	iss, ok := issuerOf(text)
	if !ok {
		return Claims{}, no(InvalidSignature, "not the form of a token, or it names no issuer")
	}
	issuer, err := v.c.Keys.Issuer(ctx, iss)
	switch {
	case errors.Is(err, ErrUnknownIssuer), err == nil && issuer.ISS != iss:
		return Claims{}, no(InvalidSignature, ErrUnknownIssuer.Error())
	case err != nil:
		return Claims{}, fmt.Errorf("looking for an issuer of tokens: %w", err)
	}
	now := v.c.Now()
	// One reading of the clock judges all of a token's times.
	judge, err := token.NewVerifier(token.VerifierConfig{
		Algs: []token.Alg{token.RS256}, Keys: issuer.inForce(now), Issuer: iss, AnyAudience: true,
		Typ: "JWT", OptionalTyp: true, Now: func() time.Time { return now },
	})
	if err != nil {
		return Claims{}, fmt.Errorf("setting up a verifier: %w", err)
	}
	said, err := judge.Verify(text)
	if errors.Is(err, token.ErrRefused) {
		return Claims{}, refused(err)
	}
	if err != nil {
		return Claims{}, fmt.Errorf("verifying a state's token: %w", err)
	}
	out, err := read(said)
	if err != nil {
		return Claims{}, err
	}
	if err := v.times(said, now); err != nil {
		return Claims{}, err
	}
	if !slices.Contains(issuer.Channels, out.Channel) {
		return Claims{}, no(ForeignState, "state_id is not of this issuer")
	}
	return out, nil
}

// times checks what package token leaves: iat is strictly past, without leeway
// (contract B.8), and the token does not live too long.
func (v *Verifier) times(c token.Claims, now time.Time) error {
	longest := v.c.Longest()
	switch {
	case c.IssuedAt.IsZero():
		return no(DataMissing, "iat is missing")
	case !c.IssuedAt.Before(now):
		return no(IssuedAhead, "iat is not in the past")
	case c.Expires.Sub(now) > farthest,
		longest > 0 && c.Expires.Sub(c.IssuedAt) > longest:
		return no(LivesTooLong, "exp is too far from iat")
	}
	return nil
}

// issuerOf reads which issuer a token names, before anything is known of it. What
// follows reads the token again, strictly.
func issuerOf(text string) (string, bool) {
	if len(text) > maxToken {
		return "", false
	}
	_, rest, _ := strings.Cut(text, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", false
	}
	var members map[string]json.RawMessage
	if jsonx.Decode(raw, &members, jsonx.Options{}) != nil {
		return "", false
	}
	var iss string
	if at := members["iss"]; len(at) == 0 || at[0] != '"' || json.Unmarshal(at, &iss) != nil {
		return "", false
	}
	return iss, iss != "" && len(iss) <= maxIssuer && !strings.ContainsFunc(iss, unicode.IsControl)
}
