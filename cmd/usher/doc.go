// Command usher is the whole program: the server and the commands that work on
// the same database, whether the server runs or not.
//
//	usher serve ── app.go ──> wire.go ──> doors, pages, jobs
//	usher user|group|client|token|policy|merge|unmerge|explain|migrate
//
// This is the only place that wires packages together. Exit status: 0 done, 1
// refused or not found, 2 wrong use.
package main
