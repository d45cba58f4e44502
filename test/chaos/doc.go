// Package chaos holds no code: its tests send what no client should, and look
// for answers that no server should give.
//
//	chaos_test.go     random requests, made from recorded ones and from nothing
//	refusals_test.go  each bad input that the contracts name: its documented
//	                  answer, and nothing stored
//
// Neighbours: replay has the recorded requests, harness the program.
package chaos
