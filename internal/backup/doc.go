// Package backup is the file that a whole database goes into, and out of again
// on either kind of database.
//
//	database ── sqlstore.Export ──> Write ──> gzip of JSON lines
//	database <── sqlstore.Import ── Reader <──┘  every digest checked
//
// The first line is the header, then for each table a line that names its
// columns, a line a row, and one with how many there were and their digest; the
// last line has the digest of all lines before. What is cut short or changed
// anywhere is not a backup. The digests tell of accidents: whoever can write the
// file can write them too.
//
// Neighbours: sqlstore walks the tables, event knows the chain; cmd opens the
// files.
package backup
