// Package partner is the partner door: another system brings its users, they
// sign in with the passwords it brought, and an access token is turned into a
// user context (contract partner.md).
//
//	public listener ──┐   a Bearer token of a sysadmin       ┐
//	                  ├─> caller.go: who speaks ─> routes.go ─> feed, signin ─> view.go
//	internal listener ┘   or x-user-ctx (userctx.go)         ┘
//
// A line of a batch is read and answered by batchline.go, which knows nothing of
// HTTP: a command that imports users goes through the same.
//
// x-user-ctx means something on the internal listener only; the public table of
// routes does not look at it. A sync's answer is the published envelope of 23
// members; what stands there as password is said in echo.go.
//
// Neighbours: feed keeps the partner's records, signin checks passwords,
// session resolves tokens, snowflake spells ids.
package partner
