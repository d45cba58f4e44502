package registrant_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// whole is what the apps send to complete a profile.
func whole() registrant.Change {
	yes := true
	return registrant.Change{
		Profile: true, Accepts: &yes,
		Fields: map[string]*string{"age": text("19 - 30"), "occupation": text("freelancer"), "gender": text("male"), "bio": text("rides")},
	}
}

func special(kind string) registrant.Change {
	yes := true
	return registrant.Change{Profile: true, Type: &kind, Accepts: &yes}
}

func (w *world) says(h registrant.Here, ch registrant.Change) registrant.Account {
	w.Helper()
	a, err := w.people.Change(w.Context(), h, ch)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func (w *world) completeness(u user.ID) registrant.Completeness {
	w.Helper()
	c, err := w.people.Completeness(w.Context(), u)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// again is who somebody is at their next request.
func (w *world) again(subject string) registrant.Here {
	w.Helper()
	w.advance(time.Second)
	return w.here(subject)
}

// Given the apps' request, then the profile is made and complete, its person is
// mailed, and the realm is to put them into its group: once.
func TestTheAppsRequest(t *testing.T) {
	each(t, func(w *world) {
		here := w.here("ada")
		w.advance(time.Minute)
		a := w.says(here, whole())
		want := map[string]string{"age": "19 - 30", "occupation": "freelancer", "gender": "male", "bio": "rides"}
		if a.Type != "enduserprofile" || !maps.Equal(a.Values, want) || !a.Accepted || len(a.Missing) > 0 || !a.Complete() || !a.Updated.Equal(w.Now()) {
			t.Errorf("%+v", a)
		}
		if b := w.people.Look(w.again("ada")); !maps.Equal(b.Values, want) || b.Type != a.Type || !b.Updated.Equal(a.Updated) {
			t.Errorf("%+v, then %+v", a, b)
		}
		if c := w.completeness(here.User.ID); !c.Complete || len(c.Missing) > 0 || c.Pending != "" {
			t.Errorf("%+v", c)
		}
		if m := w.mails("portal-created"); len(m) != 1 || m[0].To != "ada@example.org" || m[0].Lang != "en" ||
			m[0].Data["site"] != "Portal" || m[0].Data["name"] != "Gada Fada" || m[0].Data["link"] != "https://portal.example.org/" {
			t.Errorf("mails %+v", m)
		}
		join := job.RealmChange{Realm: "main", Issuer: issuer, Subject: "ada", Join: "/end_users"}
		if c := w.changes(); len(c) != 1 || c[0] != join {
			t.Errorf("changes %+v", c)
		}
		w.advance(time.Minute)
		w.says(w.again("ada"), whole())
		w.says(w.again("ada"), registrant.Change{Profile: true, Fields: map[string]*string{"bio": text("walks")}})
		if len(w.changes()) != 1 || len(w.mails("portal-created")) != 1 || w.events(here.User.ID, event.ProfileMade) != 1 {
			t.Error("made or assigned again")
		}
	})
}

// Nothing is invented: what was not sent is missing, and the group waits for it.
func TestAProfileInSteps(t *testing.T) {
	each(t, func(w *world) {
		a := w.says(w.here("ada"), registrant.Change{Profile: true})
		if a.Type != "enduserprofile" || len(a.Values) > 0 || a.Complete() || !slices.Equal(a.Missing, []string{"age", "accepted_terms_of_service", "occupation"}) {
			t.Errorf("%+v", a)
		}
		a = w.says(w.again("ada"), registrant.Change{Profile: true, Fields: map[string]*string{"occupation": text("teacher")}})
		if !slices.Equal(a.Missing, []string{"age", "accepted_terms_of_service"}) || len(w.changes()) > 0 {
			t.Errorf("%+v, %+v", a, w.changes())
		}
		yes, no := true, false
		a = w.says(w.again("ada"), registrant.Change{Accepts: &yes})
		if !slices.Equal(a.Missing, []string{"age"}) || !a.Accepted || len(w.changes()) > 0 {
			t.Errorf("%+v, %+v", a, w.changes())
		}
		a = w.says(w.again("ada"), registrant.Change{Profile: true, Fields: map[string]*string{"age": text("65+")}})
		if !a.Complete() || a.Values["occupation"] != "teacher" || len(w.changes()) != 1 {
			t.Errorf("%+v, %+v", a, w.changes())
		}
		a = w.says(w.again("ada"), registrant.Change{Accepts: &no})
		if a.Accepted || a.Complete() || a.Type != "enduserprofile" {
			t.Errorf("%+v", a)
		}
		a = w.says(w.again("ada"), registrant.Change{Profile: true, Fields: map[string]*string{"occupation": nil}})
		if a.Values["occupation"] != "" || !slices.Contains(a.Missing, "occupation") {
			t.Errorf("%+v", a)
		}
	})
}

// A change without a profile from somebody without one is kept, and makes none.
func TestAChangeWithoutAProfile(t *testing.T) {
	each(t, func(w *world) {
		here := w.here("ada")
		a := w.says(here, registrant.Change{Fields: map[string]*string{"nickname": text("Ada"), "language_preference": text("it")}})
		if a.Nickname != "Ada" || a.Language != "it" || a.Type != "" || len(w.mails("portal-created")) > 0 || len(w.changes()) > 0 {
			t.Errorf("%+v", a)
		}
		if c := w.completeness(here.User.ID); c.Complete || len(c.Missing) != 3 {
			t.Errorf("%+v", c)
		}
		w.says(w.again("ada"), registrant.Change{})
		if w.events(here.User.ID, event.UserChanged) != 1 {
			t.Error("nothing was changed, and told")
		}
		w.says(w.again("ada"), whole())
		if m := w.mails("portal-created"); len(m) != 1 || m[0].Lang != "it" {
			t.Errorf("%+v", m)
		}
	})
}

// Accepting again what was accepted keeps when that was; other terms are asked for.
func TestTerms(t *testing.T) {
	each(t, func(w *world) {
		yes := true
		here := w.here("ada")
		w.says(here, registrant.Change{Accepts: &yes})
		at := w.Now()
		w.says(w.again("ada"), registrant.Change{Accepts: &yes})
		st := read(w, func(r store.Reader) (user.Strand, error) { return r.Strand(here.Session.Strand) })
		if f := st.Edits["terms_portal"]; !f.At.Equal(at) || *f.Value != "1" {
			t.Errorf("%+v, want of %v", f, at)
		}
		w.says(w.again("ada"), whole())
		w.rules.Portal.Terms.Version = "2"
		if a := w.people.Look(w.again("ada")); a.Accepted || a.Complete() || !slices.Equal(a.Missing, []string{"accepted_terms_of_service"}) {
			t.Errorf("%+v", a)
		}
		if a := w.says(w.again("ada"), registrant.Change{Accepts: &yes}); !a.Complete() {
			t.Errorf("%+v", a)
		}
	})
}

// Given a profile that is not theirs to have, then nothing of the request is kept.
func TestProfilesThatAreRefused(t *testing.T) {
	each(t, func(w *world) {
		try := func(h registrant.Here, kind string) {
			t.Helper()
			ch := special(kind)
			ch.Fields = map[string]*string{"nickname": text("changed")}
			_, err := w.people.Change(t.Context(), h, ch)
			w.refused(err, user.Invalid, "profile_type")
		}
		here := w.here("ada")
		try(here, "emperorprofile")
		try(here, "")
		w.says(here, whole())
		try(w.again("ada"), "privilegeduserprofile")
		try(w.again("ada"), "emperorprofile")
		bob := w.here("bob")
		w.says(bob, special("analystprofile"))
		try(w.again("bob"), "privilegeduserprofile") // one request at a time
		for _, name := range []string{"ada", "bob"} {
			if a := w.people.Look(w.again(name)); a.Nickname != "" {
				t.Errorf("%+v", a)
			}
		}
		kind := "enduserprofile" // its own
		if a := w.says(w.again("ada"), registrant.Change{Type: &kind}); a.Type != kind {
			t.Errorf("%+v", a)
		}
	})
}

// Given a session that ended between the two, then its last request is refused, whole.
func TestAChangeAfterTheSessionEnded(t *testing.T) {
	each(t, func(w *world) {
		here := w.here("ada")
		w.advance(time.Second)
		w.says(here, registrant.Change{Fields: map[string]*string{"nickname": text("Ada")}})
		w.ended("ada", "")
		_, err := w.people.Change(t.Context(), here, whole())
		w.refused(err, user.BadToken, "")
		w.advance(time.Second)
		a := w.people.Look(w.enters(w.token("ada", "s2")))
		if a.Type != "" || a.Nickname != "Ada" || len(w.mails("portal-created")) > 0 {
			t.Errorf("%+v", a)
		}
	})
}

// Mails go to addresses that the realm says are verified, and to no other.
func TestMailsGoToVerifiedAddresses(t *testing.T) {
	each(t, func(w *world) {
		for name, verified := range map[string]*string{"ada": text("false"), "bob": nil, "eve": text("TRUE")} {
			p := person(name)
			p.Facts[user.EmailVerified] = verified
			p.Addresses[0].Assurance = user.Asserted
			w.realm.live[name] = p
			w.says(w.here(name), whole())
			if m := w.mails("portal-created"); len(m) > 0 {
				t.Errorf("%s: %+v", name, m)
			}
		}
		p := person("dan")
		p.Addresses, p.Facts[user.EmailAttr] = nil, nil
		w.realm.live["dan"] = p
		w.says(w.here("dan"), whole())
		if m := w.mails("portal-created"); len(m) > 0 {
			t.Errorf("%+v", m)
		}
	})
}

// Who is in the group already is not put there again.
func TestWhoIsInTheGroupAlready(t *testing.T) {
	each(t, func(w *world) {
		w.realm.live["ada"] = person("ada", "/end_users")
		w.says(w.here("ada"), whole())
		if c := w.changes(); len(c) > 0 {
			t.Errorf("%+v", c)
		}
	})
}

// Where no realm can be asked, nothing waits for one.
func TestWithoutADesk(t *testing.T) {
	each(t, func(w *world) {
		w.people.Direct = false
		w.rules.Portal.DisableUntilApproved = true
		w.says(w.here("ada"), whole())
		w.says(w.here("bob"), special("analystprofile"))
		if c := w.changes(); len(c) > 0 {
			t.Errorf("%+v", c)
		}
	})
}

// What policy adds to a profile is kept and required like the rest.
func TestAttributesOfPolicy(t *testing.T) {
	each(t, func(w *world) {
		p := w.rules.Portal.Profiles["enduserprofile"]
		p.Required = append(slices.Clone(p.Required), "bicycle_usage", "nickname")
		w.rules.Portal.Profiles = maps.Clone(w.rules.Portal.Profiles)
		w.rules.Portal.Profiles["enduserprofile"] = p
		if a := w.says(w.here("ada"), whole()); !slices.Equal(a.Missing, []string{"bicycle_usage", "nickname"}) || len(w.changes()) > 0 {
			t.Errorf("%+v", a)
		}
		a := w.says(w.again("ada"), registrant.Change{Profile: true, Fields: map[string]*string{"bicycle_usage": text("rare"), "nickname": text("Ada")}})
		if !a.Complete() || a.Values["bicycle_usage"] != "rare" || len(w.changes()) != 1 {
			t.Errorf("%+v", a)
		}
	})
}

// A user nobody has heard of has no completeness.
func TestCompletenessOfNobody(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.people.Completeness(t.Context(), "0198c5a0-0000-7000-8000-000000000000")
		w.refused(err, user.NotFound, "user")
		u := w.elsewhere("ada") // never at the portal
		if c := w.completeness(u.ID); c.Complete || len(c.Missing) != 3 || c.Pending != "" {
			t.Errorf("%+v", c)
		}
	})
}

