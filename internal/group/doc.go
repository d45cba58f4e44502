// Package group keeps who belongs to what: system groups such as Vetted,
// roles, groups that doors bring, and groups that people make for themselves.
//
//	door/edi ─┬ Member ───────────────────> is this user in Vetted, read live
//	          └ Make, Read, Change, … ────> own.go, members.go: groups of people's own
//	account ── DissolveOwned ─────────────> with the profile that owned them
//	operator ── Create, Add, Remove, List
//
// A membership hangs on a strand, as everything does, so that it ends or moves
// with what brought it. So does owning a group: where its owner's strand is not
// alive, there is no such group. Every change is an event.
//
// Neighbours: feed writes the roles of a feed's records; directory folds what
// is searched.
package group
