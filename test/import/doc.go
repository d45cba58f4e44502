// Package imports holds no code: its tests bring users and groups over with the
// program as it is built, beside a server that runs, on each database.
//
//	users_test.go   ten thousand lines, again, by CSV, dry; numbers of another system
//	killed_test.go  an import that is killed and gone on with ends as one that was not
//	groups_test.go  groups with parents and members
//	world_test.go   the lines, and what is read back
//
// Neighbours: harness starts the program; what the parts of an import promise
// is tested in cmd/usher, internal/door/partner and internal/feed.
package imports
