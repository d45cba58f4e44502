// Package snowflake reads and writes the partner door's names of a user: the
// decimal id and the _guid that is derived from it (contract partner.md,
// facts 1 and 3).
//
//	id    milliseconds since Epoch << 22 | node << 12 | sequence
//	_guid "user_" + base62("i" + id), so that decoding it gives the id
//
// Ids are made by the store, whose transactions may run again, from the layout
// here. Neighbours: store/sqlstore, session, feed, door/partner.
package snowflake
