// Package username makes names to sign in with for people who chose none.
//
//	"Amit", "Kumar" ──> ASCII, lower case ──> stem "amitkumar" ─┐
//	four digits, drawn ────────────────────────────────────────┴─> "amitkumar4821", ten of them
//
// The rule is that of the Sunbird door (contract, B.5: the 1.14 dialect). A
// candidate always passes normal.NewUsername; whether it is free is for whoever
// stores it to see, who takes the first of the ten that is and else asks for ten
// more.
//
// Neighbours: normal judges names, the doors' use cases draw and store them.
package username
