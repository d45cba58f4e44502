// Package enrol is how somebody becomes a user by an address alone, and gets
// back in by it: sign-up, the mailed link that proves the address, a forgotten
// password.
//
//	Register ─> form ─> one hash ─> a pending sign-up, its link is mailed
//	Bring ────> the same, of somebody imported, whose link another service mailed
//	Activate ─> admission.Confirm: the sign-up owns the address, or goes into the
//	            user who does
//	SendReset ─> a link to whoever the address leads to, if anybody
//	Reset ────> the password is the user's; everything of before has ended
//
// A pending sign-up blocks nobody: any proof of its address but its own link
// sets it aside (design, section 3). What is known of an address is told only
// where policy lets it, and every answer takes as long.
//
// Neighbours: mailed keeps the links, credential sets passwords, admission says
// whose an address is, member is for those who are signed in. Doors and pages
// call it.
package enrol
