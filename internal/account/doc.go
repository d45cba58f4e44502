// Package account is what a signed-in person does to themselves: edit what is
// shown, leave a door, be erased.
//
//	door ── Edit ─────────> the edits of the session's strand, the profile
//	     └─ DeleteAtDoor ─> ledger.LeaveDoor
//
// What a person writes belongs to the strand of the session it was written
// in, and so follows that strand through merges and unmerges. Neighbours:
// session says who is here, ledger derives and withdraws.
package account
