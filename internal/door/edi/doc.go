// Package edi is the EDI door: profiles of people, and skeleton profiles of
// those who have not come yet, at /auth/v1/profile, for whoever holds the
// cookie edi-token (contract edi.md).
//
//	request ─> cross-site check ─> cookie ─> session ─> operation ─> answer ─> JSON or XML
//	           csrf                token.go             create.go    wire.go
//	                                                    read.go …
//	an operation that changes something calls admission or account; none of
//	them touches the store
//
// Two things are written here that the wire alone does not show: a token that
// is older than an hour is renewed with whatever is answered, and everything
// that is wrong with a token is one and the same 401.
//
// Neighbours: session checks and mints the cookie, admission reserves,
// account edits and deletes, normal reads an idp_uid.
package edi
