// Package statelogin lets people in whom a state's portal sends: a signed token
// says who they are there, and a code to their phone proves the phone.
//
//	token ── Begin ─┬─ known, with an address ────────────────────> handoff
//	                └─ new ─> visit (a cookie, 30 minutes)
//	visit ── Text ──> code sent ── Verify ──> phone confirmed ─┐
//	      ── Contact ─┬─ the phone is somebody else's: challenge, Link ─┐
//	                  └────────────────────────────────────────────────┴─> handoff
//	handoff (five minutes, once) ── Follow ─> a browser's session
//	                             └─ Collect ─> tokens, for a confidential client
//
// A user is made only after the code. What the token says of addresses is prefill;
// its name, school and roles are the state's word (contract sunbird.md, B.8).
//
// Neighbours: proof/statetoken verifies tokens, onboarding admits, otp keeps codes,
// session begins what a handoff opens; web has the pages.
package statelogin
