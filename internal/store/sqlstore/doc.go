// Package sqlstore keeps users in SQLite or PostgreSQL: the same statements,
// written once, on two engines.
//
//	sqlite.go         a few reading connections, and ──> sqlite_writer.go: one writer, group commit
//	postgres.go       serialisable transactions, retried
//	   └─ trial.go    one run of fn: panics, and failures that fn passed over
//	        └─ tx.go, people.go, records.go, signin.go, rest.go,  statements over a conn
//	           search.go
//	             └─ rows.go, scan.go                              rows to columns and back
//
// Rules of the statements: the realm comes first in every key and is always
// $1; secondary indexes begin with the user; no dialect outside the files named
// for one. Times are microseconds since 1970 UTC, 0 for none. plan_test.go
// holds the index of every statement.
//
// What fn must not do beside the contract: call Update within Update. On SQLite
// it would wait for itself, on PostgreSQL for a connection that its like hold.
// View within Update reads what is committed, not what fn wrote. A panic in
// View goes on to the caller, once the connection is back.
//
// Neighbours: store is the contract, storetest proves it.
package sqlstore
