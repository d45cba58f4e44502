// Package normal turns the names that people and sources write into the one
// form under which usher keeps them.
//
//	"Ada@Example.org" ──> ParseEmail ──> String as given, Key "ada@example.org"
//	"+44 7911 123456" ──> ParsePhone ──> Key "+447911123456" ──> Textable
//	"Ada", chosen     ──> NewUsername      ──> Display, Key
//	"Ada", of a feed  ──> ImportedUsername ──> Display, Key ──> Reference: whose else it could be
//	"http://orcid.org/0000-…/"  ──> ParseIdentityName ─┐
//	"orcid", "0000-…"           ──> NewIdentity ───────┴─> Identity {issuer, subject} ──> Name
//
// Of addresses and chosen names nothing is repaired: what is not well formed is
// refused with a reason, so that two texts never become one by accident. Two
// texts name the same thing if and only if their keys are equal.
//
// docs/identifiers.md is the grammar for those who write to usher. The package
// imports nothing of usher; every package above may import it.
package normal
