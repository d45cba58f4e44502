// Package mail holds outgoing mail to what it promises, against a real SMTP
// server that answers by script and on every store: what is queued arrives, at
// most once more than that where an answer was lost, and what is refused for
// good is there for the operator to see.
//
//	job.Enqueue ──> job.Worker ──> mail.Sender ──> mail.SMTP ──> server
package mail
