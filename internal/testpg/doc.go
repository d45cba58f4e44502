// Package testpg gives tests a real PostgreSQL.
//
//	test ── Start(t) ──> an empty database of its own, dropped afterwards
//	test ── Own(t) ────> a whole server of its own, to be killed and restarted
//
// Where the server of Start comes from, first match:
//
//  1. USHER_TEST_POSTGRES_URL, a superuser's URL. scripts/test sets it, so that
//     all packages of one `make test` share one server.
//  2. An installed PostgreSQL (Debian's folders, then PATH), started in a
//     temporary folder on a free loopback port; as user postgres when we are
//     root, because PostgreSQL refuses to run as root.
//  3. Not root: binaries fetched by fergusstrange/embedded-postgres.
//  4. None: the test is skipped, and fails instead where CI=true.
//
// A package that uses Start should call Main from its TestMain, so that a
// server started for that package alone is stopped and its folder removed.
//
// Tests only; nothing of the program imports it.
package testpg
