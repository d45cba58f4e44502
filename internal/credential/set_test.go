package credential_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/credential"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// person has everything that a password of before could have been used for.
type person struct {
	user.User
	strand, aside user.ID
}

var record = []byte("0123456789abcdef0123456789abcdef")

func begin(t *testing.T, s store.Store) (p person) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		now := tx.Now()
		p = person{
			User:   user.User{ID: tx.NewID(), Status: user.Active, Epoch: 1, Created: now, Updated: now},
			strand: tx.NewID(), aside: tx.NewID(),
		}
		strand := func(id user.ID) user.Strand {
			return user.Strand{ID: id, User: p.ID, Origin: p.ID, Source: user.Source(user.DoorGQLAuth), Kind: user.Human, State: user.Live, Created: now, Updated: now}
		}
		rows := []error{
			store.Insert(tx, p.User), store.Insert(tx, strand(p.strand)), store.Insert(tx, strand(p.aside)),
			store.Put(tx, user.Owner{Kind: user.Email, Address: "ada@example.org", User: p.ID, Strand: p.strand, Proven: now}),
			store.Put(tx, user.Password{User: p.ID, Strand: p.strand, Hash: "old", Set: now}),
			store.Put(tx, user.Password{User: p.ID, Strand: p.aside, Hash: "older", Set: now, SetAside: true}),
			store.Put(tx, store.Throttle{Key: "account:" + string(p.ID), Failures: 9, Since: now, Until: now.Add(time.Hour)}),
			store.Insert(tx, store.MailedToken{
				Record: record, Action: "password_reset", User: p.ID, Strand: p.strand, Sent: now, Until: now.Add(time.Hour),
				To: user.Mailbox{Display: "ada@example.org", Key: "ada@example.org"},
			}),
		}
		for _, door := range []user.Door{user.DoorGQLAuth, user.DoorPartner, user.DoorEDI} {
			rows = append(rows, store.Insert(tx, user.Session{
				ID: tx.NewID(), User: p.ID, Strand: p.strand, Door: door, Epoch: 1, Proven: now, Created: now, Expires: now.Add(time.Hour),
			}))
		}
		return errors.Join(rows...)
	})
	return p
}

func update(t *testing.T, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), store.Interactive, fn); err != nil {
		t.Fatal(err)
	}
}

// set gives somebody the password "new", and what waits to be mailed then.
func set(t *testing.T, s store.Store, p person, pol policy.Policy) (got user.User, mails []job.Mail) {
	t.Helper()
	update(t, s, func(tx store.Tx) (err error) {
		got, err = credential.Set(tx, pol, credential.Change{
			User: p.User, Strand: p.strand, Hash: "new", Door: user.DoorGQLAuth, How: "reset",
		})
		return err
	})
	view(t, s, func(r store.Reader) error {
		jobs, err := r.Jobs(store.JobDue, 10)
		mails = nil
		for _, j := range jobs {
			var m job.Mail
			err = errors.Join(err, json.Unmarshal(j.Payload, &m))
			mails = append(mails, m)
		}
		return err
	})
	return got, mails
}

func view(t *testing.T, s store.Store, fn func(store.Reader) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestSetLeavesOnePasswordAndEndsWhatWasOfTheOldOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p := begin(t, s)
		got, mails := set(t, s, p, policy.Default())

		if got.Epoch != p.Epoch+1 || got.EpochAt.IsZero() {
			t.Errorf("the epoch is %d, of %v", got.Epoch, got.EpochAt)
		}
		view(t, s, func(r store.Reader) error {
			kept, err := r.User(p.ID)
			if err != nil || kept.Epoch != got.Epoch {
				t.Errorf("kept %+v, %v", kept, err)
			}
			ps, err := r.Passwords(p.ID)
			if err != nil || len(ps) != 1 || ps[0].Hash != "new" || ps[0].SetAside || ps[0].Strand != p.strand {
				t.Errorf("passwords %+v, %v", ps, err)
			}
			sessions, err := r.Sessions(p.ID)
			for _, one := range sessions {
				if one.Revoked.IsZero() {
					t.Errorf("a session at %s is alive", one.Door)
				}
			}
			m, noToken := r.MailedToken(record)
			if noToken != nil || m.Used.IsZero() {
				t.Errorf("a mailed token is good: %+v, %v", m, noToken)
			}
			waits, noWaits := r.Throttles("account:" + string(p.ID))
			if len(waits) != 0 {
				t.Errorf("waits %+v", waits)
			}
			return errors.Join(err, noWaits)
		})
		if len(mails) != 1 || mails[0].Template != "password-changed" || mails[0].To != "ada@example.org" {
			t.Errorf("mails %+v", mails)
		}
	})
}

func TestSetTellsTheRecordHow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p := begin(t, s)
		set(t, s, p, policy.Default())
		view(t, s, func(r store.Reader) error {
			events, err := r.EventsOf(p.ID, 100)
			n := 0
			for _, e := range events {
				if e.Kind != string(event.PasswordChanged) {
					continue
				}
				n++
				var body struct{ How, Strand string }
				if err := json.Unmarshal(e.Body, &body); err != nil || body.How != "reset" || body.Strand != string(p.strand) {
					t.Errorf("it says %s, %v", e.Body, err)
				}
			}
			if n != 1 {
				t.Errorf("%d events", n)
			}
			return err
		})
	})
}

func TestSetMailsNoNoticeWherePolicySaysSo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, pol := begin(t, s), policy.Default()
		pol.Notify.PasswordChanged = false
		if _, mails := set(t, s, p, pol); len(mails) > 0 {
			t.Errorf("mails %+v", mails)
		}
	})
}

func TestSetAgainIsAnotherPasswordAndAnotherEpoch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p := begin(t, s)
		p.User, _ = set(t, s, p, policy.Default())
		p.strand = p.aside
		again, _ := set(t, s, p, policy.Default())
		if again.Epoch != 3 {
			t.Errorf("the epoch is %d", again.Epoch)
		}
		view(t, s, func(r store.Reader) error {
			ps, err := r.Passwords(p.ID)
			if len(ps) != 1 || ps[0].Strand != p.aside {
				t.Errorf("passwords %+v", ps)
			}
			return err
		})
	})
}
