// Package token makes and checks what usher signs, seals and hands out.
//
//	KEK ──seals──> KeyRecord (store) ──opens──> Key ──> Ring ──> Sign, JWKS
//	                                                     │ Source swaps rings while serving
//	another's JWK Set, PEM, secret ──> KeySet, PublicKey │
//	                                                  └──┴─ KeySource
//	text ──> precheck ──> Verifier (one issuer, one purpose) ──> Claims or ErrRefused
//	NewOpaque ──> 40 hex characters for the client, SHA-256 for the store
//
// A Verifier fixes algorithm, keys, issuer, audience and type beforehand;
// nothing in a token chooses how it is checked. Verification goes from the
// pre-check straight to crypto/ecdsa, crypto/rsa and crypto/ed25519: the
// pre-check has parsed the token already, and a JOSE library would do it again.
// docs/tokens.md lists the purposes, and which test holds which rule.
//
// Neighbours: store keeps KeyRecords, the doors and proof hold Verifiers, cmd
// wires Source and KEK. Whether a session still lives is session's question.
package token
