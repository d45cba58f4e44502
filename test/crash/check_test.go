package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/harness"
)

// check holds the server to the journals of all that was written to since the
// last time, and the database to its invariants. What was in flight is known
// afterwards.
func (c *crew) check(when string) {
	c.t.Helper()
	db, err := sqlstore.Open(c.t.Context(), sqlstore.Options{Data: c.o.Data, URL: c.o.DatabaseURL})
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	c.noHalves(when)
	err = db.View(c.t.Context(), func(r store.Reader) error {
		for _, w := range c.all {
			for _, p := range w.people {
				if !p.dirty {
					continue
				}
				if err := w.person(r, p); err != nil {
					c.t.Errorf("%s: %s: %v", when, p.now.Username+p.next.name(), err)
				}
				p.dirty = false
			}
			// A write that never happened leaves nobody.
			w.people = slices.DeleteFunc(w.people, func(p *person) bool { return p.id == "" })
			if err := w.doors(); err != nil {
				c.t.Errorf("%s: writer %d: %v", when, w.n, err)
			}
		}
		return c.chain(r)
	})
	if err != nil {
		c.t.Errorf("%s: %v", when, err)
	}
}

func (r *record) name() string {
	if r == nil {
		return ""
	}
	return " (" + r.Username + " in flight)"
}

// finish checks everybody once more, and that all events were numbered.
func (c *crew) finish() {
	c.t.Helper()
	for _, w := range c.all {
		for _, p := range w.people {
			p.dirty = true
		}
	}
	db, err := sqlstore.Open(c.t.Context(), sqlstore.Options{Data: c.o.Data, URL: c.o.DatabaseURL})
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	for begun := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		var left []store.Event
		if err := db.View(c.t.Context(), func(r store.Reader) (err error) { left, err = r.Unsequenced(1); return err }); err != nil {
			c.t.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if time.Since(begun) > 2*time.Minute {
			c.t.Fatal("events are without a number two minutes later")
		}
	}
	c.last = 0
	c.check("at the end")
	people, sessions := 0, 0
	for _, w := range c.all {
		people += len(w.people)
		sessions += len(w.sessions)
	}
	c.t.Logf("%d acknowledged, %d in flight; %d users, %d sessions, %d events in the chain",
		c.acked.Load(), c.unsure.Load(), people, sessions, c.last)
	if c.acked.Load() == 0 || people == 0 {
		c.t.Error("nothing was written")
	}
}

func told(a harness.Answer, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", a.Status, a.Text)
}

// chain walks the events that have come since the last walk.
func (c *crew) chain(r store.Reader) error {
	if err := event.Verify(r, max(c.last, 1)); err != nil {
		return fmt.Errorf("the chain of events: %w", err)
	}
	newest, err := r.LastEvent()
	if err != nil {
		return fmt.Errorf("the newest event: %w", err)
	}
	if newest.Seq < c.last {
		return fmt.Errorf("event %d was there and is gone", c.last)
	}
	c.last = newest.Seq
	return nil
}

// person compares a user with its journal.
func (w *writer) person(r store.Reader, p *person) error {
	if p.id == "" {
		return w.creation(r, p)
	}
	var got struct {
		record
		ID        string
		IsLocked  bool
		DeletedAt *string
	}
	a, err := send(w.t.Context(), w.get("/api/users/"+p.id))
	if err != nil || a.Status != 200 {
		return fmt.Errorf("acknowledged and not there: %s", told(a, err))
	}
	if err := json.Unmarshal([]byte(a.Text), &got); err != nil {
		return err
	}
	is := got.record
	is.Locked, is.Deleted = got.IsLocked, got.DeletedAt != nil
	if is != p.now && (p.next == nil || is != *p.next) {
		return fmt.Errorf("is %+v, was acknowledged as %+v, in flight %+v", is, p.now, p.next)
	}
	if p.next != nil && is == *p.next && is.Username != p.now.Username {
		p.past = append(p.past, p.now.Username)
	}
	p.now, p.next = is, nil
	return w.rows(r, p)
}

// creation settles whether somebody in flight came into being: wholly, or not
// at all. Sent again, it is done.
func (w *writer) creation(r store.Reader, p *person) error {
	names, err := r.FindHandles(p.next.Username)
	if err != nil {
		return err
	}
	claims, err := r.Claims(user.Email, p.next.Email)
	if err != nil {
		return err
	}
	if len(names) != len(claims) {
		return fmt.Errorf("%d usernames and %d addresses of one creation", len(names), len(claims))
	}
	if len(names) == 0 {
		return nil
	}
	a := w.put("")
	a.Body = p.next.body()
	got, err := send(w.t.Context(), a)
	if err != nil || got.Status != 200 {
		return fmt.Errorf("sent again: %s", told(got, err))
	}
	var made madeUser
	if err := json.Unmarshal([]byte(got.Text), &made); err != nil {
		return err
	}
	p.id = made.ID
	p.done("user.created")
	return w.person(r, p)
}

