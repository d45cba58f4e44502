package statelogin_test

import (
	"context"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/user"
)

func (w *world) to(phone string) otp.To {
	return otp.To{Kind: user.Phone, Key: phone, Display: phone, Region: "IN"}
}

// texting is how a code gets to a phone.
func texting() []scenario {
	return []scenario{
		{"a phone as it is written at home or abroad is one phone", func(w *world) {
			cookie := w.visits("100")
			for _, typed := range []string{w.phone(1), w.phone(1)[3:], "0" + w.phone(1)[3:], w.phone(1)[:3] + " " + w.phone(1)[3:8] + "-" + w.phone(1)[8:]} {
				w.ok(w.states.Text(w.Context(), cookie, typed, by))
				if v := w.look(cookie); v.Phone != w.phone(1) || v.Typed != typed || v.Step != statelogin.StepCode || v.Region != "IN" || v.Remaining != -1 {
					w.Errorf("%q: the visit is %+v", typed, v)
				}
			}
		}},
		{"what is no phone is refused, and the visit stays as it is", func(w *world) {
			cookie := w.visits("100")
			w.code(cookie, w.phone(1))
			before := w.look(cookie)
			for _, typed := range []string{"", "12345", "nonsense", "+91 00000 00000", "amit@example.org"} {
				w.refused(w.states.Text(w.Context(), cookie, typed, by), user.Refuse(user.Invalid, "phone"))
			}
			if after := w.look(cookie); after.Phone != before.Phone || after.Typed != before.Typed || after.Step != before.Step {
				w.Errorf("was %+v, is %+v", before, after)
			}
		}},
		{"a country that is not texted", func(w *world) {
			w.codes = otp.New(otp.Options{Store: w.store, Policies: w, Secret: make([]byte, 32), Now: w.clock.Now})
			w.states.Codes = w.codes
			cookie := w.visits("100")
			w.refused(w.states.Text(w.Context(), cookie, "+447400123456", by), user.Refuse(user.Unsupported, "country", "country", "GB"))
			if v := w.look(cookie); v.Step != statelogin.StepContact || v.Phone != "" {
				w.Errorf("the visit is %+v", v)
			}
		}},
		{"a phone whose user may not come in gets no code", func(w *world) {
			w.lock(w.elsewhere(w.phone(1)).ID)
			cookie := w.visits("100")
			w.refused(w.states.Text(w.Context(), cookie, w.phone(1), by), user.Refuse(user.UserLocked, "phone"))
			if w.texts(w.phone(1)) != 0 || w.look(cookie).Step != statelogin.StepContact {
				w.Errorf("%d texts, the visit is %+v", w.texts(w.phone(1)), w.look(cookie))
			}
		}},
		{"a code is asked for again, as often as policy lets one phone have it", func(w *world) {
			cookie := w.visits("100")
			w.refused(w.states.Again(w.Context(), cookie, by), user.Refuse(user.Missing, "phone"))
			first := w.code(cookie, w.phone(1))
			for range w.pol.Codes.PerHour - 1 {
				w.ok(w.states.Again(w.Context(), cookie, by))
			}
			if w.sent(w.phone(1)) != first {
				w.Error("another code")
			}
			before := w.look(cookie)
			w.refused(w.states.Again(w.Context(), cookie, by), user.Refuse(user.Throttled, "phone", "window", "hour"))
			if after := w.look(cookie); after.Phone != before.Phone || !after.Sent.Equal(before.Sent) {
				w.Errorf("was %+v, is %+v", before, after)
			}
			if next, err := w.states.Enter(w.Context(), cookie, first); err != nil {
				w.Errorf("led to %q, %v", next, err)
			}
		}},
		{"the message calls the service what policy calls it, else what it is called", func(w *world) {
			cookie := w.visits("100")
			for i, site := range []string{"id.example.org", "DIKSHA"} {
				if i > 0 {
					w.pol.Sunbird.Site = site
				}
				w.ok(w.states.Text(w.Context(), cookie, w.phone(i), by))
				if got := w.site(w.phone(i)); got != site {
					w.Errorf("called %q, want %q", got, site)
				}
			}
		}},
		{"another phone takes the place of the first, whose confirmation is over", func(w *world) {
			cookie := w.visits("100")
			tried, err := w.states.Verify(w.Context(), cookie, w.to(w.phone(1)), w.code(cookie, w.phone(1)))
			if err != nil || !tried.Right {
				w.Fatalf("tried %+v, %v", tried, err)
			}
			code := w.code(cookie, w.phone(2))
			for _, phone := range []string{w.phone(1), w.phone(2)} {
				_, err = w.states.Contact(w.Context(), cookie, phone)
				w.refused(err, user.Refuse(user.Forbidden, "phone"))
			}
			next, err := w.states.Enter(w.Context(), cookie, code)
			w.ok(err)
			live := w.follows(next)
			if w.owner(w.phone(2)) != live.User.ID || w.owner(w.phone(1)) != "" {
				w.Errorf("owners %q and %q", w.owner(w.phone(1)), w.owner(w.phone(2)))
			}
		}},
	}
}

