package storetest

import (
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testGroups(t *testing.T, open Open) {
	s := open(t)
	u, live := person("a", "edi")
	gone := strand("a-t", "a", "partner")
	gone.State = user.Withdrawn
	given(t, s, u, live, gone,
		user.Group{ID: "1", Kind: "system", Name: "Vetted"}, user.Group{ID: "2", Kind: "role", Name: "staff"},
		user.Group{ID: "3", Kind: "group", Name: "staff"}, user.Group{ID: "4", Kind: "group", Name: "staff", Parent: "3", ExternalID: "x-1"},
		user.Membership{Group: "1", User: "a", Strand: "a-s"}, user.Membership{Group: "1", User: "a", Strand: "a-t"},
		user.Membership{Group: "2", User: "a", Strand: "a-t"},
		user.Membership{Group: "4", User: "a", Strand: "a-s"},
		user.Membership{Group: "1", User: "b", Strand: "b-s"},
	)
	id := func(g user.Group) string { return string(g.ID) }
	member := func(m user.Membership) string { return string(m.Group + ":" + m.User + ":" + m.Strand) }
	view(t, s, func(r store.Reader) error {
		g, err := r.GroupByName("role", "staff")
		same(t, "by name", user.ID("2"), err, g.ID)
		g, err = r.GroupByExternalID("group", "3", "x-1")
		same(t, "by its id elsewhere, in its parent", user.ID("4"), err, g.ID)
		_, err = r.GroupByExternalID("group", "other", "x-1")
		absent(t, "in another parent", err)
		g, err = r.GroupByName("group", "staff")
		same(t, "by name, the one without a parent first", user.ID("3"), err, g.ID)
		_, err = r.GroupByName("role", "Vetted")
		absent(t, "by the name of another kind", err)
		_, err = r.Group("9")
		absent(t, "group", err)
		gs, err := r.GroupsNamed("staff")
		keys(t, "named", gs, err, id, "3", "4", "2")
		gs, err = r.AllGroups()
		same(t, "all", 4, err, len(gs))
		ms, err := r.Memberships("a")
		keys(t, "memberships, by whatever strand", ms, err, member, "1:a:a-s", "1:a:a-t", "2:a:a-t", "4:a:a-s")
		ms, err = r.Members("1")
		same(t, "members", 3, err, len(ms))
		// By live strands only, each group once.
		gs, err = r.GroupsOf("a")
		keys(t, "groups of a user", gs, err, id, "4", "1")
		for _, c := range []struct {
			u          user.ID
			kind, name string
			want       bool
		}{
			{"a", "system", "Vetted", true},
			{"a", "role", "staff", false},
			{"a", "group", "staff", true},
			{"a", "group", "Vetted", false},
			{"b", "system", "Vetted", false},
			{"c", "system", "Vetted", false},
		} {
			in, err := r.InGroup(c.u, c.kind, c.name)
			same(t, string(c.u)+" in "+c.kind+" "+c.name, c.want, err, in)
		}
		return nil
	})
}

func testLog(t *testing.T, open Open) {
	s := open(t)
	given(t, s,
		store.Event{ID: "1", User: "a", Seq: 2}, store.Event{ID: "2", User: "b", Seq: 1}, store.Event{ID: "4", User: "a"}, store.Event{ID: "3", User: "a"},
		store.Job{ID: "1", State: store.JobDue, Due: at(2)}, store.Job{ID: "2", State: store.JobDue, Due: at(1)}, store.Job{ID: "3", State: store.JobDead},
		store.Message{ID: "1", Channel: "email", To: "a", Sent: at(1)}, store.Message{ID: "2", Channel: "sms", To: "a", Sent: at(2)},
		store.Message{ID: "3", Channel: "email", To: "b", Sent: at(3)},
		store.PolicyVersion{Version: 2, By: "two"}, store.PolicyVersion{Version: 10, By: "ten"}, store.PolicyVersion{Version: 1},
		store.Key{KID: "b", Created: at(1)}, store.Key{KID: "a", Created: at(2)},
		store.Invalidation{Seq: 1, Key: "x"}, store.Invalidation{Seq: 3, Key: "z"}, store.Invalidation{Seq: 2, Key: "y"},
	)
	event := func(e store.Event) string { return string(e.ID) }
	message := func(m store.Message) string { return string(m.ID) }
	view(t, s, func(r store.Reader) error {
		es, err := r.EventsOf("a", 9)
		keys(t, "events of a user", es, err, event, "1", "3", "4")
		es, err = r.EventsOf("a", 1)
		keys(t, "the first of them", es, err, event, "1")
		es, err = r.Events(0, 9)
		keys(t, "by number", es, err, event, "2", "1")
		es, err = r.Events(1, 9)
		keys(t, "after a number", es, err, event, "1")
		es, err = r.Unsequenced(9)
		keys(t, "without a number", es, err, event, "3", "4")
		es, err = r.Unsequenced(1)
		keys(t, "the first without a number", es, err, event, "3")
		e, err := r.LastEvent()
		same(t, "the last", int64(2), err, e.Seq)

		js, err := r.Jobs(store.JobDue, 9)
		keys(t, "jobs", js, err, func(j store.Job) string { return string(j.ID) }, "2", "1")
		p, err := r.Policy()
		same(t, "policy", "ten", err, p.By)
		ks, err := r.Keys()
		keys(t, "keys", ks, err, func(k store.Key) string { return k.KID }, "b", "a")
		is, err := r.Invalidations(1, 9)
		keys(t, "invalidations", is, err, func(i store.Invalidation) string { return i.Key }, "y", "z")

		for _, c := range []struct {
			f    store.MessageFilter
			want []string
		}{
			{store.MessageFilter{}, []string{"3", "2", "1"}},
			{store.MessageFilter{To: "a"}, []string{"2", "1"}},
			{store.MessageFilter{To: "a", Channel: "email"}, []string{"1"}},
			{store.MessageFilter{Since: at(2)}, []string{"3", "2"}},
			{store.MessageFilter{Limit: 1}, []string{"3"}},
			{store.MessageFilter{To: "zz"}, nil},
		} {
			ms, err := r.Messages(c.f)
			keys(t, "messages", ms, err, message, c.want...)
		}
		return nil
	})
	view(t, open(t), func(r store.Reader) error {
		_, err := r.LastEvent()
		absent(t, "last event of none", err)
		_, err = r.Policy()
		absent(t, "policy of none", err)
		_, err = r.Secret("n")
		absent(t, "secret", err)
		return nil
	})
}
