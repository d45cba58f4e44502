package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

// carried is a database that was taken out: a Sink, and the Source of the same.
type carried struct {
	schema int64
	tables []carriedTable
	failAt int // after so many rows of the source; -1: never
}

type carriedTable struct {
	name    string
	columns []string
	rows    [][]any
}

func (c *carried) Begin(schema int64) error {
	c.schema = schema
	return nil
}

func (c *carried) Table(name string, columns []string) error {
	c.tables = append(c.tables, carriedTable{name: name, columns: slices.Clone(columns)})
	return nil
}

func (c *carried) Row(values []any) error {
	t := &c.tables[len(c.tables)-1]
	t.rows = append(t.rows, slices.Clone(values))
	return nil
}

// names are the tables with how many rows they have.
func (c *carried) names() (all []string) {
	for _, t := range c.tables {
		all = append(all, fmt.Sprint(t.name, " ", len(t.rows)))
	}
	return all
}

var errBroke = errors.New("the source broke")

// source reads what was carried, from its beginning.
type source struct {
	*carried
	table, row, given int
}

func (s *source) Next() (string, []string, error) {
	if s.table++; s.table > len(s.tables) {
		return "", nil, io.EOF
	}
	s.row = 0
	return s.tables[s.table-1].name, s.tables[s.table-1].columns, nil
}

func (s *source) Row() ([]any, error) {
	rows := s.tables[s.table-1].rows
	if s.row == len(rows) {
		return nil, io.EOF
	}
	if s.given++; s.failAt >= 0 && s.given > s.failAt {
		return nil, errBroke
	}
	s.row++
	return rows[s.row-1], nil
}

