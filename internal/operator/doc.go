// Package operator is what the people who run usher do to users: create, lock,
// erase, merge, take apart again, and ask why things are as they are.
//
//	cmd/usher ── Create ──> admission.Provision, with an operator's word
//	          ├─ Lock, Unlock, Erase, Merge, Unmerge ──> ledger
//	          ├─ Client, Mint ──> what doors and scripts sign in with
//	          └─ Explain ──> the story of a user, told from strands, ledger and log
//
// Neighbours: directory resolves whom an operator means.
package operator
