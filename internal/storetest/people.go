package storetest

import (
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testPeople(t *testing.T, open Open) {
	s := open(t)
	ua, sa := person("a", "edi")
	ub, sb := person("b", "partner:x")
	uc, sc := person("c", "partner:x")
	late := strand("a-t", "a", "partner:x")
	late.State = user.Withdrawn
	given(t, s, ub, sb, ua, late, sa, uc, sc,
		user.Identity{Issuer: "i", Subject: "2", User: "a", Strand: "a-s", Created: at(2)},
		user.Identity{Issuer: "j", Subject: "1", User: "a", Strand: "a-s", Created: at(1)},
		user.Identity{Issuer: "i", Subject: "3", User: "b", Strand: "b-s", Created: at(1)},
		user.Handle{Space: user.SpaceUsername, Value: "ada", User: "a", Strand: "a-s", Created: at(2)},
		user.Handle{Space: user.SpaceEDI, Value: "EDI-1", User: "a", Strand: "a-s", Created: at(1), Dead: true},
		user.Handle{Space: user.SpacePartnerUN, Value: "ada", User: "b", Strand: "b-s", Created: at(1)},
		user.Claim{Kind: user.Email, Address: "x@y", User: "b", Strand: "b-s", Source: "partner:x", Since: at(2)},
		user.Claim{Kind: user.Email, Address: "x@y", User: "a", Strand: "a-s", Source: "edi", Since: at(1)},
		user.Claim{Kind: user.Email, Address: "x@y", User: "a", Strand: "a-t", Source: "partner:x", Since: at(3)},
		user.Claim{Kind: user.Phone, Address: "x@y", User: "a", Strand: "a-s", Source: "edi", Since: at(4)},
		user.Owner{Kind: user.Email, Address: "x@y", User: "a", Strand: "a-s", Proven: at(2)},
		user.Owner{Kind: user.Phone, Address: "x@y", User: "a", Strand: "a-s", Proven: at(1)},
		user.Password{User: "a", Strand: "a-t", Hash: "late", Set: at(2)},
		user.Password{User: "a", Strand: "a-s", Hash: "early", Set: at(1)},
		user.Lock{User: "a", Source: "operator", At: at(2)},
		user.Lock{User: "a", Source: "feed", At: at(1)},
		store.Entry{ID: "1", User: "a", At: at(1)},
		store.Entry{ID: "2", User: "b", Other: "a", At: at(2)},
		store.Entry{ID: "3", User: "a", Other: "a", At: at(3)},
		store.Entry{ID: "4", User: "b", At: at(4)},
	)
	users := func(u user.User) string { return string(u.ID) }
	strands := func(s user.Strand) string { return string(s.ID) }
	identities := func(i user.Identity) string { return i.Issuer + i.Subject }
	handles := func(h user.Handle) string { return string(h.Space) + ":" + h.Value }
	claims := func(c user.Claim) string { return string(c.Strand) + ":" + string(c.Kind) }
	entries := func(e store.Entry) string { return string(e.ID) }
	view(t, s, func(r store.Reader) error {
		u, err := r.User("a")
		same(t, "user", ua, err, u)
		_, err = r.User("zz")
		absent(t, "user", err)
		us, err := r.Users("", 2)
		keys(t, "users", us, err, users, "a", "b")
		us, err = r.Users("b", 2)
		keys(t, "users after b", us, err, users, "c")
		us, err = r.Users("c", 2)
		keys(t, "users after the last", us, err, users)

		st, err := r.Strand("a-t")
		same(t, "strand", late, err, st)
		ss, err := r.Strands("a")
		keys(t, "strands", ss, err, strands, "a-s", "a-t")
		ss, err = r.Strands("zz")
		keys(t, "nobody's strands", ss, err, strands)

		i, err := r.Identity(user.IdentityKey{Issuer: "i", Subject: "3"})
		same(t, "identity", user.ID("b"), err, i.User)
		_, err = r.Identity(user.IdentityKey{Issuer: "j", Subject: "3"})
		absent(t, "identity of another issuer", err)
		is, err := r.Identities("a")
		keys(t, "identities", is, err, identities, "j1", "i2")

		h, err := r.Handle(user.SpaceEDI, "EDI-1")
		same(t, "dead handle", true, err, h.Dead)
		_, err = r.Handle(user.SpaceEDI, "ada")
		absent(t, "handle in another space", err)
		hs, err := r.Handles("a")
		keys(t, "handles", hs, err, handles, "edi:EDI-1", "username:ada")
		hs, err = r.FindHandles("ada")
		keys(t, "handles in every space", hs, err, handles, "partner.username:ada", "username:ada")

		cs, err := r.Claims(user.Email, "x@y")
		keys(t, "claims", cs, err, claims, "a-s:email", "b-s:email", "a-t:email")
		cs, err = r.ClaimsOf("a")
		keys(t, "claims of a user", cs, err, claims, "a-s:email", "a-t:email", "a-s:phone")
		o, err := r.Owner(user.Email, "x@y")
		same(t, "owner", user.ID("a"), err, o.User)
		_, err = r.Owner(user.Email, "y@x")
		absent(t, "owner", err)
		os, err := r.Owned("a")
		keys(t, "owned", os, err, func(o user.Owner) string { return string(o.Kind) }, "phone", "email")

		ps, err := r.Passwords("a")
		keys(t, "passwords", ps, err, func(p user.Password) string { return p.Hash }, "early", "late")
		ls, err := r.Locks("a")
		keys(t, "locks", ls, err, func(l user.Lock) string { return string(l.Source) }, "feed", "operator")

		e, err := r.Entry("2")
		same(t, "entry", user.ID("a"), err, e.Other)
		_, err = r.Entry("9")
		absent(t, "entry", err)
		es, err := r.Entries("a")
		keys(t, "entries, newest first, each once", es, err, entries, "3", "2", "1")
		return nil
	})
}

func testRecords(t *testing.T, open Open) {
	s := open(t)
	ua, sa := person("a", "partner:x")
	ub, sb := person("b", "partner:x")
	ub.Status, ub.Closed = user.Deleted, at(5)
	other := strand("a-t", "a", "partner:y")
	given(t, s, ua, sa, other, ub, sb,
		user.Handle{Space: user.SpacePartner, Value: "100", User: "a", Strand: "a-s", Dead: true},
		user.Handle{Space: user.SpacePartner, Value: "101", User: "a", Strand: "a-s"},
		user.Handle{Space: user.SpacePartner, Value: "099", User: "a", Strand: "a-t"},
		user.Handle{Space: user.SpacePartnerUN, Value: "ada", User: "a", Strand: "a-s"},
		user.Handle{Space: user.SpacePartnerUN, Value: "gone", User: "b", Strand: "b-s", Dead: true},
		user.Password{User: "a", Strand: "a-s", Hash: "h"},
		user.Password{User: "b", Strand: "b-s", Hash: "h", SetAside: true},
		user.Lock{User: "a", Source: "operator", At: at(3)}, user.Lock{User: "a", Source: "feed", At: at(2)},
		user.Claim{Kind: user.Email, Address: "x@y", User: "a", Strand: "a-s", Source: "partner:x"},
		user.Claim{Kind: user.Email, Address: "x@y", User: "b", Strand: "b-s", Source: "partner:x"},
		user.Claim{Kind: user.Email, Address: "x@y", User: "a", Strand: "a-t", Source: "partner:y"},
	)
	wantA := store.Record{User: ua, Strand: sa, Number: "101", LockedAt: at(2), HasPassword: true}
	wantB := store.Record{User: ub, Strand: sb}
	view(t, s, func(r store.Reader) error {
		rec, err := r.RecordByHandle(user.SpacePartnerUN, "ada", user.SpacePartner)
		same(t, "by handle", wantA, err, rec)
		_, err = r.RecordByHandle(user.SpacePartnerUN, "gone", user.SpacePartner)
		absent(t, "by a dead handle", err)
		_, err = r.RecordByHandle(user.SpacePartner, "ada", user.SpacePartner)
		absent(t, "by a handle of another space", err)
		rec, err = r.RecordByStrand("b-s", user.SpacePartner)
		same(t, "by strand", wantB, err, rec)
		_, err = r.RecordByStrand("zz", user.SpacePartner)
		absent(t, "by strand", err)
		recs, err := r.RecordsByClaim("partner:x", user.Email, "x@y", user.SpacePartner)
		same(t, "by claim", []store.Record{wantA, wantB}, err, recs)
		recs, err = r.RecordsByClaim("partner:x", user.Phone, "x@y", user.SpacePartner)
		same(t, "by a claim of another kind", nil, err, recs)
		recs, err = r.RecordsAfter("partner:x", "", 1, user.SpacePartner)
		same(t, "first page", []store.Record{wantA}, err, recs)
		recs, err = r.RecordsAfter("partner:x", "a-s", 9, user.SpacePartner)
		same(t, "second page", []store.Record{wantB}, err, recs)
		recs, err = r.RecordsAfter("partner", "", 9, user.SpacePartner)
		same(t, "another source", nil, err, recs)
		return nil
	})
}
