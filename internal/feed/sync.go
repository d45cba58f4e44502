package feed

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// syncing carries out prepared syncs within one transaction.
type syncing struct {
	tx   store.Tx
	pol  policy.Policy
	c    Caller
	desk *admission.Desk
	// numbers are minted unless an importer says otherwise.
	numbers numbering
}

func newSyncing(tx store.Tx, pol policy.Policy, c Caller) *syncing {
	return &syncing{tx: tx, pol: pol, c: c, desk: admission.In(tx, pol)}
}

// sync creates or updates one user. Every refusal comes before the first
// write, so that a batch can go on after one.
func (s *syncing) sync(p prepared) (Result, error) {
	p.facts = maps.Clone(p.facts) // added to below, and the transaction may run again
	rec, found, err := s.find(p)
	if err != nil {
		return Result{}, err
	}
	if !found {
		return s.create(p)
	}
	if rec.Strand.State == user.Withdrawn || rec.User.Status == user.Deleted {
		return Result{}, user.Refuse(user.UserDeleted, "email")
	}
	return s.update(rec, p)
}

func (s *syncing) create(p prepared) (Result, error) {
	if p.email == nil {
		return Result{}, user.Refuse(user.Missing, "email")
	}
	names := []user.Handle{{Space: user.SpacePartner, Value: s.number(p)}}
	tombstone := false
	if p.username != nil {
		if err := s.meansNobodyElse("", *p.username); err != nil {
			return Result{}, err
		}
		var err error
		if tombstone, err = s.nameFree(p.username.Key); err != nil {
			return Result{}, err
		}
		if !tombstone {
			names = append(names, user.Handle{Space: user.SpacePartnerUN, Value: p.username.Key})
		}
	}
	verified := isTrue(p.verified)
	p.facts[user.EmailVerified] = user.Text(strconv.FormatBool(verified))
	out, err := s.desk.Provision(admission.Assertion{
		Door: s.c.Source.Door(), Source: s.c.Source, Kind: user.Feed, By: s.c.By,
		Identities: p.identities, Addresses: s.addresses(p, verified), Facts: p.facts,
		Password: p.credential.hash, Imported: p.credential.imported, Names: names,
	})
	if err != nil {
		return Result{}, err
	}
	if r := refusal(out.Decision); r != nil {
		return Result{}, r
	}
	number := names[0].Value
	if !out.Created && p.number == "" {
		if number, err = s.ownNumber(out.User.ID, out.Strand.ID, number); err != nil {
			return Result{}, err
		}
	}
	res := Result{
		Record:  store.Record{User: out.User, Strand: out.Strand, Number: number},
		Created: true, Changed: true, Ignored: out.Ignored, Changes: changes(nil, p.facts),
	}
	if tombstone {
		if err := s.takeName(out.User.ID, out.Strand.ID, p.username.Key); err != nil {
			return Result{}, err
		}
	}
	if err := s.setRoles(out.User.ID, out.Strand.ID, p); err != nil {
		return Result{}, err
	}
	if p.active.Value != nil && !*p.active.Value {
		if _, err := s.setLock(&res.Record, true); err != nil {
			return Result{}, err
		}
	}
	return res, nil
}

