package admission_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

const chosen = "$chosen at sign-up"

// mailbox is one address, and everybody who says that it is theirs.
type mailbox struct {
	*testing.T
	person
	store store.Store
	svc   *admission.Service
}

func (m mailbox) update(fn func(store.Tx) error) {
	m.Helper()
	if err := m.store.Update(context.Background(), store.Interactive, fn); err != nil {
		m.Fatal(err)
	}
}

func (m mailbox) view(fn func(store.Reader) error) {
	m.Helper()
	if err := m.store.View(context.Background(), fn); err != nil {
		m.Fatal(err)
	}
}

func (m mailbox) done(out admission.Outcome, err error) admission.Outcome {
	m.Helper()
	if err != nil || out.Decision.Refusal != "" {
		m.Fatalf("%v %+v", err, out.Decision)
	}
	return out
}

func signsUp(svc *admission.Service, p person, name, password string) (admission.Outcome, error) {
	return svc.Arrive(context.Background(), admission.Arrival{
		Door: user.DoorGQLAuth, Source: "gqlauth", Addresses: p.email(user.Asserted), Password: password,
		Names: []user.Handle{{Space: user.SpaceGQLAuthUN, Value: name}},
	})
}

// confirms is what activating does: the link of that very sign-up was used.
func confirms(s store.Store, p person, signUp user.ID, drop bool) (out admission.Outcome, err error) {
	err = s.Update(context.Background(), store.Interactive, func(tx store.Tx) error {
		strand, err := tx.Strand(signUp)
		if err != nil {
			return err
		}
		address := p.email(user.Proven)[0]
		address.Proven = tx.Now()
		out, err = admission.In(tx, policy.Default()).Confirm(admission.Confirmation{
			Door: user.DoorGQLAuth, SignUp: strand, Address: address, Drop: drop,
		})
		return err
	})
	return out, err
}

func (m mailbox) signUp(name, password string) admission.Outcome {
	m.Helper()
	return m.done(signsUp(m.svc, m.person, m.address+" "+name, password))
}

func (m mailbox) arrives(password string) user.ID {
	m.Helper()
	return m.done(m.svc.Arrive(m.Context(), admission.Arrival{
		Door: user.DoorEDI, Source: "mail", Addresses: m.email(user.Proven), Password: password,
	})).User.ID
}

func (m mailbox) synced(source user.Source, a user.Assurance) user.ID {
	m.Helper()
	return m.done(m.svc.Provision(m.Context(), admission.Assertion{
		Door: user.DoorPartner, Source: source, Kind: user.Feed, By: string(source), Addresses: m.email(a), Password: "$the feed's",
	})).User.ID
}

func (m mailbox) reserved() user.ID {
	m.Helper()
	r, err := m.svc.Reserve(m.Context(), admission.Reservation{
		Door: user.DoorEDI, By: "vetted", Identity: user.IdentityKey{Issuer: normal.IssuerEmail, Subject: m.address},
	})
	if err != nil {
		m.Fatal(err)
	}
	m.update(func(tx store.Tx) error {
		ss, err := tx.Strands(r.User.ID)
		if err != nil {
			return err
		}
		g := user.Group{ID: tx.NewID(), Kind: "group", Name: "granted " + m.address, Created: tx.Now()}
		if err := store.Insert(tx, g); err != nil {
			return err
		}
		return store.Insert(tx, user.Membership{Group: g.ID, User: r.User.ID, Strand: ss[0].ID, Since: tx.Now()})
	})
	return r.User.ID
}

// becomes sets what happened to a user elsewhere.
func (m mailbox) becomes(u user.ID, s user.Status, by user.Closer) {
	m.Helper()
	m.update(func(tx store.Tx) error {
		who, err := tx.User(u)
		if err != nil {
			return err
		}
		who.Status, who.ClosedBy = s, by
		return store.Put(tx, who)
	})
}

