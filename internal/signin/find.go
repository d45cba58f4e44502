package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
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

// naming is where a door finds what it calls people by.
type naming struct {
	numbers   user.Space
	usernames []user.Space
}

// namings, never written to, has the doors that sign in by password. Names that
// were imported, which are a source's, sign in at the GraphQL door as well
// (contract gqlauth.md, decision 4).
var namings = map[user.Door]naming{
	user.DoorPartner: {user.SpacePartner, []user.Space{user.SpacePartnerUN, user.SpaceUsername}},
	user.DoorGQLAuth: {user.SpaceGQLAuth, []user.Space{user.SpaceGQLAuthUN, user.SpaceUsername, user.SpacePartnerUN}},
}

// find reads the client, then whoever the login may mean: two queries by
// e-mail, one or two by username.
func (s *Service) find(ctx context.Context, a Attempt) (found, error) {
	var f found
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		if a.Door == user.DoorPartner { // the others have no clients
			if f.client, err = checkClient(r, a.ClientID, a.ClientSecret); err != nil {
				return err
			}
		}
		name, byEmail := loginName(a.Login, a.By)
		var owner user.ID
		switch {
		case name == "":
		case byEmail:
			f.users, owner, err = byAddress(r, a.Door, name)
		default:
			f.users, err = byName(r, a.Door, name)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("looking for a login: %w", err)
		}
		f.account = s.nameKey(name)
		// Where a name may mean several, tries at it are counted at its owner, or as
		// the name's: one of them could end the others' waits by signing in.
		switch {
		case owner != "":
			f.account = accountKey(owner)
		case len(f.users) == 1:
			f.account = accountKey(f.user())
		case len(f.users) > 1:
			f.account = s.sharedKey(name)
		}
		return nil
	})
	return f, err
}

// byAddress looks first among the claims of the door's own strands, then at the
// owner (design, section 2). Where there is neither, it looks for the one user for
// whom a trusted source vouches and who may never have been here.
func byAddress(r store.Reader, door user.Door, key string) (users []store.SignIn, owner user.ID, err error) {
	numbers := namings[door].numbers
	if users, err = r.SignInByClaim(door, user.Email, key, numbers); err != nil {
		return nil, "", err
	}
	more, err := r.SignInByOwner(door, user.Email, key, numbers)
	if err != nil {
		return nil, "", err
	}
	if len(more) > 0 {
		owner = more[0].User
	} else if door != user.DoorPartner {
		// A sign-up that is pending here keeps nobody out for whom a source vouches.
		if more, err = byVoucher(r, door, key); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, "", err
		}
		if len(more) == 0 {
			if more, err = byAccount(r, door, key); err != nil {
				return nil, "", err
			}
		}
	}
	return together(users, more), owner, nil
}

// together adds those who are not among the first.
func together(users, more []store.SignIn) []store.SignIn {
	for _, m := range more {
		if !slices.ContainsFunc(users, func(u store.SignIn) bool { return u.User == m.User }) {
			users = append(users, m)
		}
	}
	return users
}

func byVoucher(r store.Reader, door user.Door, key string) ([]store.SignIn, error) {
	claims, err := r.Claims(user.Email, key)
	if err != nil {
		return nil, err
	}
	var who user.ID
	for _, c := range claims {
		if c.Assurance != user.Attested || c.User == who {
			continue
		}
		if who != "" {
			return nil, nil
		}
		who = c.User
	}
	if who == "" {
		return nil, nil
	}
	one, err := r.SignInByUser(door, who, namings[door].numbers)
	if err != nil {
		return nil, err
	}
	return []store.SignIn{one}, nil
}

// byAccount finds a sign-up that was brought from elsewhere, and is pending on
// another door's record.
func byAccount(r store.Reader, door user.Door, key string) ([]store.SignIn, error) {
	found, err := r.AccountsAt(key)
	if err != nil {
		return nil, err
	}
	for _, st := range found {
		s, err := r.Strand(st.Account.Strand)
		if err != nil {
			return nil, err
		}
		if s.Kind != user.Feed {
			continue // found by its claim
		}
		one, err := r.SignInByUser(door, st.User.ID, namings[door].numbers)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return []store.SignIn{one}, err
	}
	return nil, nil
}

// byName looks among all usernames that open a door: none keeps another out.
func byName(r store.Reader, door user.Door, key string) (users []store.SignIn, err error) {
	n := namings[door]
	for _, space := range n.usernames {
		more, err := r.SignInByHandle(space, key, n.numbers)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		users = together(users, more)
	}
	return users, nil
}

// loginName resolves by shape, where nothing else was said: with an @ it is an
// e-mail and nothing else.
func loginName(login string, by Login) (key string, byEmail bool) {
	if by == ByEmail || by == ByShape && strings.Contains(login, "@") {
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
