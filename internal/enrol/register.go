package enrol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/credential"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// SignUp is a form as it was filled in, trimmed.
type SignUp struct {
	Email, Username      string
	Password1, Password2 string
	Lang                 string // of the mails, a BCP 47 tag; empty: not known
}

// Register makes a pending sign-up and mails its link. The refusals of the form
// come together; Field is email, username, password1 or password2. InUse of
// email means somebody who is known at this door; the door says whether that is
// told. Everything that happens up to then happens in any case.
func (s *Service) Register(ctx context.Context, in SignUp) error {
	return s.Pace.Evenly(ctx, func() error { return s.register(ctx, in) })
}

func (s *Service) register(ctx context.Context, in SignUp) error {
	pol := s.Policies.Current()
	f, errs, err := readForm(in, pol.Password(user.DoorGQLAuth))
	if err != nil {
		return err
	}
	var taken []error
	err = s.Store.View(ctx, func(r store.Reader) error {
		var err error
		taken, err = f.taken(r, pol.GQLAuth.CompatEnumeration)
		return err
	})
	if err != nil {
		return err
	}
	if len(errs) > 0 || usernameTaken(taken) {
		if !pol.GQLAuth.CompatEnumeration { // what is refused anyway tells of no address
			taken = slices.DeleteFunc(taken, func(err error) bool { return !usernameTaken([]error{err}) })
		}
		return credential.Join(append(taken, errs...))
	}
	// Whoever is known costs a hash as well.
	hash, err := credential.Hash(ctx, s.Passwords, in.Password1)
	if err != nil {
		return err
	}
	err = s.update(ctx, func(tx store.Tx) (*user.Refusal, error) {
		compat := pol.GQLAuth.CompatEnumeration
		taken, err := f.taken(tx, compat)
		if err != nil {
			return nil, err
		}
		if usernameTaken(taken) {
			no, _ := errors.AsType[*user.Refusal](taken[len(taken)-1])
			return no, nil
		}
		if len(taken) > 0 && compat {
			no, _ := errors.AsType[*user.Refusal](taken[0])
			return no, s.tellOwner(tx, pol, f)
		}
		a, err := s.signUp(tx, pol, f, hash)
		if err != nil {
			return nil, err
		}
		if len(taken) == 0 {
			return nil, s.sendFirst(tx, pol, a, f.lang)
		}
		// What nobody is sent a link for stays pending: its name is taken, and its
		// password answered, as any other's, or the next question would tell.
		no, _ := errors.AsType[*user.Refusal](taken[0])
		return no, s.tellOwner(tx, pol, f)
	})
	if errors.Is(err, store.ErrTaken) { // between the look and the write
		return user.Refuse(user.InUse, "username")
	}
	return err
}

// form is a sign-up that can be read.
type form struct {
	email normal.Email
	name  normal.Username
	lang  string
}

// readForm gives every refusal of a form. Email and username are zero where they
// are refused.
func readForm(in SignUp, rule policy.PasswordRule) (f form, errs []error, err error) {
	f.lang = in.Lang
	switch n := utf8.RuneCountInString(in.Email); {
	case in.Email == "":
		errs = append(errs, user.Refuse(user.Missing, "email"))
	case n > MaxEmail:
		errs = append(errs, tooLong("email", MaxEmail, n))
	default:
		if f.email, err = normal.ParseEmail(in.Email); err != nil {
			errs = append(errs, user.Refuse(user.Invalid, "email"))
		}
	}
	switch n := utf8.RuneCountInString(in.Username); {
	case in.Username == "":
		errs = append(errs, user.Refuse(user.Missing, "username"))
	case n > MaxUsername:
		errs = append(errs, tooLong("username", MaxUsername, n))
	default:
		if f.name, err = normal.NewUsername(in.Username); err != nil {
			errs = append(errs, user.Refuse(user.Invalid, "username"))
		}
	}
	weak, err := credential.Form{
		First: in.Password1, Second: in.Password2, FirstField: "password1", SecondField: "password2",
		Who: password.Attributes{Username: within(in.Username, MaxUsername), Email: within(in.Email, MaxEmail)},
	}.Check(rule)
	return f, append(errs, weak...), err
}

