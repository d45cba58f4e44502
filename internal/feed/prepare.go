package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// prepared is a sync whose values were checked and brought into their normal
// form, with everything done that may not happen in a transaction.
type prepared struct {
	number     string
	email      *normal.Email
	username   *normal.Username
	noUsername bool // sent as null
	verified   Opt[bool]
	facts      map[user.Attr]*string
	roles      []string
	identities []user.IdentityKey
	active     Opt[bool]
	credential credential
}

// credential is a password as a feed brings it.
type credential struct {
	sent bool
	hash string // to be stored; empty when it equals the stored one
	// imported is the digest of a foreign hash, by which the same feed is
	// recognised again.
	imported string
	same     bool // the plain text matched what is stored now
}

const (
	maxRoles    = 64
	maxRoleName = 128
)

// prepare checks one sync. Password rules apply to a new password only, not
// to the one that is stored already.
func (s *Service) prepare(ctx context.Context, c Caller, in Sync) (prepared, error) {
	p := prepared{verified: in.Verified, facts: map[user.Attr]*string{}, active: in.Active}
	if in.Number.Value != nil {
		p.number = *in.Number.Value
	}
	if in.Email.Sent {
		if in.Email.Value == nil {
			return p, user.Refuse(user.Invalid, "email", "why", "cannot be null")
		}
		e, err := normal.ParseEmail(*in.Email.Value)
		if err != nil {
			return p, user.Refuse(user.Invalid, "email", "why", err.Error())
		}
		p.email = &e
		p.facts[user.EmailAttr] = user.Text(e.String())
	}
	if err := p.takeUsername(in); err != nil {
		return p, err
	}
	for a, v := range in.Facts {
		p.facts[a] = v
	}
	if err := p.takeRoles(in, s.policies.Current().Trust(c.Source)); err != nil {
		return p, err
	}
	for _, key := range in.Identities {
		id, err := normal.NewIdentity(key.Issuer, key.Subject)
		if err != nil {
			return p, user.Refuse(user.Invalid, "identities", "why", err.Error())
		}
		p.identities = append(p.identities, user.IdentityKey{Issuer: id.Issuer, Subject: id.Subject})
	}
	if p.number == "" && p.email == nil && p.username == nil && len(p.identities) == 0 {
		return p, user.Refuse(user.Missing, "email")
	}
	return p, s.takePassword(ctx, c, &p, in)
}

func (p *prepared) takeUsername(in Sync) error {
	if !in.Username.Sent {
		return nil
	}
	if in.Username.Value == nil {
		p.noUsername = true
		p.facts[user.PreferredName] = nil
		return nil
	}
	n, err := normal.ImportedUsername(*in.Username.Value)
	if err != nil {
		return user.Refuse(user.Invalid, "username", "why", err.Error())
	}
	if n.Key == "__system" {
		return user.Refuse(user.Invalid, "username", "why", "is reserved")
	}
	// A name that looks like an address would sign in as whoever has it.
	if strings.Contains(n.Key, "@") && (p.email == nil || n.Key != p.email.Key()) {
		return user.Refuse(user.Invalid, "username", "why", "must not be an e-mail address, unless it is the user's own")
	}
	p.username = &n
	p.facts[user.PreferredName] = user.Text(n.Display)
	return nil
}

// takeRoles reads the roles of a sync. Those that give power over usher itself
// are an operator's to give; the partner door's own admin role only a trusted
// source's.
func (p *prepared) takeRoles(in Sync, grade policy.Grade) error {
	if !in.Roles.Sent {
		return nil
	}
	if in.Roles.Value == nil {
		p.facts[user.Roles] = nil
		return nil
	}
	for _, r := range *in.Roles.Value {
		if r == "" || len(r) > maxRoleName || strings.TrimSpace(r) != r {
			return user.Refuse(user.Invalid, "roles", "why", "must be names")
		}
		if strings.ContainsFunc(r, unicode.IsControl) { // it could pass for another line where it is shown
			return user.Refuse(user.Invalid, "roles", "why", "must not contain control characters")
		}
		if r == user.RoleOperator || r == user.RoleStaff || r == user.RoleSysadmin && grade == policy.Untrusted {
			return user.Refuse(user.Invalid, "roles", "why", "names a role that this source may not give: "+r)
		}
		if !slices.Contains(p.roles, r) {
			p.roles = append(p.roles, r)
		}
	}
	if len(p.roles) > maxRoles {
		return user.Refuse(user.Invalid, "roles", "why", "must be at most "+strconv.Itoa(maxRoles))
	}
	text, err := json.Marshal(append([]string{}, p.roles...))
	if err != nil {
		return fmt.Errorf("writing roles: %w", err)
	}
	p.facts[user.Roles] = user.Text(string(text))
	return nil
}

