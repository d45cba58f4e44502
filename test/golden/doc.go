// Package golden holds no code: its test plays every recorded case of every
// open door against the program as it is built, on each database.
//
// Neighbours: replay has the cases, harness the program.
package golden
