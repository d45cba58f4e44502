package onboarding

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/username"
)

// Source is what strands of this door are called whose user came with a code; with
// a caller's name behind it they are that caller's word.
const Source user.Source = "sunbird"

// Create takes in whom a form names (contract B.5). Refusals, in the contract's
// order: of the place, see Settle; InUse of userName or externalId; BadCredential
// of OTP with Params remaining and allowed; InUse of phone or email. What comes
// before them is the door's: the form was read.
func (s *Service) Create(ctx context.Context, f Form) (made Made, err error) {
	pol := s.Policies.Current()
	for range nameRounds {
		err = s.update(ctx, func(tx store.Tx) (*user.Refusal, error) {
			var no *user.Refusal
			var err error
			made, no, err = s.create(tx, pol, f)
			return no, err
		})
		if !errors.Is(err, store.ErrTaken) {
			return made, err
		}
		// Somebody took the name between the look and the write.
		if f.Username != nil {
			return made, user.Refuse(user.InUse, "userName")
		}
	}
	return made, err
}

func (s *Service) create(tx store.Tx, pol policy.Policy, f Form) (made Made, no *user.Refusal, err error) {
	place, err := Settle(tx, pol, f.Place)
	if err != nil {
		no, ok := errors.AsType[*user.Refusal](err)
		if ok {
			err = nil
		}
		return made, no, err
	}
	name, no, err := pickName(tx, f)
	if err != nil || no != nil {
		return made, no, err
	}
	for _, key := range f.Identities {
		if i, err := tx.Identity(key); err == nil && !i.Reserved {
			return made, user.Refuse(user.InUse, "externalId", "id", key.Subject, "provider", key.Issuer), nil
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return made, nil, fmt.Errorf("looking for an identity: %w", err)
		}
	}
	code, no, err := s.tryCode(tx, pol, f)
	if err != nil || no != nil {
		return made, no, err
	}
	if no, err := taken(tx, f); err != nil || no != nil {
		return made, no, err
	}
	if f.Proven != nil {
		if err := f.Proven.Redeem(tx); err != nil {
			return made, nil, err
		}
	}
	out, err := s.admit(tx, pol, f, name)
	if err != nil {
		return made, nil, err
	}
	if d := out.Decision; d.Refusal != "" {
		return made, inTheWay(d), nil
	}
	if code.Right {
		if err := code.Use(tx); err != nil {
			return made, nil, err
		}
	}
	made, err = s.settleIn(tx, out, place)
	return made, nil, err
}

// tryCode compares the code of a form, if it has one.
func (s *Service) tryCode(tx store.Tx, pol policy.Policy, f Form) (otp.Tried, *user.Refusal, error) {
	if f.Code == "" {
		return otp.Tried{}, nil, nil
	}
	said := f.Phone
	if f.CodeFor == user.Email {
		said = f.Email
	}
	if said == nil {
		return otp.Tried{}, user.Refuse(user.BadCredential, "OTP"), nil
	}
	to := otp.To{Kind: f.CodeFor, Key: said.Key, Display: said.Display, Region: said.Region}
	tried, err := s.Codes.Try(tx, pol, to, Purpose, f.Code)
	if err != nil {
		return tried, nil, err
	}
	if !tried.Right {
		return tried, WrongCode(tried), nil
	}
	return tried, nil, nil
}

// WrongCode is the refusal of a code that is not right, or of none that is alive:
// then Params has no remaining.
func WrongCode(t otp.Tried) *user.Refusal {
	if t.Remaining < 0 {
		return user.Refuse(user.BadCredential, "OTP")
	}
	return user.Refuse(user.BadCredential, "OTP", "remaining", fmt.Sprint(t.Remaining), "allowed", fmt.Sprint(t.Allowed))
}

