package admission_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// defaults is the built-in policy, in force.
type defaults struct{}

func (defaults) Current() policy.Policy { return policy.Default() }

// person is somebody with one proven address and one identity, who comes
// through several doors.
type person struct{ address, orcid string }

func newPerson(n int) person {
	return person{fmt.Sprintf("p%d@example.org", n), fmt.Sprintf("0000-000%d", n)}
}

func (p person) email(a user.Assurance) []admission.Address {
	return []admission.Address{{Kind: user.Email, Key: p.address, Display: p.address, Assurance: a}}
}

func (p person) identity() user.IdentityKey {
	return user.IdentityKey{Issuer: "https://orcid.org", Subject: p.orcid}
}

// step is one way in. Each carries the person's proven address, an attested
// one, or the known identity.
type step struct {
	name string
	act  func(context.Context, *admission.Service) (admission.Outcome, error)
}

func (p person) steps() []step {
	fact := func(v string) map[user.Attr]*string { return map[user.Attr]*string{user.GivenName: &v} }
	return []step{
		{"a trusted partner syncs", func(ctx context.Context, s *admission.Service) (admission.Outcome, error) {
			return s.Provision(ctx, admission.Assertion{
				Door: user.DoorPartner, Source: "partner:__system", Kind: user.Feed, By: "__system", Facts: fact("Partner"),
				Addresses: p.email(user.Attested), Identities: []user.IdentityKey{p.identity()}, Password: "$hash",
			})
		}},
		{"a second trusted partner syncs", func(ctx context.Context, s *admission.Service) (admission.Outcome, error) {
			return s.Provision(ctx, admission.Assertion{
				Door: user.DoorPartner, Source: "partner:hr", Kind: user.Feed, By: "hr", Facts: fact("HR"),
				Addresses: p.email(user.Attested),
			})
		}},
		{"Google, an address it is the authority for", func(ctx context.Context, s *admission.Service) (admission.Outcome, error) {
			return s.Arrive(ctx, admission.Arrival{
				Door: user.DoorSunbird, Source: "google", Facts: fact("Google"), Addresses: p.email(user.Proven),
				Identity: &user.IdentityKey{Issuer: "https://accounts.google.com", Subject: "g-" + p.orcid},
			})
		}},
		{"ORCID, with the address proven", func(ctx context.Context, s *admission.Service) (admission.Outcome, error) {
			id := p.identity()
			return s.Arrive(ctx, admission.Arrival{
				Door: user.DoorEDI, Source: "orcid", Facts: fact("Orcid"), Identity: &id, Addresses: p.email(user.Proven),
			})
		}},
		{"a mailed link", func(ctx context.Context, s *admission.Service) (admission.Outcome, error) {
			return s.Arrive(ctx, admission.Arrival{Door: user.DoorGQLAuth, Source: "gqlauth", Addresses: p.email(user.Proven)})
		}},
		{"a reservation", func(ctx context.Context, s *admission.Service) (admission.Outcome, error) {
			r, err := s.Reserve(ctx, admission.Reservation{Door: user.DoorEDI, By: "vetted", Identity: p.identity()})
			return admission.Outcome{User: r.User}, err
		}},
	}
}

