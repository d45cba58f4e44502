package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what LDAP directories have
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/bcrypt"

	"github.com/usher-id/usher/internal/password"
)

// hashOf is plain as some system keeps it.
type hashOf struct{ name, key, text string }

// foreignHashes are of usher itself, and of systems that people come from.
func foreignHashes(ctx context.Context) ([]hashOf, error) {
	h, err := password.NewHasher(password.DefaultParams(), 1)
	if err != nil {
		return nil, err
	}
	own, err := h.Hash(ctx, plain)
	if err != nil {
		return nil, err
	}
	all := []hashOf{{"argon2id", "argon", own.String()}}
	for _, cost := range []int{6, 12} {
		text, err := bcrypt.GenerateFromPassword([]byte(plain), cost)
		if err != nil {
			return nil, err
		}
		all = append(all, hashOf{fmt.Sprintf("bcrypt of cost %d", cost), fmt.Sprintf("bcrypt%d-", cost), string(text)})
	}
	const iterations = 216_000 // of Django 3.1
	salt := "c2FsdHNhbHRzYWx0"
	key, err := pbkdf2.Key(sha256.New, plain, []byte(salt), iterations, sha256.Size)
	if err != nil {
		return nil, err
	}
	django := fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", iterations, salt, base64.StdEncoding.EncodeToString(key))
	digest := sha1.Sum([]byte(plain + salt)) //nolint:gosec // as above
	ldap := "{SSHA}" + base64.StdEncoding.EncodeToString(append(digest[:], salt...))
	return append(all, hashOf{"Django's pbkdf2", "django", django}, hashOf{"LDAP's {SSHA}", "ldap", ldap}), nil
}
