// Package normal turns the names that people and sources write into the one
// form under which usher keeps them.
//
//	"Ada@Example.org" ──> ParseEmail ──> String as given, Key "ada@example.org"
//	"+44 7911 123456" ──> ParsePhone ──> Key "+447911123456"
//	"Ada"             ──> NewUsername, ImportedUsername ──> Display, Key
//	"https://orcid.org/0000-…" ──> ParseIdentityName ──> Identity {issuer, subject} ──> Name
//
// Nothing is repaired: what is not well formed is refused with a reason, so
// that two texts never become one by accident. Two texts name the same thing
// if and only if their keys are equal.
//
// It imports nothing of usher; every package above may import it.
package normal
