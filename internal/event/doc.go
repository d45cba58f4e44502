// Package event keeps the append-only record of what changed and on whose
// word.
//
//	domain ── Append(tx) ──> event without a number, in the same transaction
//	                              │ after commit
//	Sequencer (one holds the lease) ──> number, body hash, link of the chain
//	                              │
//	Verify <── walks the numbers and says where one no longer fits
//
// A number is given after commit, so that numbers have no gaps and a reader
// that has seen one has seen all before it. The chain covers an event's header
// and the salted hash of its body: a body can be erased without breaking it,
// and cannot be changed. What it cannot show is that the newest events were
// cut off; for that, keep the last link somewhere else.
//
// Neighbours: store keeps the rows, ledger, admission, signin and session
// append to it.
package event
