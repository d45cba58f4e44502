package feed

import (
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// foresight is a transaction that was told at once which of a batch's e-mails,
// usernames and numbers to adopt nobody has, and need not ask for each again: a new user costs
// no query of its own. What the batch itself writes is no longer vacant.
type foresight struct {
	store.Tx
	emails, names, numbers map[string]bool // vacant
}

// foresee asks about the lines of a batch, at most BatchSize.
func foresee(tx store.Tx, lines []prepared, numbers numbering) (*foresight, error) {
	f := &foresight{Tx: tx, emails: map[string]bool{}, names: map[string]bool{}, numbers: map[string]bool{}}
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
	if numbers == minting {
		return f, nil // those that are sent have records
	}
	return f, f.foreseeNumbers(lines)
}

func (f *foresight) foreseeNumbers(lines []prepared) error {
	var numbers []string
	for _, p := range lines {
		if p.number != "" && !f.numbers[p.number] {
			f.numbers[p.number] = true
			numbers = append(numbers, p.number)
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	for _, space := range numberSpaces {
		taken, err := f.TakenNames(space, numbers)
		if err != nil {
			return fmt.Errorf("looking for numbers: %w", err)
		}
		for _, n := range taken {
			delete(f.numbers, n)
		}
	}
	return nil
}

func (f *foresight) Write(op store.Op, row any) error {
	switch r := row.(type) {
	case user.Claim:
		delete(f.emails, r.Address)
	case user.Owner:
		delete(f.emails, r.Address)
	case user.Handle:
		delete(f.names, r.Value)
		delete(f.numbers, r.Value)
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
	if f.vacant(space, value) {
		return store.Record{}, store.ErrNotFound
	}
	return f.Tx.RecordByHandle(space, value, numbers)
}

func (f *foresight) vacant(space user.Space, value string) bool {
	return space == user.SpacePartnerUN && f.names[value] || slices.Contains(numberSpaces, space) && f.numbers[value]
}

func (f *foresight) Handle(space user.Space, value string) (user.Handle, error) {
	if f.vacant(space, value) {
		return user.Handle{}, store.ErrNotFound
	}
	return f.Tx.Handle(space, value)
}
