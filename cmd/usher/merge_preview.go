package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// shownMove is what a merge would take from one user to the other (ledger.Merge).
type shownMove struct {
	Strands    []movedStrand   `json:"strands"`
	Handles    []shownHandle   `json:"handles"`
	Identities []shownIdentity `json:"identities"`
	Addresses  []movedAddress  `json:"addresses"`
	Groups     []shownGroup    `json:"groups"`
	// LeftOut are the roles that the survivor does not get.
	LeftOut []shownGroup `json:"left_out"`
	Locks   []shownLock  `json:"locks"`
	// Passwords are those that would open the survivor, of both users.
	Passwords []openingPassword `json:"passwords"`
}

type movedStrand struct {
	ID     user.ID          `json:"id"`
	Source user.Source      `json:"source"`
	State  user.StrandState `json:"state"`
}

type movedAddress struct {
	Kind    user.AddressKind `json:"kind"`
	Address string           `json:"address"`
	Proven  bool             `json:"proven"`
}

type openingPassword struct {
	User   user.ID     `json:"user"` // whose it is now
	Strand user.ID     `json:"strand"`
	Source user.Source `json:"source"`
}

// foretell reads what a merge of other into another user would move.
func (a *app) foretell(ctx context.Context, into, other string) (m shownMove, err error) {
	err = a.db.View(ctx, func(r store.Reader) error {
		var stories [2]operator.Story
		var passwords [2][]user.Password
		for i, ref := range []string{into, other} {
			u, err := directory.Resolve(r, ref)
			if err != nil {
				return err
			}
			if stories[i], err = operator.Tell(r, u); err != nil {
				return err
			}
			if passwords[i], err = r.Passwords(u.ID); err != nil {
				return fmt.Errorf("reading the passwords of %s: %w", u.ID, err)
			}
		}
		m = moving(stories[1])
		for i, all := range passwords {
			m.Passwords = append(m.Passwords, openers(stories[i], all)...)
		}
		return nil
	})
	return m, err
}

func moving(st operator.Story) shownMove {
	s := shown(st)
	m := shownMove{
		Strands: []movedStrand{}, Handles: s.Handles, Identities: s.Identities, Addresses: []movedAddress{},
		Groups: []shownGroup{}, LeftOut: []shownGroup{}, Locks: s.Locks, Passwords: []openingPassword{},
	}
	for _, x := range st.Strands {
		m.Strands = append(m.Strands, movedStrand{x.ID, x.Source, x.State})
	}
	for _, g := range s.Memberships {
		if g.Kind == user.GroupRole {
			m.LeftOut = append(m.LeftOut, g)
			continue
		}
		m.Groups = append(m.Groups, g)
	}
	proven := map[movedAddress]bool{}
	for _, o := range st.Owned {
		proven[movedAddress{o.Kind, o.Address, true}] = true
	}
	for _, c := range st.Claims {
		if key := (movedAddress{c.Kind, c.Address, true}); !proven[key] {
			proven[key] = false
		}
	}
	for key, is := range proven {
		m.Addresses = append(m.Addresses, movedAddress{key.Kind, key.Address, is})
	}
	slices.SortFunc(m.Addresses, func(a, b movedAddress) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Address, b.Address))
	})
	return m
}

// openers are the passwords of a user that sign somebody in.
func openers(st operator.Story, all []user.Password) (open []openingPassword) {
	for _, p := range all {
		if p.SetAside {
			continue
		}
		o := openingPassword{User: st.User.ID, Strand: p.Strand}
		for _, x := range st.Strands {
			if x.ID == p.Strand {
				o.Source = x.Source
			}
		}
		open = append(open, o)
	}
	return open
}

// write tells it to a person.
func (m shownMove) write(w io.Writer, other user.ID) {
	heading := func(text string, n int) {
		if n > 0 {
			fmt.Fprintf(w, "\n%s\n", text)
		}
	}
	heading("Strands that would move, with what was written through them", len(m.Strands))
	for _, x := range m.Strands {
		fmt.Fprintf(w, "  %s  %-10s %s\n", x.ID, x.State, plain(x.Source))
	}
	heading("Names that would lead there", len(m.Handles)+len(m.Identities)+1)
	fmt.Fprintf(w, "  %-16s  %s\n", "id", other)
	for _, h := range m.Handles {
		fmt.Fprintf(w, "  %-16s  %s%s\n", h.Space, plain(h.Value), when(h.Dead, " (dead)"))
	}
	for _, i := range m.Identities {
		fmt.Fprintf(w, "  %-16s  %s at %s%s\n", "identity", plain(i.Subject), plain(i.Issuer), when(i.Reserved, " (reserved)"))
	}
	heading("Addresses that would move", len(m.Addresses))
	for _, a := range m.Addresses {
		fmt.Fprintf(w, "  %-16s  %s%s\n", a.Kind, plain(a.Address), when(!a.Proven, " (not proven)"))
	}
	heading("Groups that the one user would be in", len(m.Groups))
	for _, g := range m.Groups {
		fmt.Fprintf(w, "  %s\n", g)
	}
	heading("Roles that are not carried over", len(m.LeftOut))
	for _, g := range m.LeftOut {
		fmt.Fprintf(w, "  %s\n", g)
	}
	heading("Locks that would hold", len(m.Locks))
	for _, l := range m.Locks {
		fmt.Fprintf(w, "  locked %s\n", l)
	}
	heading("Passwords that would open the one user: any of", len(m.Passwords))
	for _, p := range m.Passwords {
		whose := "of the user that stays"
		if p.User == other {
			whose = "of the user that goes"
		}
		fmt.Fprintf(w, "  that %s, by %s\n", whose, plain(p.Source))
	}
	fmt.Fprintln(w, "\nSessions of both would end")
}

func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}
