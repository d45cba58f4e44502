// Command bench measures usher beside something that is run in the same
// minutes on the same cores: a bare net/http handler in a process of its own,
// the database driver alone, the password hash alone. It prints a Markdown
// table of operations a second, of what share of their yardstick they are, and
// of the CPU time that the server spent on each. docs/performance.md says how
// to read it.
//
//	main.go ─ starts everything, runs the rounds ──> table.go, medians
//	  ├─ work.go    what is asked of usher ─┐
//	  ├─ login.go   me, by a login token ───┤
//	  ├─ batch.go   many users in a request ┼─> load.go  closed loop, keep-alive
//	  ├─ signin.go  sign-ins less the hash ─┘
//	  ├─ raw.go     the database driver alone
//	  ├─ start.go   cold start, memory
//	  ├─ enumerate.go  what answers tell a stranger ──> told.go, tables
//	  │    ├─ reasons.go   sign-ins that fail, each for its reason; hashes.go
//	  │    └─ doorstep.go  what else can be asked without a password
//	  └─ host.go    the processes: start, CPU time, memory
//
//	make bench                        SQLite
//	go run ./bench -pg postgres://…   PostgreSQL, an empty database
//	go run ./bench -short             a quick look
//	go run ./bench -signin 1000       what a sign-in costs beside its hash
//	go run ./bench -enumerate 2000    what answers tell a stranger: failed sign-ins,
//	                                  so many of each kind
package main
