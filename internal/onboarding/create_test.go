package onboarding_test

import (
	"errors"
	"regexp"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

var uuidShape = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// creating is whom a form makes (contract B.5).
func creating() []scenario {
	return []scenario{
		{"a caller's word makes a user, attested, with a name, an id and the role of everybody", func(w *world) {
			f := w.attested("amit")
			f.Facts = map[user.Attr]*string{user.Birthdate: user.Text("2001-02-03")}
			id := w.create(f)
			if !uuidShape.MatchString(id) {
				w.Errorf("the id is %q", id)
			}
			u := w.user(id)
			p := u.Profile
			if u.Status != user.Active || p.Text(user.GivenName) != "Amit" || p.Text(user.FamilyName) != "Kumar" || p.Text(user.Birthdate) != "2001-02-03" {
				w.Errorf("is %+v", u)
			}
			if name := p.Text(user.PreferredName); !regexp.MustCompile(`^amitkumar[1-9][0-9]{3}$`).MatchString(name) {
				w.Errorf("is called %q", name)
			}
			w.isIn(u.ID, user.RolePublic)
			if got := w.owner(user.Email, f.Email.Key); got != "" {
				w.Errorf("a word made %s the owner of the address", got)
			}
			w.view(func(r store.Reader) error {
				claims, err := r.ClaimsOf(u.ID)
				if len(claims) != 1 || claims[0].Assurance != user.Attested || claims[0].Source != "sunbird:"+caller {
					w.Errorf("claims %+v", claims)
				}
				return err
			})
			if got := w.events(u.ID); len(got) != 2 || got[0] != event.UserCreated || got[1] != event.UserOnboarded {
				w.Errorf("events %v", got)
			}
		}},
		{"a code makes a user who owns the phone, and is used up", func(w *world) {
			code := w.code(w.toPhone(1))
			id := w.create(w.coded(1, code))
			u := w.user(id)
			if w.owner(user.Phone, w.phone(1)) != u.ID {
				w.Error("the phone is not its owner's")
			}
			w.view(func(r store.Reader) error {
				strands, err := r.Strands(u.ID)
				if len(strands) != 1 || strands[0].Source != onboarding.Source || strands[0].Kind != user.Human {
					w.Errorf("strands %+v", strands)
				}
				return err
			})
			if w.alive(1) {
				w.Error("the code is alive")
			}
		}},
		{"the code of an e-mail proves the e-mail, and the phone beside it is a word", func(w *world) {
			mail := w.saidEmail("amit")
			f := onboarding.Form{FirstName: "Amit", Email: mail, Phone: w.saidPhone(1), CodeFor: user.Email, Caller: caller}
			f.Code = w.code(w.toEmail("amit"))
			u := w.user(w.create(f))
			if w.owner(user.Email, mail.Key) != u.ID || w.owner(user.Phone, w.phone(1)) != "" {
				w.Errorf("owners %q and %q", w.owner(user.Email, mail.Key), w.owner(user.Phone, w.phone(1)))
			}
		}},
		{"who proves an address of a user elsewhere is that user, and gets an id here", func(w *world) {
			there := w.elsewhere(user.Phone, w.phone(1))
			id := w.proven(1)
			if got := w.user(id); got.ID != there || got.Profile.Text(user.GivenName) == "" {
				w.Errorf("is %+v, want %s", got, there)
			}
			w.isIn(there, user.RolePublic)
		}},
		{"a caller's word about a user elsewhere is that user too", func(w *world) {
			f := w.attested("ada")
			there := w.elsewhere(user.Email, f.Email.Key)
			if got := w.user(w.create(f)); got.ID != there {
				w.Errorf("is %s, want %s", got.ID, there)
			}
		}},
		{"an old proof of a phone elsewhere is no more: the number moves, and the users stay two", func(w *world) {
			there := w.elsewhere(user.Phone, w.phone(1))
			w.clock.Advance(time.Duration(w.pol.Linking.PhoneProof) + time.Second)
			u := w.user(w.proven(1))
			if u.ID == there || w.owner(user.Phone, w.phone(1)) != u.ID {
				w.Errorf("is %s, of %s; the phone is %s's", u.ID, there, w.owner(user.Phone, w.phone(1)))
			}
		}},
		{"a proof that is just young enough leads to its user", func(w *world) {
			there := w.elsewhere(user.Phone, w.phone(1))
			w.clock.Advance(time.Duration(w.pol.Linking.PhoneProof))
			if u := w.user(w.proven(1)); u.ID != there {
				w.Errorf("is %s, want %s", u.ID, there)
			}
		}},
		{"an identity on a caller's word is kept, and is another's from then on", func(w *world) {
			key := user.IdentityKey{Issuer: "state:" + w.of("gj"), Subject: "100"}
			f := w.attested("amit")
			f.Identities = []user.IdentityKey{key}
			u := w.user(w.create(f))
			w.view(func(r store.Reader) error {
				i, err := r.Identity(key)
				if i.User != u.ID || i.Reserved {
					w.Errorf("the identity is %+v", i)
				}
				return err
			})
			f = w.attested("other")
			f.Identities = []user.IdentityKey{{Issuer: key.Issuer, Subject: "101"}, key}
			w.refuses(f, user.Refuse(user.InUse, "externalId", "id", key.Subject, "provider", key.Issuer))
			w.view(func(r store.Reader) error {
				if _, err := r.Identity(f.Identities[0]); !errors.Is(err, store.ErrNotFound) {
					w.Errorf("the first of the two: %v", err)
				}
				return nil
			})
		}},
		{"a reservation's identity is nobody's yet", func(w *world) {
			key := user.IdentityKey{Issuer: "state:" + w.of("gj"), Subject: "100"}
			w.update(func(tx store.Tx) error {
				_, err := admission.In(tx, *w.pol).Reserve(admission.Reservation{Door: user.DoorEDI, By: "x", Identity: key, Name: w.of("gj")})
				return err
			})
			f := w.attested("amit")
			f.Identities = []user.IdentityKey{key}
			w.create(f)
		}},
	}
}

// proving is a form that comes with a provider's proof (contract B.1).
func proving() []scenario {
	redeemed := 0
	withProof := func(w *world, name string, as user.Assurance) onboarding.Form {
		mail := w.saidEmail(name)
		return onboarding.Form{FirstName: "Amit", Email: mail, Proven: &onboarding.Proven{
			Source: "sunbird:google", Identity: user.IdentityKey{Issuer: normal.IssuerGoogle, Subject: w.of(name)},
			Email:  admission.Address{Kind: user.Email, Key: mail.Key, Display: mail.Display, Assurance: as, Proven: w.clock.Now()},
			Redeem: func(store.Tx) error { redeemed++; return nil },
		}}
	}
	return []scenario{
		{"a proof of an e-mail makes its owner, with the provider's identity, and is redeemed", func(w *world) {
			f := withProof(w, "amit", user.Proven)
			before := redeemed
			u := w.user(w.create(f))
			if w.owner(user.Email, f.Email.Key) != u.ID || redeemed == before {
				w.Errorf("owner %q, redeemed %d times", w.owner(user.Email, f.Email.Key), redeemed-before)
			}
			w.view(func(r store.Reader) error {
				i, err := r.Identity(f.Proven.Identity)
				if i.User != u.ID {
					w.Errorf("the identity is %+v", i)
				}
				return err
			})
		}},
		{"a proof that cannot be redeemed makes nobody", func(w *world) {
			f := withProof(w, "amit", user.Proven)
			used := user.Refuse(user.BadToken, "token", "why", "used before")
			f.Proven.Redeem = func(store.Tx) error { return used }
			before := w.written()
			_, err := w.people.Create(w.Context(), f)
			w.refused(err, used)
			if after := w.written(); after != before {
				w.Errorf("wrote %+v upon %+v", after, before)
			}
		}},
		{"what is refused earlier is not redeemed", func(w *world) {
			w.create(w.attested("amit"))
			f := withProof(w, "amit", user.Proven)
			before := redeemed
			w.refuses(f, user.Refuse(user.InUse, "email"))
			if redeemed != before {
				w.Error("redeemed")
			}
		}},
		{"the same provider's subject with another e-mail is in use", func(w *world) {
			f := withProof(w, "amit", user.Proven)
			w.create(f)
			moved := withProof(w, "new", user.Proven)
			moved.Proven.Identity = f.Proven.Identity
			w.refuses(moved, user.Refuse(user.InUse, "email"))
		}},
		{"a subject that is known elsewhere alone is that user", func(w *world) {
			f := withProof(w, "amit", user.Proven)
			there := w.arrives(admission.Arrival{
				Door: user.DoorPartner, Source: "google", Identity: &f.Proven.Identity, Addresses: []admission.Address{f.Proven.Email},
			}).User.ID
			if u := w.user(w.create(f)); u.ID != there {
				w.Errorf("is %s, want %s", u.ID, there)
			}
		}},
		{"a proof leads to the owner elsewhere, a provider's word does not: the wire has no challenge", func(w *world) {
			proven := withProof(w, "ada", user.Proven)
			there := w.elsewhere(user.Email, proven.Email.Key)
			word := withProof(w, "ada", user.Attested)
			word.Proven.Identity.Subject += "x"
			w.refuses(word, user.Refuse(user.InUse, "email"))
			if got := w.events(there); got[len(got)-1] != event.AdmissionDecided {
				w.Errorf("the decision is not kept: %v", got)
			}
			if u := w.user(w.create(proven)); u.ID != there {
				w.Errorf("is %s, want %s", u.ID, there)
			}
		}},
	}
}