func (s *syncing) update(rec store.Record, p prepared) (Result, error) {
	doc := rec.Strand.Document
	res := Result{Record: rec}
	// Written in other letters it is the same mailbox, and as verified as before.
	respelled := p.email != nil && doc.Text(user.EmailAttr) != p.email.String()
	moved := respelled && !sameEmail(doc.Text(user.EmailAttr), p.email.Key())
	verified := doc.Text(user.EmailVerified) == "true"
	switch {
	case p.verified.Value != nil:
		verified = *p.verified.Value
	case moved:
		verified = false
	}
	verifiedChanged := strconv.FormatBool(verified) != doc.Text(user.EmailVerified)
	if verifiedChanged {
		p.facts[user.EmailVerified] = user.Text(strconv.FormatBool(verified))
	}
	changed := map[user.Attr]*string{}
	for a, v := range p.facts {
		if !same(doc.Get(a), v) {
			changed[a] = v
		}
	}
	res.Changes = changes(doc, changed)
	newIDs, err := s.newIdentities(rec, p.identities)
	if err != nil {
		return Result{}, err
	}
	newHash, err := s.passwordChange(rec, p.credential)
	if err != nil {
		return Result{}, err
	}
	nameChanged := p.username != nil && !sameName(rec, p.username.Key)
	if nameChanged {
		if err := s.meansNobodyElse(rec.User.ID, *p.username); err != nil {
			return Result{}, err
		}
		if _, err := s.nameFree(p.username.Key); err != nil {
			return Result{}, err
		}
	}
	var touched bool
	if len(changed) > 0 || len(newIDs) > 0 || newHash != "" {
		if touched, err = s.reprovision(&res, p, changed, newIDs, newHash, respelled || verifiedChanged, verified); err != nil {
			return Result{}, err
		}
	}
	if nameChanged || p.noUsername && doc.Get(user.PreferredName) != nil {
		touched = true
		if err := s.rename(res.Record, p); err != nil {
			return Result{}, err
		}
	}
	if _, ok := changed[user.Roles]; ok {
		if err := s.setRoles(rec.User.ID, rec.Strand.ID, p); err != nil {
			return Result{}, err
		}
	}
	if p.active.Value != nil {
		locked, err := s.setLock(&res.Record, !*p.active.Value)
		if err != nil {
			return Result{}, err
		}
		touched = touched || locked
	}
	res.Changed = touched
	if !touched {
		return res, nil
	}
	return res, s.touch(&res.Record.Strand)
}

// reprovision lets admission decide about what an own record newly says.
func (s *syncing) reprovision(res *Result, p prepared, changed map[user.Attr]*string, ids []user.IdentityKey, hash string, address, verified bool) (bool, error) {
	rec := res.Record
	a := admission.Assertion{
		Door: s.c.Source.Door(), Source: s.c.Source, Kind: rec.Strand.Kind, By: s.c.By, Own: &rec.Strand,
		Identities: ids, Facts: changed, Password: hash, Imported: p.credential.imported,
	}
	if address {
		if p.email == nil {
			if err := p.recallEmail(rec.Strand.Document); err != nil {
				return false, err
			}
		}
		a.Addresses = s.addresses(p, verified)
		if err := s.taken(rec, p); err != nil {
			return false, err
		}
	}
	out, err := s.desk.Provision(a)
	if err != nil {
		return false, err
	}
	if r := refusal(out.Decision); r != nil {
		return false, r
	}
	res.Record.User, res.Record.Strand, res.Ignored = out.User, out.Strand, out.Ignored
	if address {
		if err := s.dropOldAddresses(&res.Record, a.Addresses[0]); err != nil {
			return false, err
		}
	}
	if hash == "" || slices.Contains(out.Ignored, "password") {
		return len(changed) > 0 || len(ids) > 0, nil
	}
	return true, s.endSessions(&res.Record)
}

func (s *syncing) ending(why session.Why) session.Ending {
	return session.Ending{Actor: s.c.By, Door: s.c.Source.Door(), Why: why}
}

// endSessions: a changed credential ends what the old one opened.
func (s *syncing) endSessions(rec *store.Record) error {
	if err := session.EndAll(s.tx, rec.User.ID, "", s.ending(session.PasswordChanged)); err != nil {
		return err
	}
	rec.User.MoveEpoch(s.tx.Now())
	if err := store.Put(s.tx, rec.User); err != nil {
		return fmt.Errorf("writing the user: %w", err)
	}
	return event.Append(s.tx, event.New{
		Kind: event.PasswordChanged, User: rec.User.ID, Actor: s.c.By, Door: s.c.Source.Door(),
	})
}

// newIdentities picks those that this record's user does not have, or has only
// as a grant.
func (s *syncing) newIdentities(rec store.Record, keys []user.IdentityKey) ([]user.IdentityKey, error) {
	var out []user.IdentityKey
	for _, key := range keys {
		i, err := s.tx.Identity(key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("looking for an identity: %w", err)
		}
		if err != nil || i.User != rec.User.ID || i.Reserved {
			out = append(out, key)
		}
	}
	return out, nil
}

