// Package edi is the EDI door: profiles of people, skeleton profiles of those
// who have not come yet, groups of people's own, and search over both, under
// /auth/v1, for whoever holds the cookie edi-token (contract edi.md).
//
//	request ─> cross-site check ─> cookie ─> session ─> operation ─> answer ─> JSON or XML
//	           csrf                token.go             create.go    wire.go
//	                                                    groups.go
//	                                                    search.go …
//	an operation that changes something calls admission, account or group; none
//	of them touches the store
//	signin.go: /auth/login, /auth/callback: a browser to a provider and back, with
//	what people see of it in screen.go
//	tokens.go: operations that take a token or a key from the body instead
//
// Two things are written here that the wire alone does not show: a token that
// is older than an hour is renewed with whatever is answered, and everything
// that is wrong with a token is one and the same 401.
//
// Neighbours: edilogin signs people in, session checks and mints the cookie, admission reserves,
// account edits and deletes, group keeps groups, directory finds people,
// normal reads an idp_uid.
package edi
