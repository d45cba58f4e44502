// Package onboarding takes people in at the Sunbird door: on a caller's word, with
// a one-time code, or with what a provider or a state proved.
//
//	door ─ Create(Form) ─┐   place: channel, organisation
//	       Admit(Proven) ┴─> names: a username that is free        ─┐ one
//	                         code: compared, used on success        │ transaction
//	                         known here, blocked, deleted? InUse    │
//	                         admission: Arrive or Provision        ─┘
//	       ByKey, Exists ──> who is known at this door, and whether they are blocked
//	       Block, Unblock ─> a lock of this door's
//
// Known means known at this door: somebody who uses another door gets this door's
// strand and a success, and is the same user (contract sunbird.md, decisions).
//
// Neighbours: admission decides whom a proof leads to, otp compares codes, username
// makes names, statelogin and the door call.
package onboarding
