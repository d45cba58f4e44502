// Package takeover plays attacks on other people's accounts over the wire: an
// attacker with a record at a source, or with a sign-up of their own, and a
// victim who comes later with a genuine proof.
//
//	attacker ─ PUT /api/users, register ─┐
//	                                     ├─> usher as it is built, on each store ──> who opens what
//	victim ─ provider's token, link ─────┘
//
// identity_test.go has records that name a stranger's identity, address_test.go
// those that name a stranger's address, names_test.go names that lead to
// several users, and the guesses at them.
//
// Neighbours: test/oidc/idp is the provider, harness starts the program;
// docs/security.md lists what is shown here.
package takeover
