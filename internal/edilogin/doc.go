// Package edilogin signs people in at the EDI door with OpenID providers, in a
// browser (contract edi.md, section 2, ways to get a token).
//
//	/auth/login/NAME ── Start ──> roundtrip ──> provider
//	/auth/callback/NAME <───────────────────────── code
//	  └─ Callback ──> roundtrip: proof ──> one transaction: proof redeemed, person
//	                  admitted or added to who is signed in, EDI number, session
//	                                   └──> edi-token, and where to go on
//
// What a provider is believed is proof/oidc's and admission's to say. Who has never
// been here becomes a user; a skeleton profile of the very identity, or of the
// address that the provider proves, is theirs from then on, with its EDI number.
//
// Neighbours: roundtrip goes to the provider and back, admission decides who it is,
// session makes the token, door/edi has the routes.
package edilogin
