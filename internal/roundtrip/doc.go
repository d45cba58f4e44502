// Package roundtrip sends a browser to an OpenID provider and takes it back, as who
// the provider says.
//
//	browser ── Start ──> state, nonce, verifier and the browser's secret, kept ──> provider
//	        <─────────────────────────────────────────────── code, state ────────────┘
//	        ── Take ───> the visit of that state, once, in that browser
//	        ── Prove ──> who sent it (RFC 9207), code ──> signin.Proof
//
// A state is known by its hash alone, works once, in the browser that began, and at
// the provider that it was begun with. What a browser is bound by is its own secret
// in a cookie: one for all tabs, so that two sign-ins side by side both end.
//
// Neighbours: proof/oidc is the Provider; providerlogin and edilogin say who may
// begin and what becomes of whom is proven.
package roundtrip