// Signing out ends the session for pages and apps alike.
func TestSigningOut(t *testing.T) {
	each(t, func(w *world) {
		token := w.token("ada", "s1")
		here := w.enters(token)
		w.advance(time.Second)
		if err := w.people.SignOut(t.Context(), here); err != nil {
			t.Fatal(err)
		}
		w.kept(token)
		w.kept(token)
		_, err := w.people.Change(t.Context(), here, whole())
		w.refused(err, user.BadToken, "")
	})
}

// Given the wish to be forgotten, then nothing of them is kept but that there was
// somebody, and what comes with their next sign-in is somebody new.
func TestErasing(t *testing.T) {
	each(t, func(w *world) {
		token := w.token("ada", "s1")
		here := w.enters(token)
		w.says(here, special("analystprofile"))
		w.advance(time.Second)
		if err := w.people.Erase(t.Context(), here); err != nil {
			t.Fatal(err)
		}
		w.kept(token)
		u := read(w, func(r store.Reader) (user.User, error) { return r.User(here.User.ID) })
		if u.Status != user.Deleted || u.ClosedBy != user.ClosedByPerson || len(u.Profile) > 0 {
			t.Errorf("%+v", u)
		}
		st := read(w, func(r store.Reader) (user.Strand, error) { return r.Strand(here.Session.Strand) })
		if len(st.Document) > 0 || len(st.Edits) > 0 {
			t.Errorf("%+v", st)
		}
		if r, err := w.people.Requests(t.Context()); err != nil || len(r) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
		for _, j := range append(w.jobs(job.KindMail), w.jobs(job.KindRealm)...) {
			if j.User == here.User.ID {
				t.Errorf("still to be done: %s", j.Payload)
			}
		}
		err := w.people.Erase(t.Context(), here)
		w.refused(err, user.BadToken, "")
		w.advance(time.Second)
		back := w.enters(w.token("ada", "s2"))
		if a := w.people.Look(back); back.User.ID == here.User.ID || a.Type != "" || a.Asked != "" || a.Email != "ada@example.org" || a.Subject != "ada" {
			t.Errorf("%+v", a)
		}
	})
}

