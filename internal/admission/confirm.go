package admission

import (
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Confirm admits somebody who signed up and now proves the address they signed
// up with. Rules 3 and 4 hold as for any proof of that address: others who only
// say that it is theirs lose it, the user who owns it is who this is, and the
// sign-up goes into that user. Nobody having it, the sign-up's own user does.
//
// Outcome.Ignored has "password" where the one chosen at sign-up was left
// behind, because the user it led to has one.
func (k *Desk) Confirm(f Confirmation) (Outcome, error) {
	g := newGatherer(k.tx)
	w, err := g.confirmation(f)
	if err != nil {
		return Outcome{}, err
	}
	d := decide(k.pol, w)
	by := string(f.SignUp.User)
	if d.Refusal != "" {
		return Outcome{Decision: d}, k.record(d, d.Other, f.Door, by)
	}
	c := &carrying{
		Desk: k, d: d, book: ledger.Open(k.tx, k.pol, by),
		act: act{
			door: f.Door, source: f.SignUp.Source, kind: user.Human, by: by, own: &f.SignUp,
			addresses: []Address{f.Address}, word: user.Asserted,
		},
	}
	if d.Result == Create {
		c.d.Result, c.d.User, c.d.Rule = Known, f.SignUp.User, "6: nobody else has the address that was signed up with"
	} else {
		c.pending = f.SignUp.User
	}
	if f.Drop {
		if err := store.Delete(k.tx, user.Password{User: f.SignUp.User, Strand: f.SignUp.ID}); err != nil {
			return Outcome{}, fmt.Errorf("dropping a sign-up's password: %w", err)
		}
	}
	return c.carryOut()
}

// confirmation reads who else has the address: the sign-up's own user is whom
// the question is about.
func (g *gatherer) confirmation(f Confirmation) (World, error) {
	w := World{Act: Arriving, Now: g.tx.Now()}
	if err := g.locate(&w, []Address{f.Address}); err != nil {
		return w, err
	}
	self := func(h Holder) bool { return h.User == f.SignUp.User }
	for i := range w.Located {
		l := &w.Located[i]
		if l.Owner != nil && self(*l.Owner) {
			l.Owner = nil
		}
		l.Attested, l.Asserted = slices.DeleteFunc(l.Attested, self), slices.DeleteFunc(l.Asserted, self)
	}
	return w, nil
}

// join puts a sign-up into the user that its address led to. Its password comes
// along only where that user has none.
func (c *carrying) join() error {
	if c.pending == "" || c.pending == c.out.User.ID {
		return nil
	}
	signUp, err := c.tx.User(c.pending)
	if err != nil {
		return fmt.Errorf("reading the user of a sign-up: %w", err)
	}
	has, err := c.hasPassword(c.out.User.ID)
	if err != nil {
		return err
	}
	keep := map[user.ID]bool{c.own.ID: true}
	if has {
		keep, c.out.Ignored = nil, append(c.out.Ignored, "password")
	}
	if c.out.User, err = c.book.Join(c.out.User, signUp, keep); err != nil {
		return err
	}
	c.out.Changed = true
	return nil
}
