// Package gqlauth is the GraphQL door: accounts with e-mailed tokens, sign-in
// with JWTs, and working groups, at /graphql (contract gqlauth.md).
//
//	request ─> body.go ─> lex.go, parse.go ─> guard.go ─> variables.go ─> spell.go ─> engine
//	           what is    the document,       what it     of the types    the same    validates,
//	           asked      read once           may cost    declared        tokens      runs
//	engine ─> query.go, mutate_*.go ─> Accounts, SignIn, Directory, Groups (words.go)
//	answer <─ encode.go <─ refusal.go <──────┘   expand.go: nested sets, one call a level
//
// Everything that can be refused without asking the domain is refused before a
// resolver runs. The engine reads no text that was not judged: it gets the
// judged tokens, spelt anew. Who asks is found once in a request and carried as
// a session from there on, so that a request may change what its own token
// names.
//
// Neighbours: session says who is alive behind a JWT, user has the codes that
// refusal.go turns into the errors of the wire, jsonx judges bodies.
package gqlauth
