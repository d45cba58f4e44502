package signin_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// published is the contract's example, the bcrypt hash of good.
const published = "$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"

var forty = regexp.MustCompile("^[0-9a-f]{40}$")

// Who gets in, and as whom.
func ways() []scenario {
	return []scenario{
		{"by e-mail and by username, in any case", func(w *world) {
			rec := w.partnerUser("ada")
			for _, login := range []string{w.email("ada"), strings.ToUpper(w.email("ada")), w.of("ada"), strings.ToUpper(w.of("ada"))} {
				in := w.in(login, good)
				s := in.Session
				if s.User != rec.User.ID || s.Strand != rec.Strand.ID || s.Subject != rec.Number || s.Door != user.DoorPartner || s.Client != "1" || in.Client.ClientID != "public" {
					w.Errorf("%s: %+v", login, s)
				}
				if !forty.MatchString(in.AccessToken) || !forty.MatchString(in.RefreshToken) || in.AccessToken == in.RefreshToken {
					w.Errorf("tokens %q and %q", in.AccessToken, in.RefreshToken)
				}
				if now := w.clock.Now(); !in.AccessUntil.Equal(now.Add(time.Hour)) || !in.RefreshUntil.Equal(now.Add(14*24*time.Hour)) {
					w.Errorf("until %v and %v, now %v", in.AccessUntil, in.RefreshUntil, now)
				}
				if !w.alive(in.AccessToken) || w.alive(in.RefreshToken) {
					w.Error("the access token and it alone gives access")
				}
			}
		}},
		{"one computation a try, and one more for the first with a foreign hash", func(w *world) {
			w.partnerUser("own")
			w.synced(feed.Sync{Email: feed.Some(w.email("foreign")), PasswordHash: feed.Some(published)})
			w.synced(feed.Sync{Email: feed.Some(w.email("none"))})
			w.lock(w.partnerUser("locked").User.ID)
			for _, c := range []struct {
				name, login, plain string
				want               uint64
			}{
				{"right", w.email("own"), good, 1},
				{"wrong", w.email("own"), bad, 1},
				{"too long", w.email("own"), strings.Repeat("x", 5000), 1},
				{"unknown e-mail", w.email("nobody"), good, 1},
				{"unknown username", w.of("nobody"), good, 1},
				{"no name at all", "", good, 1},
				{"no password", w.email("none"), good, 1},
				{"locked", w.email("locked"), good, 1},
				{"foreign, wrong", w.email("foreign"), bad, 1},
				{"foreign, right", w.email("foreign"), good, 2},
				{"upgraded", w.email("foreign"), good, 1},
			} {
				before := w.hasher.Count()
				_, _ = w.try(c.login, c.plain)
				if n := w.hasher.Count() - before; n != c.want {
					w.Errorf("%s: %d computations, want %d", c.name, n, c.want)
				}
			}
			w.view(func(r store.Reader) error {
				us, err := r.SignInByClaim(user.DoorPartner, user.Email, w.email("foreign"), user.SpacePartner)
				if hash := us[0].Passwords[0].Hash; !strings.HasPrefix(hash, "$argon2id$") {
					w.Errorf("still %.10s", hash)
				}
				return err
			})
		}},
		{"the door's own claim first, then the owner", func(w *world) {
			own := w.partnerUser("shared")
			owner := w.arrived(w.email("owner"), bad)
			w.update(func(tx store.Tx) error { // whose address it really is
				o, err := tx.Owner(user.Email, w.email("owner"))
				if err != nil {
					return err
				}
				o.Address = w.email("shared")
				return store.Put(tx, o)
			})
			if in := w.in(w.email("shared"), good); in.Session.User != own.User.ID {
				w.Errorf("the door's user signed in as %s", in.Session.User)
			}
			first := w.in(w.email("shared"), bad)
			if first.Session.User != owner.ID || first.Session.Subject == "" || first.Session.Subject == own.Number {
				w.Errorf("the owner signed in as %+v", first.Session)
			}
			if again := w.in(w.email("shared"), bad); again.Session.Subject != first.Session.Subject {
				w.Errorf("the owner's number became %s", again.Session.Subject)
			}
		}},
		{"a user whom an operator made", func(w *world) {
			u, err := operator.New(w.store, w, w.hasher, "root").Create(w.Context(), operator.NewUser{
				Email: w.email("made"), Password: good, Verified: true, Username: w.of("made"),
			})
			if err != nil {
				w.Fatal(err)
			}
			for _, login := range []string{w.email("made"), w.of("made")} {
				in := w.in(login, good)
				if in.Session.User != u.ID || in.Session.Subject == "" || in.Session.Strand == "" {
					w.Errorf("%s: %+v", login, in.Session)
				}
			}
		}},
		{"signing in reopens what the person archived", func(w *world) {
			rec := w.partnerUser("away")
			w.update(func(tx store.Tx) error {
				u, err := tx.User(rec.User.ID)
				if err != nil {
					return err
				}
				u.Status = user.Archived
				return store.Put(tx, u)
			})
			w.out(1, w.email("away"), bad)
			if in := w.in(w.email("away"), good); !w.alive(in.AccessToken) {
				w.Error("reopened, and not in")
			}
			w.view(func(r store.Reader) error {
				u, err := r.User(rec.User.ID)
				if u.Status != user.Active {
					w.Errorf("is %s", u.Status)
				}
				return err
			})
		}},
		{"a username that looks like an address is none", func(w *world) {
			w.update(func(tx store.Tx) error { // as an import could have brought it
				rec, err := tx.RecordByHandle(user.SpacePartner, w.partnerUserIn(tx, "plain"), user.SpacePartner)
				if err != nil {
					return err
				}
				return store.Insert(tx, user.Handle{Space: user.SpacePartnerUN, Value: w.email("victim"), User: rec.User.ID, Strand: rec.Strand.ID, Created: tx.Now()})
			})
			w.out(1, w.email("victim"), good)
		}},
	}
}