// entering is what a code opens (contract B.8, 3).
func entering() []scenario {
	mismatch := user.Refuse(user.Forbidden, "phone")
	return []scenario{
		{"the right code makes a user with the state's word, who owns the phone", func(w *world) {
			role := w.group(user.Group{Kind: user.GroupRole, Name: w.of("CREATOR")})
			live := w.comes("100", w.phone(1), func(c *statelogin.Claims) {
				c.Roles = []string{role.Name, user.RoleOperator, w.of("UNKNOWN")}
			})
			u := live.User
			if u.Profile.Text(user.GivenName) != "Ramesh Kumar" || w.owner(w.phone(1)) != u.ID || w.known("100") != u.ID {
				w.Errorf("is %+v", u)
			}
			w.isIn(u.ID, w.channel.Name, w.school.Name, role.Name, user.RolePublic)
			s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByPhone, Value: w.phone(1)})
			if err != nil || s.ID != live.Session.Subject || s.Username == "" || !s.PhoneVerified {
				w.Errorf("shown as %+v, %v", s, err)
			}
			if len(live.Session.Methods) != 2 || live.Session.Methods[0] != "fed" || live.Session.Methods[1] != "sms" || live.Session.Door != user.DoorSunbird {
				w.Errorf("the session is %+v", live.Session)
			}
		}},
		{"a wrong code is counted, the second ends it, and nobody is made", func(w *world) {
			cookie := w.visits("100")
			code := w.code(cookie, w.phone(1))
			for _, left := range []string{"1", "0"} {
				_, err := w.states.Enter(w.Context(), cookie, wrong(code))
				w.refused(err, user.Refuse(user.BadCredential, "OTP", "remaining", left, "allowed", "2"))
				if v := w.look(cookie); v.Remaining != int(left[0]-'0') || v.Confirmed != "" {
					w.Errorf("the visit is %+v", v)
				}
			}
			_, err := w.states.Enter(w.Context(), cookie, code)
			w.refused(err, user.Refuse(user.BadCredential, "OTP"))
			if w.known("100") != "" || w.owner(w.phone(1)) != "" {
				w.Error("there is a user")
			}
			w.follows(w.enters(cookie, w.phone(1))) // a new code
		}},
		{"a code before any phone, or of another phone, opens nothing", func(w *world) {
			mine, other := w.visits("100"), w.visits("101")
			code := w.code(other, w.phone(2))
			_, err := w.states.Enter(w.Context(), mine, code)
			w.refused(err, user.Refuse(user.BadCredential, "OTP"))
			w.code(mine, w.phone(1))
			_, err = w.states.Enter(w.Context(), mine, code)
			if w.known("100") != "" || err == nil {
				w.Errorf("in by another's code: %v", err)
			}
		}},
		{"a code is over after its time, and the visit asks for another", func(w *world) {
			w.pol.Codes.Life /= 3
			cookie := w.visits("100")
			code := w.code(cookie, w.phone(1))
			w.clock.Advance(time.Duration(w.pol.Codes.Life))
			_, err := w.states.Enter(w.Context(), cookie, code)
			w.refused(err, user.Refuse(user.BadCredential, "OTP"))
			w.follows(w.enters(cookie, w.phone(1)))
		}},
		{"the phone that is let in is the one that was confirmed, in this visit", func(w *world) {
			mine, other := w.visits("100"), w.visits("101")
			code := w.code(mine, w.phone(1))
			for _, phone := range []string{"", w.phone(1)} {
				_, err := w.states.Contact(w.Context(), mine, phone)
				w.refused(err, mismatch)
			}
			tried, err := w.states.Verify(w.Context(), mine, w.to(w.phone(1)), code)
			if err != nil || !tried.Right {
				w.Fatalf("tried %+v, %v", tried, err)
			}
			if v := w.look(mine); v.Confirmed != w.phone(1) || !v.At.Equal(w.clock.Now()) {
				w.Errorf("the visit is %+v", v)
			}
			for _, phone := range []string{"", w.phone(2)} {
				_, err := w.states.Contact(w.Context(), mine, phone)
				w.refused(err, mismatch)
			}
			_, err = w.states.Contact(w.Context(), other, w.phone(1))
			w.refused(err, mismatch)
			next, err := w.states.Contact(w.Context(), mine, w.phone(1))
			w.ok(err)
			w.follows(next)
		}},
		{"a code is used once, also from another tab", func(w *world) {
			one, two := w.visits("100"), w.visits("101")
			code := w.code(one, w.phone(1))
			w.ok(w.states.Text(w.Context(), two, w.phone(1), by))
			w.follows(w.must(w.states.Enter(w.Context(), one, code)))
			_, err := w.states.Enter(w.Context(), two, code)
			w.refused(err, user.Refuse(user.BadCredential, "OTP"))
			if w.known("101") != "" {
				w.Error("two by one code")
			}
		}},
		{"the two tabs of one visit lead to one user, each with a handle of its own", func(w *world) {
			cookie := w.visits("100")
			code := w.code(cookie, w.phone(1))
			next := make([]string, 2)
			errs := make([]error, 2)
			var tabs sync.WaitGroup
			for i := range next {
				tabs.Go(func() { next[i], errs[i] = w.states.Enter(context.Background(), cookie, code) })
			}
			tabs.Wait()
			who := w.known("100")
			in := 0
			for i := range next {
				if errs[i] != nil {
					w.refused(errs[i], user.Refuse(user.BadCredential, "OTP"))
					continue
				}
				in++
				if live := w.follows(next[i]); live.User.ID != who {
					w.Errorf("is %s, want %s", live.User.ID, who)
				}
			}
			if in == 0 || next[0] == next[1] {
				w.Errorf("led to %q, %v", next, errs)
			}
		}},
		{"a school that closed meanwhile is said so, and nobody is made", func(w *world) {
			cookie := w.visits("100")
			code := w.code(cookie, w.phone(1))
			w.shut()
			_, err := w.states.Enter(w.Context(), cookie, code)
			w.refused(err, user.Refuse(user.NotFound, "school"))
			if w.known("100") != "" || w.owner(w.phone(1)) != "" {
				w.Error("there is a user")
			}
			if v := w.look(cookie); v.Confirmed != w.phone(1) || v.Step == statelogin.StepDone {
				w.Errorf("the visit is %+v", v)
			}
		}},
		{"who was locked after the code was sent is refused", func(w *world) {
			there := w.elsewhere(w.phone(1))
			cookie := w.visits("100")
			code := w.code(cookie, w.phone(1))
			w.lock(there.ID)
			next, err := w.states.Enter(w.Context(), cookie, code)
			w.ok(err)
			if next != statelogin.PathChallenge {
				w.Fatalf("led to %q", next)
			}
			_, err = w.states.Link(w.Context(), cookie, true)
			w.refused(err, user.Refuse(user.UserLocked, "phone"))
			if w.known("100") != "" {
				w.Error("linked to who is locked")
			}
		}},
	}
}
