// Package credential sets passwords that people choose: what may be chosen, and
// what a change ends.
//
//	enrol, member ── Form.Check ─> the rules of policy and of the door, every
//	                               reason at once
//	              ── Set ────────> one password, all sessions, tokens and waits
//	                               of before ended, a notice to the owner
//
// Neighbours: password has the rules and hashes, session ends, notify mails,
// signin counts tries.
package credential
