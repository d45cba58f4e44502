// Package admission decides who somebody is, and carries the decision out.
// Nothing else in usher creates, links or joins users.
//
//	door ─ Arrive(Arrival) ───────┐            ┌─ verdict: one address, one holder (table.go)
//	feed ─ Provision(Assertion) ──┼─> gather ─> decide ─> apply ─> Outcome
//	edi  ─ Reserve(Reservation) ──┘   reads     pure      one transaction
//
// Two acts, never mixed. In Arrive a person is here, with proof: it may claim
// a reservation, take over, evict, link and sign in. In Provision a source
// speaks about somebody absent: it creates or updates what that source says,
// and never claims, evicts, ends sessions, or sets a credential where another
// party has proven anything.
//
// decide is a function of what gather read and of policy, nothing else; its
// table has no empty cell (table_test.go), and its invariants are checked with
// random worlds (decide_test.go) and random histories (history_test.go).
//
// Neighbours: ledger carries out links and evictions, policy grades sources,
// feed and the doors call.
package admission
