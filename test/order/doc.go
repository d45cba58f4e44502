// Package order holds no code: its tests show that who somebody is does not
// depend on the door they came through first, and that nobody gets into
// another's user by having come first. They work over HTTP and the command
// line alone.
//
//	order_test.go    one person through two doors, in both orders: one user
//	hostile_test.go  an intruder who knows an address and can prove nothing
//	merge_test.go    two users made one, and two again
//
// Neighbours: harness starts the program; the same rules are tested without a
// wire in internal/admission and internal/ledger.
package order
