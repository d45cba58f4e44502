package statelogin_test

import (
	"errors"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// linking is a phone that is somebody else's (contract, decisions).
func linking() []scenario {
	return []scenario{
		{"a state's own who is a user without an address is asked for another number: two users are not joined by a yes", func(w *world) {
			there := w.elsewhere(w.phone(1))
			key := onboarding.StateIdentity(w.channel.Name, "100")
			w.update(func(tx store.Tx) error {
				_, err := admission.In(tx, *w.pol).Arrive(admission.Arrival{
					Door: user.DoorSunbird, Source: user.SourceOf(user.DoorSunbird, key.Issuer), Identity: &key,
				})
				return err
			})
			cookie := w.visits("100")
			_, err := w.states.Enter(w.Context(), cookie, w.code(cookie, w.phone(1)))
			w.refused(err, user.Refuse(user.InUse, "phone"))
			if w.owner(w.phone(1)) != there.ID || w.known("100") == there.ID {
				w.Errorf("the phone is %s's, the state's own %s", w.owner(w.phone(1)), w.known("100"))
			}
		}},
		{"whether they are who has the phone is asked first, and nothing is joined", func(w *world) {
			there := w.elsewhere(w.phone(1))
			cookie := w.visits("100")
			if next := w.enters(cookie, w.phone(1)); next != statelogin.PathChallenge {
				w.Fatalf("led to %q", next)
			}
			if v := w.look(cookie); v.Step != statelogin.StepChallenge || v.Consent != "" {
				w.Errorf("the visit is %+v", v)
			}
			if w.known("100") != "" || w.owner(w.phone(1)) != there.ID {
				w.Error("joined without a word")
			}
			// Asked again by another way, the question is the same.
			if next, err := w.states.Contact(w.Context(), cookie, w.phone(1)); next != statelogin.PathChallenge || err != nil {
				w.Errorf("led to %q, %v", next, err)
			}
		}},
		{"yes: the state leads to that user from now on", func(w *world) {
			there := w.elsewhere(w.phone(1))
			before := w.users()
			cookie := w.visits("100")
			w.enters(cookie, w.phone(1))
			live := w.follows(w.must(w.states.Link(w.Context(), cookie, true)))
			if live.User.ID != there.ID || w.known("100") != there.ID || w.users() != before {
				w.Errorf("is %s, want %s", live.User.ID, there.ID)
			}
			w.isIn(there.ID, w.channel.Name, w.school.Name, user.RolePublic)
			if again := w.follows(w.begin(w.token("100")).Next); again.User.ID != there.ID {
				w.Errorf("comes back as %s", again.User.ID)
			}
		}},
		{"no: another phone is asked for, and its user is somebody new", func(w *world) {
			there := w.elsewhere(w.phone(1))
			cookie := w.visits("100")
			w.enters(cookie, w.phone(1))
			if next := w.must(w.states.Link(w.Context(), cookie, false)); next != statelogin.PathContact {
				w.Fatalf("led to %q", next)
			}
			if v := w.look(cookie); v.Step != statelogin.StepContact || v.Phone != "" || v.Confirmed != "" {
				w.Errorf("the visit is %+v", v)
			}
			_, err := w.states.Contact(w.Context(), cookie, w.phone(1))
			w.refused(err, user.Refuse(user.Forbidden, "phone"))
			if live := w.follows(w.enters(cookie, w.phone(2))); live.User.ID == there.ID {
				w.Error("is who they said not to be")
			}
			if w.owner(w.phone(1)) != there.ID {
				w.Error("the phone moved")
			}
		}},
		{"an answer is to a question", func(w *world) {
			w.elsewhere(w.phone(1))
			cookie := w.visits("100")
			for _, yes := range []bool{true, false} {
				_, err := w.states.Link(w.Context(), cookie, yes)
				w.refused(err, user.Refuse(user.Forbidden, "step"))
			}
			w.code(cookie, w.phone(1))
			_, err := w.states.Link(w.Context(), cookie, true)
			w.refused(err, user.Refuse(user.Forbidden, "step"))
			done := w.visits("101")
			w.enters(done, w.phone(2))
			_, err = w.states.Link(w.Context(), done, true)
			w.refused(err, user.Refuse(user.Forbidden, "step"))
		}},
		{"a yes for one phone is none for the next", func(w *world) {
			one, two := w.elsewhere(w.phone(1)), w.elsewhere(w.phone(2))
			cookie := w.visits("100")
			w.enters(cookie, w.phone(1))
			// The other tab goes on with another phone before the yes.
			if next := w.enters(cookie, w.phone(2)); next != statelogin.PathChallenge {
				w.Fatalf("led to %q", next)
			}
			live := w.follows(w.must(w.states.Link(w.Context(), cookie, true)))
			if live.User.ID != two.ID || w.known("100") == one.ID {
				w.Errorf("is %s, of %s and %s", live.User.ID, one.ID, two.ID)
			}
		}},
		{"an owner's proof that is old is no more: the number moves and the users stay two", func(w *world) {
			old := w.elsewhere(w.phone(1))
			w.clock.Advance(time.Duration(w.pol.Linking.PhoneProof) + time.Second)
			live := w.comes("100", w.phone(1))
			if live.User.ID == old.ID || w.owner(w.phone(1)) != live.User.ID {
				w.Errorf("is %s; the phone is %s's", live.User.ID, w.owner(w.phone(1)))
			}
		}},
		{"an owner's proof that is just young enough is asked about", func(w *world) {
			w.elsewhere(w.phone(1))
			w.clock.Advance(time.Duration(w.pol.Linking.PhoneProof))
			if next := w.enters(w.visits("100"), w.phone(1)); next != statelogin.PathChallenge {
				w.Errorf("led to %q", next)
			}
		}},
		{"somebody whom the state calls otherwise has the phone: another number is asked for, and two subjects stay apart", func(w *world) {
			first := w.comes("100", w.phone(1))
			cookie := w.visits("101")
			_, err := w.states.Enter(w.Context(), cookie, w.code(cookie, w.phone(1)))
			w.refused(err, user.Refuse(user.InUse, "phone"))
			if v, err := w.states.Look(w.Context(), cookie); err != nil || v.Step != statelogin.StepContact {
				w.Errorf("the visit is %+v, %v", v, err)
			}
			if w.known("101") == first.User.ID {
				w.Error("the state knows one user by two subjects")
			}
		}},
		{"a visit that is done lets somebody in for another minute, and then nobody", func(w *world) {
			cookie := w.visits("100")
			live := w.follows(w.enters(cookie, w.phone(1)))
			next, err := w.states.Enter(w.Context(), cookie, "000000") // the button pressed twice
			w.ok(err)
			if again := w.follows(next); again.User.ID != live.User.ID {
				w.Errorf("another user: %s", again.User.ID)
			}
			w.clock.Advance(time.Minute + time.Second)
			_, err = w.states.Enter(w.Context(), cookie, "000000")
			w.refused(err, user.Refuse(user.BadToken, "visit"))
			_, err = w.states.Contact(w.Context(), cookie, w.phone(1))
			w.refused(err, user.Refuse(user.BadToken, "visit"))
		}},
		{"a code that was typed before somebody else proved the phone lets nobody into their account", func(w *world) {
			cookie := w.visits("100")
			code := w.code(cookie, w.phone(1))
			tried, err := w.states.Verify(w.Context(), cookie, w.to(w.phone(1)), code)
			w.ok(err)
			if !tried.Right {
				w.Fatalf("tried %+v", tried)
			}
			w.clock.Advance(time.Second)
			victim := w.elsewhere(w.phone(1))
			_, err = w.states.Contact(w.Context(), cookie, w.phone(1))
			w.refused(err, user.Refuse(user.Forbidden, "phone"))
			if v := w.look(cookie); v.Step != statelogin.StepContact || v.Confirmed != "" || w.known("100") == victim.ID {
				w.Errorf("the visit is %+v", v)
			}
		}},
		{"a yes is for the user who was asked about, and for nobody who has the phone since", func(w *world) {
			w.elsewhere(w.phone(1))
			cookie := w.visits("100")
			w.enters(cookie, w.phone(1))
			second := w.elsewhere(w.phone(2))
			w.update(func(tx store.Tx) error {
				o, err := tx.Owner(user.Phone, w.phone(1))
				if err != nil {
					return err
				}
				two, err := tx.Owner(user.Phone, w.phone(2))
				o.User, o.Strand = second.ID, two.Strand
				return errors.Join(err, store.Put(tx, o))
			})
			if next := w.must(w.states.Link(w.Context(), cookie, true)); next != statelogin.PathChallenge || w.known("100") == second.ID {
				w.Errorf("led to %q, as %s", next, w.known("100"))
			}
		}},
		{"whose phone moved to a newcomer is still who they are to the state, and no more who has the phone", func(w *world) {
			first := w.comes("100", w.phone(1))
			w.clock.Advance(time.Duration(w.pol.Linking.PhoneProof) + time.Second)
			second := w.comes("101", w.phone(1))
			if second.User.ID == first.User.ID || w.owner(w.phone(1)) != second.User.ID {
				w.Fatalf("was %s, is %s; the phone is %s's", first.User.ID, second.User.ID, w.owner(w.phone(1)))
			}
			if again := w.follows(w.begin(w.token("101")).Next); again.User.ID != second.User.ID {
				w.Errorf("comes back as %s, want %s", again.User.ID, second.User.ID)
			}
			// Who has no address any more is asked for one, and is still themselves.
			s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByID, Value: first.Session.Subject})
			if err != nil || s.PhoneVerified {
				w.Errorf("shown %+v, %v", s, err)
			}
			if again := w.comes("100", w.phone(2)); again.User.ID != first.User.ID {
				w.Errorf("comes back as %s, want %s", again.User.ID, first.User.ID)
			}
		}},
	}
}
