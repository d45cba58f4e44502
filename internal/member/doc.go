// Package member is how somebody signs in at the GraphQL door, and what they do
// to their account then: names, password, a second address, archive, delete.
//
//	session, verified?, second address?, password ─> signin.Confirm, counted as a
//	                                                 sign-in is
//	then one transaction, in which the session is looked at again
//
// Neighbours: enrol is for those who are not signed in, account has what every
// door can do, credential sets passwords, mailed keeps the links, admission says
// whose an address is.
package member
