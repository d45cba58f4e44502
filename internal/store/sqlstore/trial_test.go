package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// TestAStatementThatFailed: whatever fn makes of the error, the update fails,
// says so, and nothing is kept.
func TestAStatementThatFailed(t *testing.T) {
	refusal := user.Refuse(user.Conflict, "name")
	for name, makeOf := range map[string]func(error) error{
		"passed on": func(err error) error { return err },
		"wrapped":   func(err error) error { return fmt.Errorf("doing: %w", err) },
		"flattened": func(err error) error { return fmt.Errorf("doing: %v", err) }, //nolint:errorlint // what is tested
		"ignored":   func(error) error { return nil },
		"refused":   func(error) error { return refusal },
	} {
		t.Run(name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, o Options) {
				db := opened(t, o)
				err := db.Update(t.Context(), store.Interactive, func(s store.Tx) error {
					if err := store.Insert(s, store.Secret{Name: "a"}); err != nil {
						return err
					}
					_, err := s.(*tx).exec("DELETE FROM no_such_table WHERE realm = $1")
					if err == nil {
						t.Error("no such table, and no error")
					}
					_, _ = s.Secret("a") // PostgreSQL refuses every further statement
					return makeOf(err)
				})
				if err == nil || !strings.Contains(err.Error(), "no_such_table") || errors.Is(err, refusal) {
					t.Errorf("got %v", err)
				}
				if has(t, db, "a") {
					t.Error("half of it was kept")
				}
				if err := write(db, store.Interactive, "b"); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

// TestNeighboursInTheWay: a conflict is tried again though fn hid it.
func TestNeighboursInTheWay(t *testing.T) {
	for name, makeOf := range map[string]func(error) error{
		"passed on": func(err error) error { return err },
		"flattened": func(err error) error { return fmt.Errorf("doing: %v", err) }, //nolint:errorlint // what is tested
		"ignored":   func(error) error { return nil },
		"refused":   func(error) error { return user.Refuse(user.Conflict, "") },
	} {
		t.Run(name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, o Options) {
				db := opened(t, o)
				const callers, each = 8, 5
				ended := make(chan error)
				for range callers {
					go func() {
						for range each {
							err := db.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
								ts, err := tx.Throttles("k")
								if err != nil {
									return makeOf(err)
								}
								n := store.Throttle{Key: "k"}
								if len(ts) > 0 {
									n = ts[0]
								}
								n.Failures++
								if err := store.Put(tx, n); err != nil {
									return makeOf(err)
								}
								return nil
							})
							if err != nil {
								ended <- err
								return
							}
						}
						ended <- nil
					}()
				}
				for range callers {
					if err := <-ended; err != nil {
						t.Error(err)
					}
				}
				err := db.View(t.Context(), func(r store.Reader) error {
					ts, err := r.Throttles("k")
					if err == nil && ts[0].Failures != callers*each {
						err = fmt.Errorf("%d counted", ts[0].Failures)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	db := &pg{}
	if again(fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: "23503"})) {
		t.Error("a foreign key is not a neighbour")
	}
	for _, code := range []string{"40001", "40P01", "23505"} {
		if !again(fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code})) {
			t.Errorf("%s is not tried again", code)
		}
	}
	db.closed.Store(true)
	if err := db.update(context.Background(), store.Bulk, nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("closed: %v", err)
	}
}

// TestRealmsAreIsolated: two realms of one database hold rows of the same keys
// and see nothing of each other.
func TestRealmsAreIsolated(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		a, b := o, o
		a.Realm, b.Realm = "a", "b"
		one, two := opened(t, a), opened(t, b)
		rows := []any{
			user.User{ID: "u"},
			user.Strand{ID: "s", User: "u", Source: "edi", State: user.Live},
			user.Identity{Issuer: "i", Subject: "s", User: "u"},
			user.Handle{Space: "x", Value: "v", User: "u", Strand: "s"},
			user.Claim{Kind: "email", Address: "a", User: "u", Strand: "s", Source: "edi"},
			user.Owner{Kind: "email", Address: "a", User: "u"},
			user.Password{User: "u", Strand: "s", Hash: "h"},
			user.Lock{User: "u", Source: "f"},
			user.Group{ID: "g", Kind: "k", Name: "n"},
			user.Membership{Group: "g", User: "u", Strand: "s"},
			user.Session{ID: "i", User: "u"},
			user.Token{Hash: []byte{1}, Kind: user.RefreshToken, Session: "i"},
			user.Client{ClientID: "c"},
			store.Event{ID: "e", User: "u"},
			store.Job{ID: "j", Kind: "k", Key: "n", State: store.JobDue, User: "u"},
			store.Message{ID: "m"},
			store.Throttle{Key: "k"},
			store.Key{KID: "k"},
			store.Secret{Name: "n"},
			store.PolicyVersion{Version: 1},
			store.Entry{ID: "l", User: "u"},
			store.Invalidation{Seq: 1},
		}
		insert := func(db *DB) {
			t.Helper()
			err := db.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
				for _, r := range rows {
					if err := tx.Write(store.OpInsert, r); err != nil {
						return fmt.Errorf("%T: %w", r, err)
					}
				}
				_, err := tx.Lease("n", "h", tx.Now().AddDate(0, 0, 1))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		dump := func(realm string) string {
			t.Helper()
			return scan(t, one, "WHERE realm = '"+realm+"'")
		}
		insert(one)
		if seen := dump("b"); seen != "" {
			t.Fatalf("in the other realm: %s", seen)
		}
		insert(two)
		before := dump("b")
		err := one.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			if _, err := tx.EndSessions("u", "", tx.Now()); err != nil {
				return err
			}
			if won, err := tx.UseRefresh([]byte{1}, tx.Now()); err != nil || !won {
				return fmt.Errorf("refresh: %t, %w", won, err)
			}
			if js, err := tx.LeaseJobs("h", tx.Now(), 9); err != nil || len(js) != 1 {
				return fmt.Errorf("jobs: %d, %w", len(js), err)
			}
			if err := tx.Repoint("s", "u", "v"); err != nil {
				return err
			}
			if err := tx.Repoint("s", "v", "u"); err != nil {
				return err
			}
			if err := tx.EraseUserRows("u"); err != nil {
				return err
			}
			if _, err := tx.Purge(tx.Now()); err != nil {
				return err
			}
			for _, r := range rows {
				if err := tx.Write(store.OpDelete, r); err != nil {
					return fmt.Errorf("%T: %w", r, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if after := dump("b"); after != before {
			t.Errorf("the other realm changed:\n%s\n%s", before, after)
		}
	})
}

// scan gives every row of every table as text.
func scan(t *testing.T, db *DB, where string) string {
	t.Helper()
	var out strings.Builder
	for _, tab := range append(slices.Clone(allTables), &table{name: "leases", columns: []string{"name", "holder", "until"}}) {
		rows, err := pool(db).QueryContext(t.Context(), "SELECT "+strings.Join(tab.columns, ", ")+" FROM "+tab.name+" "+where)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]string, len(tab.columns))
			into := make([]any, len(values))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s %q\n", tab.name, values)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// TestNothingOfAnErasedUserIsLeft looks at every column of every table.
func TestNothingOfAnErasedUserIsLeft(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		db := opened(t, o)
		const text = "Ada Lovelace"
		doc := user.Document{user.Name: {Value: user.Text(text)}}
		rows := []any{
			user.User{ID: "u", Profile: user.Profile{user.Name: {Value: user.Text(text)}}},
			user.Strand{ID: "s", User: "u", Document: doc, Edits: doc},
			user.Identity{Issuer: "i", Subject: text, User: "u"},
			user.Claim{Kind: "email", Address: text, Display: text, User: "u", Strand: "s"},
			user.Owner{Kind: "email", Address: text, User: "u"},
			user.Password{User: "u", Strand: "s", Hash: text, Imported: text},
			user.Lock{User: "u", Source: "f", Reason: text},
			user.Membership{Group: "g", User: "u", Strand: "s", Role: text},
			user.Session{ID: "i", User: "u", Subject: text, Client: text},
			user.Token{Hash: []byte{1}, Session: "i"},
			store.Event{ID: "e", User: "u", Body: []byte(text), Salt: []byte("salt")},
			store.Job{ID: "j", User: "u", Payload: []byte(text), LastErr: text},
			store.Entry{ID: "1", User: "u", Undo: []byte(text)},
			store.Entry{ID: "2", Other: "u", Undo: []byte(text)},
		}
		err := db.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			for _, r := range rows {
				if err := tx.Write(store.OpInsert, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(scan(t, db, ""), text); n < len(rows)-1 {
			t.Fatalf("%d texts were written", n)
		}
		err = db.Update(t.Context(), store.Interactive, func(tx store.Tx) error { return tx.EraseUserRows("u") })
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(scan(t, db, "")) {
			if strings.Contains(line, text) || strings.Contains(line, bin([]byte("salt"))) {
				t.Errorf("left: %s", line)
			}
		}
	})
}

func TestIDsGrowWhoeverMakesThem(t *testing.T) {
	m, err := newMaker(Options{Node: 1023})
	if err != nil {
		t.Fatal(err)
	}
	var wrong atomic.Int64
	ended := make(chan struct{})
	for range 4 {
		go func() {
			last := m.id()
			for range 50_000 {
				next := m.id()
				if next <= last {
					wrong.Add(1)
				}
				last = next
			}
			ended <- struct{}{}
		}()
	}
	for range 4 {
		<-ended
	}
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d came out of order", n)
	}
	if _, err := newMaker(Options{Node: 1024}); err == nil {
		t.Error("node 1024 was taken, and has no place in a snowflake")
	}
}
