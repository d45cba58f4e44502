// Package harness runs the real program for end-to-end tests: the binary as it
// is built, over HTTP and the command line, and nothing from inside it.
//
//	TestMain ─ Main ──> build cmd/usher once, PostgreSQL once
//	test ─ OnEachStore ─┬─> sqlite    ┐
//	                    └─> postgres  ┴─ Start ──> Server ─┬─ Public, Internal   base URLs
//	                                                       ├─ CLI                on the same database
//	                                                       └─ Stop, Kill, Again
//
// Tests only; nothing of the program imports it. Neighbours: testpg has the
// databases, replay plays recorded cases against what is started here.
package harness
