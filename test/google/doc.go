// Package google holds the verification of a provider's word to what Google and
// its like do, and to what somebody would do who wants to pass for one of them.
//
//	test ── node ──> provider/ (oidc-provider) ──> codes, tokens ─┐
//	test ── idp, which a test makes lie ──> tokens nobody should ─┴─> proof/oidc
//
// provider_test.go starts the provider: its modules are those of provider's lock
// file, fetched by npm once and kept. signin_test.go goes the way of a browser and
// of an app; hostile_test.go goes every other.
//
// Neighbours: test/oidc/idp is the provider that lies, test/oidc drives the partner
// door.
package google
