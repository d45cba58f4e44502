// Package mailed keeps the tokens that go out in mails: which was sent to whom,
// for which sign-up, and whether it was used. The text is only in the mail.
//
//	enrol, member ── Send(Letter) ─> token signed, its record, a mail job ─┐ one
//	              ── Open(text) ───> Token: signature, age, action, record ├ trans-
//	              ── Use ──────────> used, once                            ┘ action
//
// Tokens have the original's format (contract gqlauth.md, section 8). One that
// was signed with the same key and has no record is of the deployment that usher
// took over from: it holds for whoever it names, and is used once as well.
//
// Neighbours: token/django signs and reads, job queues the mails, store keeps
// the records.
package mailed
