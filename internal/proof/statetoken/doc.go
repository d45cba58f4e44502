// Package statetoken verifies the token by which a state's portal says whom it
// sends.
//
//	token ── iss, not believed yet ──> Keys ──> Issuer: its channels, its keys
//	  └────> token.Verifier: form, RS256, signature by one of those keys
//	  └────> claims, times, state_id among the channels ──> Claims
//
//	PEM ── ParsePublicKey ──> the key that an operator adds for an issuer
//
// The contract is sunbird.md, B.8. The form is judged by the strict check of
// package token. What the token says of itself chooses one thing, the issuer by
// whose keys it is checked: a token of one issuer names no channel of another.
// Its aud is not looked at, as the original does not; how often it is used is for
// whoever redeems Claims.Once.
//
// Neighbours: statelogin asks and redeems, caller keeps issuers and keys.
package statetoken