// takePassword hashes what is new. A sync that repeats the stored password
// costs one verification and changes nothing.
func (s *Service) takePassword(ctx context.Context, c Caller, p *prepared, in Sync) error {
	if in.PasswordHash.Value != nil {
		if in.Password.Value != nil {
			return user.Refuse(user.Invalid, "passwordHash", "why", "cannot be sent together with password")
		}
		h, err := password.ParseHash(*in.PasswordHash.Value)
		if err != nil {
			return user.Refuse(user.Invalid, "passwordHash", "why", err.Error())
		}
		p.credential = credential{sent: true, hash: h.String(), imported: digest(*in.PasswordHash.Value)}
		return nil
	}
	if in.Password.Value == nil {
		return nil
	}
	if echoed(*in.Password.Value) {
		return user.Refuse(user.WeakPassword, "password", "why", "is what usher answers in a password's place; leave it out")
	}
	p.credential.sent = true
	plain := password.Plain(*in.Password.Value)
	rule := s.policies.Current().Password(c.Source.Door())
	weak := password.Rules{MinLength: rule.MinLength, Blocklist: rule.Blocklist}.Check(plain, contextWords(p)...)
	stored, err := s.storedPassword(ctx, c, *p)
	if err != nil {
		return err
	}
	if stored != "" {
		h, err := password.ParseHash(stored)
		if err != nil {
			return fmt.Errorf("reading a stored password: %w", err)
		}
		v, err := s.passwords.Verify(ctx, plain, h)
		if err != nil {
			return password.Refusal(err)
		}
		if v.Match {
			p.credential.same = true
			return nil
		}
	}
	if weak != nil {
		return weakness(weak)
	}
	h, err := s.passwords.Hash(ctx, plain)
	if err != nil {
		return password.Refusal(err)
	}
	p.credential.hash = h.String()
	return nil
}

// RedactedPassword is what a door shows in a password's place.
const RedactedPassword = "$usher$redacted"

// echoed says whether a password is what an answer of usher's carried: who
// sends a record back as it was read does not mean a new password.
func echoed(plain string) bool {
	_, err := password.ParseHash(plain)
	return plain == RedactedPassword || err == nil
}

func weakness(err error) error {
	if err == nil {
		return nil
	}
	return user.Refuse(user.WeakPassword, "password", "why", strings.TrimPrefix(err.Error(), "password "))
}

func contextWords(p *prepared) []string {
	var words []string
	if p.email != nil {
		words = append(words, p.email.Key())
	}
	if p.username != nil {
		words = append(words, p.username.Key)
	}
	return words
}

// storedPassword finds the password of the record that this sync matches, as
// it stands now.
func (s *Service) storedPassword(ctx context.Context, c Caller, p prepared) (hash string, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		rec, ok, err := match(r, c.Source, p)
		if _, refused := errors.AsType[*user.Refusal](err); refused || err == nil && !ok {
			return nil // sync says why, or creates
		}
		if err != nil {
			return err
		}
		passwords, err := r.Passwords(rec.User.ID)
		for _, pw := range passwords {
			if pw.Strand == rec.Strand.ID && !pw.SetAside {
				hash = pw.Hash
			}
		}
		return err
	})
	return hash, err
}

// match finds the source's own record that a sync is about (contract
// partner.md): by identity, by number, else by e-mail, else by username.
// Two of them that lead to two records are a conflict.
func match(r store.Reader, source user.Source, p prepared) (store.Record, bool, error) {
	known, identified, err := byIdentity(r, source, p.identities)
	if err != nil {
		return known, false, err
	}
	if p.number != "" {
		rec, err := own(r, source, p.number)
		if err == nil && identified && rec.Strand.ID != known.Strand.ID {
			err = user.Refuse(user.Conflict, "identities")
		}
		return rec, err == nil, err
	}
	if identified {
		return known, true, nil
	}
	var rec store.Record
	found := false
	if p.email != nil {
		recs, err := r.RecordsByClaim(source, user.Email, p.email.Key(), user.SpacePartner)
		if err != nil {
			return rec, false, fmt.Errorf("looking for an e-mail: %w", err)
		}
		if len(recs) > 1 {
			return rec, false, user.Refuse(user.Conflict, "email")
		}
		if len(recs) == 1 {
			rec, found = recs[0], true
		}
	}
	if p.username == nil || found && sameName(rec, p.username.Key) {
		return rec, found, nil
	}
	named, err := r.RecordByHandle(user.SpacePartnerUN, p.username.Key, user.SpacePartner)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return rec, found, nil
	case err != nil:
		return rec, false, fmt.Errorf("looking for a username: %w", err)
	case named.Strand.Source != source:
		return rec, false, user.Refuse(user.InUse, "username")
	case !found:
		return named, true, nil
	case named.Strand.ID != rec.Strand.ID:
		return rec, false, user.Refuse(user.Conflict, "username")
	}
	return rec, true, nil
}

func sameName(rec store.Record, key string) bool {
	n, err := normal.ImportedUsername(rec.Strand.Document.Text(user.PreferredName))
	return err == nil && n.Key == key
}

func sameEmail(stored, key string) bool {
	e, err := normal.ParseEmail(stored)
	return err == nil && e.Key() == key
}

// byIdentity finds the source's own strand that brought an identity, or is in
// the user that has it.
func byIdentity(r store.Reader, source user.Source, keys []user.IdentityKey) (store.Record, bool, error) {
	for _, key := range keys {
		i, err := r.Identity(key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return store.Record{}, false, fmt.Errorf("looking for an identity: %w", err)
		}
		strands, err := r.Strands(i.User)
		if err != nil {
			return store.Record{}, false, fmt.Errorf("reading strands: %w", err)
		}
		var mine user.ID
		for _, s := range strands {
			if s.Source == source && s.State != user.Erased && (mine == "" || s.ID == i.Strand) {
				mine = s.ID
			}
		}
		if mine != "" {
			rec, err := r.RecordByStrand(mine, user.SpacePartner)
			return rec, err == nil, err
		}
	}
	return store.Record{}, false, nil
}