// opens begins a session of a user, on its first strand.
func (m mailbox) opens(u user.ID) (id user.ID) {
	m.Helper()
	m.update(func(tx store.Tx) error {
		who, err := tx.User(u)
		if err != nil {
			return err
		}
		ss, err := tx.Strands(u)
		if err != nil {
			return err
		}
		id = tx.NewID()
		return store.Insert(tx, user.Session{
			ID: id, User: u, Strand: ss[0].ID, Door: user.DoorPartner, Epoch: who.Epoch, Created: tx.Now(), Expires: tx.Now().AddDate(1, 0, 0),
		})
	})
	return id
}

// state is all that is kept of a user.
type state struct {
	user    user.User
	strands map[user.ID]user.StrandState
	claims  []user.Claim
	owned   []user.Owner
	names   []user.Handle
	known   []user.Identity
	groups  []user.Membership
	entries []store.Entry
	opened  []user.Session
	live    []string // passwords that sign in
	all     []user.Password
}

func (m mailbox) state(u user.ID) (st state) {
	m.Helper()
	m.view(func(r store.Reader) error {
		st = state{strands: map[user.ID]user.StrandState{}}
		ss, err := r.Strands(u)
		for _, s := range ss {
			st.strands[s.ID] = s.State
		}
		for _, read := range []func() error{
			func() error { return err },
			func() (err error) { st.user, err = r.User(u); return },
			func() (err error) { st.claims, err = r.ClaimsOf(u); return },
			func() (err error) { st.owned, err = r.Owned(u); return },
			func() (err error) { st.names, err = r.Handles(u); return },
			func() (err error) { st.known, err = r.Identities(u); return },
			func() (err error) { st.groups, err = r.Memberships(u); return },
			func() (err error) { st.entries, err = r.Entries(u); return },
			func() (err error) { st.opened, err = r.Sessions(u); return },
			func() (err error) { st.all, err = r.Passwords(u); return },
		} {
			if err := read(); err != nil {
				return err
			}
		}
		for _, p := range st.all {
			if !p.SetAside {
				st.live = append(st.live, p.Hash)
			}
		}
		return nil
	})
	return st
}

// alive says whether a session of a user still opens it.
func (st state) alive(session user.ID) bool {
	return slices.ContainsFunc(st.opened, func(s user.Session) bool {
		return s.ID == session && s.Revoked.IsZero() && s.Epoch == st.user.Epoch
	})
}

// proof is somebody who signed up and uses the link, and what must come of it.
type proof struct {
	name string
	// given is what there was before: whom the address leads to, "" for the
	// sign-up itself, and others who sign up with it too.
	given func(m mailbox) user.ID
	rival int // pending sign-ups besides
	drop  bool

	result   admission.Result
	password []string // that sign in afterwards
	left     bool     // the one chosen at sign-up was left behind
	ended    bool     // the sessions that whoever it is had
	groups   int
}

