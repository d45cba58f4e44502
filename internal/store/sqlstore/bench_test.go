package sqlstore

import (
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

// benchUsers is how many users there are when reading and updating begins.
const benchUsers = 20_000

var benchFacts = []user.Attr{
	user.GivenName, user.FamilyName, user.EmailAttr, user.PhoneNumber, user.Locale, user.Picture, user.Birthdate, user.Gender,
}

var benchTime = time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)

func benchDocument(n int) user.Document {
	d := user.Document{}
	for i, a := range benchFacts {
		d[a] = user.Fact{Value: user.Text(fmt.Sprintf("value %d of user %d", i, n)), Assurance: user.Asserted, At: benchTime}
	}
	return d
}

func benchProfile(s user.ID, d user.Document) user.Profile {
	p := user.Profile{}
	for a, f := range d {
		p[a] = user.Shown{Value: f.Value, Strand: s, Assurance: f.Assurance}
	}
	return p
}

// benchRows are the rows that admission writes for a new user of a feed.
func benchRows(n int) []any {
	u := user.ID(fmt.Sprintf("01900000-0000-7000-8000-%012d", n))
	s := user.ID(fmt.Sprintf("01900000-0000-7000-9000-%012d", n))
	mail, d := fmt.Sprintf("user%d@example.org", n), benchDocument(n)
	return []any{
		user.User{ID: u, Status: user.Active, Epoch: 1, Profile: benchProfile(s, d), Created: benchTime, Updated: benchTime},
		user.Strand{ID: s, User: u, Origin: u, Source: "partner:feed", Kind: user.Feed, State: user.Live, Document: d, Created: benchTime, CreatedBy: "feed"},
		user.Claim{Kind: user.Email, Address: mail, Display: mail, User: u, Strand: s, Source: "partner:feed", Assurance: user.Attested, Since: benchTime},
		user.Handle{Space: user.SpacePartner, Value: fmt.Sprint(n), User: u, Strand: s, Created: benchTime},
		user.Handle{Space: user.SpacePartnerUN, Value: fmt.Sprint("name", n), User: u, Strand: s, Created: benchTime},
		user.Password{User: u, Strand: s, Hash: "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$" + hex.EncodeToString(make([]byte, 32)), Set: benchTime},
		store.Event{
			ID: u, Kind: "user.created", User: u, Actor: "feed", Door: user.DoorPartner, At: benchTime,
			Body: []byte(`{"rule":"6: nothing matches","evidence":[],"policy":1}`), Salt: make([]byte, 16),
		},
	}
}

func insertUsers(b testing.TB, db *DB, from, to int) {
	b.Helper()
	err := db.Update(b.Context(), store.Bulk, func(tx store.Tx) error {
		for n := from; n < to; n++ {
			for _, r := range benchRows(n) {
				if err := tx.Write(store.OpInsert, r); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// onEach runs a benchmark on both engines, over benchUsers users.
func onEach(b *testing.B, fn func(*testing.B, *DB)) {
	for _, e := range []struct {
		name string
		o    func(testing.TB) Options
	}{
		{"sqlite", func(t testing.TB) Options { return Options{Data: t.TempDir()} }},
		{"postgres", func(t testing.TB) Options { return Options{URL: testpg.Start(t)} }},
	} {
		b.Run(e.name, func(b *testing.B) {
			db := opened(b, e.o(b))
			for n := 0; n < benchUsers; n += 500 {
				insertUsers(b, db, n, n+500)
			}
			fn(b, db)
		})
	}
}

func read(b *testing.B, db *DB, fn func(store.Reader) error) {
	b.Helper()
	if err := db.View(b.Context(), fn); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkStore(b *testing.B) {
	onEach(b, func(b *testing.B, db *DB) {
		b.Run("RecordByHandle", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				read(b, db, func(r store.Reader) error {
					_, err := r.RecordByHandle(user.SpacePartnerUN, fmt.Sprint("name", i*7919%benchUsers), user.SpacePartner)
					return err
				})
			}
		})
		b.Run("SignInByClaim", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				read(b, db, func(r store.Reader) error {
					_, err := r.SignInByClaim(user.DoorPartner, user.Email, fmt.Sprintf("user%d@example.org", i*7919%benchUsers), user.SpacePartner)
					return err
				})
			}
		})
		var lockNo atomic.Int64
		one := func(b *testing.B) {
			err := db.Update(b.Context(), store.Interactive, func(tx store.Tx) error {
				return store.Put(tx, store.Throttle{Key: fmt.Sprint(lockNo.Add(1) % 1000), Failures: 1})
			})
			if err != nil {
				b.Error(err)
			}
		}
		b.Run("Update/1", func(b *testing.B) {
			for b.Loop() {
				one(b)
			}
		})
		b.Run("Update/64", func(b *testing.B) {
			b.SetParallelism(32) // times GOMAXPROCS
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					one(b)
				}
			})
		})
		b.Run("Import", func(b *testing.B) {
			n := benchUsers
			for b.Loop() {
				insertUsers(b, db, n, n+64)
				n += 64
			}
			b.ReportMetric(float64(n-benchUsers)/b.Elapsed().Seconds(), "users/s")
		})
	})
}
