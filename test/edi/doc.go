// Package edi holds the EDI door of the real program to its contract where more
// than one part has a say: groups and search over what other requests wrote,
// tokens of the original service, and the Python client iam-lib.
//
//	test ──> usher as it is built, on each store
//	iam-lib ─> recorder ──> usher     what it sends must be what calls_test.go says
//
// The client cannot be had from a package registry. Where EnvClient names the
// src folder of a checkout of it, version 0.2.0, it is run itself; its calls
// are made in any case.
package edi