func proofs() []proof {
	nobody := func(mailbox) user.ID { return "" }
	return []proof{
		{name: "nobody else", given: nobody, result: admission.Known, password: []string{chosen}},
		{name: "nobody else, its password dropped", given: nobody, drop: true, result: admission.Known},
		{name: "another sign-up", given: nobody, rival: 1, result: admission.Known, password: []string{chosen}},
		{name: "several sign-ups", given: nobody, rival: 3, result: admission.Known, password: []string{chosen}},
		{name: "an owner with a password", given: func(m mailbox) user.ID { return m.arrives("$the owner's") }, result: admission.Link, password: []string{"$the owner's"}, left: true},
		{name: "an owner without one", given: func(m mailbox) user.ID { return m.arrives("") }, result: admission.Link, password: []string{chosen}},
		{name: "an owner without one, the sign-up's dropped", given: func(m mailbox) user.ID { return m.arrives("") }, drop: true, result: admission.Link},
		{name: "an owner and other sign-ups", given: func(m mailbox) user.ID { return m.arrives("$the owner's") }, rival: 2, result: admission.Link, password: []string{"$the owner's"}, left: true},
		{name: "an archived owner", given: func(m mailbox) user.ID {
			u := m.arrives("$the owner's")
			m.becomes(u, user.Archived, "")
			return u
		}, result: admission.Link, password: []string{"$the owner's"}, left: true},
		{name: "an owner who was set aside", given: func(m mailbox) user.ID {
			m.becomes(m.arrives("$the owner's"), user.SetAside, "")
			return ""
		}, result: admission.Known, password: []string{chosen}},
		{name: "an owner who erased themselves", given: func(m mailbox) user.ID {
			u := m.state(m.arrives("$the owner's")).user
			m.update(func(tx store.Tx) error { return ledger.Open(tx, policy.Default(), "").Erase(u, user.ClosedByPerson) })
			return ""
		}, result: admission.Known, password: []string{chosen}},
		{name: "a record of a feed that vouches", given: func(m mailbox) user.ID { return m.synced("partner:__system", user.Attested) }, result: admission.TakeOver, password: []string{"$the feed's"}, left: true, ended: true},
		{name: "a record of a feed that only says so", given: func(m mailbox) user.ID {
			m.synced("partner:__system", user.Asserted)
			return ""
		}, result: admission.Known, password: []string{chosen}},
		{name: "an operator's record that only says so", given: func(m mailbox) user.ID {
			return m.done(m.svc.Provision(m.Context(), admission.Assertion{
				Door: user.DoorOperator, Source: "operator", Kind: user.Operator, By: "ops", Addresses: m.email(user.Asserted), Password: "$told over the phone",
			})).User.ID
		}, result: admission.TakeOver, password: []string{chosen}, ended: true},
		{name: "a reservation", given: mailbox.reserved, result: admission.Claim, password: []string{chosen}, ended: true, groups: 1},
		{name: "an owner, and a reservation since", given: func(m mailbox) user.ID {
			u := m.arrives("$the owner's")
			m.reserved()
			return u
		}, result: admission.Link, password: []string{"$the owner's"}, left: true, groups: 1},
		{name: "somebody known otherwise who only says so", given: func(m mailbox) user.ID {
			id := m.identity()
			m.done(m.svc.Arrive(m.Context(), admission.Arrival{
				Door: user.DoorEDI, Source: "orcid", Identity: &id, Addresses: m.email(user.Asserted), Password: "$theirs",
			}))
			return ""
		}, result: admission.Known, password: []string{chosen}},
	}
}

// Given a sign-up, and others to whom its address leads, when the link that was
// mailed for it is used, then who that is, and with which password, is what
// rules 2 to 4 say (design, section 3); and an operator can take it back.
func TestASignUpIsProven(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		for n, p := range proofs() {
			t.Run(p.name, func(t *testing.T) { p.holds(mailbox{t, newPerson(n), s, admission.New(s, defaults{})}) })
		}
	})
}

func (p proof) holds(m mailbox) {
	who := p.given(m)
	var before state
	var theirs user.ID
	if who != "" {
		theirs = m.opens(who)
		before = m.state(who)
	}
	rivals := map[user.ID]user.ID{} // with a session
	for i := range p.rival {
		r := m.signUp(fmt.Sprint(i), "$a rival's").User.ID
		rivals[r] = m.opens(r)
	}
	me := m.signUp("me", chosen)
	mine := m.opens(me.User.ID)

	out := m.done(confirms(m.store, m.person, me.Strand.ID, p.drop))

	if who == "" {
		who, theirs, before = me.User.ID, mine, m.state(me.User.ID)
		before.user.Epoch = me.User.Epoch
	}
	after := m.state(who)
	if out.User.ID != who || out.Decision.User != who || out.Decision.Result != p.result {
		m.Fatalf("%s of %s, wanted %s of %s: %+v", out.Decision.Result, out.User.ID, p.result, who, out.Decision)
	}
	if got := slices.Contains(out.Ignored, "password"); got != p.left {
		m.Errorf("the password left behind: %v, wanted %v", got, p.left)
	}
	if !slices.Equal(after.live, p.password) {
		m.Errorf("passwords %q sign in, wanted %q", after.live, p.password)
	}
	if after.user.Status != user.Active || after.user.Profile.Text(user.EmailAttr) != m.address || after.user.Profile.Text(user.EmailVerified) != "true" {
		m.Errorf("it is %s with %v", after.user.Status, after.user.Profile)
	}
	if after.strands[me.Strand.ID] != user.Live {
		m.Error("the sign-up's strand is not with it")
	}
	if moved := after.user.Epoch != before.user.Epoch; moved != p.ended || after.alive(theirs) == p.ended {
		m.Errorf("its epoch moved: %v, and its session lives: %v; wanted ended %v", moved, after.alive(theirs), p.ended)
	}
	if len(after.groups) != p.groups {
		m.Errorf("its grants: %+v", after.groups)
	}
	m.alone(who, m.address+" me")
	for r, session := range rivals {
		lost := m.state(r)
		if lost.user.Status != user.SetAside || len(lost.live) > 0 || lost.alive(session) || len(lost.claims) > 0 {
			m.Errorf("a rival is %s, passwords %q, session %v, claims %+v", lost.user.Status, lost.live, lost.alive(session), lost.claims)
		}
	}
	if who != me.User.ID {
		p.comesApart(m, me, mine, who, before)
	}
}

