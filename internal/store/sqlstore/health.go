package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// Trait is one thing about a database that an operator should know: what it is,
// and what it must be, where that matters.
type Trait struct {
	Name, Is, Must string
}

// Traits asks the database what it is and how it keeps what it is given.
func (d *DB) Traits(ctx context.Context) ([]Trait, error) {
	db, dialect := d.raw()
	ask := func(q string) (s string, err error) {
		err = db.QueryRowContext(ctx, q).Scan(&s)
		return s, fault(err)
	}
	questions := []struct{ name, q, must string }{
		{"SQLite", "SELECT sqlite_version()", ""},
		{"journal_mode", "PRAGMA journal_mode", "wal"},
		{"synchronous", "PRAGMA synchronous", "2"},
	}
	if dialect == goose.DialectPostgres {
		questions = []struct{ name, q, must string }{
			{"PostgreSQL", "SHOW server_version", ""},
			{"fsync", "SHOW fsync", "on"},
			{"full_page_writes", "SHOW full_page_writes", "on"},
			{"synchronous_commit", "SHOW synchronous_commit", "on"},
			{"synchronous_standby_names", "SHOW synchronous_standby_names", ""},
			{"server_encoding", "SHOW server_encoding", "UTF8"},
		}
	}
	var all []Trait
	for _, q := range questions {
		is, err := ask(q.q)
		if err != nil {
			return nil, fmt.Errorf("asking for %s: %w", q.name, err)
		}
		all = append(all, Trait{q.name, is, q.must})
	}
	return all, nil
}

// Ahead is how much later it is in the database than here; 0 on SQLite, which
// has no clock of its own.
func (d *DB) Ahead(ctx context.Context) (time.Duration, error) {
	db, dialect := d.raw()
	if dialect != goose.DialectPostgres {
		return 0, nil
	}
	var text string
	begun := time.Now()
	if err := db.QueryRowContext(ctx, "SELECT CAST(extract(epoch FROM clock_timestamp()) AS text)").Scan(&text); err != nil {
		return 0, fault(fmt.Errorf("asking for the time: %w", err))
	}
	there, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the time: %w", err)
	}
	here := begun.Add(time.Since(begun) / 2)
	return time.Duration((there - float64(here.UnixMicro())/1e6) * float64(time.Second)), nil
}

// Damage says what SQLite finds wrong with its file, in full or by a quick look;
// empty where nothing is. PostgreSQL looks after its files by itself.
func (d *DB) Damage(ctx context.Context, full bool) (string, error) {
	db, dialect := d.raw()
	if dialect != goose.DialectSQLite3 {
		return "", nil
	}
	q := "PRAGMA quick_check(5)"
	if full {
		q = "PRAGMA integrity_check(5)"
	}
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return "", fault(fmt.Errorf("checking the file: %w", err))
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", fmt.Errorf("checking the file: %w", err)
		}
		if line != "ok" {
			found = append(found, line)
		}
	}
	return strings.Join(found, "; "), fault(rows.Err())
}

// halves are questions whose answer must be 0: whatever is written together is
// there together.
func halves() map[string]string {
	list := map[string]string{ //nolint:gosec // questions, no credentials
		"users without a source": `SELECT COUNT(*) FROM users u WHERE u.status <> 'deleted'
			AND NOT EXISTS (SELECT 1 FROM strands s WHERE s.user_id = u.id AND s.realm = u.realm) AND u.status <> 'merged'`,
		"owners without a claim": `SELECT COUNT(*) FROM owners o
			WHERE NOT EXISTS (SELECT 1 FROM claims c WHERE c.realm = o.realm AND c.kind = o.kind AND c.address = o.address AND c.user_id = o.user_id)`,
		"tokens without a session": `SELECT COUNT(*) FROM tokens t WHERE t.session_id <> ''
			AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = t.session_id AND s.realm = t.realm)`,
		"memberships of no group": `SELECT COUNT(*) FROM memberships m
			WHERE NOT EXISTS (SELECT 1 FROM groups g WHERE g.id = m.group_id AND g.realm = m.realm)`,
		"numbers of events given twice": `SELECT COUNT(*) FROM (SELECT seq FROM events WHERE seq > 0 GROUP BY realm, seq HAVING COUNT(*) > 1) AS x`,
	}
	for _, table := range []string{"strands", "handles", "identities", "claims", "owners", "passwords", "locks", "memberships", "sessions"} {
		list[table+" of nobody"] = "SELECT COUNT(*) FROM " + table + ` x
			WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = x.user_id AND u.realm = x.realm)`
	}
	for _, table := range []string{"handles", "identities", "claims", "owners", "passwords", "sessions"} {
		list[table+" of another user's source"] = "SELECT COUNT(*) FROM " + table + ` x WHERE x.strand_id <> ''
			AND NOT EXISTS (SELECT 1 FROM strands s WHERE s.id = x.strand_id AND s.user_id = x.user_id AND s.realm = x.realm)`
	}
	return list
}

// Halves says what is there without what it belongs to, as "3 tokens without a
// session"; nothing in a sound database. It reads whole tables.
func (d *DB) Halves(ctx context.Context) (found []string, err error) {
	db, _ := d.raw()
	for what, q := range halves() {
		var n int
		if err := db.QueryRowContext(ctx, q).Scan(&n); err != nil {
			return nil, fault(fmt.Errorf("counting %s: %w", what, err))
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%d %s", n, what))
		}
	}
	slices.Sort(found)
	return found, nil
}
