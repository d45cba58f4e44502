package statelogin_test

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

var (
	usedBefore = user.Refuse(user.BadToken, "token", "why", "used before")
	noVisit    = user.Refuse(user.BadToken, "visit")
)

// phoned puts a phone into a token.
func phoned(phone string) func(*statelogin.Claims) {
	return func(c *statelogin.Claims) { c.Phone = phone }
}

// beginning is what a token opens (contract B.8).
func beginning() []scenario {
	return []scenario{
		{"somebody new is asked for a phone, and is no user yet", func(w *world) {
			before := w.users()
			v := w.look(w.visits("100"))
			if v.Step != statelogin.StepContact || v.Subject != "100" || v.Typed != "" || v.Phone != "" || v.Remaining != -1 {
				w.Errorf("the visit is %+v", v)
			}
			if w.users() != before || w.known("100") != "" {
				w.Error("there is a user before the code")
			}
		}},
		{"a token that proves nothing opens nothing", func(w *world) {
			begun, err := w.states.Begin(w.Context(), "another's", by)
			w.refused(err, user.Refuse(user.BadToken, "token", "why", "signature"))
			if begun != (statelogin.Begun{}) {
				w.Errorf("begun %+v", begun)
			}
		}},
		{"a token is good once, by its id and not by its text", func(w *world) {
			first := w.token("100")
			w.begin(first)
			_, err := w.states.Begin(w.Context(), first, by)
			w.refused(err, usedBefore)
			same := w.token("100", func(c *statelogin.Claims) { c.Once = w.tokens[first].Once })
			_, err = w.states.Begin(w.Context(), same, by)
			w.refused(err, usedBefore)
			w.begin(w.token("100"))
		}},
		{"a school that is not known is said so, and the token stays good", func(w *world) {
			for _, change := range []func(*statelogin.Claims){
				func(c *statelogin.Claims) { c.School = "999" },
				func(c *statelogin.Claims) { c.Channel = w.of("nowhere") },
			} {
				token := w.token("100", change)
				for range 2 {
					_, err := w.states.Begin(w.Context(), token, by)
					w.refused(err, user.Refuse(user.NotFound, "school"))
				}
			}
			token := w.token("100", func(c *statelogin.Claims) { c.School = "7" })
			_, err := w.states.Begin(w.Context(), token, by)
			w.refused(err, user.Refuse(user.NotFound, "school"))
			w.group(user.Group{Kind: user.GroupOrganisation, Name: w.of("new"), Parent: w.channel.ID, ExternalID: "7"})
			w.begin(token)
			_, err = w.states.Begin(w.Context(), token, by)
			w.refused(err, usedBefore)
		}},
		{"a phone in the token is filled in, and the code is sent at once; it proves nothing", func(w *world) {
			before := w.users()
			cookie := w.visits("100", phoned(w.phone(1)[3:])) // as it is written at home
			v := w.look(cookie)
			if v.Step != statelogin.StepCode || v.Phone != w.phone(1) || v.Region != "IN" || v.Confirmed != "" || !v.Sent.Equal(w.clock.Now()) {
				w.Errorf("the visit is %+v", v)
			}
			if w.texts(w.phone(1)) != 1 || w.users() != before {
				w.Errorf("%d texts, %d more users", w.texts(w.phone(1)), w.users()-before)
			}
			_, err := w.states.Contact(w.Context(), cookie, w.phone(1))
			w.refused(err, user.Refuse(user.Forbidden, "phone"))
			next, err := w.states.Enter(w.Context(), cookie, w.sent(w.phone(1)))
			w.ok(err)
			w.follows(next)
		}},
		{"a phone in the token that cannot be texted leaves the visit at the question", func(w *world) {
			locked := w.elsewhere(w.phone(3))
			w.lock(locked.ID)
			for _, c := range []struct{ phone, typed string }{
				{"nonsense", ""},
				{"12", ""},
				{w.phone(3), w.phone(3)},
			} {
				v := w.look(w.visits("1"+c.phone, phoned(c.phone)))
				if v.Step != statelogin.StepContact || v.Typed != c.typed || v.Phone != "" || w.texts(w.phone(3)) != 0 {
					w.Errorf("%q: the visit is %+v", c.phone, v)
				}
			}
		}},
		{"two tokens of one person are two visits, which know nothing of each other", func(w *world) {
			one, two := w.visits("100"), w.visits("100")
			w.code(one, w.phone(1))
			if v := w.look(two); one == two || v.Step != statelogin.StepContact || v.Phone != "" {
				w.Errorf("the other visit is %+v", v)
			}
		}},
		{"a visit is over after half an hour, however it was used meanwhile", func(w *world) {
			cookie := w.visits("100")
			w.clock.Advance(20 * time.Minute)
			code := w.code(cookie, w.phone(1))
			w.clock.Advance(10*time.Minute - time.Second)
			w.look(cookie)
			w.clock.Advance(time.Second)
			_, err := w.states.Look(w.Context(), cookie)
			w.refused(err, noVisit)
			_, err = w.states.Enter(w.Context(), cookie, code)
			w.refused(err, noVisit)
			w.refused(w.states.Text(w.Context(), cookie, w.phone(1), by), noVisit)
			w.refused(w.states.Again(w.Context(), cookie, by), noVisit)
			_, err = w.states.Contact(w.Context(), cookie, w.phone(1))
			w.refused(err, noVisit)
			_, err = w.states.Link(w.Context(), cookie, true)
			w.refused(err, noVisit)
			if w.known("100") != "" {
				w.Error("there is a user")
			}
		}},
		{"a visit is nobody's without its cookie, and none is another's", func(w *world) {
			cookie := w.visits("100")
			w.code(cookie, w.phone(1))
			for _, other := range []string{"", cookie + "x", cookie[1:], "another"} {
				_, err := w.states.Look(w.Context(), other)
				w.refused(err, noVisit)
				w.refused(w.states.Text(w.Context(), other, w.phone(2), by), noVisit)
				w.refused(w.states.Text(w.Context(), other, "nonsense", by), noVisit)
				_, err = w.states.Enter(w.Context(), other, w.sent(w.phone(1)))
				w.refused(err, noVisit)
			}
			if w.texts(w.phone(2)) != 0 {
				w.Error("a code was sent")
			}
		}},
		{"the cookie is not what is kept", func(w *world) {
			cookie := w.visits("100")
			w.view(func(r store.Reader) error {
				if _, err := r.Visit([]byte(cookie)); !errors.Is(err, store.ErrNotFound) {
					w.Errorf("kept by its text: %v", err)
				}
				sum := sha256.Sum256([]byte(cookie))
				_, err := r.Visit(sum[:])
				return err
			})
		}},
	}
}

