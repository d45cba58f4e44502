// Package portal is the portal door: people who registered at a Keycloak realm see
// and change what the portal has of them (contract portal.md).
//
//	Authorization: Bearer ─> caller.go ── People.Enter ──> who it is ┐
//	body.go: JSON, form, multipart ─> check.go by policy ─> People.Change
//	                                                        └─> view.go
//
// Errors are those of the original, in English and Italian (texts.go): every
// failure to authenticate is 403, and faults of a profile stand at the top level.
//
// Neighbours: registrant decides, policy says what a profile holds.
package portal