// taken looks for the phone, then the e-mail, of somebody known at this door or
// blocked.
func taken(r store.Reader, f Form) (*user.Refusal, error) {
	for _, a := range []struct {
		kind user.AddressKind
		said *Said
	}{{user.Phone, f.Phone}, {user.Email, f.Email}} {
		if a.said == nil {
			continue
		}
		p, err := at(r, a.kind, a.said.Key)
		if err != nil {
			return nil, err
		}
		if p.Known() {
			return user.Refuse(user.InUse, string(a.kind)), nil
		}
	}
	if f.Proven == nil {
		return nil, nil
	}
	i, err := r.Identity(f.Proven.Identity)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for an identity: %w", err)
	}
	if id, err := doorID(r, i.User); err != nil || id != "" {
		return user.Refuse(user.InUse, string(user.Email)), err
	}
	return nil, nil
}

// inTheWay is what this door says where admission refuses or challenges: the wire
// has no challenge (design, section 3).
func inTheWay(d admission.Decision) *user.Refusal {
	field := d.Field
	if field != string(user.Phone) {
		field = string(user.Email)
	}
	return user.Refuse(user.InUse, field)
}

// pickName gives the username that was asked for, if it is free, or one made of
// the person's name.
func pickName(tx store.Tx, f Form) (normal.Username, *user.Refusal, error) {
	if f.Username != nil {
		free, err := freeNames(tx, []string{f.Username.Key})
		if err == nil && len(free) == 0 {
			return normal.Username{}, user.Refuse(user.InUse, "userName"), nil
		}
		return *f.Username, nil, err
	}
	for range nameRounds {
		var names []normal.Username
		var keys []string
		for _, c := range username.Candidates(f.FirstName, f.LastName, draws(tx)) {
			n, err := normal.NewUsername(c)
			if err != nil {
				return n, nil, fmt.Errorf("making a username: %w", err)
			}
			names, keys = append(names, n), append(keys, n.Key)
		}
		free, err := freeNames(tx, keys)
		if err != nil {
			return normal.Username{}, nil, err
		}
		for _, n := range names {
			if free[n.Key] {
				return n, nil, nil
			}
		}
	}
	return normal.Username{}, nil, fmt.Errorf("none of %d usernames was free", nameRounds*10)
}

// nameRounds is how often ten names are drawn: there are 9,000 of one name, and
// where half are taken a hundred draws fail once in 2^100 times.
const nameRounds = 10

// draws gives random numbers of the transaction's.
func draws(tx store.Tx) func() uint32 {
	var left []byte
	return func() uint32 {
		if len(left) < 4 {
			id := tx.NewUUID()
			// A version 4 UUID has random bits all over but for bytes 6 and 8.
			left = append([]byte{}, id[0], id[1], id[2], id[3], id[10], id[11], id[12], id[13])
		}
		n := binary.BigEndian.Uint32(left)
		left = left[4:]
		return n
	}
}

// freeNames says which keys are nobody's.
func freeNames(r store.Reader, keys []string) (map[string]bool, error) {
	free := make(map[string]bool, len(keys))
	for _, k := range keys {
		free[k] = true
	}
	for _, space := range []user.Space{user.SpaceSunbirdUN, user.SpaceUsername} {
		names, err := r.TakenNames(space, keys)
		if err != nil {
			return nil, fmt.Errorf("looking for usernames: %w", err)
		}
		for _, n := range names {
			delete(free, n)
		}
	}
	return free, nil
}

