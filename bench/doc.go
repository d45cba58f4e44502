// Command bench measures usher beside something run in the same minute: a bare
// net/http handler in a process of its own, and the database driver alone. It
// prints a table of operations a second, the ratio to the bare handler, and
// the CPU that the server spent on each operation.
//
//	main.go ─ builds and starts usher, runs the rounds ─> table
//	load.go ─ a closed loop over keep-alive connections
//	host.go ─ the processes that are measured: start, CPU time, memory
//
//	make bench                        SQLite
//	go run ./bench -pg postgres://…   PostgreSQL, an empty database
//
// Figures depend on the machine; ratios hardly do.
package main
