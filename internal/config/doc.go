// Package config reads what an operator sets, once, at start.
//
//	flag > environment (USHER_…) > file (usher.yaml) > default
//	                    │
//	        settings(): one row a key ──> Load ──> Validate ──> Config
//	                    └──> Keys: help texts and the page in docs/
//
// The same names serve all three sources: the file nests them, a variable is
// USHER_ and the path in capitals joined by `_`. A name nobody knows is an
// error that says which known name is nearest, a value is parsed strictly, and
// every error names the key, where it was set, what was given (secrets aside)
// and what is allowed.
//
// What may change while running is not here: it is policy, and in the database.
package config
