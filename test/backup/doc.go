// Package backup holds no code: its tests back the running program up, restore
// that into databases of both kinds, and hold the copies to the original.
//
//	doors ── people ──> usher ──> database ── usher backup ──> file
//	                                             │
//	    another database <── usher restore ──────┘
//	       │  the same rows, people sign in, what was revoked stays so
//
// Neighbours: harness starts the program and runs its commands.
package backup
