package onboarding_test

import (
	"reflect"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// keys are what somebody can be looked for by.
func (w *world) keys(id, mail, phone, name string) []onboarding.Key {
	return []onboarding.Key{{Kind: onboarding.ByID, Value: id}, {Kind: onboarding.ByEmail, Value: mail}, {Kind: onboarding.ByPhone, Value: phone}, {Kind: onboarding.ByUsername, Value: name}}
}

// is expects what every key leads to: a refusal of Show, nil where somebody is
// shown, and whether somebody exists.
func (w *world) is(keys []onboarding.Key, no *user.Refusal, exists bool) {
	w.Helper()
	for _, k := range keys {
		s, err := w.people.Show(w.Context(), k)
		if no != nil {
			w.refused(err, no)
		} else if err != nil || s.ID == "" {
			w.Errorf("%v: shown as %+v, %v", k, s, err)
		}
		if _, known, err := w.people.Exists(w.Context(), k); known != exists || err != nil {
			w.Errorf("%v: exists %v, %v", k, known, err)
		}
	}
}

var (
	nobody  = user.Refuse(user.NotFound, "user")
	blocked = user.Refuse(user.UserLocked, "user")
)

// looking is who is known, and what is shown of them (contract B.6).
func looking() []scenario {
	// whole is somebody with a name, an e-mail and a phone.
	whole := func(w *world) (id string, keys []onboarding.Key) {
		w.Helper()
		f := w.attested("amit")
		f.Phone, f.Username = w.saidPhone(1), w.username("amit")
		id = w.create(f)
		return id, w.keys(id, f.Email.Key, f.Phone.Key, w.of("amit"))
	}
	return []scenario{
		{"somebody is shown by every key, the same", func(w *world) {
			gj := w.channel("gj")
			school := w.organisation(gj, "school", "1")
			f := w.attested("amit")
			f.Phone, f.Username, f.Channel, f.OrgExternalID = w.saidPhone(1), w.username("amit"), gj.Name, "1"
			id := w.create(f)
			want, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByID, Value: id})
			w.ok(err)
			if want.ID != id || want.First != "Amit" || want.Last != "Kumar" || want.Username != w.of("amit") || want.Channel.ID != gj.ID ||
				len(want.Organisations) != 1 || want.Organisations[0].ID != school.ID || !slices.Equal(want.Roles, []string{user.RolePublic}) ||
				!want.EmailVerified || !want.PhoneVerified || want.Blocked {
				w.Errorf("shown as %+v", want)
			}
			for _, k := range w.keys(strings.ToUpper(id), f.Email.Key, f.Phone.Key, strings.ToUpper(w.of("amit"))) {
				if got, err := w.people.Show(w.Context(), k); err != nil || !reflect.DeepEqual(got, want) {
					w.Errorf("%v: shown as %+v, %v", k, got, err)
				}
			}
		}},
		{"what somebody has not is not verified", func(w *world) {
			s, err := w.people.Show(w.Context(), onboarding.Key{Kind: onboarding.ByID, Value: w.proven(1)})
			if err != nil || !s.PhoneVerified || s.EmailVerified || s.Last != "" || s.Channel.ID != "" || s.Organisations != nil {
				w.Errorf("shown as %+v, %v", s, err)
			}
		}},
		{"nobody is known by what is nobody's", func(w *world) {
			w.is(w.keys("7b1d2c52-8f2f-4d52-9a68-5f3c4d1b2a90", w.email("x"), w.phone(1), w.of("x")), nobody, false)
			w.is([]onboarding.Key{{Kind: onboarding.ByUsername, Value: ""}, {Kind: onboarding.ByUsername, Value: "a\x00b"}, {Kind: onboarding.ByID}}, nobody, false)
		}},
		{"who is known elsewhere alone is not known here, until they come", func(w *world) {
			there := w.elsewhere(user.Phone, w.phone(1))
			byPhone := []onboarding.Key{{Kind: onboarding.ByPhone, Value: w.phone(1)}}
			w.is(byPhone, nobody, false)
			if got := w.in(there); len(got) != 0 {
				w.Errorf("asking put them into %q", got)
			}
			w.proven(1)
			w.is(byPhone, nil, true)
		}},
		{"who is locked elsewhere exists, and is not shown", func(w *world) {
			w.lock(w.elsewhere(user.Phone, w.phone(1)), "operator")
			w.is([]onboarding.Key{{Kind: onboarding.ByPhone, Value: w.phone(1)}}, blocked, true)
		}},
		{"who is blocked exists and is not shown, until they are let in again", func(w *world) {
			id, keys := whole(w)
			w.is(keys, nil, true)
			w.ok(w.people.Block(w.Context(), id, "ops"))
			w.is(keys, blocked, true)
			for _, k := range keys {
				if s, _, _ := w.people.Exists(w.Context(), k); s.ID != id || !s.Blocked {
					w.Errorf("%v: %+v", k, s)
				}
			}
			w.ok(w.people.Unblock(w.Context(), id, "ops"))
			w.is(keys, nil, true)
		}},
		{"who was deleted with the addresses kept exists and is not shown", func(w *world) {
			id, keys := whole(w)
			w.closed(w.user(id), user.ClosedByOperator)
			w.is(keys, blocked, true)
		}},
		{"who erased themselves is nobody", func(w *world) {
			id, keys := whole(w)
			w.erased(w.user(id))
			w.is(keys, nobody, false)
		}},
		{"blocked or not is told of an address alone", func(w *world) {
			id := w.proven(1)
			there := w.elsewhere(user.Phone, w.phone(2))
			for _, c := range []struct {
				phone int
				want  bool
			}{{1, false}, {2, false}, {3, false}} {
				if is, err := w.people.Blocked(w.Context(), user.Phone, w.phone(c.phone)); is != c.want || err != nil {
					w.Errorf("phone %d: %v, %v", c.phone, is, err)
				}
			}
			w.lock(w.user(id).ID, "operator")
			w.lock(there, "partner:x")
			for _, phone := range []int{1, 2} {
				if is, err := w.people.Blocked(w.Context(), user.Phone, w.phone(phone)); !is || err != nil {
					w.Errorf("phone %d: %v, %v", phone, is, err)
				}
			}
		}},
	}
}

