package workgroup_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/workgroup"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// campus is a store with an institution, a research field and people who are
// signed in at the GraphQL door.
type campus struct {
	*testing.T
	store  store.Store
	groups *workgroup.Service
}

func onCampus(t *testing.T, fn func(campus)) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		c := campus{t, s, workgroup.NewService(s)}
		c.update(func(tx store.Tx) error {
			for _, i := range []workgroup.Institution{
				{Name: "Heidelberg University", City: "Heidelberg", State: new("Baden-Württemberg"), Country: "Germany"},
				{Name: "Test University", City: "Mannheim", Country: "Germany"},
			} {
				if _, err := workgroup.AddInstitution(tx, i, "root"); err != nil {
					return err
				}
			}
			for _, sub := range []string{"Mathematics", "Chemistry"} {
				if _, err := workgroup.AddField(tx, workgroup.Field{Field: "Natural Sciences", Subfield: sub}, "root"); err != nil {
					return err
				}
			}
			return nil
		})
		fn(c)
	})
}

func (c campus) update(fn func(store.Tx) error) {
	c.Helper()
	c.must(c.store.Update(c.Context(), store.Interactive, fn))
}

func (c campus) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// person is somebody new, signed in.
func (c campus) person() (live session.Live) {
	c.Helper()
	c.update(func(tx store.Tx) error {
		u := user.User{ID: tx.NewID(), Status: user.Active, Epoch: 1, Created: tx.Now(), Updated: tx.Now()}
		if err := store.Insert(tx, u); err != nil {
			return err
		}
		var err error
		live, err = signedIn(tx, u, "gqlauth")
		return err
	})
	return live
}

// signedIn gives a user another strand, and a session on it.
func signedIn(tx store.Tx, u user.User, source user.Source) (session.Live, error) {
	s := user.Strand{ID: tx.NewID(), User: u.ID, Origin: u.ID, Source: source, Kind: user.Human, State: user.Live, Created: tx.Now()}
	if err := store.Insert(tx, s); err != nil {
		return session.Live{}, err
	}
	begun, err := session.BeginLogin(tx, user.Session{User: u.ID, Strand: s.ID, Epoch: u.Epoch}, session.Refresh{})
	return session.Live{Session: begun, User: u, IssuedAt: begun.Created}, err
}

func place(name string) workgroup.Place {
	return workgroup.Place{Name: &name, Institution: "Heidelberg University", City: "Heidelberg", Country: "Germany"}
}

func wanted(name string) workgroup.New {
	return workgroup.New{Place: place(name), Field: "Natural Sciences", Subfield: "Mathematics", Employees: 5}
}

func (c campus) made(live session.Live, name string) workgroup.Group {
	c.Helper()
	g, err := c.groups.Create(c.Context(), live, wanted(name))
	c.must(err)
	return g
}

func (c campus) join(live session.Live, name string) {
	c.Helper()
	c.must(c.groups.Join(c.Context(), live, place(name)))
}

// in tells a person's memberships, by the names of the groups.
func (c campus) in(live session.Live) string {
	c.Helper()
	out := []string{}
	c.must(c.store.View(c.Context(), func(r store.Reader) error {
		out = []string{}
		ms, err := r.Memberships(live.User.ID)
		for _, m := range ms {
			g, err := r.Group(m.Group)
			if err != nil {
				return err
			}
			out = append(out, g.Name+":"+m.Role)
		}
		return err
	}))
	return fmt.Sprint(out)
}

// told are the events about a person that have to do with groups.
func (c campus) told(live session.Live) (kinds []string) {
	c.Helper()
	c.must(c.store.View(c.Context(), func(r store.Reader) error {
		kinds = nil
		es, err := r.EventsOf(live.User.ID, 1000)
		for _, e := range es {
			if strings.HasPrefix(e.Kind, "group.") {
				kinds = append(kinds, e.Kind)
			}
		}
		return err
	}))
	return kinds
}

func refused(t *testing.T, err error, code user.Code, field string) {
	t.Helper()
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok || no.Code != code || no.Field != field {
		t.Errorf("%v, want %s of %q", err, code, field)
	}
}
