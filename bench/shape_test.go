package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

// The question behind docs/decisions/0003: is a user's profile better kept as
// one JSON document with a projection, or as a row for each attribute?

var attributes = []string{"given_name", "family_name", "email", "email_verified", "locale", "picture", "birthdate", "gender"}

const shapeUsers = 5000

func shapeDB(b *testing.B) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "shape.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	for _, q := range []string{
		"CREATE TABLE document (realm TEXT, id TEXT, strand TEXT, profile TEXT, facts TEXT, PRIMARY KEY (realm, id))",
		"CREATE TABLE fact (realm TEXT, id TEXT, strand TEXT, name TEXT, value TEXT, assurance TEXT, at BIGINT, PRIMARY KEY (realm, id, strand, name))",
	} {
		if _, err := db.ExecContext(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

func prepared(b *testing.B, db *sql.DB, q string) *sql.Stmt {
	b.Helper()
	s, err := db.PrepareContext(b.Context(), q)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

type shapeFact struct {
	Value     string `json:"v"`
	Assurance string `json:"a"`
	At        int64  `json:"t"`
}

func shapeDocument(n int) string {
	d := map[string]shapeFact{}
	for _, a := range attributes {
		d[a] = shapeFact{fmt.Sprintf("%s of %d", a, n), "attested", int64(n)}
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return string(text)
}

const (
	putDocument = "INSERT INTO document VALUES ('main', $1, 's', $2, $2) ON CONFLICT (realm, id) DO UPDATE SET profile = excluded.profile, facts = excluded.facts"
	putFact     = "INSERT INTO fact VALUES ('main', $1, 's', $2, $3, 'attested', $4) ON CONFLICT (realm, id, strand, name) DO UPDATE SET value = excluded.value, at = excluded.at"
)

// fill imports users in transactions of 64, and reports users a second.
func fill(b *testing.B, db *sql.DB, users int, one func(tx *sql.Tx, n int) error) {
	b.Helper()
	for n := 0; n < users; {
		tx, err := db.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		for range 64 {
			if err := one(tx, n); err != nil {
				b.Fatal(err)
			}
			n++
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

func intoDocuments(b *testing.B, db *sql.DB) func(*sql.Tx, int) error {
	b.Helper()
	put := prepared(b, db, putDocument)
	return func(tx *sql.Tx, n int) error {
		_, err := tx.Stmt(put).Exec(fmt.Sprint(n), shapeDocument(n)) //nolint:noctx // a benchmark's loop
		return err
	}
}

func intoFacts(b *testing.B, db *sql.DB) func(*sql.Tx, int) error {
	b.Helper()
	put := prepared(b, db, putFact)
	return func(tx *sql.Tx, n int) error {
		for _, a := range attributes {
			if _, err := tx.Stmt(put).Exec(fmt.Sprint(n), a, fmt.Sprintf("%s of %d", a, n), n); err != nil { //nolint:noctx // as above
				return err
			}
		}
		return nil
	}
}

func BenchmarkShapeImport(b *testing.B) {
	for name, into := range map[string]func(*testing.B, *sql.DB) func(*sql.Tx, int) error{"documents": intoDocuments, "rows": intoFacts} {
		b.Run(name, func(b *testing.B) {
			db := shapeDB(b)
			one := into(b, db)
			b.ResetTimer()
			fill(b, db, b.N, one)
		})
	}
}

func BenchmarkShapeRead(b *testing.B) {
	b.Run("documents", func(b *testing.B) {
		db := shapeDB(b)
		fill(b, db, shapeUsers, intoDocuments(b, db))
		get := prepared(b, db, "SELECT profile FROM document WHERE realm = 'main' AND id = $1")
		for i := 0; b.Loop(); i++ {
			var text string
			if err := get.QueryRowContext(b.Context(), fmt.Sprint(i%shapeUsers)).Scan(&text); err != nil {
				b.Fatal(err)
			}
			got := map[string]shapeFact{}
			if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != len(attributes) {
				b.Fatal(err, len(got))
			}
		}
	})
	b.Run("rows", func(b *testing.B) {
		db := shapeDB(b)
		fill(b, db, shapeUsers, intoFacts(b, db))
		get := prepared(b, db, "SELECT name, value, assurance, at FROM fact WHERE realm = 'main' AND id = $1")
		for i := 0; b.Loop(); i++ {
			rows, err := get.QueryContext(b.Context(), fmt.Sprint(i%shapeUsers))
			if err != nil {
				b.Fatal(err)
			}
			got := map[string]shapeFact{}
			for rows.Next() {
				var name string
				var f shapeFact
				if err := rows.Scan(&name, &f.Value, &f.Assurance, &f.At); err != nil {
					b.Fatal(err)
				}
				got[name] = f
			}
			if err := rows.Err(); err != nil || len(got) != len(attributes) {
				b.Fatal(err, len(got))
			}
			_ = rows.Close()
		}
	})
}

// One attribute of one user changes, 64 users a transaction.
func BenchmarkShapeUpdate(b *testing.B) {
	b.Run("documents", func(b *testing.B) {
		db := shapeDB(b)
		one := intoDocuments(b, db)
		fill(b, db, shapeUsers, one)
		b.ResetTimer()
		fill(b, db, b.N, func(tx *sql.Tx, n int) error { return one(tx, n%shapeUsers) })
	})
	b.Run("rows", func(b *testing.B) {
		db := shapeDB(b)
		fill(b, db, shapeUsers, intoFacts(b, db))
		put := prepared(b, db, putFact)
		b.ResetTimer()
		fill(b, db, b.N, func(tx *sql.Tx, n int) error {
			_, err := tx.Stmt(put).Exec(fmt.Sprint(n%shapeUsers), attributes[0], fmt.Sprint("now ", n), n) //nolint:noctx // as above
			return err
		})
	})
}
