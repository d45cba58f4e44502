// Package sunbird is the Sunbird door: users made on a caller's word or by a
// one-time code, Google sign-in, and state sign-in confirmed by a code on the
// phone (contract sunbird.md).
//
//	request ─> routes.go ─> form.go ──> onboarding.Create, Show, Block
//	           both forms   in the      otp.Send, Verify
//	           of a path    contract's  statelogin: Visit, Verify, Contact, Enter
//	                        order       google: AuthURL, SignIn
//	answer <─ envelope.go <─ errors.go <──┘
//
// The wire is the 1.14 dialect: HTTP status, responseCode and params.err are one
// thing said three times, so failures are values with all three (errors.go).
// Browsers are answered with redirects, whose texts are a fixed list.
//
// Neighbours: caller says who speaks, onboarding takes people in, otp keeps codes,
// statelogin keeps visits; web has the pages that people see.
package sunbird
