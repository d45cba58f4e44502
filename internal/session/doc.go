// Package session keeps who is signed in. Every wire token, opaque or signed,
// resolves to a session here, and every use checks the live state: the
// session's end, the user's epoch, status and locks.
//
//	signin ── Issue ──> session + opaque access and refresh tokens
//	operator ─ Mint ──> session + edi-token, login token
//	member ── BeginLogin, RenewLogin ──> session + login and refresh token of the
//	                                     GraphQL door; AccountOf numbers users there
//	door ──── Access / Cookie / Login ──> Live, or BadToken for whatever is wrong
//	         End / EndAll ─────> ended from the next request on, and why
//
// Neighbours: signin decides who may have one, token signs and verifies, store
// keeps hashes only.
package session
