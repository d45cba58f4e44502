// Package crash holds no code: its tests end the program, its database or its
// disk at a bad moment, and then hold it to every answer that it gave.
//
//	writers ── over HTTP, both listeners ──> usher ──> database
//	   │ a journal of what was acknowledged              │
//	   └──────── check, after the crash ─────────────────┘
//	     by the API: each record is as acknowledged, or as what was in flight
//	     in the database: nothing is there by halves, the chain of events holds
//
// What is in flight when the crash comes may have happened or not, but never
// in part. The tests are short by default; `make crash` runs them at length:
// USHER_CRASH_ROUNDS, USHER_CRASH_WRITERS and USHER_CRASH_STOPS say how long.
//
// A kill loses no memory of the operating system: what these tests show holds
// for a program that dies, not for a machine that loses its power.
//
// Neighbours: harness starts and kills the program, testpg has a PostgreSQL
// that can be stopped.
package crash
