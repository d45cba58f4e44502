// Package testkeycloak gives tests a real Keycloak.
//
//	test ── New(t) ──> a realm of its own, dropped afterwards
//
// Where the server comes from, first match:
//
//  1. USHER_TEST_KEYCLOAK, its base URL. scripts/test sets it, so that all packages
//     of one `make test` share one server.
//  2. Java and Maven on this machine: the distribution is fetched once into the
//     user's cache, and a server is started for this package's tests.
//  3. Neither: the test is skipped, and fails instead where CI=true.
//
// A package that uses it calls Stop at the end of its TestMain, so that a server that
// was started for it is stopped.
//
// Tests only; nothing of the program imports it.
package testkeycloak
