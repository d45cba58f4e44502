// Package oidc holds the partner door of the real program to its contract where
// a person signs in with a provider's token (contract partner.md,
// oauth-provider).
//
//	idp ──> token ──> usher as it is built, on each store ──> idp's keys, userinfo
//
// world_test.go starts both; signin_test.go says who is whom, refusals_test.go
// who is nobody, google_test.go does it under Google's name, through a proxy
// that leads to this machine.
//
// Neighbours: idp is the provider, harness starts the program.
package oidc
