// Package signin checks that a person is who they say: password, refresh
// token, a provider's token, and the one throttle that every door shares.
//
//	Attempt ─> find: client, then whom (one or two queries)
//	             │
//	           gate: counters of account and network (one query)
//	             ├─ network waits ──> Throttled
//	             ├─ account waits ──> no hash, the time of one ──> count network ─┐
//	             └─ one hash ─┬─ no: count, record, tell the owner ───────────────┴─> floor ─> BadCredential
//	                          └─ yes: what was checked is read again; session, tokens ─> floor
//
//	ProviderAttempt ─> client, network ─> Prover ─> one transaction: the proof is
//	                   redeemed, admission decides, the session begins
//
// Every failure of a person gives the same refusal and takes the same time:
// unknown, wrong password, locked, deleted, waiting. The record tells them
// apart. Neighbours: session issues, password hashes, policy says how many
// tries are too many, event keeps the record, admission says whom a provider's
// proof leads to, proof/oidc makes such proofs.
package signin