// passwordChange gives the hash to store, or "" when nothing changed.
func (s *syncing) passwordChange(rec store.Record, c credential) (string, error) {
	if !c.sent || c.same || c.hash == "" {
		return "", nil
	}
	if c.imported == "" {
		return c.hash, nil
	}
	if rec.Imported == c.imported {
		return "", nil
	}
	passwords, err := s.tx.Passwords(rec.User.ID)
	if err != nil {
		return "", fmt.Errorf("reading passwords: %w", err)
	}
	for _, p := range passwords {
		if p.Strand == rec.Strand.ID && !p.SetAside && p.Hash == c.hash {
			return "", nil
		}
	}
	return c.hash, nil
}

func (s *syncing) addresses(p prepared, verified bool) []admission.Address {
	a := admission.Address{Kind: user.Email, Key: p.email.Key(), Display: p.email.String(), Assurance: user.Asserted}
	if verified {
		a.Assurance = s.pol.Trust(s.c.Source).Word()
	}
	if a.Assurance == user.Proven {
		a.Proven = s.tx.Now()
	}
	return []admission.Address{a}
}

// taken refuses an e-mail that another of this source's records has.
func (s *syncing) taken(rec store.Record, p prepared) error {
	recs, err := s.tx.RecordsByClaim(s.c.Source, user.Email, p.email.Key(), user.SpacePartner)
	if err != nil {
		return fmt.Errorf("looking for an e-mail: %w", err)
	}
	for _, r := range recs {
		if r.Strand.ID != rec.Strand.ID {
			return user.Refuse(user.Conflict, "email")
		}
	}
	return nil
}

// dropOldAddresses takes from a record every e-mail but the one it has now, and
// what its word owned beyond what it still says.
func (s *syncing) dropOldAddresses(rec *store.Record, now admission.Address) error {
	dropped := false
	claims, err := s.tx.ClaimsOf(rec.User.ID)
	if err != nil {
		return fmt.Errorf("reading addresses: %w", err)
	}
	for _, c := range claims {
		if c.Strand != rec.Strand.ID || c.Kind != user.Email || c.Address == now.Key {
			continue
		}
		if err := store.Delete(s.tx, c); err != nil {
			return fmt.Errorf("dropping an address: %w", err)
		}
		dropped = true
	}
	owned, err := s.tx.Owned(rec.User.ID)
	if err != nil {
		return fmt.Errorf("reading owned addresses: %w", err)
	}
	for _, o := range owned {
		if o.Strand != rec.Strand.ID || o.Kind != user.Email || o.Address == now.Key && now.Assurance == user.Proven {
			continue
		}
		if err := store.Delete(s.tx, o); err != nil {
			return fmt.Errorf("giving up an address: %w", err)
		}
		dropped = true
	}
	if !dropped {
		return nil
	}
	rec.User, err = ledger.Open(s.tx, s.pol, s.c.By).Reproject(rec.User)
	return err
}

// touch writes down who changed a record last, and when.
func (s *syncing) touch(st *user.Strand) error {
	st.Updated, st.UpdatedBy = s.tx.Now(), s.c.By
	return store.Put(s.tx, *st)
}

func refusal(d admission.Decision) error {
	if d.Refusal == "" {
		return nil
	}
	field := d.Field
	if field == string(user.Email) {
		field = "email"
	}
	return user.Refuse(d.Refusal, field)
}

func changes(doc user.Document, to map[user.Attr]*string) []Change {
	out := []Change{}
	for a, v := range to {
		if from := doc.Get(a); !same(from, v) {
			out = append(out, Change{Attr: a, From: from, To: v})
		}
	}
	slices.SortFunc(out, func(x, y Change) int {
		if x.Attr < y.Attr {
			return -1
		}
		return 1
	})
	return out
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func isTrue(o Opt[bool]) bool { return o.Value != nil && *o.Value }
