// Package workgroup keeps what people of the GraphQL door work in: institutions,
// research fields, and the working groups at the one on the other (contract
// gqlauth.md, section 10).
//
//	institution ──< working group >── research field
//	                     └──< membership: member, representative, or both
//
// All three are groups of usher with a kind of their own; their numbers on the
// wire are counted for each kind and stand in ExternalID. A membership hangs on
// the strand of the session it was made in, and goes with it: a group whose
// representative deletes the account goes on without one.
//
// Neighbours: store keeps groups and memberships, session says who asks, the
// GraphQL door and usher import call it.
package workgroup