// What is kept of somebody is given to them whole, with who says it.
func TestWhatIsKept(t *testing.T) {
	each(t, func(w *world) {
		w.realm.live["ada"] = person("ada", "/end_users")
		here := w.here("ada")
		w.says(here, whole())
		here = w.again("ada")
		k, err := w.people.Keeps(t.Context(), here)
		if err != nil {
			t.Fatal(err)
		}
		if k.User.ID != here.User.ID || k.Profile.Type != "enduserprofile" || len(k.Strands) != 1 || len(k.Identities) != 1 ||
			len(k.Claims) != 1 || len(k.Groups) != 1 || len(k.Sessions) != 1 || len(k.Events) == 0 {
			t.Errorf("%+v", k)
		}
		by := map[user.Attr]registrant.Fact{}
		for _, f := range w.facts(here) {
			by[f.Attribute] = f
		}
		if f := by[user.FamilyName]; f.Own || f.Source != "portal:main" || f.Value != "Fada" || f.Since.IsZero() {
			t.Errorf("%+v", f)
		}
		if f := by["occupation"]; !f.Own || f.Value != "freelancer" || f.Since.IsZero() {
			t.Errorf("%+v", f)
		}
	})
}

// Signing out of a session that is the realm's ends no other.
func TestSigningOutEndsOneSession(t *testing.T) {
	each(t, func(w *world) {
		one, two := w.enters(w.token("ada", "s1")), w.token("ada", "s2")
		w.enters(two)
		w.advance(time.Second)
		if err := w.people.SignOut(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		here := w.enters(two)
		w.update(func(tx store.Tx) error {
			_, err := session.Again(tx, here.Live)
			return err
		})
	})
}
