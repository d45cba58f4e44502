// Package sunbird plays what happens at the Sunbird door, end to end, where the
// recorded exchanges stop: who may say what, what is in use, a state's sign-in in
// all its turns, in a real browser too.
//
// Tests only. Neighbours: harness runs the program, golden plays the recording,
// google has a provider in Google's place.
package sunbird
