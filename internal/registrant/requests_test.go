package registrant_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// operator is somebody at the portal whom the realm makes one, with an address that
// is proven where it is said so.
func (w *world) operator(name string, proven bool) registrant.Here {
	w.Helper()
	p := person(name)
	if proven {
		p.Addresses[0].Assurance, p.Addresses[0].Proven = user.Proven, w.Now()
	}
	w.realm.live[name] = p
	return w.enters(w.token(name, "s-"+name, "portal_admin"))
}

func (w *world) requests() []registrant.Request {
	w.Helper()
	all, err := w.people.Requests(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// one is the only request that waits.
func (w *world) one() registrant.Request {
	w.Helper()
	all := w.requests()
	if len(all) != 1 {
		w.Fatalf("%d requests wait", len(all))
	}
	return all[0]
}

func (w *world) decides(strand user.ID, v store.Verdict, reason string) {
	w.Helper()
	if err := w.people.Decide(w.Context(), strand, v, reason, "an operator"); err != nil {
		w.Fatal(err)
	}
}

func recipients(mails []job.Mail) (to []string) {
	for _, m := range mails {
		to = append(to, m.To)
	}
	slices.Sort(to)
	return to
}

// Given somebody who asks for a special profile, then they wait, nothing opens, and
// those who decide are told, once: operators who proved an address, and whom policy
// lists.
func TestASpecialProfileIsAskedFor(t *testing.T) {
	each(t, func(w *world) {
		w.rules.Portal.Administrators = []string{"desk@example.org"}
		w.operator("olga", true)
		w.operator("otto", false)
		here := w.here("ada")
		a := w.says(here, special("privilegeduserprofile"))
		if a.Type != "" || a.Asked != "privilegeduserprofile" || a.Complete() || len(a.Missing) > 0 || !a.Accepted {
			t.Errorf("%+v", a)
		}
		if c := w.completeness(here.User.ID); c.Complete || c.Pending != "privilegeduserprofile" || len(c.Missing) > 0 {
			t.Errorf("%+v", c)
		}
		told := w.mails("portal-request")
		if to := recipients(told); !slices.Equal(to, []string{"desk@example.org", "olga@example.org"}) {
			t.Fatalf("told %v", to)
		}
		r := w.one()
		for _, m := range told {
			if m.Data["name"] != "Gada Fada" || m.Data["email"] != "ada@example.org" || m.Data["what"] != "Privileged user" || m.Data["site"] != "Portal" ||
				m.Data["link"] != "https://portal.example.org/console/requests/"+string(r.Strand) {
				t.Errorf("%+v", m)
			}
		}
		asked := w.Now()
		for range 3 {
			a = w.says(w.again("ada"), special("privilegeduserprofile"))
		}
		if a.Asked != "privilegeduserprofile" || len(w.mails("portal-request")) != 2 || w.events(here.User.ID, event.ProfileAsked) != 1 {
			t.Errorf("asked again: %+v", a)
		}
		if r = w.one(); r.User.ID != here.User.ID || r.Type != "privilegeduserprofile" || !r.Asked.Equal(asked) || r.Account.Email != "ada@example.org" {
			t.Errorf("%+v", r)
		}
		joins := func(c job.RealmChange) bool { return c.Join != "" }
		if len(w.mails("portal-created")) > 0 || slices.ContainsFunc(w.changes(), joins) {
			t.Error("a request made a profile, or a member")
		}
	})
}

// Each is told in a language of their own, else the portal's.
func TestWhoDecidesIsToldInTheirLanguage(t *testing.T) {
	each(t, func(w *world) {
		w.rules.Portal.Administrators, w.rules.Portal.Language, w.rules.Portal.Site = []string{"desk@example.org"}, "it", "Bici"
		olga := w.operator("olga", true)
		w.says(olga, registrant.Change{Fields: map[string]*string{"language_preference": text("en")}})
		w.says(w.here("ada"), special("analystprofile"))
		for _, m := range w.mails("portal-request") {
			want := map[string][2]string{"desk@example.org": {"it", "Analista"}, "olga@example.org": {"en", "Analyst"}}[m.To]
			if m.Lang != want[0] || m.Data["what"] != want[1] || m.Data["site"] != "Bici" {
				t.Errorf("%+v", m)
			}
		}
	})
}

func TestAnApprovedRequest(t *testing.T) {
	each(t, func(w *world) {
		here := w.here("ada")
		w.says(here, special("privilegeduserprofile"))
		r := w.one()
		w.advance(time.Minute)
		w.decides(r.Strand, store.Approved, "  known to us ")
		a := w.people.Look(w.again("ada"))
		if a.Type != "privilegeduserprofile" || a.Asked != "" || a.Verdict != store.Approved || a.Reason != "known to us" || !a.Complete() || len(a.Values) > 0 {
			t.Errorf("%+v", a)
		}
		if m := w.mails("portal-approved"); len(m) != 1 || m[0].To != "ada@example.org" || m[0].Data["what"] != "Privileged user" || m[0].Data["reason"] != "known to us" {
			t.Errorf("%+v", m)
		}
		if c := w.changes(); len(c) != 1 || c[0].Join != "/privileged_users" || c[0].Subject != "ada" {
			t.Errorf("%+v", c)
		}
		if len(w.requests()) > 0 || w.events(here.User.ID, event.ProfileDecided) != 1 {
			t.Error("it still waits, or nothing is told")
		}
		w.refused(w.people.Decide(t.Context(), r.Strand, store.Refused, "too late", "another"), user.NotFound, "request")
		_, err := w.people.Request(t.Context(), r.Strand)
		w.refused(err, user.NotFound, "request")
		// Any change of somebody approved is an ordinary one.
		yes := true
		if a := w.says(w.again("ada"), registrant.Change{Profile: true, Accepts: &yes, Fields: map[string]*string{"nickname": text("A")}}); a.Nickname != "A" || a.Type != "privilegeduserprofile" {
			t.Errorf("%+v", a)
		}
		if len(w.mails("portal-approved")) != 1 || len(w.changes()) != 1 {
			t.Error("told or assigned again")
		}
	})
}

// A profile that is approved before it is complete has no group until it is.
func TestApprovedBeforeItIsComplete(t *testing.T) {
	each(t, func(w *world) {
		ask := special("analystprofile")
		ask.Accepts = nil
		if a := w.says(w.here("ada"), ask); !slices.Equal(a.Missing, []string{"accepted_terms_of_service"}) {
			t.Errorf("%+v", a)
		}
		w.decides(w.one().Strand, store.Approved, "")
		if len(w.changes()) > 0 {
			t.Error("assigned too early")
		}
		yes := true
		w.says(w.again("ada"), registrant.Change{Accepts: &yes})
		if c := w.changes(); len(c) != 1 || c[0].Join != "/analysts" {
			t.Errorf("%+v", c)
		}
	})
}

// A refusal needs a reason, which its person reads; they may ask again, and are
// decided on again.
func TestARefusedRequest(t *testing.T) {
	each(t, func(w *world) {
		w.rules.Portal.Administrators = []string{"desk@example.org"}
		w.says(w.here("ada"), special("privilegeduserprofile"))
		r := w.one()
		for _, reason := range []string{"", " \n\t"} {
			w.refused(w.people.Decide(t.Context(), r.Strand, store.Refused, reason, "an operator"), user.Missing, "reason")
		}
		w.refused(w.people.Decide(t.Context(), r.Strand, store.Refused, strings.Repeat("é", 1001), "an operator"), user.TooLarge, "reason")
		w.one()
		w.advance(time.Second)
		w.decides(r.Strand, store.Refused, strings.Repeat("é", 1000))
		a := w.people.Look(w.again("ada"))
		if a.Type != "" || a.Asked != "" || a.Verdict != store.Refused || len(a.Reason) != 2000 || len(w.changes()) > 0 || len(w.requests()) > 0 {
			t.Errorf("%+v", a)
		}
		if m := w.mails("portal-refused"); len(m) != 1 || m[0].To != "ada@example.org" || m[0].Data["reason"] != a.Reason {
			t.Errorf("%+v", m)
		}

		a = w.says(w.again("ada"), special("privilegeduserprofile"))
		if a.Asked != "privilegeduserprofile" || a.Verdict != store.Undecided || a.Reason != "" || len(w.mails("portal-request")) != 2 {
			t.Errorf("%+v, told %d times", a, len(w.mails("portal-request")))
		}
		w.advance(time.Second)
		w.decides(w.one().Strand, store.Refused, "still no")
		if len(w.mails("portal-refused")) != 2 {
			t.Error("the second refusal was not mailed")
		}
		w.says(w.again("ada"), special("analystprofile")) // another
		w.advance(time.Second)
		w.decides(w.one().Strand, store.Approved, "")
		if a := w.people.Look(w.again("ada")); a.Type != "analystprofile" {
			t.Errorf("%+v", a)
		}
	})
}

// Nobody decides on what they ask for themselves.
func TestAnOperatorsOwnRequest(t *testing.T) {
	each(t, func(w *world) {
		olga := w.operator("olga", true)
		w.says(olga, special("privilegeduserprofile"))
		r := w.one()
		for _, v := range []store.Verdict{store.Approved, store.Refused} {
			w.refused(w.people.Decide(t.Context(), r.Strand, v, "mine", string(olga.User.ID)), user.Forbidden, "request")
		}
		w.one()
	})
}

// Requests wait in the order they came in, each with where its person comes from and
// what became of them so far.
func TestWhoWaits(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"bob", "ada", "eve"} {
			w.says(w.here(name), special("analystprofile"))
			w.advance(time.Minute)
		}
		var order []string
		for _, r := range w.requests() {
			order = append(order, r.Account.Username)
		}
		if !slices.Equal(order, []string{"bob", "ada", "eve"}) {
			t.Errorf("%v", order)
		}
		r, err := w.people.Request(t.Context(), w.requests()[1].Strand)
		if err != nil || r.Account.Username != "ada" || len(r.Strands) != 1 || r.Strands[0].Source != "portal:main" || len(r.History) == 0 {
			t.Errorf("%+v, %v", r, err)
		}
		for _, none := range []user.ID{"", "0198c5a0-0000-7000-8000-000000000000"} {
			_, err := w.people.Request(t.Context(), none)
			w.refused(err, user.NotFound, "request")
			w.refused(w.people.Decide(t.Context(), none, store.Approved, "", "an operator"), user.NotFound, "request")
		}
	})
}

