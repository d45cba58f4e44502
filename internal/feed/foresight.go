package feed

import (
	"fmt"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// foresight is a transaction that was told at once which of a batch's e-mails
// and usernames nobody has, and need not ask for each again: a new user costs
// no query of its own. What the batch itself writes is no longer vacant.
type foresight struct {
	store.Tx
	emails, names map[string]bool // vacant
}

// foresee asks about the lines of a batch, at most BatchSize.
func foresee(tx store.Tx, lines []prepared) (*foresight, error) {
	f := &foresight{Tx: tx, emails: map[string]bool{}, names: map[string]bool{}}
	var emails, names []string
	for _, p := range lines {
		if p.email != nil && !f.emails[p.email.Key()] {
			f.emails[p.email.Key()] = true
			emails = append(emails, p.email.Key())
		}
		if p.username != nil && !f.names[p.username.Key] {
			f.names[p.username.Key] = true
			names = append(names, p.username.Key)
		}
	}
	taken, err := tx.TakenAddresses(user.Email, emails)
	if err != nil {
		return nil, fmt.Errorf("looking for e-mails: %w", err)
	}
	for _, a := range taken {
		delete(f.emails, a)
	}
	if taken, err = tx.TakenNames(user.SpacePartnerUN, names); err != nil {
		return nil, fmt.Errorf("looking for usernames: %w", err)
	}
	for _, n := range taken {
		delete(f.names, n)
	}
	return f, nil
}

func (f *foresight) Write(op store.Op, row any) error {
	switch r := row.(type) {
	case user.Claim:
		delete(f.emails, r.Address)
	case user.Owner:
		delete(f.emails, r.Address)
	case user.Handle:
		delete(f.names, r.Value)
	}
	return f.Tx.Write(op, row)
}

func (f *foresight) RecordsByClaim(source user.Source, kind user.AddressKind, address string, numbers user.Space) ([]store.Record, error) {
	if kind == user.Email && f.emails[address] {
		return nil, nil
	}
	return f.Tx.RecordsByClaim(source, kind, address, numbers)
}

func (f *foresight) Claims(kind user.AddressKind, address string) ([]user.Claim, error) {
	if kind == user.Email && f.emails[address] {
		return nil, nil
	}
	return f.Tx.Claims(kind, address)
}

func (f *foresight) Owner(kind user.AddressKind, address string) (user.Owner, error) {
	if kind == user.Email && f.emails[address] {
		return user.Owner{}, store.ErrNotFound
	}
	return f.Tx.Owner(kind, address)
}

func (f *foresight) RecordByHandle(space user.Space, value string, numbers user.Space) (store.Record, error) {
	if space == user.SpacePartnerUN && f.names[value] {
		return store.Record{}, store.ErrNotFound
	}
	return f.Tx.RecordByHandle(space, value, numbers)
}

func (f *foresight) Handle(space user.Space, value string) (user.Handle, error) {
	if space == user.SpacePartnerUN && f.names[value] {
		return user.Handle{}, store.ErrNotFound
	}
	return f.Tx.Handle(space, value)
}