// partnerUserIn makes somebody within a transaction, without a password.
func (w *world) partnerUserIn(tx store.Tx, name string) string {
	number := fmt.Sprint(tx.NewNumber())
	id, strand := tx.NewID(), tx.NewID()
	for _, err := range []error{
		store.Insert(tx, user.User{ID: id, Status: user.Active, Epoch: 1, Created: tx.Now(), Updated: tx.Now()}),
		store.Insert(tx, user.Strand{ID: strand, User: id, Origin: id, Source: "partner:__system", Kind: user.Feed, State: user.Live, Created: tx.Now()}),
		store.Insert(tx, user.Handle{Space: user.SpacePartner, Value: number, User: id, Strand: strand, Created: tx.Now()}),
		store.Insert(tx, user.Handle{Space: user.SpacePartnerUN, Value: w.of(name), User: id, Strand: strand, Created: tx.Now()}),
		store.Insert(tx, user.Password{User: id, Strand: strand, Hash: published, Set: tx.Now()}),
	} {
		if err != nil {
			w.Error(err)
		}
	}
	return number
}

// What is said to who does not get in.
func refusals() []scenario {
	return []scenario{
		{"one refusal, whatever is wrong", func(w *world) {
			w.partnerUser("known")
			w.lock(w.partnerUser("locked").User.ID)
			w.synced(feed.Sync{Email: feed.Some(w.email("nopassword"))})
			gone := w.partnerUser("gone")
			if _, err := w.feed.Delete(w.Context(), feed.Caller{Source: "partner:__system", By: "__system"}, gone.Number); err != nil {
				w.Fatal(err)
			}
			w.partnerUser("erased")
			erased := w.in(w.email("erased"), good)
			err := account.New(w.store, w).DeleteAtDoor(w.Context(), session.Live{Session: erased.Session}, user.DoorPartner)
			if err != nil {
				w.Fatal(err)
			}
			w.partnerUser("waiting")
			w.out(5, w.email("waiting"), bad)
			want := error(user.Refuse(user.BadCredential, ""))
			for name, c := range map[string][2]string{
				"unknown e-mail":                     {w.email("nobody"), good},
				"unknown username":                   {w.of("nobody"), good},
				"no name":                            {"", ""},
				"no address":                         {"@", good},
				"not text":                           {"\xff\x00", good},
				"wrong":                              {w.email("known"), bad},
				"empty":                              {w.email("known"), ""},
				"locked":                             {w.email("locked"), good},
				"locked and wrong":                   {w.of("locked"), bad},
				"without a password":                 {w.email("nopassword"), good},
				"deleted by the feed":                {w.email("gone"), good},
				"deleted by the feed, by name":       {w.of("gone"), good},
				"erased by the person":               {w.email("erased"), good},
				"erased by the person, by name":      {w.of("erased"), good},
				"after too many, and right":          {w.email("waiting"), good},
				"after too many, and right, by name": {w.of("waiting"), good},
			} {
				in, err := w.try(c[0], c[1])
				if fmt.Sprintf("%#v", err) != fmt.Sprintf("%#v", want) || !reflect.DeepEqual(in, signin.SignedIn{}) {
					w.Errorf("%s: %#v", name, err)
				}
			}
		}},
		{"a client that may learn why", func(w *world) {
			w.partnerUser("known")
			w.lock(w.partnerUser("locked").User.ID)
			secret := "s3cret"
			try := func(login, plain string) error {
				a := w.attempt(login, plain)
				a.ClientID, a.ClientSecret = "trusted", &secret
				_, err := w.signin.Password(w.Context(), a)
				return err
			}
			if r := w.isRefusal(try(w.email("known"), bad), user.BadCredential); r.Field != "password" {
				w.Errorf("wrong password: field %q", r.Field)
			}
			if r := w.isRefusal(try(w.email("nobody"), bad), user.BadCredential); r.Field != "" {
				w.Errorf("unknown user: field %q", r.Field)
			}
			w.isRefusal(try(w.email("locked"), good), user.UserLocked)
			if r := w.isRefusal(try(w.email("locked"), bad), user.BadCredential); r.Field != "password" {
				w.Error("a lock is told before the password was right")
			}
		}},
		{"the client comes first", func(w *world) {
			rec := w.partnerUser("ada")
			secret, wrong, empty := "s3cret", "wrong", ""
			for name, c := range map[string]struct {
				id     string
				secret *string
				in     bool
			}{
				"public":                     {"public", nil, true},
				"public, with a secret":      {"public", &secret, false},
				"public, with an empty one":  {"public", &empty, false},
				"confidential":               {"confidential", &secret, true},
				"confidential, wrong secret": {"confidential", &wrong, false},
				"confidential, empty secret": {"confidential", &empty, false},
				"confidential, no secret":    {"confidential", nil, false},
				"unknown":                    {"nobody", nil, false},
				"unknown, with a secret":     {"nobody", &secret, false},
				"none":                       {"", nil, false},
				"by its number":              {"1", nil, false},
			} {
				before := w.hasher.Count()
				for _, plain := range []string{bad, good} {
					a := w.attempt(w.email("ada"), plain)
					a.ClientID, a.ClientSecret = c.id, c.secret
					_, err := w.signin.Password(w.Context(), a)
					switch {
					case !c.in:
						w.isRefusal(err, user.InvalidClient)
					case plain == good && err != nil:
						w.Errorf("%s: %v", name, err)
					}
				}
				if n := w.hasher.Count() - before; n != 0 && !c.in {
					w.Errorf("%s: %d passwords were looked at", name, n)
				}
			}
			w.view(func(r store.Reader) error {
				ts, err := r.Throttles("account:" + string(rec.User.ID))
				if len(ts) > 0 {
					w.Errorf("a wrong client counted against the user: %+v", ts)
				}
				return err
			})
		}},
		{"a full queue says when to come back", func(w *world) {
			w.partnerUser("ada")
			w.hasher.fails = &password.BusyError{RetryAfter: 2 * time.Second}
			for _, login := range []string{w.email("ada"), w.email("nobody")} {
				_, err := w.try(login, good)
				if r := w.isRefusal(err, user.Busy); r.RetryAfter != 2 {
					w.Errorf("again after %d s", r.RetryAfter)
				}
			}
			w.hasher.fails = nil
			w.in(w.email("ada"), good)
		}},
	}
}