// Who waits may have the default profile meanwhile; an approval takes its place.
func TestAProfileBesideARequest(t *testing.T) {
	each(t, func(w *world) {
		w.says(w.here("ada"), special("analystprofile"))
		a := w.says(w.again("ada"), whole())
		if a.Type != "enduserprofile" || a.Asked != "analystprofile" || !a.Complete() {
			t.Errorf("%+v", a)
		}
		if c := w.completeness(a.User.ID); !c.Complete || c.Pending != "analystprofile" {
			t.Errorf("%+v", c)
		}
		w.advance(time.Second)
		w.decides(w.one().Strand, store.Approved, "")
		if a := w.people.Look(w.again("ada")); a.Type != "analystprofile" || a.Asked != "" {
			t.Errorf("%+v", a)
		}
		var joined []string
		for _, c := range w.changes() {
			joined = append(joined, c.Join)
		}
		if slices.Sort(joined); !slices.Equal(joined, []string{"/analysts", "/end_users"}) {
			t.Errorf("%v", joined)
		}
	})
}

// Where policy says so, who asks cannot sign in at the realm until somebody decides.
func TestDisabledUntilApproved(t *testing.T) {
	for _, v := range []store.Verdict{store.Approved, store.Refused} {
		t.Run(string(v), func(t *testing.T) {
			each(t, func(w *world) {
				w.rules.Portal.DisableUntilApproved = true
				w.desk.all["ada"] = registrant.Standing{Enabled: true}
				first := w.token("ada", "s-ada")
				u := w.enters(first).User.ID
				w.says(w.enters(first), special("analystprofile"))
				w.advance(time.Second)
				w.settled()
				if !slices.Equal(w.desk.enabled, []string{"ada off"}) {
					t.Errorf("%v", w.desk.enabled)
				}
				w.kept(first)
				w.decides(w.one().Strand, v, "a reason")
				w.advance(time.Second)
				w.settled()
				if !slices.Equal(w.desk.enabled, []string{"ada off", "ada on"}) || len(w.locks(u)) > 0 {
					t.Errorf("%v, locks %v", w.desk.enabled, w.locks(u))
				}
				w.advance(time.Second)
				w.enters(w.token("ada", "s2"))
			})
		})
	}
}

// An applicant whose address nobody verified is told nothing by mail; whoever
// decides is still told.
func TestARequestFromAnUnverifiedAddress(t *testing.T) {
	each(t, func(w *world) {
		w.rules.Portal.Administrators = []string{"desk@example.org"}
		p := person("ada")
		p.Facts[user.EmailVerified] = text("false")
		p.Addresses = []admission.Address{{Kind: user.Email, Key: "ada@example.org", Display: "ada@example.org", Assurance: user.Asserted}}
		w.realm.live["ada"] = p
		w.says(w.here("ada"), special("analystprofile"))
		w.decides(w.one().Strand, store.Approved, "")
		if len(w.mails("portal-request")) != 1 || len(w.mails("portal-approved")) > 0 {
			t.Error("told the wrong people")
		}
	})
}
