// Package op runs a real OpenID provider for tests: oidc-provider, in node, which
// asks nobody for a password. A test goes its way as a browser does.
//
//	test ── Start ──> node provider.mjs (modules of its lock file, fetched by npm
//	                  once and kept) ──> its address
//	     ── Follow ─> from where a browser is sent, until it is sent back
//
// Tests only. Neighbours: test/google and test/edi use it; test/oidc/idp is the
// provider that lies.
package op
