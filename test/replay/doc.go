// Package replay plays recorded exchanges against a running usher and says
// where the answers differ. The records of a door are the contract as a
// program can read it; testdata/ holds one file a door.
//
//	testdata/*.jsonl ─ Recorded ─> []Case ─ Player.Play ─┬─ request  HTTP, either listener
//	                                                     ├─ cli      the command line
//	                                                     ├─ inbox    mail and SMS of development mode
//	                                                     └─ jwt      a token made on the spot
//	                                             captured values ─> {{name}} in later cases
//
// A file holds one JSON object a line; empty lines and lines that begin with #
// are left out. Case describes its members. A template in "expect" is compared
// by value: an object may leave members out unless it holds "<<exact>>": true,
// {"<<contains>>": [T, …]} wants each T somewhere in a list, and a string may
// be a matcher:
//
//	<<any>> <<absent>> <<string>> <<nonempty>> <<number>> <<bool>>
//	<<datetime>> <<jwt>> <<uuid>> <<hex32>> <<regex:RE>>
//	<<ref:NAME>> equals what was captured, <<not:NAME>> differs from it
//
// Neighbours: harness starts the program, golden plays every file on each
// database, chaos takes the recorded requests apart.
package replay
