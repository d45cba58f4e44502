// Package directory finds users: by a door's id, by whatever an operator
// types, or by the beginning of a name.
//
//	door/edi ── FindEDI ────> the user behind an EDI number
//	         └─ SearchEDI ──> users by the beginning of name, e-mail or number
//	operator ── Resolve ────> id, handle, identity, e-mail or username
//	events ──── CatchUp ────> index of search terms; Run does it over and over
//
// The index is made from the users that events name, and may be behind them:
// a search looks at each user again before it gives it. Nothing else is
// written here. Neighbours: cmd's commands, console pages; group has its own
// terms in the same index.
package directory