// within is a text that is no longer than it may be: what is refused anyway is not
// compared with a password letter by letter.
func within(text string, most int) string {
	if utf8.RuneCountInString(text) > most {
		return ""
	}
	return text
}

func tooLong(field string, most, n int) error {
	return user.Refuse(user.TooLarge, field, "max", strconv.Itoa(most), "length", strconv.Itoa(n))
}

func usernameTaken(errs []error) bool {
	for _, err := range errs {
		if no, ok := errors.AsType[*user.Refusal](err); ok && no.Field == "username" {
			return true
		}
	}
	return false
}

// taken says what of a sign-up is somebody's at this door.
func (f form) taken(r store.Reader, compat bool) (errs []error, err error) {
	if !f.email.IsZero() {
		k, err := lookUp(r, f.email.Key())
		if err != nil {
			return nil, err
		}
		if no := k.inUse(compat); no != nil {
			errs = append(errs, no)
		}
	}
	if f.name.Key != "" {
		for _, space := range []user.Space{user.SpaceGQLAuthUN, user.SpaceUsername} {
			names, err := r.TakenNames(space, []string{f.name.Key})
			if err != nil {
				return nil, fmt.Errorf("looking for a username: %w", err)
			}
			if len(names) > 0 {
				return append(errs, user.Refuse(user.InUse, "username")), nil
			}
		}
		if imported, err := importedHere(r, f.name); err != nil || imported {
			return append(errs, user.Refuse(user.InUse, "username")), err
		}
	}
	return errs, nil
}

// importedHere says whether an imported username is that of somebody who has an
// account here: two would go by one name. Of others nothing is told, and the one
// who signs up may be the same person.
func importedHere(r store.Reader, name normal.Username) (bool, error) {
	h, err := r.Handle(user.SpacePartnerUN, name.Key)
	if err == nil && !h.Dead {
		_, err = r.Account(h.User)
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for an imported username: %w", err)
	}
	return !h.Dead, nil
}

// signUp makes the pending sign-up: its address joins nobody before it is proven.
func (s *Service) signUp(tx store.Tx, pol policy.Policy, f form, hash string) (user.Account, error) {
	out, err := admission.In(tx, pol).Arrive(admission.Arrival{
		Door: user.DoorGQLAuth, Source: source,
		Addresses: []admission.Address{{Kind: user.Email, Key: f.email.Key(), Display: f.email.String(), Assurance: user.Asserted}},
		Facts:     map[user.Attr]*string{user.PreferredName: user.Text(f.name.Display)},
		Names:     []user.Handle{{Space: user.SpaceGQLAuthUN, Value: f.name.Key}},
		Password:  hash,
	})
	if err != nil {
		return user.Account{}, err
	}
	first := user.Mailbox{Display: f.email.String(), Key: f.email.Key()}
	return session.OpenAccount(tx, user.Account{User: out.User.ID, Strand: out.Strand.ID, Username: f.name.Display, First: first})
}

func (s *Service) sendFirst(tx store.Tx, pol policy.Policy, a user.Account, lang string) error {
	return s.Post.Send(tx, pol, mailed.Letter{
		Template: mailed.Activate, Action: django.Activation, User: a.User, Strand: a.Strand,
		Subject: a.First.Display, To: a.First, Username: a.Username, Lang: lang,
	})
}

// tellOwner mails somebody who is known that their address was signed up with. It
// goes to the address as they gave it, never as the form has it: a key takes
// spellings for one that a mail server may tell apart (security R3).
func (s *Service) tellOwner(tx store.Tx, pol policy.Policy, f form) error {
	k, err := lookUp(tx, f.email.Key())
	if err != nil {
		return err
	}
	who, ok := k.known()
	if !ok {
		return nil
	}
	to := at(who.Account, k.address)
	if to.Key != k.address { // they own it, and have another one here
		to = spelled(who.User, k.address)
	}
	return s.Post.Tell(tx, pol, mailed.Letter{
		Template: mailed.AlreadyRegistered, User: who.User.ID, To: to, Username: who.Account.Username, Lang: f.lang,
	})
}
