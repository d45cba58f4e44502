// Package sqlstore keeps users in SQLite or PostgreSQL: the same statements,
// written once, on two engines.
//
//	sqlite.go    one writer goroutine, group commit; a few reading connections
//	postgres.go  serialisable transactions, retried
//	   └─ tx.go, people.go, records.go, signin.go, rest.go   statements over a conn
//	        └─ rows.go, scan.go                              rows to columns and back
//
// Rules of the statements: the realm comes first in every key and is always
// $1; secondary indexes begin with the user; no dialect outside the two files
// named for one. Times are microseconds since 1970 UTC, 0 for none.
//
// Neighbours: store is the contract, storetest proves it.
package sqlstore
