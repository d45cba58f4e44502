package providerlogin_test

import (
	"slices"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// again is what becomes of who has been here before, and of who is kept out.
func again() []scenario {
	return []scenario{
		{"why a sign-in was refused is kept", func(w *world) {
			first := w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			w.lock(first.User.ID)
			before := len(w.events(first.User.ID))
			w.keptOut(w.says("token", "ada", user.Proven), w.email("ada"), locked)
			if got := w.events(first.User.ID)[before:]; !slices.Contains(got, event.AdmissionDecided) {
				w.Errorf("kept %v", got)
			}
		}},
		{"why a sign-in was challenged is kept", func(w *world) {
			there := w.elsewhere(w.email("ada"))
			before := len(w.events(there.ID))
			w.keptOut(w.says("token", "ada", user.Attested), w.email("ada"), challenge)
			if got := w.events(there.ID)[before:]; !slices.Contains(got, event.AdmissionDecided) {
				w.Errorf("kept %v", got)
			}
		}},
		{"who has a channel is not put into policy's by signing in", func(w *world) {
			custodian, gj := w.channel("custodian"), w.channel("gj")
			w.pol.Sunbird.Custodian = custodian.Name
			f := onboarding.Form{FirstName: "Ada", Place: onboarding.Place{Channel: gj.Name}}
			_, err := w.google.Create(w.Context(), f, w.says("create", "ada", user.Proven))
			w.ok(err)
			live := w.enters(w.says("in", "ada", user.Proven), w.email("ada"))
			w.isIn(live.User.ID, gj.Name, user.RolePublic)
		}},
		{"who is known gets in while policy's channel takes nobody", func(w *world) {
			custodian := w.channel("custodian")
			w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			w.pol.Sunbird.Custodian = custodian.Name
			w.update(func(tx store.Tx) error {
				g, err := tx.Group(custodian.ID)
				if err != nil {
					return err
				}
				g.Attributes = map[string]string{"status": "inactive"}
				return store.Put(tx, g)
			})
			if _, err := w.google.Token(w.Context(), w.says("again", "ada", user.Proven), w.email("ada"), "android"); err != nil {
				w.Errorf("kept out: %v", err)
			}
			w.pol.Sunbird.Custodian = "nowhere"
			if _, err := w.google.Token(w.Context(), w.says("third", "ada", user.Proven), w.email("ada"), "android"); err != nil {
				w.Errorf("kept out: %v", err)
			}
		}},
		{"who left policy's channel is not put back by signing in", func(w *world) {
			custodian := w.channel("custodian")
			w.pol.Sunbird.Custodian = custodian.Name
			live := w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			w.update(func(tx store.Tx) error {
				ms, err := tx.Memberships(live.User.ID)
				for _, m := range ms {
					if m.Group == custodian.ID {
						return store.Delete(tx, m)
					}
				}
				return err
			})
			w.enters(w.says("again", "ada", user.Proven), w.email("ada"))
			w.isIn(live.User.ID, user.RolePublic)
		}},
		{"somebody is onboarded once", func(w *world) {
			live := w.enters(w.says("first", "ada", user.Proven), w.email("ada"))
			w.enters(w.says("again", "ada", user.Proven), w.email("ada"))
			n := 0
			for _, k := range w.events(live.User.ID) {
				if k == event.UserOnboarded {
					n++
				}
			}
			if n != 1 {
				w.Errorf("onboarded %d times", n)
			}
		}},
	}
}
