package registrant_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func (w *world) polls(f *registrant.Follower) {
	w.Helper()
	if err := f.Once(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func (w *world) happens(h registrant.Happened) {
	h.At = w.Now()
	w.desk.events = append(w.desk.events, h)
}

// Given somebody who is disabled at the realm, then the next look at its events
// keeps them out, and being enabled lets them in.
func TestFollowingDisabledPeople(t *testing.T) {
	each(t, func(w *world) {
		w.desk.all["ada"] = registrant.Standing{Enabled: true}
		first := w.token("ada", "s1")
		w.enters(first)
		w.polls(w.follower)
		w.advance(5 * time.Second)
		w.desk.all["ada"] = registrant.Standing{}
		w.happens(registrant.Happened{Subject: "ada"})
		w.polls(w.follower)
		w.kept(first)
		w.advance(5 * time.Second)
		w.desk.all["ada"] = registrant.Standing{Enabled: true}
		w.happens(registrant.Happened{Subject: "ada"})
		w.polls(w.follower)
		w.advance(time.Second)
		w.enters(w.token("ada", "s2"))
		w.advance(5 * time.Second)
		delete(w.desk.all, "ada")
		w.happens(registrant.Happened{Subject: "ada"})
		w.polls(w.follower)
		w.advance(time.Second)
		w.kept(w.token("ada", "s3"))
	})
}

// Groups that an administrator of the realm gave or took follow.
func TestFollowingGroups(t *testing.T) {
	each(t, func(w *world) {
		u := w.here("ada").User.ID
		w.desk.all["ada"] = registrant.Standing{Enabled: true, Groups: []string{"/prize_managers"}, Roles: []string{"portal_admin"}}
		w.happens(registrant.Happened{Subject: "ada"})
		w.happens(registrant.Happened{Subject: "ada"})
		w.polls(w.follower)
		w.isIn(u, "realm /prize_managers", "role operator")
		if !slices.Equal(w.desk.looked, []string{"ada"}) {
			t.Errorf("looked at %v, want once in one go", w.desk.looked)
		}
	})
}

func TestFollowingLogouts(t *testing.T) {
	each(t, func(w *world) {
		one, two := w.token("ada", "s1"), w.token("ada", "s2")
		w.enters(one)
		w.enters(two)
		w.advance(10 * time.Second)
		w.happens(registrant.Happened{Subject: "ada", Session: "s1", LoggedOut: true})
		w.polls(w.follower)
		w.kept(one)
		w.enters(two)
		w.advance(time.Second)
		w.happens(registrant.Happened{Subject: "ada", LoggedOut: true})
		w.polls(w.follower)
		w.kept(two)
		w.advance(time.Second)
		back := w.token("ada", "s4")
		w.enters(back)
		w.polls(w.follower) // reads the same events again
		w.enters(back)
		if len(w.desk.looked) > 0 {
			t.Errorf("asked about %v", w.desk.looked)
		}
	})
}

// Of people whom nobody knows here nothing is asked.
func TestFollowingStrangers(t *testing.T) {
	each(t, func(w *world) {
		w.happens(registrant.Happened{Subject: "nobody"})
		w.happens(registrant.Happened{})
		w.polls(w.follower)
		if len(w.desk.looked) > 0 || w.users() > 0 {
			t.Errorf("asked about %v", w.desk.looked)
		}
	})
}

// What was read is not read again by whoever follows next, but for the last seconds;
// what failed is.
func TestFollowingGoesOn(t *testing.T) {
	each(t, func(w *world) {
		w.here("ada")
		w.desk.all["ada"] = registrant.Standing{Enabled: true}
		w.happens(registrant.Happened{Subject: "ada"})
		w.desk.fault = errors.New("down")
		if err := w.follower.Once(t.Context()); !errors.Is(err, w.desk.fault) {
			t.Fatalf("got %v", err)
		}
		w.desk.fault = nil
		w.polls(w.follower)
		if !slices.Equal(w.desk.looked, []string{"ada"}) {
			t.Fatalf("looked at %v", w.desk.looked)
		}
		read := w.Now()
		w.polls(w.follower)
		w.polls(w.follower)
		if len(w.desk.looked) != 1 {
			t.Errorf("taken over %d times", len(w.desk.looked))
		}
		w.advance(24 * time.Hour) // everything is down
		w.polls(w.follows("two"))
		if last := w.desk.since[len(w.desk.since)-1]; last.After(read) || last.Before(read.Add(-time.Minute)) {
			t.Errorf("the next asks from %v, want from about %v", last, read)
		}
	})
}

// Of several processes one follows; when it is gone another does.
func TestOneFollows(t *testing.T) {
	each(t, func(w *world) {
		two := w.follows("two")
		w.polls(w.follower)
		w.polls(two)
		w.advance(10 * time.Second)
		w.polls(w.follower)
		w.polls(two)
		if len(w.desk.since) != 2 {
			t.Errorf("asked %d times", len(w.desk.since))
		}
		w.advance(time.Minute)
		w.polls(two)
		w.polls(w.follower)
		if len(w.desk.since) != 3 {
			t.Errorf("asked %d times", len(w.desk.since))
		}
	})
}

// Following ends with its context, and a realm that is down does not end it.
func TestFollowingEnds(t *testing.T) {
	each(t, func(w *world) {
		asked := make(chan struct{}, 10)
		w.follower.Desk = failing{asked}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.follower.Run(ctx); close(ended) }()
		<-asked
		select {
		case <-ended:
			t.Error("ended by a fault")
		default:
		}
		stop()
		<-ended
	})
}

type failing struct{ asked chan struct{} }

func (f failing) Changes(context.Context, time.Time) ([]registrant.Happened, error) {
	f.asked <- struct{}{}
	return nil, errors.New("down")
}

func (f failing) Standing(context.Context, string) (st registrant.Standing, err error) {
	return st, errors.New("down")
}
func (f failing) Join(context.Context, string, string) error     { return errors.New("down") }
func (f failing) SetEnabled(context.Context, string, bool) error { return errors.New("down") }

// Given a complete profile, when its job is carried out, then the realm has them in
// the group and the membership here follows, also if it is carried out twice.
func TestGroupsAreReadBack(t *testing.T) {
	each(t, func(w *world) {
		w.desk.all["ada"] = registrant.Standing{Enabled: true}
		here := w.here("ada")
		w.says(here, whole())
		jobs := w.jobs(job.KindRealm)
		w.desk.fault = errors.New("down")
		if err := w.follower.Carry(t.Context(), jobs[0]); !errors.Is(err, w.desk.fault) || job.IsPermanent(err) {
			t.Fatalf("got %v: it waits", err)
		}
		w.isIn(here.User.ID)
		w.desk.fault = nil
		for range 2 {
			if err := w.follower.Carry(t.Context(), jobs[0]); err != nil {
				t.Fatal(err)
			}
		}
		if w.desk.joined[0] != "ada/end_users" {
			t.Errorf("%v", w.desk.joined)
		}
		w.isIn(here.User.ID, "realm /end_users")
		if c := w.changes(); len(c) != 1 {
			t.Errorf("%+v", c)
		}
	})
}

// Who was taken out of the group at the realm is not put back by a change of theirs.
func TestWhoWasTakenOutStaysOut(t *testing.T) {
	each(t, func(w *world) {
		w.desk.all["ada"] = registrant.Standing{Enabled: true}
		here := w.here("ada")
		w.says(here, whole())
		w.settled()
		w.desk.all["ada"] = registrant.Standing{Enabled: true, Groups: []string{}}
		w.happens(registrant.Happened{Subject: "ada"})
		w.polls(w.follower)
		w.isIn(here.User.ID)
		w.says(w.again("ada"), registrant.Change{Profile: true, Fields: map[string]*string{"bio": text("again")}})
		if c := w.changes(); len(c) > 0 {
			t.Errorf("%+v", c)
		}
	})
}

// Jobs that can never be carried out are given up at once.
func TestJobsThatCannotBeCarriedOut(t *testing.T) {
	each(t, func(w *world) {
		other, err := json.Marshal(job.RealmChange{Realm: "staff", Issuer: issuer, Subject: "ada", Join: "/end_users"})
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range []string{"", "{", `[]`, "{}", string(other)} {
			if err := w.follower.Carry(t.Context(), store.Job{Payload: []byte(payload)}); !job.IsPermanent(err) {
				t.Errorf("%s: %v", payload, err)
			}
		}
		if len(w.desk.joined)+len(w.desk.looked) > 0 {
			t.Error("the desk was asked")
		}
	})
}

// A job whose person is nobody here any more harms nobody.
func TestAJobOfSomebodyWhoIsGone(t *testing.T) {
	each(t, func(w *world) {
		w.desk.all["ada"] = registrant.Standing{Enabled: true}
		here := w.here("ada")
		w.says(here, whole())
		jobs := w.jobs(job.KindRealm)
		w.advance(time.Second)
		if err := w.people.Erase(t.Context(), here); err != nil {
			t.Fatal(err)
		}
		if err := w.follower.Carry(t.Context(), jobs[0]); err != nil {
			t.Fatal(err)
		}
		u := read(w, func(r store.Reader) (user.User, error) { return r.User(here.User.ID) })
		if u.Status != user.Deleted || w.users() != 1 {
			t.Errorf("%+v", u)
		}
	})
}
