package providerlogin_test

import (
	"context"
	"regexp"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

var (
	locked    = user.Refuse(user.UserLocked, "user")
	challenge = user.Refuse(user.Challenge, "user")
	unnamed   = user.Refuse(user.Missing, "name")
	used      = user.Refuse(user.BadToken, "token", "why", "used before")
)

// signingIn is whom a proof leads to, and what they get (design, section 3).
func signingIn() []scenario {
	return []scenario{
		{"somebody new gets an id, a name, the role of everybody and policy's channel", func(w *world) {
			custodian := w.channel("custodian")
			w.pol.Sunbird.Custodian = custodian.Name
			live := w.enters(w.says("token", "ada", user.Proven), w.email("ada"))
			s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByEmail, Value: w.email("ada")})
			w.ok(err)
			if s.ID != live.Session.Subject || s.First != "Ada" || s.Last != "Lovelace" || !s.EmailVerified || !regexp.MustCompile(`^adalovelace[1-9][0-9]{3}$`).MatchString(s.Username) {
				w.Errorf("shown as %+v", s)
			}
			if w.owner(w.email("ada")) != live.User.ID || w.known("ada") != live.User.ID {
				w.Errorf("is %+v", live.User)
			}
			w.isIn(live.User.ID, custodian.Name, user.RolePublic)
		}},
		{"who comes again is who they were, whatever their e-mail is now", func(w *world) {
			first := w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			before := w.written()
			again := w.enters(w.says("again", "ada", user.Proven), w.email("ada"))
			moved := w.enters(w.says("moved", "ada", user.Proven, at(w.email("new"))), w.email("new"))
			word := w.enters(w.says("word", "ada", user.Asserted, at(w.email("word"))), w.email("word"))
			for _, live := range []session.Live{again, moved, word} {
				if live.User.ID != first.User.ID || live.Session.Subject != first.Session.Subject || live.Session.ID == first.Session.ID {
					w.Errorf("was %+v, is %+v", first.Session, live.Session)
				}
			}
			if after := w.written(); after.users != before.users {
				w.Errorf("%d more users", after.users-before.users)
			}
			if w.owner(w.email("word")) != "" {
				w.Error("a bare word owns an address")
			}
		}},
		{"an e-mail that the provider proves leads to its owner elsewhere, once and for all", func(w *world) {
			there := w.elsewhere(w.email("ada"))
			live := w.enters(w.says("token", "ada", user.Proven), w.email("ada"))
			if live.User.ID != there.ID || w.known("ada") != there.ID {
				w.Errorf("is %s, want %s", live.User.ID, there.ID)
			}
			w.isIn(there.ID, user.RolePublic)
		}},
		{"an e-mail that the provider vouches for leads to nobody else's user", func(w *world) {
			there := w.elsewhere(w.email("ada"))
			w.keptOut(w.says("token", "ada", user.Attested), w.email("ada"), challenge)
			if w.known("ada") != "" || w.owner(w.email("ada")) != there.ID {
				w.Error("joined")
			}
		}},
		{"an e-mail that the provider vouches for makes a user where it is nobody's, and no owner", func(w *world) {
			live := w.enters(w.says("token", "ada", user.Attested), w.email("ada"))
			if w.owner(w.email("ada")) != "" {
				w.Error("owned")
			}
			s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByID, Value: live.Session.Subject})
			if err != nil || !s.EmailVerified {
				w.Errorf("shown as %+v, %v", s, err)
			}
		}},
		{"a mailbox that was given to another subject is not the first one's user", func(w *world) {
			first := w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			w.keptOut(w.says("token", "eve", user.Proven, at(w.email("ada"))), w.email("ada"), challenge)
			if w.owner(w.email("ada")) != first.User.ID {
				w.Error("the mailbox moved")
			}
		}},
		{"somebody new is nobody without a name, or an address that is sure", func(w *world) {
			for _, c := range []struct {
				what  string
				proof string
			}{
				{"no name", w.says("1", "a", user.Proven, named("", "", ""))},
				{"a family name alone", w.says("2", "a", user.Proven, named("", "Lovelace", ""))},
				{"an address that nobody vouches for", w.says("3", "a", user.Asserted)},
				{"nothing said of the address", w.says("4", "a", user.None)},
			} {
				w.Log(c.what)
				w.keptOut(c.proof, w.email("a"), unnamed)
			}
			if w.known("a") != "" {
				w.Error("there is a user")
			}
			// None of the four was used up: what they lack is not the person's doing.
			w.says("1", "a", user.Proven)
			w.enters("1", w.email("a"))
		}},
		{"a whole name is a name, and given and family name go before it", func(w *world) {
			for i, c := range []struct{ given, family, whole, first, last string }{
				{"", "", "Ada Lovelace", "Ada Lovelace", ""},
				{"Ada", "", "Augusta Ada King", "Ada", ""},
				{"Ada", "Lovelace", "Augusta Ada King", "Ada", "Lovelace"},
			} {
				subject := "ada" + string(rune('a'+i))
				live := w.enters(w.says(subject, subject, user.Proven, named(c.given, c.family, c.whole)), w.email(subject))
				s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByID, Value: live.Session.Subject})
				if err != nil || s.First != c.first || s.Last != c.last || s.Username == "" {
					w.Errorf("shown as %+v, %v", s, err)
				}
			}
		}},
		{"who is known needs neither", func(w *world) {
			first := w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			bare := w.says("bare", "ada", user.None, named("", "", ""))
			if live := w.enters(bare, w.email("ada")); live.User.ID != first.User.ID {
				w.Errorf("is %s", live.User.ID)
			}
		}},
		{"a reservation is nobody who is known", func(w *world) {
			w.update(func(tx store.Tx) error {
				u := user.User{ID: tx.NewID(), Status: user.Reserved, Epoch: 1, Created: tx.Now(), Updated: tx.Now()}
				s := user.Strand{ID: tx.NewID(), User: u.ID, Origin: u.ID, Source: "edi", Kind: user.Reservation, State: user.Live, Created: tx.Now(), Updated: tx.Now()}
				if err := store.Insert(tx, u); err != nil {
					return err
				}
				if err := store.Insert(tx, s); err != nil {
					return err
				}
				key := w.key("ada")
				return store.Insert(tx, user.Identity{Issuer: key.Issuer, Subject: key.Subject, User: u.ID, Strand: s.ID, Reserved: true, Created: tx.Now()})
			})
			reserved := w.known("ada")
			w.keptOut(w.says("bare", "ada", user.Proven, named("", "", "")), w.email("ada"), unnamed)
			if live := w.enters(w.says("token", "ada", user.Proven), w.email("ada")); live.User.ID != reserved {
				w.Errorf("is %s, want the reservation %s", live.User.ID, reserved)
			}
		}},
		{"who is locked, or deleted with the data kept, is kept out, by identity and by address", func(w *world) {
			for i, c := range []func(user.ID){
				w.lock,
				func(u user.ID) { w.close(u, user.ClosedByOperator) },
				func(u user.ID) { w.close(u, user.ClosedByFeed) },
			} {
				known, owner := "known"+string(rune('a'+i)), "owner"+string(rune('a'+i))
				c(w.enters(w.says(known, known, user.Proven), w.email(known)).User.ID)
				c(w.elsewhere(w.email(owner)).ID)
				w.keptOut(w.says(known+" again", known, user.Proven), w.email(known), locked)
				w.keptOut(w.says(owner, owner, user.Proven), w.email(owner), locked)
				if w.known(owner) != "" {
					w.Error("joined")
				}
			}
		}},
		{"who was let in again gets in with the token that was refused", func(w *world) {
			first := w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			w.lock(first.User.ID)
			token := w.says("token", "ada", user.Proven)
			w.keptOut(token, w.email("ada"), locked)
			w.update(func(tx store.Tx) error { return store.Delete(tx, user.Lock{User: first.User.ID, Source: "operator"}) })
			w.enters(token, w.email("ada"))
		}},
		{"who erased themselves is somebody new", func(w *world) {
			first := w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			w.erase(first.User.ID)
			if again := w.enters(w.says("again", "ada", user.Proven), w.email("ada")); again.User.ID == first.User.ID || again.Session.Subject == first.Session.Subject {
				w.Errorf("is %+v again", again.Session)
			}
		}},
	}
}