// alone asserts that an address, and a name at the GraphQL door, lead to one user
// and to nobody else who is there.
func (m mailbox) alone(who user.ID, name string) {
	m.Helper()
	m.view(func(r store.Reader) error {
		o, err := r.Owner(user.Email, m.address)
		if err != nil || o.User != who {
			m.Errorf("the address is %s's, wanted %s: %v", o.User, who, err)
		}
		h, err := r.Handle(user.SpaceGQLAuthUN, name)
		if err != nil || h.User != who || h.Dead {
			m.Errorf("the name leads to %+v, wanted %s: %v", h, who, err)
		}
		claims, err := r.Claims(user.Email, m.address)
		for _, c := range claims {
			u, err := r.User(c.User)
			if err != nil {
				return err
			}
			if u.ID != who && u.Status != user.SetAside {
				m.Errorf("%s, who is %s, claims the address too", u.ID, u.Status)
			}
		}
		return err
	})
}

// comesApart asserts that undoing a join brings both users back as they were.
func (p proof) comesApart(m mailbox, me admission.Outcome, mine, who user.ID, before state) {
	m.Helper()
	joined := m.state(me.User.ID)
	if joined.user.Status != user.Merged || joined.user.Survivor != who || joined.alive(mine) || m.state(who).alive(mine) {
		m.Errorf("the sign-up's user is %s with %s, its session lives: %v", joined.user.Status, joined.user.Survivor, joined.alive(mine))
	}
	var entry user.ID
	for _, e := range joined.entries {
		if e.Kind == store.EntryAbsorb && e.User == who && e.Other == me.User.ID {
			entry = e.ID
		}
	}
	m.update(func(tx store.Tx) error {
		_, err := ledger.Open(tx, policy.Default(), "operator").Unmerge(entry)
		return err
	})
	back, kept := m.state(me.User.ID), m.state(who)
	if back.user.Status != user.Active || back.strands[me.Strand.ID] != user.Live || len(back.strands) != 1 {
		m.Errorf("the sign-up's user is %s with %v", back.user.Status, back.strands)
	}
	if want := []string{chosen}; !p.drop && !slices.Equal(back.live, want) || p.drop && len(back.live) > 0 {
		m.Errorf("passwords %q sign in to the sign-up's user", back.live)
	}
	if _, there := kept.strands[me.Strand.ID]; there {
		m.Error("the sign-up's strand stayed")
	}
	for s := range before.strands {
		if kept.strands[s] != user.Live {
			m.Errorf("strand %s of whom it was joined to is %q", s, kept.strands[s])
		}
	}
	if want := slices.DeleteFunc(slices.Clone(p.password), func(h string) bool { return h == chosen }); !slices.Equal(kept.live, want) {
		m.Errorf("passwords %q sign in to whom it was joined to, wanted %q", kept.live, want)
	}
}

