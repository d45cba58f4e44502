package onboarding_test

import (
	"context"
	"errors"
	"regexp"
	"sync"

	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/username"
)

// naming is what users are called at this door (contract B.5, userName rule).
func naming() []scenario {
	inUse := user.Refuse(user.InUse, "userName")
	named := func(w *world, who, name string) onboarding.Form {
		f := w.attested(who)
		f.Username = w.username(name)
		return f
	}
	made := func(w *world, f onboarding.Form, want string) {
		w.Helper()
		name := w.user(w.create(f)).Profile.Text(user.PreferredName)
		if !regexp.MustCompile(want).MatchString(name) {
			w.Errorf("%s %s is called %q, want %s", f.FirstName, f.LastName, name, want)
		}
	}
	return []scenario{
		{"the name that is asked for is given, in its own letters, and found by any case", func(w *world) {
			made(w, named(w, "amit", "AmitK"), "^AmitK[0-9]+$")
			s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByUsername, Value: "AMITK" + w.of("")})
			if err != nil || s.Username != w.of("AmitK") {
				w.Errorf("found %+v, %v", s, err)
			}
		}},
		{"a name is in use whatever its case, and in usher's own space too", func(w *world) {
			w.create(named(w, "amit", "amit"))
			w.refuses(named(w, "other", "AMIT"), inUse)
			there := w.elsewhere(user.Email, w.email("ada"))
			w.update(func(tx store.Tx) error {
				return store.Insert(tx, user.Handle{Space: user.SpaceUsername, Value: w.username("ada").Key, User: there, Created: tx.Now()})
			})
			w.refuses(named(w, "other", "ada"), inUse)
		}},
		{"a name of another door's is free here", func(w *world) {
			there := w.elsewhere(user.Email, w.email("ada"))
			w.update(func(tx store.Tx) error {
				return store.Insert(tx, user.Handle{Space: user.SpaceGQLAuthUN, Value: w.username("ada").Key, User: there, Created: tx.Now()})
			})
			w.create(named(w, "other", "ada"))
		}},
		{"a dead name is nobody's again", func(w *world) {
			id := w.create(named(w, "amit", "amit"))
			w.update(func(tx store.Tx) error {
				h, err := tx.Handle(user.SpaceSunbirdUN, w.username("amit").Key)
				if err != nil {
					return err
				}
				h.Dead = true
				return store.Put(tx, h)
			})
			w.refuses(named(w, "other", "amit"), inUse)
			if _, known, err := w.people.Exists(w.Context(), onboarding.Key{Kind: onboarding.ByUsername, Value: w.of("amit")}); known || err != nil {
				w.Errorf("%s is known by a dead name, %v", id, err)
			}
		}},
		{"a name is made of first and last name with four digits, in ASCII, whatever the script", func(w *world) {
			for i, c := range []struct{ first, last, want string }{
				{"Amit", "Kumar", `^amitkumar[1-9][0-9]{3}$`},
				{"Amit", "", `^amit[1-9][0-9]{3}$`},
				{"अमित", "कुमार", `^amitkumaar[1-9][0-9]{3}$`},
				{"Ünal-Öz", "O'Brien", `^unalozobrien[1-9][0-9]{3}$`},
				{"😀", "", `^user[1-9][0-9]{3}$`},
			} {
				f := onboarding.Form{FirstName: c.first, LastName: c.last, Phone: w.saidPhone(i), Caller: caller}
				made(w, f, c.want)
			}
		}},
		{"where most names are taken, one that is free is found", func(w *world) {
			// All of a stem's but one in a hundred.
			there := w.elsewhere(user.Email, w.email("ada"))
			first := "Zed" + string(rune('a'+w.n%26))
			free := map[string]bool{}
			w.update(func(tx store.Tx) error {
				clear(free)
				at := uint32(0)
				seen := map[string]bool{}
				for at < 9000 {
					for _, name := range username.Candidates(first, "", func() uint32 { at++; return at - 1 }) {
						if seen[name] {
							continue
						}
						seen[name] = true
						if len(seen)%4 == 0 {
							free[name] = true
							continue
						}
						if err := store.InsertLater(tx, user.Handle{Space: user.SpaceSunbirdUN, Value: name, User: there, Created: tx.Now()}); err != nil {
							return err
						}
					}
				}
				return nil
			})
			f := w.attested("zed")
			f.FirstName, f.LastName = first, ""
			if name := w.user(w.create(f)).Profile.Text(user.PreferredName); !free[name] {
				w.Errorf("is called %q, which was not one of the %d free ones", name, len(free))
			}
		}},
		{"of forms with one name side by side, one is made, and the rest hear that it is in use", func(w *world) {
			together(w, 8, func(i int) onboarding.Form {
				return onboarding.Form{FirstName: "Amit", Username: w.username("amit"), Phone: w.saidPhone(i), Caller: caller}
			}, "userName")
		}},
		{"of forms with one phone side by side, one is made, and the rest hear that it is in use", func(w *world) {
			together(w, 8, func(int) onboarding.Form {
				return onboarding.Form{FirstName: "Amit", Phone: w.saidPhone(1), Caller: caller}
			}, "phone")
		}},
	}
}

// together creates side by side, and expects one user and refusals of one field.
func together(w *world, n int, form func(i int) onboarding.Form, field string) {
	w.Helper()
	before := w.written()
	made, errs := make([]onboarding.Made, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { made[i], errs[i] = w.people.Create(context.Background(), form(i)) })
	}
	all.Wait()
	ones := 0
	for i, err := range errs {
		if err == nil && made[i].ID != "" {
			ones++
			continue
		}
		if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.InUse || no.Field != field {
			w.Errorf("made %q, %v", made[i].ID, err)
		}
	}
	if after := w.written(); ones != 1 || after.users != before.users+1 {
		w.Errorf("%d were made, and there are %d more users", ones, after.users-before.users)
	}
}
