// Functions of arena.go have their bodies in golang.org/x/crypto/argon2; a file
// of assembly lets the compiler take declarations without one.