// Given a sign-up whose address leads to somebody it cannot be, when its link is
// used, then it is refused, and nothing is written but the decision.
func TestASignUpIsRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(m mailbox) user.ID // who is in the way
		code  user.Code
		as    admission.Result
	}{
		{"a locked owner", func(m mailbox) user.ID {
			u := m.arrives("$the owner's")
			m.update(func(tx store.Tx) error { return store.Insert(tx, user.Lock{User: u, Source: "operator", At: tx.Now()}) })
			return u
		}, user.UserLocked, admission.Refused},
		{"an owner whom an operator deleted", func(m mailbox) user.ID {
			u := m.arrives("$the owner's")
			m.becomes(u, user.Deleted, user.ClosedByOperator)
			return u
		}, user.UserDeleted, admission.Refused},
		{"a record whose feed deleted it", func(m mailbox) user.ID {
			u := m.synced("partner:__system", user.Attested)
			m.becomes(u, user.Deleted, user.ClosedByFeed)
			return u
		}, user.UserDeleted, admission.Refused},
		{"a locked record that a feed vouches for", func(m mailbox) user.ID {
			u := m.synced("partner:__system", user.Attested)
			m.update(func(tx store.Tx) error {
				return store.Insert(tx, user.Lock{User: u, Source: "partner:__system", At: tx.Now()})
			})
			return u
		}, user.UserLocked, admission.Refused},
		{"two trusted records that disagree", func(m mailbox) user.ID {
			// Both said so before either was trusted.
			first, second := m.synced("partner:__system", user.Asserted), m.synced("partner:hr", user.Asserted)
			if first == second {
				m.Fatal("one record")
			}
			m.update(func(tx store.Tx) error {
				claims, err := tx.Claims(user.Email, m.address)
				for _, c := range claims {
					if c.Assurance = user.Attested; err == nil {
						err = store.Put(tx, c)
					}
				}
				return err
			})
			return first
		}, user.Challenge, admission.Challenged},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s store.Store) {
				m := mailbox{t, newPerson(1), s, admission.New(s, defaults{})}
				who := c.given(m)
				me := m.signUp("me", chosen)
				rival := m.signUp("rival", "$a rival's")
				everybody := func() (all []state) {
					for _, u := range []user.ID{who, me.User.ID, rival.User.ID} {
						all = append(all, m.state(u))
					}
					return all
				}
				before, known := everybody(), told(t, s, who)

				out, err := confirms(s, m.person, me.Strand.ID, true)

				if err != nil || out.Decision.Refusal != c.code || out.Decision.Result != c.as || out.Decision.Other != who || out.User.ID != "" {
					t.Errorf("%v %+v", err, out)
				}
				if after := everybody(); !reflect.DeepEqual(after, before) {
					t.Errorf("was %+v\n  is %+v", before, after)
				}
				if now := told(t, s, who); !slices.Equal(now, append(known, event.AdmissionDecided)) {
					t.Errorf("recorded %q, and before %q", now, known)
				}
			})
		})
	}
}

// Given one person who also signs up and uses the link, when they come through
// all ways in any order, then they are one user with the same profile. A sign-up
// that was there before the other proofs is either set aside by them or proven:
// its link is dead or leads to that user.
func TestOnePersonWhoSignsUpInAnyOrderIsOneUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		svc := admission.New(s, defaults{})
		var want map[user.Attr]string
		orders := 16
		if testing.Short() {
			orders = 4
		}
		for n := range orders {
			p := newPerson(n)
			steps := append(p.steps(), step{"a sign-up, and its link", func(_ context.Context, svc *admission.Service) (admission.Outcome, error) {
				me, err := signsUp(svc, p, p.address, chosen)
				if err != nil {
					return me, err
				}
				return confirms(s, p, me.Strand.ID, false)
			}})
			order := rand.New(rand.NewPCG(uint64(n), 11)).Perm(len(steps))
			var names []string
			for _, i := range order {
				names = append(names, steps[i].name)
				if out, err := steps[i].act(t.Context(), svc); err != nil || out.Decision.Refusal != "" {
					t.Fatalf("%v: %v, %+v", names, err, out.Decision)
				}
			}
			u := owner(t, s, p.address)
			got := canonical(u.Profile)
			delete(got, user.EmailAttr) // each person has their own
			if want == nil {
				want = got
			}
			if !reflect.DeepEqual(got, want) || u.Profile.Text(user.EmailAttr) != p.address || u.Status != user.Active {
				t.Fatalf("%v: %s with %v, want %v", names, u.Status, got, want)
			}
		}
		if got := len(living(t, s)); got != orders {
			t.Errorf("%d people became %d users", orders, got)
		}
	})
}

