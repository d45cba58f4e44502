// Package password hashes and checks passwords, and says which ones may be
// set.
//
//	Rules.Check ───> Hasher.Hash ──────> Hash (PHC text, kept by the store)
//	                     │  one pool: as many at once as there are cores
//	ParseHash ─────> Hasher.Verify ────> Verdict {Match, NeedsUpgrade}
//	FromKeycloak ──┘ Hasher.VerifyNone ─> the same cost where nobody is found
//
// DjangoRules.Check stands for Rules.Check at the GraphQL door, and gives every
// weakness at once.
//
// Hashes of other systems are read by a scheme each (see scheme) and replaced
// by usher's own at the first sign-in that succeeds; docs/password-hashes.md
// lists them. Neighbours: signin and account call the Hasher outside of any
// transaction, importers call ParseHash and FromKeycloak.
package password
