// Package group keeps who belongs to what: system groups such as Vetted,
// roles, and groups that doors bring.
//
//	door/edi ── Member ──> is this user in Vetted, read live
//	operator ── Create, Add, Remove, List
//
// A membership hangs on a strand, as everything does, so that it ends or moves
// with what brought it. Neighbours: feed writes the roles of a feed's records.
package group
