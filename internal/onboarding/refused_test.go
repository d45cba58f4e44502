package onboarding_test

import (
	"time"

	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func (w *world) toEmail(name string) otp.To {
	return otp.To{Kind: user.Email, Key: w.email(name), Display: w.email(name)}
}

// alive says whether a code was sent to a phone and can still be used, and wrongs
// how often it was compared wrongly.
func (w *world) alive(i int) bool { return w.kept(i).ID != "" }
func (w *world) wrongs(i int) int { return w.kept(i).Wrong }

func (w *world) kept(i int) (c store.Code) {
	w.Helper()
	w.view(func(r store.Reader) error {
		c = store.Code{}
		found, err := r.Code(user.Phone, w.phone(i), onboarding.Purpose)
		if err == nil {
			c = found
		}
		return nil //nolint:nilerr // none is an answer
	})
	return c
}

// refusing is who is in the way, and in which order it is said.
func refusing() []scenario {
	inUse := func(field string) *user.Refusal { return user.Refuse(user.InUse, field) }
	return []scenario{
		{"an address that is somebody's here is in use, on a word or by a proof", func(w *world) {
			w.proven(1)
			again := w.code(w.toPhone(1))
			w.refuses(w.coded(1, again), inUse("phone"))
			w.refuses(onboarding.Form{FirstName: "Amit", Phone: w.saidPhone(1), Caller: caller}, inUse("phone"))
			w.create(w.attested("amit"))
			w.refuses(w.attested("amit"), inUse("email"))
		}},
		{"the phone is looked for before the e-mail", func(w *world) {
			w.proven(1)
			w.create(w.attested("amit"))
			f := w.attested("amit")
			f.Phone = w.saidPhone(1)
			w.refuses(f, inUse("phone"))
			f.Phone = w.saidPhone(2)
			w.refuses(f, inUse("email"))
			f.Email = w.saidEmail("other")
			f.Phone = w.saidPhone(1)
			w.refuses(f, inUse("phone"))
		}},
		{"a name in use is said before a wrong code, and a wrong code before an address in use", func(w *world) {
			w.proven(1)
			named := w.attested("amit")
			named.Username = w.username("amit")
			w.create(named)

			code := w.code(w.toPhone(1))
			f := w.coded(1, wrong(code))
			f.Username = w.username("amit")
			w.refuses(f, inUse("userName"))
			if w.wrongs(1) != 0 {
				w.Error("a code was compared that did not count")
			}
			f.Username = nil
			w.refuses(f, user.Refuse(user.BadCredential, "OTP", "remaining", "1", "allowed", "2"))
		}},
		{"a place that is not there is said first of all", func(w *world) {
			named := w.attested("amit")
			named.Username = w.username("amit")
			w.create(named)
			named.Channel = w.of("nowhere")
			w.refuses(named, user.Refuse(user.NotFound, "channel", "value", w.of("nowhere")))
		}},
		{"an identity in use is said before a wrong code", func(w *world) {
			key := user.IdentityKey{Issuer: "state:" + w.of("gj"), Subject: "7"}
			f := w.attested("amit")
			f.Identities = []user.IdentityKey{key}
			w.create(f)
			code := w.code(w.toPhone(1))
			next := w.coded(1, wrong(code))
			next.Identities, next.Caller = f.Identities, caller
			w.refuses(next, user.Refuse(user.InUse, "externalId", "id", "7", "provider", key.Issuer))
			if w.wrongs(1) != 0 {
				w.Error("the code was compared")
			}
		}},
		{"whoever is locked keeps their addresses, wherever they are known and whoever locked them", func(w *world) {
			mail := w.saidEmail("ada")
			for _, to := range []struct {
				by   user.Source
				form onboarding.Form
				who  user.ID
				no   *user.Refusal
			}{
				{"operator", w.attested("ada"), w.elsewhere(user.Email, mail.Key), inUse("email")},
				{"sunbird", onboarding.Form{FirstName: "A", Phone: w.saidPhone(1), Caller: caller}, w.elsewhere(user.Phone, w.phone(1)), inUse("phone")},
			} {
				w.lock(to.who, to.by)
				w.refuses(to.form, to.no)
			}
			w.refuses(w.coded(1, w.code(w.toPhone(1))), inUse("phone"))
		}},
		{"who is blocked here keeps phone, e-mail and name", func(w *world) {
			f := w.attested("amit")
			f.Phone, f.Username = w.saidPhone(1), w.username("amit")
			id := w.create(f)
			w.ok(w.people.Block(w.Context(), id, "operator"))
			w.refuses(w.attested("amit"), inUse("email"))
			w.refuses(w.coded(1, w.code(w.toPhone(1))), inUse("phone"))
			other := w.attested("other")
			other.Username = f.Username
			w.refuses(other, inUse("userName"))
		}},
		{"who was deleted by an operator or a feed keeps their addresses", func(w *world) {
			for i, by := range []user.Closer{user.ClosedByOperator, user.ClosedByFeed} {
				code := w.code(w.toPhone(i))
				f := w.coded(i, code)
				id := w.create(f)
				w.closed(w.user(id), by)
				w.refuses(w.coded(i, w.code(w.toPhone(i))), inUse("phone"))
				w.refuses(onboarding.Form{FirstName: "A", Phone: w.saidPhone(i), Caller: caller}, inUse("phone"))
			}
		}},
		{"who was deleted elsewhere with the addresses kept is in the way here too", func(w *world) {
			f := w.attested("ada")
			there := w.elsewhere(user.Email, f.Email.Key)
			w.closed(user.User{ID: there}, user.ClosedByOperator)
			w.refuses(f, inUse("email"))
		}},
		{"who erased themselves frees phone, e-mail and identity, and no name", func(w *world) {
			f := w.attested("amit")
			f.Phone, f.Username = w.saidPhone(1), w.username("amit")
			f.Identities = []user.IdentityKey{{Issuer: "state:" + w.of("gj"), Subject: "1"}}
			first := w.create(f)
			w.erased(w.user(first))
			w.refuses(f, inUse("userName"))
			f.Username = w.username("another")
			second := w.create(f)
			if w.user(second).ID == w.user(first).ID {
				w.Error("is the user that was erased")
			}
		}},
		{"a bare word of somebody elsewhere keeps nobody out", func(w *world) {
			w.update(func(tx store.Tx) error {
				u := user.User{ID: tx.NewID(), Status: user.Active, Epoch: 1, Created: tx.Now(), Updated: tx.Now()}
				s := user.Strand{ID: tx.NewID(), User: u.ID, Origin: u.ID, Source: "edi", Kind: user.Feed, State: user.Live, Created: tx.Now(), Updated: tx.Now()}
				if err := store.Insert(tx, u); err != nil {
					return err
				}
				if err := store.Insert(tx, s); err != nil {
					return err
				}
				return store.Insert(tx, user.Claim{Kind: user.Email, Address: w.email("amit"), User: u.ID, Strand: s.ID, Source: "edi", Assurance: user.Asserted, Since: tx.Now()})
			})
			w.create(w.attested("amit"))
		}},
	}
}

// coding is what becomes of codes (contract, decisions and B.7).
func coding() []scenario {
	noCode := user.Refuse(user.BadCredential, "OTP")
	return []scenario{
		{"a wrong code is counted, the second ends it, and the right one is too late", func(w *world) {
			code := w.code(w.toPhone(1))
			w.refuses(w.coded(1, wrong(code)), user.Refuse(user.BadCredential, "OTP", "remaining", "1", "allowed", "2"))
			w.refuses(w.coded(1, wrong(code)), user.Refuse(user.BadCredential, "OTP", "remaining", "0", "allowed", "2"))
			w.refuses(w.coded(1, code), noCode)
		}},
		{"none was sent", func(w *world) {
			w.refuses(w.coded(1, "123456"), noCode)
		}},
		{"a code is over after policy's half hour", func(w *world) {
			early, late := w.code(w.toPhone(1)), w.code(w.toPhone(2))
			w.clock.Advance(time.Duration(w.pol.Codes.Life) - time.Second)
			w.create(w.coded(1, early))
			w.clock.Advance(time.Second)
			w.refuses(w.coded(2, late), noCode)
		}},
		{"a code is of one phone, of one kind of address and for one purpose", func(w *world) {
			code := w.code(w.toPhone(1))
			w.refuses(w.coded(2, code), noCode)
			f := w.attested("amit")
			f.Code, f.CodeFor = code, user.Email
			w.refuses(f, noCode)
			other := otp.Request{To: w.toPhone(3), Purpose: "other", Site: "Example"}
			w.ok(w.codes.Send(w.Context(), other))
			w.refuses(w.coded(3, "123456"), noCode)
		}},
		{"a right code on a form that is refused otherwise is neither used up nor counted", func(w *world) {
			w.create(w.attested("amit"))
			code := w.code(w.toPhone(1))
			f := w.coded(1, code)
			f.Email = w.saidEmail("amit")
			w.refuses(f, user.Refuse(user.InUse, "email"))
			f.Channel = w.of("nowhere")
			w.refuses(f, user.Refuse(user.NotFound, "channel", "value", w.of("nowhere")))
			if !w.alive(1) || w.wrongs(1) != 0 {
				w.Fatalf("the code is %+v", w.kept(1))
			}
			w.create(w.coded(1, code))
		}},
		{"a code is used once", func(w *world) {
			code := w.code(w.toPhone(1))
			id := w.create(w.coded(1, code))
			w.erased(w.user(id)) // so that nobody has the phone
			w.refuses(w.coded(1, code), noCode)
		}},
	}
}