// byToken is an app that has an ID token (contract B.3, 6).
func byToken() []scenario {
	other := user.Refuse(user.Conflict, "email")
	return []scenario{
		{"a token gives a pair of this door's, for the client that sent it", func(w *world) {
			pair, err := w.google.Token(w.Context(), w.says("token", "ada", user.Proven), w.email("ada"), "android")
			w.ok(err)
			live, err := w.sessions.Access(w.Context(), pair.Access)
			w.ok(err)
			if live.Session.Client != "android" || live.Session.Door != user.DoorSunbird || live.User.ID != w.known("ada") {
				w.Errorf("the session is %+v", live.Session)
			}
			next, err := w.sessions.NewPair()
			w.ok(err)
			w.update(func(tx store.Tx) error {
				_, no, err := w.sessions.Renew(tx, pair.Refresh, user.DoorSunbird, "android", next)
				if no != nil {
					w.Errorf("the refresh token: %v", no)
				}
				return err
			})
		}},
		{"a token that proves nothing, and a provider that cannot be asked", func(w *world) {
			w.keptOut("unknown", w.email("ada"), user.Refuse(user.BadToken, "token", "why", "expired"))
			w.provider.down = user.Refuse(user.Busy, "provider")
			w.keptOut("unknown", w.email("ada"), user.Refuse(user.Busy, "provider"))
		}},
		{"an e-mail that is not the token's, and a token that names none", func(w *world) {
			token := w.says("token", "ada", user.Proven)
			for _, email := range []string{"", w.email("eve"), "x" + w.email("ada"), w.email("ada") + "x"} {
				w.keptOut(token, email, other)
			}
			for _, email := range []string{"", w.email("none")} {
				w.keptOut(w.says("none", "none", user.Proven, without), email, other)
			}
			phone := w.says("phone", "phone", user.Proven, func(p *signin.Proof) { p.Addresses[0].Kind = user.Phone })
			w.keptOut(phone, w.email("phone"), other)
			w.enters(token, w.email("ada")) // none of it used the token up
		}},
		{"a token is good once, whatever its text", func(w *world) {
			w.enters(w.says("token", "ada", user.Proven), w.email("ada"))
			w.keptOut("token", w.email("ada"), used)
			same := w.says("same", "ada", user.Proven, func(p *signin.Proof) { p.Once = w.provider.says["token"].Once })
			w.keptOut(same, w.email("ada"), used)
			w.clock.Advance(2 * time.Hour)
			w.keptOut("token", w.email("ada"), used)
		}},
		{"of one token many times at once, one is taken", func(w *world) {
			token := w.says("token", "ada", user.Proven)
			const n = 5
			errs := make([]error, n)
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() { _, errs[i] = w.google.Token(context.Background(), token, w.email("ada"), "android") })
			}
			all.Wait()
			in := 0
			for _, err := range errs {
				if err == nil {
					in++
				} else {
					w.refused(err, used)
				}
			}
			if in != 1 {
				w.Errorf("%d got in", in)
			}
		}},
		{"of many tokens of somebody new at once, one user is made", func(w *world) {
			before := w.written()
			const n = 4
			errs := make([]error, n)
			var all sync.WaitGroup
			for i := range n {
				token := w.says("token"+string(rune('0'+i)), "ada", user.Proven)
				all.Go(func() { _, errs[i] = w.google.Token(context.Background(), token, w.email("ada"), "android") })
			}
			all.Wait()
			for _, err := range errs {
				w.ok(err)
			}
			if after := w.written(); after.users != before.users+1 || after.sessions != before.sessions+n {
				w.Errorf("%+v upon %+v", after, before)
			}
		}},
	}
}

