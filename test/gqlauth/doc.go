// Package gqlauth holds the GraphQL door of the real program to its contract
// where more than the door has a say: what abuse costs, who somebody is at the
// other doors, what a deployment that moves here brings along, and the pages
// behind mailed links in a browser.
//
//	test ──> usher as it is built ─┬─ /graphql
//	                               ├─ /api/auth/login, /api/users, /auth/v1/profile
//	                               ├─ /dev/inbox.json, /metrics
//	                               └─ usher user, import, token
//	chromium ─> /activate/…, /password-reset/…
//
// Where chromium is not installed, the browser's walks are skipped. Neighbours:
// golden plays the recorded cases of the original, harness starts the program.
package gqlauth
