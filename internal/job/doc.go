// Package job is the outbox: effects that a transaction decided on and that
// are carried out after its commit, at least once.
//
//	domain ── Enqueue(tx) ──> due ──┐ in the same transaction as the change
//	                                ▼
//	Worker ── lease ──> Handler ──> done
//	                       ├─ error ──> due again, later and later ──> dead
//	                       └─ Permanent ───────────────────────────────> dead
//	operator ── Dead, Retry ──> due
//
// A worker that ends without a word lets its lease run out and another takes
// the job, so a handler must be able to run twice for one job; the job's id is
// what it can recognise the second time by.
//
// Neighbours: store keeps the rows, effect has the handlers, cmd brings them
// together.
package job
