// Package oidc verifies what one configured OpenID Connect issuer says of a
// person: an ID token, an access token and the claims behind it, or a code for
// an ID token that usher sent the person's browser for.
//
//	ID token ────────> token.Verifier ─> for us? ──────────────────────────┐
//	access token, JWT ─> token.Verifier ─> for us? ─> userinfo, same sub ──┤
//	access token, opaque ─> tokeninfo: for us? ─> userinfo, same sub ──────┴─> signin.Proof
//	AuthURL ─> browser ─> code ─ Exchange ─> ID token, our nonce ─> as above
//	                           │
//	             remote: discovery and key set, fetched at first need, kept,
//	             never asked more than once in ten seconds
//
// The form of a token is judged by the strict check of package token, and so
// are keys, signature, issuer and times; nothing in a token chooses how it is
// checked, and no address to fetch from comes out of one. What the issuer's
// word about an e-mail is worth is in trust.go (design, section 3).
//
// An issuer that is down or talks nonsense is never the fault of who signs in:
// that is Busy, and keys that are known go on working for a day.
//
// Neighbours: signin asks for proofs and redeems them, normal gives names and
// addresses their one form, cmd makes an Issuer of the configuration.
package oidc
