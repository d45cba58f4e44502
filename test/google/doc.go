// Package google holds the verification of a provider's word to what Google and
// its like do, and to what somebody would do who wants to pass for one of them.
//
//	test ── op ──> oidc-provider, in node ──> codes, tokens ──────┐
//	test ── idp, which a test makes lie ──> tokens nobody should ─┴─> proof/oidc
//
// signin_test.go goes the way of a browser and of an app; hostile_test.go goes every
// other.
//
// Neighbours: test/oidc/op is the provider, test/oidc/idp the one that lies;
// test/oidc drives the partner door.
package google
