// Package jsonx judges JSON from outside before encoding/json sees it.
//
//	bytes ──> Check: one value, UTF-8, depth, names ──> encoding/json ──> struct
//	             └── *Error: what, where, in words for a person
//
// encoding/json replaces broken UTF-8 and lone surrogates, lets the last of two
// equal names win without a word and matches names in any case: two readers of
// one message can then see two messages (RFC 8259 section 4, RFC 7493). The
// zero Options refuse all of that. Tolerant is for doors whose contract promises
// what Python's reader accepts.
package jsonx