// blocking is a lock of this door's (contract B.5, Deleted / blocked).
func blocking() []scenario {
	try := func(w *world, what func() error, want *user.Refusal) {
		w.Helper()
		before := w.written()
		w.refused(what(), want)
		if after := w.written(); after != before {
			w.Errorf("refused, and wrote %+v upon %+v", after, before)
		}
	}
	return []scenario{
		{"a block is this door's lock, ends every session, and is undone once", func(w *world) {
			id := w.proven(1)
			u := w.user(id)
			sessions := session.New(w.store, nil, session.EDI{}, w.clock.Now)
			pair, err := sessions.NewPair()
			w.ok(err)
			w.update(func(tx store.Tx) error {
				_, err := sessions.Issue(tx, user.Session{User: u.ID, Door: user.DoorPartner, Epoch: u.Epoch}, pair)
				return err
			})
			w.ok(w.people.Block(w.Context(), id, "ops"))
			w.view(func(r store.Reader) error {
				locks, err := r.Locks(u.ID)
				if len(locks) != 1 || locks[0].Source != onboarding.Source || locks[0].By != "ops" {
					w.Errorf("locks %+v", locks)
				}
				all, _ := r.Sessions(u.ID)
				if len(all) != 1 || all[0].Revoked.IsZero() {
					w.Errorf("sessions %+v", all)
				}
				return err
			})
			try(w, func() error { return w.people.Block(w.Context(), id, "ops") }, blocked)
			w.ok(w.people.Unblock(w.Context(), id, "ops"))
			try(w, func() error { return w.people.Unblock(w.Context(), id, "ops") }, user.Refuse(user.Conflict, "user"))
			if _, err := sessions.Access(w.Context(), pair.Access); err == nil {
				w.Error("the session of before the block is alive")
			}
			got := w.events(u.ID)
			if !slices.Contains(got, event.UserLocked) || !slices.Contains(got, event.UserUnlocked) || !slices.Contains(got, event.SessionEnded) {
				w.Errorf("events %v", got)
			}
		}},
		{"others' locks are not this door's to lift, nor to double", func(w *world) {
			id := w.proven(1)
			w.lock(w.user(id).ID, "operator")
			try(w, func() error { return w.people.Block(w.Context(), id, "ops") }, blocked)
			try(w, func() error { return w.people.Unblock(w.Context(), id, "ops") }, user.Refuse(user.Forbidden, "user"))
		}},
		{"a block and an operator's lock: the one that is this door's is lifted, the other stays", func(w *world) {
			id := w.proven(1)
			w.ok(w.people.Block(w.Context(), id, "ops"))
			w.lock(w.user(id).ID, "operator")
			w.ok(w.people.Unblock(w.Context(), id, "ops"))
			w.is([]onboarding.Key{{Kind: onboarding.ByID, Value: id}}, blocked, true)
			try(w, func() error { return w.people.Unblock(w.Context(), id, "ops") }, user.Refuse(user.Forbidden, "user"))
		}},
		{"nobody, and who is gone", func(w *world) {
			unknown := "7b1d2c52-8f2f-4d52-9a68-5f3c4d1b2a90"
			closed, erased := w.proven(1), w.proven(2)
			w.closed(w.user(closed), user.ClosedByFeed)
			w.erased(w.user(erased))
			for _, c := range []struct {
				id          string
				block, lift *user.Refusal
			}{
				{"", nobody, nobody},
				{unknown, nobody, nobody},
				{closed, blocked, user.Refuse(user.Forbidden, "user")},
				{erased, nobody, nobody},
			} {
				try(w, func() error { return w.people.Block(w.Context(), c.id, "ops") }, c.block)
				try(w, func() error { return w.people.Unblock(w.Context(), c.id, "ops") }, c.lift)
			}
		}},
	}
}