func owner(t interface{ Fatal(...any) }, s store.Store, address string) (u user.User) {
	err := s.View(context.Background(), func(r store.Reader) error {
		o, err := r.Owner(user.Email, address)
		if err != nil {
			return err
		}
		u, err = r.User(o.User)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func living(t interface{ Fatal(...any) }, s store.Store) (out []user.User) {
	err := s.View(context.Background(), func(r store.Reader) error {
		us, err := r.Users("", 1000)
		for _, u := range us {
			if u.Status != user.Merged && u.Status != user.SetAside {
				out = append(out, u)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// canonical is a profile without the ids of strands.
func canonical(p user.Profile) map[user.Attr]string {
	out := map[user.Attr]string{}
	for a := range p {
		out[a] = p.Text(a) + "/" + string(p[a].Assurance)
	}
	return out
}

// Given one person, when they come through six ways in any order, then they
// are one user with the same profile.
func TestOnePersonInAnyOrderIsOneUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		svc := admission.New(s, defaults{})
		var want map[user.Attr]string
		orders := 24
		if testing.Short() {
			orders = 6
		}
		for n := range orders {
			p := newPerson(n)
			steps := p.steps()
			order := rand.New(rand.NewPCG(uint64(n), 7)).Perm(len(steps))
			var names []string
			for _, i := range order {
				names = append(names, steps[i].name)
				out, err := steps[i].act(t.Context(), svc)
				if err != nil || out.Decision.Refusal != "" {
					t.Fatalf("%v: %v, %+v", names, err, out.Decision)
				}
			}
			u := owner(t, s, p.address)
			got := canonical(u.Profile)
			if u.Profile.Text(user.EmailAttr) != p.address {
				t.Fatalf("%v: shows %q", names, u.Profile.Text(user.EmailAttr))
			}
			delete(got, user.EmailAttr) // each person has their own
			if want == nil {
				want = got
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%v: profile %v, want %v", names, got, want)
			}
			if u.Status != user.Active {
				t.Errorf("%v: the user is %s", names, u.Status)
			}
		}
		if got := len(living(t, s)); got != orders {
			t.Errorf("%d people became %d users", orders, got)
		}
	})
}

// Given an intruder who knows the victim's address and can prove nothing, when
// it is there first, or in between, then the victim ends alone in control.
func TestHostileFirstComerGainsNothing(t *testing.T) {
	s := storetest.SQLite(t)
	svc, n := admission.New(s, defaults{}), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		p := newPerson(n + 1000)
		ctx := context.Background()
		intruder := func(source user.Source, password string) user.User {
			out, err := svc.Arrive(ctx, admission.Arrival{
				Door: user.DoorGQLAuth, Source: source, Addresses: p.email(user.Asserted), Password: password,
			})
			if err != nil {
				rt.Fatal(err)
			}
			return out.User
		}
		var intruders []user.User
		steps := p.steps()
		for range rapid.IntRange(1, 8).Draw(rt, "length") {
			if rapid.Bool().Draw(rt, "hostile") {
				intruders = append(intruders, intruder("gqlauth", "$intruder"))
				continue
			}
			st := rapid.SampledFrom(steps).Draw(rt, "honest")
			if out, err := st.act(ctx, svc); err != nil || out.Decision.Refusal != "" {
				rt.Fatalf("%s: %v %+v", st.name, err, out.Decision)
			}
		}
		// The victim proves the address once more.
		if out, err := steps[4].act(ctx, svc); err != nil || out.Decision.Refusal != "" {
			rt.Fatalf("the victim: %v %+v", err, out.Decision)
		}
		victim := owner(rt, s, p.address)
		err := s.View(ctx, func(r store.Reader) error {
			for _, i := range intruders {
				u, err := r.User(i.ID)
				if err != nil {
					return err
				}
				if u.ID == victim.ID {
					rt.Fatalf("the victim ended in the intruder's user")
				}
			}
			passwords, err := r.Passwords(victim.ID)
			if err != nil {
				return err
			}
			for _, pw := range passwords {
				if pw.Hash == "$intruder" && !pw.SetAside {
					rt.Fatalf("the intruder's password opens the victim's user")
				}
			}
			found, err := r.SignInByClaim(user.DoorGQLAuth, user.Email, p.address, user.SpacePartner)
			for _, f := range found {
				for _, pw := range f.Passwords {
					if pw.Hash == "$intruder" && !pw.SetAside && f.User == victim.ID {
						rt.Fatalf("the intruder's password is found under the victim's address")
					}
				}
			}
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
		for _, i := range intruders {
			var u user.User
			if err := s.View(ctx, func(r store.Reader) error { var err error; u, err = r.User(i.ID); return err }); err != nil {
				rt.Fatal(err)
			}
			before := i.Epoch
			if u.Status == user.SetAside && u.Epoch == before {
				rt.Fatalf("the evicted intruder's sessions live on")
			}
		}
	})
}
