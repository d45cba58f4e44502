// Package caller keeps the programs that speak at a door under a name of their
// own, and the issuers whose signed tokens a door takes.
//
//	operator ── Create, Mint ──> caller + token (its hash is kept)
//	         └─ AddIssuer ─────> issuer, its channel and its keys
//	door ────── Of(token) ─────> Caller, or BadToken
//	proof ───── Issuer(iss) ───> channels and keys in force
//
// A caller is no user: what it may do is said when it is made. Neighbours: the
// Sunbird door asks who calls, proof/statetoken verifies by the keys.
package caller