// Given sign-ups with one address, the victim's and an intruder's, between other
// ways in, of which some are proven by the victim, at once or later, and some
// never, when the victim proves the address once more, then they are alone in
// control: no sign-up that was not proven signs in with its password, is live, or
// opens a session, and no link of one that was set aside would be good.
func TestSignUpsThatAreProvenOrNever(t *testing.T) {
	s := storetest.SQLite(t)
	svc, n := admission.New(s, defaults{}), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m, names := mailbox{t, newPerson(n + 5000), s, svc}, 0
		signUp := func(password string) admission.Outcome {
			names++
			return m.signUp(fmt.Sprint(names), password)
		}
		steps := m.steps()
		var pending, hostile []admission.Outcome
		proven := map[user.ID]bool{}
		for range rapid.IntRange(1, 10).Draw(rt, "length") {
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				hostile = append(hostile, signUp("$intruder"))
			case 1:
				pending = append(pending, signUp(chosen))
			case 2:
				if len(pending) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(pending)-1).Draw(rt, "which")
				strand := pending[i].Strand.ID
				if u := pending[i].User.ID; m.state(u).user.Status != user.Active {
					pending = slices.Delete(pending, i, i+1)
					continue // its link is dead
				}
				if out, err := confirms(s, m.person, strand, rapid.Bool().Draw(rt, "drop")); err != nil || out.Decision.Refusal != "" {
					rt.Fatalf("the victim's link: %v %+v", err, out.Decision)
				}
				proven[strand] = true
				pending = slices.Delete(pending, i, i+1)
			default:
				st := rapid.SampledFrom(steps).Draw(rt, "honest")
				if out, err := st.act(m.Context(), svc); err != nil || out.Decision.Refusal != "" {
					rt.Fatalf("%s: %v %+v", st.name, err, out.Decision)
				}
			}
		}
		last := signUp("$the last")
		out, err := confirms(s, m.person, last.Strand.ID, false)
		if err != nil || out.Decision.Refusal != "" {
			rt.Fatalf("the victim: %v %+v", err, out.Decision)
		}
		victim := m.state(owner(rt, s, m.address).ID)
		if victim.user.ID != out.User.ID || victim.user.Status != user.Active || victim.strands[last.Strand.ID] != user.Live {
			rt.Fatalf("the victim is %s, %s, and the address %s's", out.User.ID, victim.user.Status, victim.user.ID)
		}
		fromSignUps := slices.DeleteFunc(slices.Clone(victim.live), func(h string) bool { return h == "$hash" })
		if slices.Contains(victim.live, "$intruder") || len(fromSignUps) > 0 && len(victim.live) > 1 {
			rt.Fatalf("passwords %q open the victim's user", victim.live)
		}
		for strand := range proven {
			if victim.strands[strand] != user.Live {
				rt.Fatalf("a sign-up that the victim proved is not with them: %v", victim.strands)
			}
		}
		for _, never := range slices.Concat(hostile, pending) {
			lost := m.state(never.User.ID)
			if lost.user.Status != user.SetAside || len(lost.live) > 0 || len(lost.claims) > 0 ||
				lost.strands[never.Strand.ID] != user.StrandSetAside || lost.user.Epoch == never.User.Epoch {
				rt.Fatalf("a sign-up that was never proven is %+v", lost)
			}
		}
	})
}