// creating is a user who is made with a provider's proof (contract B.1).
func creating() []scenario {
	bad := func(why string) *user.Refusal { return user.Refuse(user.BadToken, "token", "why", why) }
	form := func() onboarding.Form { return onboarding.Form{FirstName: "Amit", LastName: "Kumar"} }
	said := func(w *world, name string) *onboarding.Said {
		return &onboarding.Said{Key: w.email(name), Display: w.email(name)}
	}
	refuses := func(w *world, f onboarding.Form, token string, want *user.Refusal) {
		w.Helper()
		before := w.written()
		made, err := w.google.Create(w.Context(), f, token)
		w.refused(err, want)
		if after := w.written(); after != before || made.ID != "" {
			w.Errorf("refused, and made %q: %+v upon %+v", made.ID, after, before)
		}
	}
	return []scenario{
		{"the form's names count, the token's identity and address are theirs, and no session begins", func(w *world) {
			before := w.written()
			f := form()
			f.Email = said(w, "amit")
			made, err := w.google.Create(w.Context(), f, w.says("token", "amit", user.Proven))
			w.ok(err)
			s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByEmail, Value: w.email("amit")})
			w.ok(err)
			if s.ID != made.ID || s.First != "Amit" || s.Last != "Kumar" || !s.EmailVerified {
				w.Errorf("shown as %+v", s)
			}
			if w.known("amit") != s.User.ID || w.owner(w.email("amit")) != s.User.ID {
				w.Errorf("is %+v", s.User)
			}
			w.isIn(s.User.ID, user.RolePublic)
			if after := w.written(); after.sessions != before.sessions || after.users != before.users+1 {
				w.Errorf("%+v upon %+v", after, before)
			}
		}},
		{"who was made so comes in by the provider as the same user", func(w *world) {
			made, err := w.google.Create(w.Context(), form(), w.says("token", "amit", user.Proven))
			w.ok(err)
			if live := w.enters(w.says("next", "amit", user.Proven), w.email("amit")); live.Session.Subject != made.ID {
				w.Errorf("is %+v, want %s", live.Session, made.ID)
			}
		}},
		{"a form without an e-mail has the token's", func(w *world) {
			_, err := w.google.Create(w.Context(), form(), w.says("token", "amit", user.Attested))
			w.ok(err)
			if _, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByEmail, Value: w.email("amit")}); err != nil {
				w.Error(err)
			}
		}},
		{"a token that proves nothing, no address, or another's", func(w *world) {
			const nothing = "the provider does not vouch for the address"
			f := form()
			f.Email = said(w, "amit")
			refuses(w, f, "unknown", bad("expired"))
			refuses(w, f, w.says("none", "amit", user.Proven, without), bad(nothing))
			refuses(w, f, w.says("asserted", "amit", user.Asserted), bad(nothing))
			refuses(w, f, w.says("nothing", "amit", user.None), bad(nothing))
			refuses(w, f, w.says("phone", "amit", user.Proven, func(p *signin.Proof) { p.Addresses[0].Kind = user.Phone }), bad(nothing))
			refuses(w, f, w.says("other", "eve", user.Proven), bad("another address"))
			f.Email = nil
			refuses(w, f, w.says("asserted", "amit", user.Asserted), bad(nothing))
		}},
		{"a token is good once here, and for signing in", func(w *world) {
			token := w.says("token", "amit", user.Proven)
			_, err := w.google.Create(w.Context(), form(), token)
			w.ok(err)
			w.keptOut(token, w.email("amit"), used)
			w.enters(w.says("in", "ada", user.Proven), w.email("ada"))
			w.erase(w.known("ada"))
			refuses(w, form(), "in", bad("used before"))
		}},
		{"a token on a form that is refused otherwise stays good", func(w *world) {
			token := w.says("token", "amit", user.Proven)
			f := form()
			f.Channel = w.of("nowhere")
			refuses(w, f, token, user.Refuse(user.NotFound, "channel", "value", w.of("nowhere")))
			f.Channel, f.Phone = "", &onboarding.Said{Key: "+919876543210", Display: "+919876543210", Region: "IN", Attested: true}
			_, err := w.people.Create(w.Context(), onboarding.Form{FirstName: "X", Phone: f.Phone, Caller: "portal", Email: said(w, "x")})
			if err != nil {
				w.Fatal(err)
			}
			refuses(w, f, token, user.Refuse(user.InUse, "phone"))
			f.Phone = nil
			_, err = w.google.Create(w.Context(), f, token)
			w.ok(err)
		}},
		{"who is known here is in use, by address and by identity", func(w *world) {
			w.enters(w.says("in", "ada", user.Proven), w.email("ada"))
			refuses(w, form(), w.says("again", "ada", user.Proven), user.Refuse(user.InUse, "email"))
			refuses(w, form(), w.says("moved", "ada", user.Proven, at(w.email("new"))), user.Refuse(user.InUse, "email"))
			refuses(w, form(), w.says("other", "eve", user.Proven, at(w.email("ada"))), user.Refuse(user.InUse, "email"))
		}},
		{"who is known elsewhere is that user; blocked, they are in use", func(w *world) {
			there, out := w.elsewhere(w.email("ada")), w.elsewhere(w.email("eve"))
			w.lock(out.ID)
			_, err := w.google.Create(w.Context(), form(), w.says("token", "ada", user.Proven))
			w.ok(err)
			if w.known("ada") != there.ID {
				w.Errorf("is %s, want %s", w.known("ada"), there.ID)
			}
			refuses(w, form(), w.says("eve", "eve", user.Proven), user.Refuse(user.InUse, "email"))
		}},
		{"an identity of who is locked, at a free address, makes nobody", func(w *world) {
			live := w.enters(w.says("in", "ada", user.Proven), w.email("ada"))
			w.lock(live.User.ID)
			refuses(w, form(), w.says("moved", "ada", user.Proven, at(w.email("new"))), user.Refuse(user.InUse, "email"))
		}},
	}
}
