// Package otp keeps one-time codes that go to phones and mailboxes.
//
//	door ── Send ──> counted, a row, a job that names the row ─┐ one transaction
//	worker ─ Filling ─> Reveal: the code of the row, or over ──┴─> sms, mail
//	door ── Try ──> compared in the caller's transaction ── Use ─> gone
//	        Verify: both in one
//
// A code is never kept: it is derived from a secret and the id of its row, so that
// whoever asks again within its life is sent the same one. It is good for one
// address and one purpose, a few wrong tries end it, and using it ends it
// (contract sunbird.md, B.7).
//
// Neighbours: effect/sms and effect/mail write the messages, policy has the limits.
package otp
