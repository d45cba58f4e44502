// Package store is the contract between the domain and the database: two
// methods, what a transaction may do, and the few joined reads that hot
// requests are made of.
//
//	domain ── View(fn(Reader)) ──┐
//	       └─ Update(fn(Tx)) ────┴─> sqlstore (SQLite or PostgreSQL)
//
// What fn may do: no I/O of its own, no hashing, sleeping, clock or
// randomness (Tx.Now, Tx.NewID and their neighbours give those); results
// leave it by assignment only; it may run again, after its first run was
// rolled back. A refusal is a value that fn assigns, or an error that rolls
// everything back, as the caller needs it. storetest runs one suite over each
// implementation, and has a store that runs every fn twice.
//
// Neighbours: sql implements it, storetest proves it, user has most of the
// rows.
package store
