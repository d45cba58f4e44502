// Package backup is the file that a whole database goes into, and out of again
// on either kind of database.
//
//	database ── sqlstore.Export ──> Write ──> gzip of JSON lines
//	database <── sqlstore.Import ── Reader <──┘  every digest checked
//
// The first line is the header, then for each table a line that names its
// columns, a line a row, and one with how many there were and their digest; the
// last line says that it is the last. What is cut short or changed anywhere is
// not a backup.
//
// Neighbours: sqlstore walks the tables; cmd opens the files.
package backup
