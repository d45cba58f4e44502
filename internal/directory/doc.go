// Package directory finds users: by a door's id, or by whatever an operator
// types.
//
//	door/edi ── FindEDI ──> the user behind an EDI number
//	operator ── Resolve ──> id, handle, identity, e-mail or username
//
// It reads and never writes. Neighbours: cmd's commands, console pages.
package directory
