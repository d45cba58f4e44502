package operator_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/settings"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

const good = "C3rs3i#L4nnist3r"

type world struct {
	*testing.T
	store store.Store
	pol   policy.Policy
	op    *operator.Service
}

func (w *world) Current() policy.Policy { return w.pol }

// TestOperator holds on every store; the parts share a database and have
// people of their own.
func TestOperator(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		if err := group.New(s).System(t.Context()); err != nil {
			t.Fatal(err)
		}
		h, err := password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []struct {
			name string
			run  func(*world)
		}{
			{"create", create},
			{"lock", lockAndUnlock},
			{"erase", erase},
			{"merge", merge},
			{"explain", explain},
			{"mint", mint},
			{"clients", clients},
			{"list", list},
		} {
			t.Run(part.name, func(t *testing.T) {
				w := &world{T: t, store: s, pol: policy.Default()}
				w.op = operator.New(s, w, h, "root")
				part.run(w)
			})
		}
	})
}

func (w *world) made(in operator.NewUser) user.User {
	w.Helper()
	u, err := w.op.Create(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	return u
}

func (w *world) refused(err error, code user.Code, field string) *user.Refusal {
	w.Helper()
	r, ok := errors.AsType[*user.Refusal](err)
	if !ok || r.Code != code || r.Field != field {
		w.Fatalf("got %v, want a refusal %s (%s)", err, code, field)
	}
	return r
}

func (w *world) story(ref string) operator.Story {
	w.Helper()
	st, err := w.op.Explain(w.Context(), ref)
	if err != nil {
		w.Fatal(err)
	}
	return st
}

func create(w *world) {
	u := w.made(operator.NewUser{Email: "Ada@Example.org", Name: "Ada", Username: "Ada", Password: good, Role: user.RoleOperator, Verified: true})
	st := w.story("ada@example.org")
	if st.User.ID != u.ID || u.Status != user.Active || u.Profile.Text(user.Name) != "Ada" || u.Profile.Text(user.EmailAttr) != "Ada@Example.org" {
		w.Errorf("made %+v", u)
	}
	if len(st.Owned) != 1 || st.Owned[0].Proven.IsZero() || len(st.Groups) != 1 || st.Groups[0].Name != user.RoleOperator ||
		len(st.Strands) != 1 || st.Strands[0].Kind != user.Operator || st.Strands[0].CreatedBy != "root" {
		w.Errorf("story %+v", st)
	}
	if plain := w.made(operator.NewUser{Email: "plain@example.org"}); len(w.story(string(plain.ID)).Owned) > 0 {
		w.Error("an address nobody verified is owned")
	}
	for name, c := range map[string]struct {
		in    operator.NewUser
		code  user.Code
		field string
	}{
		"no address":               {operator.NewUser{Email: "nobody"}, user.Invalid, "email"},
		"a taken address":          {operator.NewUser{Email: "ADA@example.org"}, user.InUse, "email"},
		"a taken verified address": {operator.NewUser{Email: "ada@example.org", Verified: true}, user.InUse, "email"},
		"a taken username":         {operator.NewUser{Email: "b@example.org", Username: "ADA"}, user.InUse, "username"},
		"a reserved username":      {operator.NewUser{Email: "b@example.org", Username: "admin"}, user.Invalid, "username"},
		"a short password":         {operator.NewUser{Email: "b@example.org", Password: "short"}, user.WeakPassword, "password"},
		"a common password":        {operator.NewUser{Email: "b@example.org", Password: "password1"}, user.WeakPassword, "password"},
		"its own name as password": {operator.NewUser{Email: "b@example.org", Username: "charlotte", Password: "charlotte1"}, user.WeakPassword, "password"},
		"a role of nobody":         {operator.NewUser{Email: "b@example.org", Role: "emperor"}, user.NotFound, "role"},
	} {
		if _, err := w.op.Create(w.Context(), c.in); err == nil {
			w.Errorf("%s was taken", name)
		} else {
			w.refused(err, c.code, c.field)
		}
	}
	if _, err := w.op.Explain(w.Context(), "b@example.org"); err == nil {
		w.Error("a refused user was made")
	}
	// Given a reason, what is said is added to the user who has the address; the
	// password they have is theirs.
	again, err := w.op.Create(w.Context(), operator.NewUser{Email: "ada@example.org", Name: "Countess", Verified: true, Reason: "asked by phone"})
	if err != nil || again.ID != u.ID {
		w.Errorf("with a reason: %s, %v", again.ID, err)
	}
	if n := len(w.story(string(u.ID)).Strands); n != 2 {
		w.Errorf("%d strands", n)
	}
}

func lockAndUnlock(w *world) {
	u := w.made(operator.NewUser{Email: "lock@example.org", Verified: true})
	w.update(func(tx store.Tx) error {
		s := user.Session{ID: tx.NewID(), User: u.ID, Door: user.DoorEDI, Epoch: u.Epoch, Created: tx.Now(), Expires: tx.Now().Add(time.Hour)}
		if err := store.Insert(tx, s); err != nil {
			return err
		}
		if err := store.Put(tx, store.Throttle{Key: "account:" + string(u.ID), Failures: 5, Total: 100, Since: tx.Now(), Until: tx.Now().Add(time.Hour)}); err != nil {
			return err
		}
		return store.Insert(tx, user.Lock{User: u.ID, Source: "partner:__system", At: tx.Now()})
	})
	sources := func() (out []user.Source) {
		for _, l := range w.story(string(u.ID)).Locks {
			out = append(out, l.Source)
		}
		slices.Sort(out)
		return out
	}
	for range 2 { // locking twice is no error and no second lock
		if _, err := w.op.Lock(w.Context(), "lock@example.org", "spam"); err != nil {
			w.Fatal(err)
		}
	}
	if got := sources(); !slices.Equal(got, []user.Source{"operator", "partner:__system"}) {
		w.Errorf("locked by %v", got)
	}
	w.view(func(r store.Reader) error {
		ss, err := r.Sessions(u.ID)
		if len(ss) != 1 || ss[0].Revoked.IsZero() {
			w.Errorf("sessions %+v", ss)
		}
		return err
	})
	if _, err := w.op.Unlock(w.Context(), "lock@example.org", false); err != nil {
		w.Fatal(err)
	}
	if got := sources(); !slices.Equal(got, []user.Source{"partner:__system"}) {
		w.Errorf("after unlock: %v", got)
	}
	w.view(func(r store.Reader) error {
		ts, err := r.Throttles("account:" + string(u.ID))
		if len(ts) > 0 {
			w.Errorf("still waits: %+v", ts)
		}
		return err
	})
	if _, err := w.op.Unlock(w.Context(), "lock@example.org", true); err != nil || len(sources()) > 0 {
		w.Errorf("after unlocking all: %v, %v", sources(), err)
	}
	_, err := w.op.Lock(w.Context(), "nobody@example.org", "")
	w.refused(err, user.NotFound, "user")
}

func erase(w *world) {
	u := w.made(operator.NewUser{Email: "erase@example.org", Username: "erased", Verified: true})
	for range 2 {
		got, err := w.op.Erase(w.Context(), string(u.ID))
		if err != nil || got.Status != user.Deleted || got.ClosedBy != user.ClosedByPerson || len(got.Profile) > 0 {
			w.Errorf("erased %+v, %v", got, err)
		}
	}
	st := w.story(string(u.ID))
	if len(st.Owned)+len(st.Claims) > 0 || len(st.Handles) != 1 || !st.Handles[0].Dead || len(st.Strands[0].Document) > 0 {
		w.Errorf("left %+v", st)
	}
	if again := w.made(operator.NewUser{Email: "erase@example.org", Verified: true}); again.ID == u.ID {
		w.Error("an erased user came back")
	}
	_, err := w.op.Create(w.Context(), operator.NewUser{Email: "other@example.org", Username: "erased"})
	w.refused(err, user.InUse, "username")
}

func merge(w *world) {
	a := w.made(operator.NewUser{Email: "merge-a@example.org", Verified: true, Name: "A"})
	b := w.made(operator.NewUser{Email: "merge-b@example.org", Verified: true})
	stories := func() []operator.Story {
		return []operator.Story{w.story("merge-a@example.org"), w.story("merge-b@example.org")}
	}
	before := stories()
	m, err := w.op.Merge(w.Context(), "merge-a@example.org", "merge-b@example.org", "the same person", true)
	if err != nil || m.User.ID != a.ID || m.Other != b.ID || m.User.Profile.Text(user.EmailAttr) != "merge-a@example.org" {
		w.Errorf("preview %+v, %v", m, err)
	}
	if !reflect.DeepEqual(stories(), before) {
		w.Error("a preview wrote something")
	}
	m, err = w.op.Merge(w.Context(), "merge-a@example.org", "merge-b@example.org", "the same person", false)
	if err != nil {
		w.Fatal(err)
	}
	st := w.story(string(b.ID))
	if st.User.ID != a.ID || len(st.Owned) != 2 || st.Ledger[0].ID != m.Entry || st.Ledger[0].Reason != "the same person" || st.Ledger[0].By != "root" {
		w.Errorf("merged %+v", st)
	}
	_, err = w.op.Merge(w.Context(), string(a.ID), string(b.ID), "again", false)
	w.refused(err, user.Conflict, "")
	if e, err := w.op.Unmerge(w.Context(), string(m.Entry)); err != nil || e.UndoneBy != "root" {
		w.Errorf("undone %+v, %v", e, err)
	}
	if st := w.story("merge-b@example.org"); st.User.ID != b.ID || st.User.Status != user.Active {
		w.Errorf("apart %+v", st.User)
	}
	_, err = w.op.Unmerge(w.Context(), string(m.Entry))
	w.refused(err, user.NotUndoable, "")
	_, err = w.op.Unmerge(w.Context(), "none")
	w.refused(err, user.NotFound, "entry")

	// Who is gone neither takes anybody in nor is taken in, and the refusal names
	// which of the two that is.
	if _, err := w.op.Erase(w.Context(), string(b.ID)); err != nil {
		w.Fatal(err)
	}
	for _, pair := range [][2]user.ID{{a.ID, b.ID}, {b.ID, a.ID}} {
		_, err = w.op.Merge(w.Context(), string(pair[0]), string(pair[1]), "", false)
		if r := w.refused(err, user.Conflict, ""); r.Params["user"] != string(b.ID) || r.Params["status"] != string(user.Deleted) || r.Params["why"] == "" {
			w.Errorf("%v: %v", pair, r.Params)
		}
	}
}

// Every decision is kept with its rule and the version of the policy it was
// made under.
func explain(w *world) {
	w.pol.Version = 7
	u := w.made(operator.NewUser{Email: "why@example.org", Verified: true})
	w.pol.Version = 8
	svc := admission.New(w.store, w)
	email := []admission.Address{{Kind: user.Email, Key: "why@example.org", Display: "why@example.org", Assurance: user.Asserted}}
	out, err := svc.Provision(w.Context(), admission.Assertion{Door: user.DoorPartner, Source: "partner:x", Kind: user.Feed, By: "x", Addresses: email})
	if err != nil || out.Decision.Refusal != user.InUse {
		w.Fatalf("given a refusal: %+v, %v", out.Decision, err)
	}
	var got []admission.Decision
	for _, e := range w.story("why@example.org").Events {
		var d admission.Decision
		if json.Unmarshal(e.Body, &d) == nil && d.Rule != "" {
			got = append(got, d)
		}
	}
	if len(got) != 2 || got[0].Result != admission.Create || got[0].Policy != 7 || got[0].Rule == "" || got[0].User != u.ID ||
		got[1].Result != admission.Refused || got[1].Policy != 8 || got[1].Other != u.ID {
		w.Errorf("decisions %+v", got)
	}
	_, err = w.op.Explain(w.Context(), "nobody@example.org")
	w.refused(err, user.NotFound, "user")
}

func mint(w *world) {
	kek, err := token.NewKEK([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		w.Fatal(err)
	}
	keys := settings.New(w.store, kek, "main", time.Now, nil)
	if err := keys.Load(w.Context()); err != nil {
		w.Fatal(err)
	}
	own, err := token.NewVerifier(token.VerifierConfig{Algs: []token.Alg{token.ES256}, Keys: keys, Issuer: "usher", NoAudience: true, Typ: "JWT", Now: time.Now})
	if err != nil {
		w.Fatal(err)
	}
	sessions := session.New(w.store, keys, session.EDI{Issuer: "usher", HD: "x", Own: own}, time.Now)
	u := w.made(operator.NewUser{Email: "mint@example.org", Verified: true})
	edi, err := w.op.Mint(w.Context(), sessions, u.ID, user.DoorEDI, time.Hour)
	if err != nil {
		w.Fatal(err)
	}
	live, err := sessions.Cookie(w.Context(), edi.Token)
	if err != nil || live.User.ID != u.ID || live.Session.Subject != edi.Session.Subject || edi.Session.Subject == "" || !live.Session.Expires.Equal(edi.Expires) {
		w.Errorf("edi %+v, %v", live, err)
	}
	if again, err := w.op.Mint(w.Context(), sessions, u.ID, user.DoorEDI, time.Hour); err != nil || again.Session.Subject != edi.Session.Subject {
		w.Errorf("another EDI number %s, %v", again.Session.Subject, err)
	}
	partner, err := w.op.Mint(w.Context(), sessions, u.ID, user.DoorPartner, time.Hour)
	if err != nil {
		w.Fatal(err)
	}
	if live, err := sessions.Access(w.Context(), partner.Token); err != nil || live.User.ID != u.ID || live.Session.Methods[0] != "operator" {
		w.Errorf("partner %+v, %v", live, err)
	}
	for life, ok := range map[time.Duration]bool{0: false, -time.Hour: false, 30 * 24 * time.Hour: true, 30*24*time.Hour + 1: false} {
		_, err := w.op.Mint(w.Context(), sessions, u.ID, user.DoorEDI, life)
		if (err == nil) != ok {
			w.Errorf("for %v: %v", life, err)
		}
	}
	_, err = w.op.Mint(w.Context(), sessions, u.ID, user.DoorPortal, time.Hour)
	w.refused(err, user.Unsupported, "door")
	if _, err := w.op.Lock(w.Context(), string(u.ID), ""); err != nil {
		w.Fatal(err)
	}
	_, err = w.op.Mint(w.Context(), sessions, u.ID, user.DoorEDI, time.Hour)
	w.refused(err, user.UserLocked, "user")
	if _, err := w.op.Erase(w.Context(), string(u.ID)); err != nil {
		w.Fatal(err)
	}
	_, err = w.op.Mint(w.Context(), sessions, u.ID, user.DoorEDI, time.Hour)
	w.refused(err, user.UserDeleted, "user")
}

func clients(w *world) {
	public, err := w.op.CreateClient(w.Context(), "app", "", true)
	if err != nil || public.SecretHash != nil || public.DistinctErrors {
		w.Errorf("a public client learns nothing: %+v, %v", public, err)
	}
	secret, err := w.op.CreateClient(w.Context(), "backend", "s3cret", true)
	if err != nil || len(secret.SecretHash) != 32 || !secret.DistinctErrors || secret.ID == public.ID {
		w.Errorf("%+v, %v", secret, err)
	}
	_, err = w.op.CreateClient(w.Context(), "app", "x", false)
	w.refused(err, user.InUse, "id")
	_, err = w.op.CreateClient(w.Context(), "", "", false)
	w.refused(err, user.Invalid, "id")
}

func list(w *world) {
	for _, e := range []string{"l1@example.org", "l2@example.org", "l3@example.org"} {
		w.made(operator.NewUser{Email: e})
	}
	all, err := w.op.List(w.Context(), "", 1000)
	if err != nil || len(all) < 3 {
		w.Fatalf("%d users, %v", len(all), err)
	}
	var paged []user.ID
	var after user.ID
	for {
		page, err := w.op.List(w.Context(), after, 2)
		if err != nil {
			w.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			paged, after = append(paged, u.ID), u.ID
		}
	}
	if len(paged) != len(all) {
		w.Errorf("%d by pages, %d at once", len(paged), len(all))
	}
}

func (w *world) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.store.Update(w.Context(), store.Interactive, fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) view(fn func(store.Reader) error) {
	w.Helper()
	if err := w.store.View(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}
