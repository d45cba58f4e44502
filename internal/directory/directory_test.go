package directory_test

import (
	"errors"
	"testing"

	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// newUser makes a user with one strand and what hangs on it.
func newUser(t *testing.T, s store.Store, hang func(u, strand user.ID) []func(store.Tx) error) (id user.ID) {
	t.Helper()
	err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		id = tx.NewID()
		strand := tx.NewID()
		if err := store.Insert(tx, user.User{ID: id, Status: user.Active, Epoch: 1, Created: tx.Now()}); err != nil {
			return err
		}
		if err := store.Insert(tx, user.Strand{ID: strand, User: id, Origin: id, Source: "edi", Kind: user.Human, State: user.Live, Created: tx.Now()}); err != nil {
			return err
		}
		for _, fn := range hang(id, strand) {
			if err := fn(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func handle(space user.Space, value string, u, strand user.ID) func(store.Tx) error {
	return func(tx store.Tx) error {
		return store.Insert(tx, user.Handle{Space: space, Value: value, User: u, Strand: strand, Created: tx.Now()})
	}
}

func claim(address string, u, strand user.ID) func(store.Tx) error {
	return func(tx store.Tx) error {
		return store.Insert(tx, user.Claim{Kind: user.Email, Address: address, Display: address, User: u, Strand: strand, Assurance: user.Asserted, Since: tx.Now()})
	}
}

// An operator names a user by whatever they have of it.
func TestResolve(t *testing.T) {
	s := storetest.Twice(storetest.SQLite(t))
	d := directory.New(s)
	ada := newUser(t, s, func(u, st user.ID) []func(store.Tx) error {
		return []func(store.Tx) error{
			handle(user.SpaceEDI, "EDI-ada", u, st), handle(user.SpacePartner, "755243458806280480", u, st),
			handle(user.SpacePartnerUN, "ada", u, st), handle(user.SpaceUsername, "lovelace", u, st),
			func(tx store.Tx) error {
				return store.Insert(tx, user.Identity{Issuer: "https://orcid.org", Subject: "0000-0001-0000-0009", User: u, Strand: st, Created: tx.Now()})
			},
			func(tx store.Tx) error {
				return store.Insert(tx, user.Identity{Issuer: "keycloak", Subject: "sub 1", User: u, Strand: st, Created: tx.Now()})
			},
			func(tx store.Tx) error {
				return store.Insert(tx, user.Owner{Kind: user.Email, Address: "ada@example.org", User: u, Strand: st, Proven: tx.Now()})
			},
			claim("claimed@example.org", u, st),
		}
	})
	bob := newUser(t, s, func(u, st user.ID) []func(store.Tx) error {
		return []func(store.Tx) error{
			claim("ada@example.org", u, st), claim("shared@example.org", u, st), handle(user.SpacePartnerUN, "both", u, st),
		}
	})
	newUser(t, s, func(u, st user.ID) []func(store.Tx) error {
		return []func(store.Tx) error{claim("shared@example.org", u, st), handle(user.SpaceUsername, "both", u, st)}
	})
	dead := newUser(t, s, func(u, st user.ID) []func(store.Tx) error {
		return []func(store.Tx) error{handle(user.SpaceEDI, "EDI-dead", u, st), handle(user.SpacePartnerUN, "lovelace", u, st)}
	})
	update := func(fn func(store.Tx) error) {
		t.Helper()
		if err := s.Update(t.Context(), store.Interactive, fn); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx store.Tx) error {
		u, err := tx.User(dead)
		if err != nil {
			return err
		}
		return ledger.Open(tx, policy.Default(), "x").Erase(u, user.ClosedByPerson)
	})
	for ref, want := range map[string]user.ID{
		string(ada): ada, "EDI-ada": ada, "edi-ada": ada, "755243458806280480": ada, "ada": ada, "ADA": ada,
		"https://orcid.org 0000-0001-0000-0009": ada, "https://orcid.org/0000-0001-0000-0009": ada, "keycloak sub 1": ada,
		"claimed@example.org": ada, "Claimed@Example.org": ada,
		"ada@example.org": ada, // its owner's, whoever else claims it
		"lovelace":        ada, // the living before the dead
		"EDI-dead":        dead,
		string(bob):       bob,
	} {
		if u, err := d.Resolve(t.Context(), ref); err != nil || u.ID != want {
			t.Errorf("%q: %s, %v; want %s", ref, u.ID, err, want)
		}
	}
	refused := func(ref string, code user.Code) {
		t.Helper()
		_, err := d.Resolve(t.Context(), ref)
		if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != code || r.Params["user"] != ref {
			t.Errorf("%q: %v, want a refusal %s that names it", ref, err, code)
		}
	}
	for _, ref := range []string{"", "nobody", "nobody@example.org", "https://orcid.org/0000-0001-0000-0017", "https://orcid.org", "+49"} {
		refused(ref, user.NotFound)
	}
	refused("shared@example.org", user.Conflict)
	refused("both", user.Conflict)

	// After a merge every name of the one, and its id, leads to the other.
	update(func(tx store.Tx) error {
		a, err := tx.User(ada)
		if err != nil {
			return err
		}
		b, err := tx.User(bob)
		if err != nil {
			return err
		}
		_, err = ledger.Open(tx, policy.Default(), "x").Merge(b, a)
		return err
	})
	for _, ref := range []string{string(ada), "EDI-ada", "ada", "https://orcid.org/0000-0001-0000-0009", "ada@example.org"} {
		if u, err := d.Resolve(t.Context(), ref); err != nil || u.ID != bob || u.Status != user.Active {
			t.Errorf("merged, %q: %s, %v", ref, u.ID, err)
		}
	}
	if u, err := d.FindEDI(t.Context(), "EDI-ada"); err != nil || u.ID != bob {
		t.Errorf("FindEDI: %s, %v", u.ID, err)
	}
	// The EDI door knows exact, living numbers alone.
	for _, number := range []string{"", "EDI-dead", "EDI-nobody", "edi-ada", "ada", string(bob)} {
		_, err := d.FindEDI(t.Context(), number)
		if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != user.NotFound || r.Field != "edi_id" {
			t.Errorf("%q: %v", number, err)
		}
	}
	for status, found := range map[user.Status]bool{
		user.Active: true, user.Reserved: true, user.Archived: true, user.SetAside: false, user.Deleted: false,
	} {
		update(func(tx store.Tx) error {
			u, err := tx.User(bob)
			if err != nil {
				return err
			}
			u.Status = status
			return store.Put(tx, u)
		})
		if _, err := d.FindEDI(t.Context(), "EDI-ada"); (err == nil) != found {
			t.Errorf("%s: %v", status, err)
		}
	}
}
