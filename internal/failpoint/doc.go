// Package failpoint names the moments at which a program may die that tests
// want to meet exactly. An ordinary build has none of it: Pass is empty, and the
// compiler leaves nothing of it behind. Built with -tags failpoint,
//
//	USHER_TEST_FAILPOINTS=sqlite.commit.after=kill@3
//
// ends the process by SIGKILL when it passes that point for the third time.
//
//	sqlstore ─┐
//	job, mail ┼── Pass(point) ──> nothing │ with the tag: kill at the Nth pass
//	server   ─┘
//
// Neighbours: test/crash arms points, one after another, and holds the program
// to what it acknowledged before.
package failpoint
