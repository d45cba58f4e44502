// Package providerlogin lets people in at the Sunbird door whom an OpenID provider
// proves: by a redirect in a browser, by an ID token that an app has, or in the
// call that makes a user.
//
//	browser ── Start ──> provider ── Callback ──> a browser's session, or tokens
//	app ────── Token ──────────────────────────> tokens
//	caller ─── Create ─────────────────────────> a user
//
// A proof is redeemed in the transaction that admits whom it proves: a token counts
// once. Neighbours: roundtrip is the way there and back, proof/oidc verifies, onboarding settles people in, session
// begins what they get.
package providerlogin
