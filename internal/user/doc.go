// Package user holds the words usher is built of: the user, the strands that
// make it traceable, the identities, handles, addresses, credentials and
// memberships that hang on a strand, and the codes a refusal can carry.
//
//	User ──< Strand ──< Identity, Claim, Password, Membership, Session
//	  │         └─ Document (what the source says) and Edits (what the person says)
//	  ├──< Handle   outside names: EDI number, snowflake, username, retired id
//	  ├──< Owner    the proven addresses, unique in a realm
//	  └─ Profile    the projection of all live strands
//
// It imports nothing of usher. The rules over these words live in admission
// and ledger; policy says what a source is worth; store keeps them.
package user
