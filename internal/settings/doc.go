// Package settings keeps what every request needs and hardly ever changes: the
// policy in force, the signing keys, sealed secrets. They live in the database,
// so that processes share them, and are read again when another process
// changed them.
//
//	Load ──> policy, ring        at start
//	Run ───> read again, rotate  every few seconds
//	Apply ─> the next version of policy, kept with who applied it
//
// Neighbours: policy and token have the meaning, store has the rows.
package settings
