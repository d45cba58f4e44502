// Package registrant serves people who registered at an outside realm, a Keycloak's,
// and use the portal: who they are, what they say of themselves, which profile they
// have and ask for (contract portal.md).
//
//	door, pages ── Enter(access token) ──> verified here, asked about once ─┐
//	                                       admission.Arrive, realm session ─┴─> Here
//	            ├─ Look ─────> Account: what the portal shows of them
//	            ├─ Change ───> edits, terms, a profile made or asked for, jobs
//	operator    ├─ Requests, Decide ──> who waits; approved or refused, mailed
//	service     ├─ Completeness ──────> what a profile lacks for a channel
//	realm       └─ Synced, End ──> what it tells of them: groups, log-outs, people
//	                               disabled or deleted; Follower reads it, and carries
//	                               out what was decided here
//
// What a profile must hold is policy.Channel, and nowhere else.
//
// Neighbours: admission decides who somebody is, session keeps them signed in,
// proof/oidc verifies tokens, effect/keycloak carries groups to the realm.
package registrant
