// Package keycloak has a Keycloak realm do what usher decided, and tells what the
// realm decided: by its admin API, as a service account.
//
//	job "realm" ────────────> Join, Leave, SetEnabled ──┐
//	                                                    ├─> admin API, token kept
//	registrant.Follower ──> Changes, User, Groups, Roles ┘    until shortly before its end
//
// The service account needs the roles view-users, manage-users, query-groups and
// view-events of the client realm-management; an error says which call was denied.
// A realm that is down, slow or talks nonsense is Busy: what was to be done waits.
//
// Neighbours: job leases the work, registrant takes over what is told, cmd brings
// them together.
package keycloak