// returning is somebody whom the state sent before.
func returning() []scenario {
	locked := user.Refuse(user.UserLocked, "user")
	return []scenario{
		{"goes straight in, is who they were, and brings the state's new word", func(w *world) {
			before := w.comes("100", w.phone(1))
			token := w.token("100", func(c *statelogin.Claims) { c.Name = "Ramesh K." })
			begun := w.begin(token)
			if begun.Cookie != "" {
				w.Errorf("begun %+v", begun)
			}
			_, err := w.states.Begin(w.Context(), token, by)
			w.refused(err, usedBefore)
			after := w.follows(begun.Next)
			if after.User.ID != before.User.ID || after.Session.Subject != before.Session.Subject || after.Session.ID == before.Session.ID {
				w.Errorf("was %+v, is %+v", before.Session, after.Session)
			}
			if name := after.User.Profile.Text(user.GivenName); name != "Ramesh K." {
				w.Errorf("is called %q", name)
			}
			if w.texts(w.phone(1)) != 1 {
				w.Errorf("%d texts", w.texts(w.phone(1)))
			}
		}},
		{"another channel's subject of the same name is somebody else", func(w *world) {
			w.comes("100", w.phone(1))
			rj := w.group(user.Group{Kind: user.GroupChannel, Name: w.of("rj")})
			w.group(user.Group{Kind: user.GroupOrganisation, Name: w.of("other"), Parent: rj.ID, ExternalID: "321456"})
			if begun := w.begin(w.token("100", func(c *statelogin.Claims) { c.Channel = rj.Name })); begun.Cookie == "" {
				w.Errorf("begun %+v", begun)
			}
		}},
		{"is refused while locked, which is kept, and the same token is good afterwards", func(w *world) {
			who := w.comes("100", w.phone(1)).User.ID
			w.lock(who)
			token := w.token("100")
			_, err := w.states.Begin(w.Context(), token, by)
			w.refused(err, locked)
			if got := w.events(who); got[len(got)-1] != event.AdmissionDecided {
				w.Errorf("the decision is not kept: %v", got)
			}
			w.update(func(tx store.Tx) error { return store.Delete(tx, user.Lock{User: who, Source: "operator"}) })
			w.follows(w.begin(token).Next)
		}},
		{"does not come back after a delete by an operator or a feed", func(w *world) {
			for i, by2 := range []user.Closer{user.ClosedByOperator, user.ClosedByFeed} {
				subject := string(by2)
				who := w.comes(subject, w.phone(i)).User.ID
				w.change(who, func(u *user.User) { u.Status, u.ClosedBy = user.Deleted, by2 })
				_, err := w.states.Begin(w.Context(), w.token(subject), by)
				w.refused(err, locked)
			}
		}},
		{"who erased themselves is somebody new, with a new phone proof", func(w *world) {
			old := w.comes("100", w.phone(1))
			w.erase(old.User.ID)
			if again := w.comes("100", w.phone(1)); again.User.ID == old.User.ID || again.Session.Subject == old.Session.Subject {
				w.Errorf("is %+v again", again.Session)
			}
		}},
		{"who has no address yet is asked for a phone, and stays who they are", func(w *world) {
			key := onboarding.StateIdentity(w.channel.Name, "100")
			var there user.ID
			w.update(func(tx store.Tx) error {
				out, err := admission.In(tx, *w.pol).Provision(admission.Assertion{
					Door: user.DoorSunbird, Source: "sunbird:portal", Kind: user.Feed, By: "portal", Identities: []user.IdentityKey{key},
				})
				there = out.User.ID
				return err
			})
			live := w.comes("100", w.phone(1))
			if live.User.ID != there || w.owner(w.phone(1)) != there {
				w.Errorf("is %s, want %s; the phone is %s's", live.User.ID, there, w.owner(w.phone(1)))
			}
		}},
		{"whom a caller named with an address goes straight in", func(w *world) {
			made, err := w.people.Create(w.Context(), onboarding.Form{
				FirstName: "Ramesh", Phone: &onboarding.Said{Key: w.phone(1), Display: w.phone(1), Region: "IN", Attested: true}, Caller: "portal",
				Identities: []user.IdentityKey{onboarding.StateIdentity(w.channel.Name, "100")},
			})
			w.ok(err)
			begun := w.begin(w.token("100"))
			if live := w.follows(begun.Next); live.Session.Subject != made.ID {
				w.Errorf("is %+v, want %s", live.Session, made.ID)
			}
		}},
		{"a reservation is nobody to come straight in as", func(w *world) {
			key := onboarding.StateIdentity(w.channel.Name, "100")
			w.update(func(tx store.Tx) error {
				_, err := admission.In(tx, *w.pol).Reserve(admission.Reservation{Door: user.DoorEDI, By: "x", Identity: key, Name: w.of("x")})
				return err
			})
			w.visits("100")
		}},
	}
}