// What happens between the check and the entry counts.
func between() []scenario {
	during := func(name string, change func(w *world, tx store.Tx, rec store.Record) error) scenario {
		return scenario{name + " while the password is checked", func(w *world) {
			rec := w.partnerUser("ada")
			w.hasher.after = func() {
				w.update(func(tx store.Tx) error { return change(w, tx, rec) })
			}
			_, err := w.try(w.email("ada"), good)
			w.isRefusal(err, user.BadCredential)
			w.view(func(r store.Reader) error {
				ss, err := r.Sessions(rec.User.ID)
				if len(ss) > 0 {
					w.Errorf("a session began: %+v", ss)
				}
				ps, err2 := r.Passwords(rec.User.ID)
				if len(ps) == 1 && name == "a withdrawal" && !ps[0].SetAside {
					w.Error("the password is back")
				}
				if err == nil {
					err = err2
				}
				return err
			})
		}}
	}
	return []scenario{
		during("a change of epoch", func(_ *world, tx store.Tx, rec store.Record) error {
			rec.User.Epoch++
			return store.Put(tx, rec.User)
		}),
		during("a lock", func(_ *world, tx store.Tx, rec store.Record) error {
			return store.Put(tx, user.Lock{User: rec.User.ID, Source: "operator", At: tx.Now()})
		}),
		during("a withdrawal", func(_ *world, tx store.Tx, rec store.Record) error {
			return store.Put(tx, user.Password{User: rec.User.ID, Strand: rec.Strand.ID, Hash: published, SetAside: true, Set: rec.Strand.Created})
		}),
		during("a change of password", func(_ *world, tx store.Tx, rec store.Record) error {
			return store.Put(tx, user.Password{User: rec.User.ID, Strand: rec.Strand.ID, Hash: published, Set: tx.Now().Add(time.Second)})
		}),
	}
}
