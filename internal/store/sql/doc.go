// Package sqlstore keeps users in SQLite or PostgreSQL: the same statements,
// written once, over two engines.
//
//	View ──> reader ─┐                          ┌─> sqlite.go    pinned reading connections
//	                 ├─ statements over a conn ─┤   writer_sqlite.go  one writer, group commit
//	Update ─> tx ────┘                          └─> postgres.go  serialisable, tried again
//
// people, records, signin, groups, settings and log hold a table's columns
// beside the queries that read them; write.go the changes; table.go makes
// insert, put and delete from the columns, once.
//
// Rules of the statements: $1 is the realm, which leads every primary and
// unique key; secondary indexes begin with the user, or with what else they
// are asked by, so that no plan can take one for the realm alone. Only files
// named for one database hold words that the other does not know. Times are
// microseconds since 1970 UTC, 0 for none.
//
// Neighbours: store is the contract, storetest proves it.
package sqlstore
