package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what LDAP directories have
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/usher-id/usher/internal/password"
)

// hashOf is plain as some system keeps it.
type hashOf struct{ name, key, text string }

// ownHash is of usher itself.
func ownHash(ctx context.Context) (hashOf, error) {
	h, err := password.NewHasher(password.DefaultParams(), 1)
	if err != nil {
		return hashOf{}, err
	}
	own, err := h.Hash(ctx, plain)
	return hashOf{"argon2id", "argon", own.String()}, err
}

const salt = "c2FsdHNhbHRzYWx0"

// cheapHashes take no longer than one of usher's own.
func cheapHashes() ([]hashOf, error) {
	text, err := bcrypt.GenerateFromPassword([]byte(plain), 6)
	if err != nil {
		return nil, err
	}
	const iterations = 27_500 // Keycloak's, until version 24
	key, err := pbkdf2.Key(sha256.New, plain, []byte(salt), iterations, sha256.Size)
	if err != nil {
		return nil, err
	}
	b64 := func(b []byte) string { return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(b), "+", ".") }
	digest := sha1.Sum([]byte(plain + salt)) //nolint:gosec // as above
	return []hashOf{
		{"bcrypt of cost 6", "bcrypt6-", string(text)},
		{"Keycloak's pbkdf2", "keycloak", fmt.Sprintf("$pbkdf2-sha256$%d$%s$%s", iterations, b64([]byte(salt)), b64(key))},
		{"LDAP's {SSHA}", "ldap", "{SSHA}" + base64.StdEncoding.EncodeToString(append(digest[:], salt...))},
	}, nil
}

// dearHashes take longer, up to nine times as long.
func dearHashes() ([]hashOf, error) {
	var all []hashOf
	for _, cost := range []int{10, 12} {
		text, err := bcrypt.GenerateFromPassword([]byte(plain), cost)
		if err != nil {
			return nil, err
		}
		all = append(all, hashOf{fmt.Sprintf("bcrypt of cost %d", cost), fmt.Sprintf("bcrypt%d-", cost), string(text)})
	}
	const iterations = 216_000 // Django's, of version 3.1
	key, err := pbkdf2.Key(sha256.New, plain, []byte(salt), iterations, sha256.Size)
	if err != nil {
		return nil, err
	}
	mixed, err := scrypt.Key([]byte(plain), []byte(salt), 1<<14, 8, 1, sha256.Size)
	if err != nil {
		return nil, err
	}
	b64 := base64.RawStdEncoding
	return append(all,
		hashOf{"Django's pbkdf2", "django", fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", iterations, salt, base64.StdEncoding.EncodeToString(key))},
		hashOf{"scrypt of 16 MiB", "scrypt", fmt.Sprintf("$scrypt$ln=14,r=8,p=1$%s$%s", b64.EncodeToString([]byte(salt)), b64.EncodeToString(mixed))},
	), nil
}
