// Package docs holds no code: its test keeps the documents true where a
// program can tell: links lead somewhere, the table of configuration keys is
// the one the program prints, and the example policy is one.
package docs
