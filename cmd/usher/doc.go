// Command usher is the whole program: the server and the commands that work on
// the same database, whether the server runs or not.
//
//	main.go ── flags.go ──> what was meant, or wrong use
//	   │
//	   ├─ serve ────────────────────────────┐
//	   ├─ user|group|client|token|policy|…  ┴─> place.go ──> app.go ──> wire.go ──> doors, pages, jobs
//	   │                                        database and key; lock.go: one server to a folder
//	   ├─ plain.go <── what others wrote, on its way into a line
//	   └─ report.go <── what went wrong
//
// This is the only place that wires packages together. Only serve and migrate
// up make a database. Exit status: 0 done, 1 refused or not found, 2 wrong use.
package main