func exported(t *testing.T, db *DB) *carried {
	t.Helper()
	c := &carried{failAt: -1}
	if err := db.Export(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func nothing(store.Tx, int64) error { return nil }

// emptied gives an empty database of the same kind as another.
func emptied(t *testing.T, like *DB) *DB {
	t.Helper()
	if _, dialect := like.raw(); dialect == goose.DialectPostgres {
		return opened(t, Options{URL: testpg.Start(t)})
	}
	return opened(t, Options{Data: t.TempDir()})
}

var made = regexp.MustCompile(`CREATE TABLE (?:IF NOT EXISTS )?(\w+)`)

// Every table that the migrations make goes into a backup, and holds only what
// comes back as it was: texts and whole numbers.
func TestNoTableIsForgotten(t *testing.T) {
	var want []string
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := fs.ReadFile(migrations, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made.FindAllStringSubmatch(string(text), -1) {
			want = append(want, m[1])
		}
	}
	slices.Sort(want)
	onBoth(t, func(t *testing.T, db *DB) {
		all := exported(t, db)
		var got []string
		for _, c := range all.tables {
			got = append(got, c.name)
			rows, err := pool(db).QueryContext(t.Context(), "SELECT * FROM "+c.name+" LIMIT 0")
			if err != nil {
				t.Fatal(err)
			}
			types, err := rows.ColumnTypes()
			if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
				t.Fatal(err)
			}
			for _, ct := range types {
				if n := ct.DatabaseTypeName(); !slices.Contains([]string{"TEXT", "BIGINT", "INT8"}, n) {
					t.Errorf("%s.%s is %s: a backup takes texts and whole numbers only", c.name, ct.Name(), n)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("exported are %v, and the migrations make %v", got, want)
		}
		if newest, err := NewestSchema(); err != nil || all.schema != newest {
			t.Errorf("schema %d, newest %d, %v", all.schema, newest, err)
		}
		// One that a later migration adds is taken without being named anywhere.
		if _, err := pool(db).ExecContext(t.Context(), "CREATE TABLE later (realm TEXT NOT NULL, n BIGINT NOT NULL)"); err != nil {
			t.Fatal(err)
		}
		if names := exported(t, db).names(); !slices.Contains(names, "later 0") {
			t.Errorf("not taken: %v", names)
		}
	})
}

// Given people and a reader that looks on while others write, then it sees one
// moment.
func TestExportIsOfOneMoment(t *testing.T) {
	onBoth(t, func(t *testing.T, db *DB) {
		insertUsers(t, db, 0, 50)
		c := &disturbed{carried: carried{failAt: -1}, between: func() { insertUsers(t, db, 50, 60) }}
		if err := db.Export(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"users 50", "strands 50", "claims 50", "handles 100", "passwords 50", "events 50"} {
			if !slices.Contains(c.names(), want) {
				t.Errorf("%v, want %s", c.names(), want)
			}
		}
		if n := exported(t, db).names(); !slices.Contains(n, "users 60") {
			t.Errorf("given that somebody wrote meanwhile: %v", n)
		}
	})
}

// disturbed has something done once the first table is there.
type disturbed struct {
	carried
	between func()
}

func (d *disturbed) Table(name string, columns []string) error {
	if d.between != nil {
		d.between()
		d.between = nil
	}
	return d.carried.Table(name, columns)
}

// What is not as it must be leaves the database empty, and ready for the next.
func TestImportIsWholeOrNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, db *DB) {
		insertUsers(t, db, 0, 40)
		all := exported(t, db)
		to := emptied(t, db)
		broken := func(change func(c *carried)) *source {
			c := &carried{tables: slices.Clone(all.tables), failAt: -1}
			change(c)
			return &source{carried: c}
		}
		rows := func(c *carried, name string) *carriedTable {
			return &c.tables[slices.IndexFunc(c.tables, func(t carriedTable) bool { return t.name == name })]
		}
		for name, from := range map[string]*source{
			"it breaks off":   broken(func(c *carried) { c.failAt = 100 }),
			"at its end":      broken(func(c *carried) { c.failAt = 279 }),
			"a table less":    broken(func(c *carried) { c.tables = c.tables[:len(c.tables)-1] }),
			"a table twice":   broken(func(c *carried) { c.tables = append(c.tables, c.tables[0]) }),
			"a strange table": broken(func(c *carried) { c.tables[3].name = "users; DROP TABLE users" }),
			"goose's own":     broken(func(c *carried) { c.tables[3].name = "goose_db_version" }),
			"a strange column": broken(func(c *carried) {
				u := rows(c, "users")
				u.columns = append(slices.Clone(u.columns[:len(u.columns)-1]), "other")
			}),
			"a column twice": broken(func(c *carried) {
				u := rows(c, "users")
				u.columns = append(slices.Clone(u.columns[:len(u.columns)-1]), u.columns[0])
			}),
			"a row twice": broken(func(c *carried) {
				u := rows(c, "users")
				u.rows = append(slices.Clone(u.rows), u.rows[0])
			}),
		} {
			if err := to.Import(t.Context(), from, EndSessions, nothing); err == nil {
				t.Errorf("%s: imported", name)
			} else if strings.HasPrefix(name, "it breaks") && !errors.Is(err, errBroke) {
				t.Errorf("%s: %v", name, err)
			}
			if err := to.Empty(t.Context()); err != nil {
				t.Fatalf("after %s: %v", name, err)
			}
		}
		refused := errors.New("not written down")
		err := to.Import(t.Context(), &source{carried: all}, EndSessions, func(store.Tx, int64) error { return refused })
		if !errors.Is(err, refused) || to.Empty(t.Context()) != nil {
			t.Errorf("where the end of the sessions is not written down: %v", err)
		}
		if err := to.Import(t.Context(), &source{carried: all}, KeepSessions, nil); err != nil {
			t.Fatal(err)
		}
		if got := exported(t, to).names(); !slices.Equal(got, all.names()) {
			t.Errorf("%v, want %v", got, all.names())
		}
		for range 2 {
			if err := to.Import(t.Context(), &source{carried: all}, EndSessions, nothing); !errors.Is(err, ErrNotEmpty) {
				t.Errorf("over what is there: %v", err)
			}
		}
	})
}

