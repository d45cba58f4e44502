package onboarding_test

import (
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// placing is where in the organisation a user belongs (contract B.5).
func placing() []scenario {
	return []scenario{
		{"every place that is named is found or refused", func(w *world) {
			gj, rj, shut := w.channel("gj"), w.channel("rj"), w.group(user.Group{
				Kind: user.GroupChannel, Name: w.of("shut"), Attributes: map[string]string{"status": "inactive"},
			})
			school := w.organisation(gj, "school", "321456")
			class := w.organisation(school, "class", "")
			other := w.organisation(rj, "other", "321456")
			closed := w.organisation(shut, "closed", "9")
			role := w.group(user.Group{Kind: user.GroupRole, Name: w.of("role")})
			orphan := w.group(user.Group{Kind: user.GroupOrganisation, Name: w.of("orphan"), Parent: role.ID})
			rootless := w.group(user.Group{Kind: user.GroupOrganisation, Name: w.of("rootless")})
			absent := func(field, value string) *user.Refusal { return user.Refuse(user.NotFound, field, "value", value) }
			shutOut := user.Refuse(user.Forbidden, "channel", "channel", shut.Name)

			for i, c := range []struct {
				what  string
				place onboarding.Place
				no    *user.Refusal
				in    []string
			}{
				{"nothing", onboarding.Place{}, nil, nil},
				{"a channel", onboarding.Place{Channel: gj.Name}, nil, []string{gj.Name}},
				{"a channel that is not", onboarding.Place{Channel: "nowhere"}, absent("channel", "nowhere"), nil},
				{"an organisation's name for a channel's", onboarding.Place{Channel: school.Name}, absent("channel", school.Name), nil},
				{"a channel nobody joins", onboarding.Place{Channel: shut.Name}, shutOut, nil},
				{"an organisation", onboarding.Place{Organisation: string(school.ID)}, nil, []string{gj.Name, school.Name}},
				{"an organisation within another", onboarding.Place{Organisation: string(class.ID)}, nil, []string{gj.Name, class.Name}},
				{"a channel as an organisation", onboarding.Place{Organisation: string(gj.ID)}, nil, []string{gj.Name}},
				{"an organisation and its channel", onboarding.Place{Organisation: string(class.ID), Channel: gj.Name}, nil, []string{gj.Name, class.Name}},
				{
					"an organisation and another channel",
					onboarding.Place{Organisation: string(school.ID), Channel: rj.Name},
					user.Refuse(user.Conflict, "organisationId", "channel", rj.Name), nil,
				},
				{"an organisation that is not", onboarding.Place{Organisation: "nowhere"}, absent("organisationId", "nowhere"), nil},
				{"a role for an organisation", onboarding.Place{Organisation: string(role.ID)}, absent("organisationId", string(role.ID)), nil},
				{"an organisation under a role", onboarding.Place{Organisation: string(orphan.ID)}, absent("organisationId", string(orphan.ID)), nil},
				{"an organisation under nothing", onboarding.Place{Organisation: string(rootless.ID)}, absent("organisationId", string(rootless.ID)), nil},
				{"an organisation of a channel nobody joins", onboarding.Place{Organisation: string(closed.ID)}, shutOut, nil},
				{"an organisation by its own number", onboarding.Place{Channel: gj.Name, OrgExternalID: "321456"}, nil, []string{gj.Name, school.Name}},
				{"the same number in another channel", onboarding.Place{Channel: rj.Name, OrgExternalID: "321456"}, nil, []string{rj.Name, other.Name}},
				{"a number that is nobody's", onboarding.Place{Channel: gj.Name, OrgExternalID: "9"}, absent("orgExternalId", "9"), nil},
				{"a number and no channel", onboarding.Place{OrgExternalID: "321456"}, absent("orgExternalId", "321456"), nil},
				{
					"an organisation twice",
					onboarding.Place{Organisation: string(school.ID), OrgExternalID: "321456"},
					nil,
					[]string{gj.Name, school.Name},
				},
				{
					"a channel by its id and a number in it",
					onboarding.Place{Organisation: string(gj.ID), OrgExternalID: "321456"},
					nil,
					[]string{gj.Name, school.Name},
				},
				{
					"two organisations",
					onboarding.Place{Organisation: string(class.ID), OrgExternalID: "321456"},
					user.Refuse(user.Conflict, "orgExternalId", "channel", gj.Name), nil,
				},
			} {
				f := onboarding.Form{FirstName: "Amit", Phone: w.saidPhone(i), Caller: caller, Place: c.place}
				w.Log(c.what)
				if c.no != nil {
					w.refuses(f, c.no)
					continue
				}
				w.isIn(w.user(w.create(f)).ID, append(c.in, user.RolePublic)...)
			}
		}},
		{"who names no place is in policy's channel, and who names one is not", func(w *world) {
			custodian, gj := w.channel("custodian"), w.channel("gj")
			school := w.organisation(custodian, "school", "1")
			w.pol.Sunbird.Custodian = custodian.Name
			w.isIn(w.user(w.create(w.attested("a"))).ID, custodian.Name, user.RolePublic)
			f := w.attested("b")
			f.Channel = gj.Name
			w.isIn(w.user(w.create(f)).ID, gj.Name, user.RolePublic)
			f = w.attested("c")
			f.OrgExternalID = "1"
			w.isIn(w.user(w.create(f)).ID, custodian.Name, school.Name, user.RolePublic)
			w.pol.Sunbird.Custodian = w.of("gone")
			w.refuses(w.attested("d"), user.Refuse(user.NotFound, "channel", "value", w.of("gone")))
		}},
		{"organisations in a circle have no channel", func(w *world) {
			a := w.group(user.Group{Kind: user.GroupOrganisation, Name: w.of("a")})
			b := w.organisation(a, "b", "")
			w.update(func(tx store.Tx) error {
				a.Parent = b.ID
				return store.Put(tx, a)
			})
			f := w.attested("amit")
			f.Organisation = string(b.ID)
			w.refuses(f, user.Refuse(user.NotFound, "organisationId", "value", string(b.ID)))
		}},
		{"a user elsewhere keeps their groups and joins these", func(w *world) {
			gj, plain := w.channel("gj"), w.group(user.Group{Kind: user.GroupPlain, Name: w.of("plain")})
			there := w.elsewhere(user.Phone, w.phone(1))
			w.update(func(tx store.Tx) error {
				strands, err := tx.Strands(there)
				if err != nil {
					return err
				}
				return store.Insert(tx, user.Membership{Group: plain.ID, User: there, Strand: strands[0].ID, Since: tx.Now()})
			})
			f := w.coded(1, w.code(w.toPhone(1)))
			f.Channel = gj.Name
			w.isIn(w.user(w.create(f)).ID, gj.Name, plain.Name, user.RolePublic)
		}},
	}
}