// rows checks that a user's names, addresses and events are all there.
func (w *writer) rows(r store.Reader, p *person) error {
	number, err := r.Handle(user.SpacePartner, p.id)
	if err != nil {
		return fmt.Errorf("its number: %w", err)
	}
	name, err := r.Handle(user.SpacePartnerUN, p.now.Username)
	if err != nil {
		return fmt.Errorf("its username %s: %w", p.now.Username, err)
	}
	if name.User != number.User {
		return fmt.Errorf("its username leads to %q, not to %q", name.User, number.User)
	}
	for _, old := range p.past {
		if h, err := r.Handle(user.SpacePartnerUN, old); err == nil && h.User == number.User && !h.Dead {
			return fmt.Errorf("the username %s was given up and still leads here", old)
		}
	}
	claims, err := r.ClaimsOf(number.User)
	if err != nil {
		return fmt.Errorf("its addresses: %w", err)
	}
	if len(claims) != 1 || claims[0].Address != p.now.Email {
		return fmt.Errorf("its addresses are %+v, not %s", claims, p.now.Email)
	}
	whole, err := r.User(number.User)
	if err != nil {
		return fmt.Errorf("its user: %w", err)
	}
	if shown := whole.Profile.Text(user.FamilyName); !p.now.Deleted && shown != p.now.LastName {
		return fmt.Errorf("its profile has %q, not %q", shown, p.now.LastName)
	}
	events, err := r.EventsOf(number.User, 1000)
	if err != nil {
		return fmt.Errorf("its events: %w", err)
	}
	seen := map[string]int{}
	for _, e := range events {
		seen[e.Kind]++
	}
	for kind, n := range p.events {
		if seen[kind] < n {
			return fmt.Errorf("%d events %s for %d acknowledged writes", seen[kind], kind, n)
		}
	}
	return nil
}

// doors checks a writer's sessions and profiles over HTTP.
func (w *writer) doors() error {
	var alive []*signer
	for _, s := range w.sessions {
		keep, err := w.session(s, rand.N(8) == 0)
		if err != nil {
			return fmt.Errorf("session of %s: %w", s.username, err)
		}
		if keep {
			alive = append(alive, s)
		}
	}
	w.sessions = alive[max(0, len(alive)-20):]
	var own struct {
		Name string `json:"common_name"`
	}
	a, err := send(w.t.Context(), w.profile("GET", "/"+w.edi, w.cookie, nil))
	if err != nil || a.Status != 200 || json.Unmarshal([]byte(a.Text), &own) != nil || (own.Name != w.name && own.Name != w.nextName) {
		return fmt.Errorf("its name is %q, was acknowledged as %q, in flight %q: %s", own.Name, w.name, w.nextName, told(a, err))
	}
	w.name, w.nextName = own.Name, ""
	if w.pending != "" {
		w.profiles[w.pending] = "" // done now, if it was not before
		w.pending = ""
	}
	for uid, id := range w.profiles {
		var made struct {
			EDIID string `json:"edi_id"`
		}
		a, err := send(w.t.Context(), w.profile("POST", "", w.cookie, map[string]any{"idp_uid": uid}))
		if err != nil || a.Status != 200 || json.Unmarshal([]byte(a.Text), &made) != nil || (id != "" && made.EDIID != id) {
			return fmt.Errorf("profile %s, acknowledged as %s: %s", uid, id, told(a, err))
		}
	}
	clear(w.profiles) // settled; the invariants go on watching them
	return nil
}

// session checks that the newest refresh token works, and, where asked for,
// that an older one does not, which ends the session.
func (w *writer) session(s *signer, replay bool) (keep bool, err error) {
	var in struct{ RefreshToken string }
	a, err := send(w.t.Context(), w.renew(s.refresh))
	switch {
	case err != nil:
		return false, err
	case a.Status == 401 && s.unsure:
		return false, nil // the renewal in flight was done; this was its second use
	case a.Status != 200:
		return false, fmt.Errorf("the token acknowledged as new is refused: %d %s", a.Status, a.Text)
	}
	if err := json.Unmarshal([]byte(a.Text), &in); err != nil {
		return false, err
	}
	s.used, s.refresh, s.unsure = append(s.used, s.refresh), in.RefreshToken, false
	if !replay {
		return true, nil
	}
	for _, old := range append(s.used[max(0, len(s.used)-3):], s.refresh) {
		a, err := send(w.t.Context(), w.renew(old))
		if err != nil || a.Status != 401 {
			return false, fmt.Errorf("a used token, or the last of a session that ended, gives %s", told(a, err))
		}
	}
	return false, nil
}
