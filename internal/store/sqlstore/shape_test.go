package sqlstore

import (
	"context"
	"fmt"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// The comparison behind docs/decisions/0003: a document for each strand and a
// projection on the user, against a row for each attribute. Both ways write
// users, strands and a handle; what differs is where the attributes are.

const (
	makeAttributes = `CREATE TABLE attributes (realm TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL,
		name TEXT NOT NULL, value TEXT, assurance TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (realm, user_id, strand_id, name))`
	putAttribute = `INSERT INTO attributes (realm, user_id, strand_id, name, value, assurance, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (realm, user_id, strand_id, name) DO UPDATE SET value = excluded.value, assurance = excluded.assurance, at = excluded.at`
	readAttributes = `SELECT a.strand_id, a.name, COALESCE(a.value, ''), a.assurance, a.at FROM handles h
		JOIN attributes a ON a.realm = h.realm AND a.user_id = h.user_id WHERE h.realm = $1 AND h.value = $2 AND h.space = $3`
)

// shape is one way of keeping attributes.
type shape struct {
	name   string
	insert func(t *tx, n int) error
	read   func(r *reader, n int) (user.Profile, error)
	update func(t *tx, n int) error
}

func shapes() []shape {
	return []shape{
		{
			"documents",
			func(t *tx, n int) error { return insertRows(t, benchRows(n)[:5:5]) },
			func(r *reader, n int) (user.Profile, error) {
				rec, err := r.RecordByHandle(user.SpacePartnerUN, fmt.Sprint("name", n), user.SpacePartner)
				return rec.User.Profile, err
			},
			func(t *tx, n int) error {
				rec, err := t.RecordByHandle(user.SpacePartnerUN, fmt.Sprint("name", n), user.SpacePartner)
				if err != nil {
					return err
				}
				rec.Strand.Document.Set(user.GivenName, user.Text(fmt.Sprint(t.Now())), user.Asserted, t.Now())
				rec.User.Profile = benchProfile(rec.Strand.ID, rec.Strand.Document)
				if err := store.Put(t, rec.Strand); err != nil {
					return err
				}
				return store.Put(t, rec.User)
			},
		},
		{
			"rows",
			func(t *tx, n int) error {
				rows := benchRows(n)[:5:5]
				u, s := rows[0].(user.User), rows[1].(user.Strand)
				d := s.Document
				u.Profile, s.Document = nil, nil
				rows[0], rows[1] = u, s
				if err := insertRows(t, rows); err != nil {
					return err
				}
				for a, f := range d {
					if _, err := t.exec(putAttribute, u.ID, s.ID, a, *f.Value, f.Assurance, ts(f.At)); err != nil {
						return err
					}
				}
				return nil
			},
			func(r *reader, n int) (user.Profile, error) {
				// The record says who, locked, with which number; the rows what.
				if _, err := r.RecordByHandle(user.SpacePartnerUN, fmt.Sprint("name", n), user.SpacePartner); err != nil {
					return nil, err
				}
				return attributes(r, n)
			},
			func(t *tx, n int) error {
				rec, err := t.RecordByHandle(user.SpacePartnerUN, fmt.Sprint("name", n), user.SpacePartner)
				if err != nil {
					return err
				}
				_, err = t.exec(putAttribute, rec.User.ID, rec.Strand.ID, user.GivenName, fmt.Sprint(t.Now()), user.Asserted, ts(t.Now()))
				return err
			},
		},
	}
}

func insertRows(t *tx, rows []any) error {
	for _, r := range rows {
		if err := t.Write(store.OpInsert, r); err != nil {
			return err
		}
	}
	return nil
}

// attributes projects a user's rows: the surest value of each.
func attributes(r *reader, n int) (user.Profile, error) {
	type attribute struct {
		strand user.ID
		name   user.Attr
		value  string
		sure   user.Assurance
		at     int64
	}
	all, err := many(r, readAttributes, func(f *fields, a *attribute) { f.add(&a.strand, &a.name, &a.value, &a.sure, &a.at) },
		fmt.Sprint("name", n), user.SpacePartnerUN)
	p := user.Profile{}
	for _, a := range all {
		if have, ok := p[a.name]; !ok || have.Assurance.Rank() < a.sure.Rank() {
			p[a.name] = user.Shown{Value: &a.value, Strand: a.strand, Assurance: a.sure}
		}
	}
	return p, err
}

func BenchmarkShape(b *testing.B) {
	onEach(b, func(b *testing.B, db *DB) {
		if _, err := pool(db).ExecContext(b.Context(), makeAttributes); err != nil {
			b.Fatal(err)
		}
		next := benchUsers
		for _, s := range shapes() {
			inTx := func(lane store.Lane, fn func(*tx) error) {
				b.Helper()
				if err := db.Update(context.Background(), lane, func(t store.Tx) error { return fn(t.(*tx)) }); err != nil {
					b.Fatal(err)
				}
			}
			first := next
			insert := func(n int) {
				inTx(store.Bulk, func(t *tx) error {
					for i := range 64 {
						if err := s.insert(t, n+i); err != nil {
							return err
						}
					}
					return nil
				})
			}
			for next < first+6400 {
				insert(next)
				next += 64
			}
			b.Run("read/"+s.name, func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					read(b, db, func(r store.Reader) error {
						p, err := s.read(r.(*reader), first+i*7919%6400)
						if len(p) != len(benchFacts) {
							b.Fatalf("%d attributes", len(p))
						}
						return err
					})
				}
			})
			b.Run("update/"+s.name, func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					inTx(store.Interactive, func(t *tx) error { return s.update(t, first+i*7919%6400) })
				}
			})
			b.Run("import/"+s.name, func(b *testing.B) {
				begun := next
				for b.Loop() {
					insert(next)
					next += 64
				}
				b.ReportMetric(float64(next-begun)/b.Elapsed().Seconds(), "users/s")
			})
		}
	})
}