// Given sessions, tokens and a proof that was redeemed, when they are imported
// to be ended, then nothing opens anything, the proof stays used, and it is
// written down in the same transaction.
func TestImportEndsSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, db *DB) {
		insertUsers(t, db, 0, 1)
		u := benchRows(0)[0].(user.User)
		then := benchTime.Add(time.Hour)
		err := db.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			for _, r := range []any{
				user.Session{ID: "lives", User: u.ID, Epoch: 1, Created: benchTime, Expires: then},
				user.Session{ID: "ended", User: u.ID, Epoch: 1, Created: benchTime, Expires: then, Revoked: benchTime},
				user.Token{Hash: []byte{1}, Kind: user.AccessToken, Session: "lives", Expires: then},
				user.Token{Hash: []byte{2}, Kind: user.RefreshToken, Session: "lives", Expires: then},
				user.Token{Hash: []byte{3}, Kind: "a code of another kind", Expires: then},
				user.Token{Hash: []byte{4}, Kind: user.RedeemedProof, Expires: then},
			} {
				if err := tx.Write(store.OpInsert, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		all := exported(t, db)
		to := emptied(t, db)
		var ended int64
		err = to.Import(t.Context(), &source{carried: all}, EndSessions, func(tx store.Tx, n int64) error {
			ended = n
			return store.InsertLater(tx, store.Event{ID: "written", Kind: "session.ended", Body: []byte("{}")})
		})
		if err != nil || ended != 1 {
			t.Fatalf("%d ended, %v", ended, err)
		}
		var left, epochs, redeemed, written int
		for q, n := range map[string]*int{
			"SELECT COUNT(*) FROM sessions WHERE revoked = 0":      &left,
			"SELECT COUNT(*) FROM users WHERE epoch = 2":           &epochs,
			"SELECT COUNT(*) FROM tokens":                          &redeemed,
			"SELECT COUNT(*) FROM events WHERE id = 'written'":     &written,
			"SELECT COUNT(*) FROM tokens WHERE kind <> 'redeemed'": &left,
		} {
			var got int
			if err := pool(to).QueryRowContext(t.Context(), q).Scan(&got); err != nil {
				t.Fatal(err)
			}
			*n += got
		}
		if left != 0 || epochs != 1 || redeemed != 1 || written != 1 {
			t.Errorf("%d live, %d new epochs, %d redeemed, %d written", left, epochs, redeemed, written)
		}
	})
}

// A program that begins to write while a backup is put in comes after it.
func TestNobodyWritesBetween(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		from := opened(t, Options{Data: t.TempDir()})
		insertUsers(t, from, 0, 10)
		all := exported(t, from)
		to, other := opened(t, o), opened(t, o)
		wrote := make(chan error, 1)
		slow := &waiting{source: source{carried: all}, once: func() {
			go func() { wrote <- write(other, store.Interactive, "late") }()
			select {
			case err := <-wrote:
				t.Errorf("somebody wrote in between: %v", err)
				wrote <- err
			case <-time.After(200 * time.Millisecond):
			}
		}}
		if err := to.Import(t.Context(), slow, KeepSessions, nil); err != nil {
			t.Fatal(err)
		}
		if err := <-wrote; err != nil {
			t.Errorf("who waited: %v", err)
		}
		if !has(t, to, "late") {
			t.Error("what was written after it is not there")
		}
	})
}

// waiting is a source in whose middle something happens.
type waiting struct {
	source
	once func()
}

func (w *waiting) Next() (string, []string, error) {
	if w.table == 2 {
		w.once()
	}
	return w.source.Next()
}

// Tables of an older program are made, filled and brought up to date.
func TestAnOlderSchema(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		old, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { must(t, old.Close()) })
		must(t, old.MigrateTo(t.Context(), 1))
		all := exported(t, old)
		if all.schema != 1 || slices.ContainsFunc(all.tables, func(c carriedTable) bool { return c.name == "search_terms" }) {
			t.Fatalf("schema %d with %v", all.schema, all.names())
		}
		to, err := Open(t.Context(), Options{Data: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { must(t, to.Close()) })
		if v, err := to.SchemaVersion(t.Context()); v != 0 || err != nil {
			t.Errorf("without tables: version %d, %v", v, err)
		}
		must(t, to.Empty(t.Context()))
		must(t, to.MigrateTo(t.Context(), all.schema))
		must(t, to.Import(context.WithoutCancel(t.Context()), &source{carried: all}, EndSessions, nothing))
		must(t, to.Migrate(t.Context()))
		if v, err := to.SchemaVersion(t.Context()); err != nil || v < 3 {
			t.Errorf("version %d, %v", v, err)
		}
	})
}
