package onboarding_test

import (
	"regexp"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// settling is what a proof's newcomer gets at this door (contract B.8, 3).
func settling() []scenario {
	// settle admits somebody by a state's identity and a phone, and settles them in.
	settle := func(w *world, phone int, p onboarding.Place, n onboarding.Newcomer) (out admission.Outcome) {
		w.Helper()
		key := onboarding.StateIdentity(w.of("gj"), "100")
		w.update(func(tx store.Tx) error {
			var err error
			out, err = admission.In(tx, *w.pol).Arrive(admission.Arrival{
				Door: user.DoorSunbird, Source: "sunbird:" + user.Source(key.Issuer), Identity: &key,
				Facts:     map[user.Attr]*string{user.GivenName: user.Text(n.First)},
				Addresses: []admission.Address{{Kind: user.Phone, Key: w.phone(phone), Display: w.phone(phone), Assurance: user.Proven, Proven: tx.Now()}},
			})
			if err != nil {
				return err
			}
			placed, err := onboarding.Settle(tx, *w.pol, p)
			if err != nil {
				return err
			}
			return w.people.SettleIn(tx, out, placed, n)
		})
		return out
	}
	byPhone := func(w *world, phone int) onboarding.Shown {
		w.Helper()
		s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByPhone, Value: w.phone(phone)})
		w.ok(err)
		return s
	}
	return []scenario{
		{"a newcomer gets an id, a name, the role of everybody and their place", func(w *world) {
			gj := w.channel("gj")
			school := w.organisation(gj, "school", "1")
			settle(w, 1, onboarding.Place{Channel: gj.Name, OrgExternalID: "1"}, onboarding.Newcomer{First: "Ramesh Kumar"})
			s := byPhone(w, 1)
			if !uuidShape.MatchString(s.ID) || !regexp.MustCompile(`^rameshkumar[1-9][0-9]{3}$`).MatchString(s.Username) || s.First != "Ramesh Kumar" {
				w.Errorf("shown as %+v", s)
			}
			w.isIn(s.User.ID, gj.Name, school.Name, user.RolePublic)
		}},
		{"who settles in again is who they were", func(w *world) {
			settle(w, 1, onboarding.Place{}, onboarding.Newcomer{First: "Ramesh"})
			before := byPhone(w, 1)
			settle(w, 1, onboarding.Place{}, onboarding.Newcomer{First: "Suresh"})
			if after := byPhone(w, 1); after.ID != before.ID || after.Username != before.Username {
				w.Errorf("was %+v, is %+v", before, after)
			}
			w.isIn(before.User.ID, user.RolePublic)
		}},
		{"who has a name here keeps it", func(w *world) {
			f := w.coded(1, w.code(w.toPhone(1)))
			f.Username = w.username("amit")
			id := w.create(f)
			settle(w, 1, onboarding.Place{}, onboarding.Newcomer{First: "Ramesh"})
			if s := byPhone(w, 1); s.ID != id || s.Username != w.of("amit") {
				w.Errorf("shown as %+v", s)
			}
		}},
		{"roles that an operator made are given, usher's own and those nobody made are not", func(w *world) {
			creator := w.group(user.Group{Kind: user.GroupRole, Name: w.of("CREATOR")})
			w.group(user.Group{Kind: user.GroupPlain, Name: w.of("PLAIN")})
			out := settle(w, 1, onboarding.Place{}, onboarding.Newcomer{First: "Ramesh", Roles: []string{
				user.RoleOperator, creator.Name, user.RoleStaff, w.of("NOBODY"), user.RoleSysadmin, w.of("PLAIN"), user.RolePublic, "",
			}})
			w.isIn(out.User.ID, creator.Name, user.RolePublic)
		}},
		{"an address that is proven or attested is sure, a word is not", func(w *world) {
			for i, c := range []struct {
				as   user.Assurance
				want bool
			}{{user.Proven, true}, {user.Attested, true}, {user.Asserted, false}} {
				out := w.arrives(admission.Arrival{Door: user.DoorGQLAuth, Source: "gqlauth", Addresses: []admission.Address{
					{Kind: user.Phone, Key: w.phone(i), Display: w.phone(i), Assurance: c.as, Proven: w.clock.Now()},
				}})
				w.view(func(r store.Reader) error {
					has, err := onboarding.HasAddress(r, out.User.ID)
					if has != c.want {
						w.Errorf("%s: %v", c.as, has)
					}
					return err
				})
			}
		}},
		{"two channels' subjects of one name are two identities", func(w *world) {
			if onboarding.StateIdentity("gj", "1") == onboarding.StateIdentity("rj", "1") || onboarding.StateIdentity("GJ", "1") != onboarding.StateIdentity("gj", "1") {
				w.Error("identities")
			}
		}},
		{"an id of this door is given once and stays", func(w *world) {
			there := w.elsewhere(user.Phone, w.phone(1))
			var ids []string
			for range 2 {
				w.update(func(tx store.Tx) error {
					strands, err := tx.Strands(there)
					if err != nil {
						return err
					}
					id, err := onboarding.Number(tx, there, strands[0].ID)
					ids = append(ids, id)
					return err
				})
			}
			if last := ids[len(ids)-1]; !uuidShape.MatchString(last) || w.user(last).ID != there || ids[len(ids)-2] != last && len(ids) == 2 {
				w.Errorf("ids %q", ids)
			}
		}},
	}
}
