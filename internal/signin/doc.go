// Package signin checks that a person is who they say: password, refresh
// token, and the one throttle that every door shares.
//
//	Attempt ─> client ─> find (one query) ─> throttle ─> gate ─> one hash ─┬─ no: count, BadCredential
//	                                                                       └─ yes: session, tokens
//
// Every failure gives the same refusal and takes the same time: unknown, wrong
// password, locked, deleted, throttled. Neighbours: session issues, password
// hashes, policy says how many tries are too many.
package signin
