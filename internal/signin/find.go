package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// found is what the look-up before a check gives.
type found struct {
	client  user.Client
	users   []store.SignIn
	account string // counter of the account, or of the name that is nobody's
}

// user is whom the login means, empty for nobody.
func (f found) user() user.ID {
	if len(f.users) == 0 {
		return ""
	}
	return f.users[0].User
}

// find reads the client, then whoever the login may mean: two queries by
// e-mail, one or two by username.
func (s *Service) find(ctx context.Context, a Attempt) (found, error) {
	var f found
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		if f.client, err = checkClient(r, a.ClientID, a.ClientSecret); err != nil {
			return err
		}
		name, byEmail := loginName(a.Login)
		switch {
		case name == "":
		case byEmail:
			f.users, err = byAddress(r, a.Door, name)
		default:
			f.users, err = byName(r, name)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("looking for a login: %w", err)
		}
		f.account = s.nameKey(name)
		if u := f.user(); u != "" {
			f.account = accountKey(u)
		}
		return nil
	})
	return f, err
}

// byAddress looks first among the claims of the door's own strands, then at
// the owner (design, section 2).
func byAddress(r store.Reader, door user.Door, key string) ([]store.SignIn, error) {
	users, err := r.SignInByClaim(door, user.Email, key, user.SpacePartner)
	if err != nil {
		return nil, err
	}
	owner, err := r.SignInByOwner(door, user.Email, key, user.SpacePartner)
	if err != nil {
		return nil, err
	}
	for _, o := range owner {
		known := false
		for _, u := range users {
			known = known || u.User == o.User
		}
		if !known {
			users = append(users, o)
		}
	}
	return users, nil
}

// byName looks among the door's usernames, then among usher's own.
func byName(r store.Reader, key string) ([]store.SignIn, error) {
	users, err := r.SignInByHandle(user.SpacePartnerUN, key, user.SpacePartner)
	if err != nil || len(users) > 0 {
		return users, err
	}
	return r.SignInByHandle(user.SpaceUsername, key, user.SpacePartner)
}

// loginName resolves by shape: with an @ it is an e-mail and nothing else.
func loginName(login string) (key string, byEmail bool) {
	if strings.Contains(login, "@") {
		e, err := normal.ParseEmail(login)
		if err != nil {
			return "", true
		}
		return e.Key(), true
	}
	n, err := normal.ImportedUsername(login)
	if err != nil {
		return "", false
	}
	return n.Key, false
}

// checkClient comes before any user is looked for, in constant time.
func checkClient(r store.Reader, id string, secret *string) (user.Client, error) {
	c, err := r.Client(id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return c, fmt.Errorf("looking for a client: %w", err)
	}
	given := sha256.Sum256(nil)
	if secret != nil {
		given = sha256.Sum256([]byte(*secret))
	}
	want := c.SecretHash
	if err != nil || want == nil {
		want = make([]byte, len(given))
	}
	match := subtle.ConstantTimeCompare(given[:], want) == 1
	switch {
	case err != nil, c.SecretHash != nil && !match, c.SecretHash == nil && secret != nil:
		return c, user.Refuse(user.InvalidClient, "clientId")
	}
	return c, nil
}
