package registrant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Desk is the admin desk of one realm; effect/keycloak is.
type Desk interface {
	// Standing is what it says of somebody now; Gone where it knows nobody so. An
	// error says that it could not be asked.
	Standing(ctx context.Context, subject string) (Standing, error)
	// Changes are what happened from a moment on, oldest first.
	Changes(ctx context.Context, since time.Time) ([]Happened, error)
	Join(ctx context.Context, subject, path string) error
	SetEnabled(ctx context.Context, subject string, enabled bool) error
}

// Happened is something that happened to somebody at a realm.
type Happened struct {
	At      time.Time
	Subject string
	// Session ended, where LoggedOut; empty: all of theirs. Else they changed.
	Session   string
	LoggedOut bool
}

// Follower keeps up with one realm.
type Follower struct {
	Service *Service
	Realm   Realm
	Desk    Desk
	Holder  string // names this process among those that share the database

	done map[string]bool // what was read of the last seconds
}

// How often a realm is asked what happened (contract portal.md: who is disabled
// there is refused within 60 s), and how far back besides: its events are written
// when they are committed, not quite in the order of their times.
const (
	askEvery = 5 * time.Second
	overlap  = 15 * time.Second
	holdFor  = 30 * time.Second
)

// Run follows until ctx ends. Of several processes one does at a time.
func (f *Follower) Run(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	failing := false
	for {
		err := f.Once(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			f.Service.Log.WarnContext(ctx, "the realm's events cannot be read", "realm", f.Realm.Name, "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Once reads what happened since the last time, and takes it over.
func (f *Follower) Once(ctx context.Context) error {
	name := "realm " + f.Realm.Name
	var mine, first bool
	var from time.Time
	err := f.Service.Store.Update(ctx, store.Interactive, func(tx store.Tx) (err error) {
		if mine, err = tx.Lease(name, f.Holder, tx.Now().Add(holdFor)); err != nil || !mine {
			return err
		}
		c, err := tx.Cursor(name)
		if first = errors.Is(err, store.ErrNotFound); first {
			from = tx.Now().Add(-overlap)
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading how far it was read: %w", err)
		}
		ms, err := strconv.ParseInt(c.Value, 10, 64)
		from = time.UnixMilli(ms)
		return err
	})
	if err != nil || !mine {
		return err
	}
	changes, err := f.Desk.Changes(ctx, from.Add(-overlap))
	if err != nil {
		return err
	}
	last, done, told := from, map[string]bool{}, map[string]bool{}
	for _, c := range changes {
		id := fmt.Sprint(c.At.UnixMilli(), c.Subject, c.Session, c.LoggedOut)
		done[id] = true
		if f.done[id] || !c.LoggedOut && told[c.Subject] {
			continue
		}
		if err := f.take(ctx, c); err != nil {
			return err // and read again the next time
		}
		told[c.Subject] = told[c.Subject] || !c.LoggedOut
		if c.At.After(last) {
			last = c.At
		}
	}
	f.done = done
	if !first && !last.After(from) {
		return nil
	}
	return f.Service.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		return store.Put(tx, store.Cursor{Name: name, Value: strconv.FormatInt(last.UnixMilli(), 10), At: tx.Now()})
	})
}

func (f *Follower) take(ctx context.Context, c Happened) error {
	if c.LoggedOut && c.Session != "" { // which names itself
		return f.Service.End(ctx, f.Realm, user.IdentityKey{}, c.Session)
	}
	identity, err := identityOf(f.Realm, c.Subject)
	if err != nil {
		return nil //nolint:nilerr // nobody's, then
	}
	if c.LoggedOut {
		return f.Service.End(ctx, f.Realm, identity, "")
	}
	here := false
	err = f.Service.Store.View(ctx, func(r store.Reader) error {
		u, _, err := known(r, identity)
		here = u.ID != ""
		return err
	})
	if err != nil || !here {
		return err
	}
	return f.resync(ctx, identity, c.Subject)
}

// resync takes over how somebody stands at the realm now.
func (f *Follower) resync(ctx context.Context, identity user.IdentityKey, subject string) error {
	st, err := f.Desk.Standing(ctx, subject)
	if err != nil {
		return err
	}
	st.Identity = identity
	return f.Service.Synced(ctx, f.Realm, st)
}

func identityOf(r Realm, subject string) (user.IdentityKey, error) {
	name, err := normal.NewIdentity(r.Issuer, subject)
	return user.IdentityKey{Issuer: name.Issuer, Subject: name.Subject}, err
}

// Carry carries out a job "realm", and reads back what the realm made of it. It may
// run twice.
func (f *Follower) Carry(ctx context.Context, j store.Job) error {
	var ch job.RealmChange
	if err := json.Unmarshal(j.Payload, &ch); err != nil {
		return job.Permanent(errors.New("the job cannot be read"))
	}
	if ch.Realm != f.Realm.Name {
		return job.Permanent(fmt.Errorf("there is no realm %q", ch.Realm))
	}
	if ch.Join != "" {
		if err := f.Desk.Join(ctx, ch.Subject, ch.Join); err != nil {
			return err
		}
	}
	if ch.Enable != nil {
		if err := f.Desk.SetEnabled(ctx, ch.Subject, *ch.Enable == "true"); err != nil {
			return err
		}
	}
	return f.resync(ctx, user.IdentityKey{Issuer: ch.Issuer, Subject: ch.Subject}, ch.Subject)
}
