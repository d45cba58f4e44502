package onboarding_test

import (
	"strings"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// calling is what a caller's word is worth.
func calling() []scenario {
	return []scenario{
		{"policy's grade of the door decides what a caller's word counts as", func(w *world) {
			w.pol.Sources = map[string]policy.SourceRule{string(user.DoorSunbird): {Trust: policy.Untrusted}}
			f := w.attested("ada")
			w.elsewhere(user.Email, f.Email.Key)
			w.refuses(f, user.Refuse(user.InUse, "email"))
		}},
		{"identities that a caller names beside a code are kept", func(w *world) {
			f := w.coded(1, w.code(w.toPhone(1)))
			f.Caller = caller
			f.Identities = []user.IdentityKey{{Issuer: "state:" + w.of("gj"), Subject: "1"}}
			u := w.user(w.create(f))
			w.view(func(r store.Reader) error {
				i, err := r.Identity(f.Identities[0])
				if err != nil || i.User != u.ID {
					w.Errorf("the identity is %+v, %v", i, err)
				}
				return nil
			})
		}},
		{"block takes an id in capitals as Show does", func(w *world) {
			id := w.proven(1)
			w.ok(w.people.Block(w.Context(), strings.ToUpper(id), "ops"))
		}},
	}
}
