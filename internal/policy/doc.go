// Package policy is what an organisation decides, as data: what a source is
// worth, whose word counts for an attribute, what passwords must be like, how
// many wrong tries are one too many. It holds pure functions over that data
// and nothing that reads a clock or a database.
//
//	YAML ── Parse ──> Policy ──┬─ Trust(source)       admission asks
//	                           ├─ Project(strands …)   the ledger asks
//	                           └─ Passwords, Limits    feed and signin ask
//
// Neighbours: user has the words, admission and ledger act on the answers,
// session keeps the policy in force.
package policy