// admit hands a form to admission: as somebody who is here where a code was right,
// else as a caller's word.
func (s *Service) admit(tx store.Tx, pol policy.Policy, f Form, name normal.Username) (admission.Outcome, error) {
	facts := map[user.Attr]*string{user.GivenName: user.Text(f.FirstName), user.PreferredName: user.Text(name.Display)}
	if f.LastName != "" {
		facts[user.FamilyName] = user.Text(f.LastName)
	}
	for a, v := range f.Facts {
		facts[a] = v
	}
	caller := user.SourceOf(user.DoorSunbird, f.Caller)
	word := pol.Trust(caller).Word()
	var addresses []admission.Address
	for _, a := range []struct {
		kind user.AddressKind
		said *Said
	}{{user.Phone, f.Phone}, {user.Email, f.Email}} {
		if a.said == nil {
			continue
		}
		if f.Proven != nil && a.kind == user.Email {
			addresses = append(addresses, f.Proven.Email)
			continue
		}
		at := admission.Address{Kind: a.kind, Key: a.said.Key, Display: a.said.Display, Assurance: word}
		if f.Code != "" && f.CodeFor == a.kind {
			at.Assurance, at.Proven = user.Proven, tx.Now()
		}
		addresses = append(addresses, at)
	}
	names := []user.Handle{{Space: user.SpaceSunbirdUN, Value: name.Key}}
	desk := admission.In(tx, pol)
	if f.Proven == nil && f.Code == "" {
		return desk.Provision(admission.Assertion{
			Door: user.DoorSunbird, Source: caller, Kind: user.Feed, By: f.Caller,
			Identities: f.Identities, Addresses: addresses, Facts: facts, Names: names,
		})
	}
	here := admission.Arrival{Door: user.DoorSunbird, Source: Source, Addresses: addresses, Facts: facts, Names: names}
	if f.Proven != nil {
		here.Source, here.Identity = f.Proven.Source, &f.Proven.Identity
	}
	came, err := desk.Arrive(here)
	if err != nil || came.Decision.Refusal != "" || len(f.Identities) == 0 {
		return came, err
	}
	return named(desk, f, came, addresses, word)
}

// named adds, to who has just come in, what a caller calls them elsewhere: on the
// caller's word, in a strand of its own.
func named(desk *admission.Desk, f Form, came admission.Outcome, addresses []admission.Address, word user.Assurance) (admission.Outcome, error) {
	said := slices.Clone(addresses)
	for i := range said {
		said[i].Assurance, said[i].Proven = word, time.Time{}
	}
	told, err := desk.Provision(admission.Assertion{
		Door: user.DoorSunbird, Source: user.SourceOf(user.DoorSunbird, f.Caller), Kind: user.Feed, By: f.Caller,
		Identities: f.Identities, Addresses: said,
	})
	if err != nil {
		return came, err
	}
	if told.Decision.Refusal != "" || told.User.ID != came.User.ID {
		return came, user.Refuse(user.InUse, "externalId", "id", f.Identities[0].Subject, "provider", f.Identities[0].Issuer)
	}
	came.User = told.User
	return came, nil
}

// settleIn gives a user this door's id, everybody's role and their place.
func (s *Service) settleIn(tx store.Tx, out admission.Outcome, place Placed) (made Made, err error) {
	if made.ID, err = Number(tx, out.User.ID, out.Strand.ID); err != nil {
		return made, err
	}
	public, err := tx.GroupByName(user.GroupRole, user.RolePublic)
	if err != nil {
		return made, fmt.Errorf("looking for the role %s: %w", user.RolePublic, err)
	}
	if err := join(tx, out.User.ID, out.Strand.ID, append([]user.Group{public}, place.joins...), tx.Now()); err != nil {
		return made, err
	}
	return made, event.Append(tx, event.New{
		Kind: event.UserOnboarded, User: out.User.ID, Actor: string(out.Strand.Source), Door: user.DoorSunbird,
		Body: map[string]any{"channel": place.channel.Name, "strand": out.Strand.ID},
	})
}

// Number gives a user's id at this door, made at first need on the given strand.
func Number(tx store.Tx, u, strand user.ID) (string, error) {
	id, err := doorID(tx, u)
	if err != nil || id != "" {
		return id, err
	}
	h := user.Handle{Space: user.SpaceSunbird, Value: uuid.UUID(tx.NewUUID()).String(), User: u, Strand: strand, Created: tx.Now()}
	if err := store.Insert(tx, h); err != nil {
		return "", fmt.Errorf("giving %s an id: %w", u, err)
	}
	return h.Value, nil
}
