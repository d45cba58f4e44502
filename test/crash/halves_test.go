package crash

import (
	"database/sql"
	"net/url"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite
)

// halves are questions to the database whose answer must be 0.
func halves() map[string]string {
	list := map[string]string{
		"live users without a strand": `SELECT count(*) FROM users u WHERE u.status <> 'deleted'
			AND NOT EXISTS (SELECT 1 FROM strands s WHERE s.user_id = u.id AND s.realm = u.realm)`,
		"live partner strands without a number": `SELECT count(*) FROM strands s WHERE s.door = 'partner' AND s.state = 'live'
			AND NOT EXISTS (SELECT 1 FROM handles h WHERE h.user_id = s.user_id AND h.strand_id = s.id AND h.space = 'partner' AND h.realm = s.realm)`,
		"partner strands without a username": `SELECT count(*) FROM strands s WHERE s.door = 'partner'
			AND NOT EXISTS (SELECT 1 FROM handles h WHERE h.user_id = s.user_id AND h.strand_id = s.id AND h.space = 'partner.username' AND h.realm = s.realm)`,
		"partner strands without an address": `SELECT count(*) FROM strands s WHERE s.door = 'partner'
			AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.user_id = s.user_id AND c.strand_id = s.id AND c.realm = s.realm)`,
		"reservations without an identity": `SELECT count(*) FROM users u WHERE u.status = 'reserved'
			AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id AND i.realm = u.realm)`,
		"reservations without a number": `SELECT count(*) FROM users u WHERE u.status = 'reserved'
			AND NOT EXISTS (SELECT 1 FROM handles h WHERE h.user_id = u.id AND h.space = 'edi' AND h.realm = u.realm)`,
		"owners without a claim": `SELECT count(*) FROM owners o
			WHERE NOT EXISTS (SELECT 1 FROM claims c WHERE c.realm = o.realm AND c.kind = o.kind AND c.address = o.address AND c.user_id = o.user_id)`,
		"tokens without a session": `SELECT count(*) FROM tokens t
			WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = t.session_id AND s.realm = t.realm)`,
		"sessions without a token": `SELECT count(*) FROM sessions s WHERE s.door = 'partner'
			AND (SELECT count(*) FROM tokens t WHERE t.session_id = s.id AND t.realm = s.realm) < 2`,
		"sessions without an event": `SELECT count(*) FROM sessions s
			WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.user_id = s.user_id AND e.kind = 'session.started' AND e.realm = s.realm)`,
		"live sessions with more than one unused refresh token": `SELECT count(*) FROM (SELECT t.session_id FROM tokens t
			WHERE t.kind = 'refresh' AND t.used = 0 GROUP BY t.realm, t.session_id HAVING count(*) > 1) AS x`,
		"users without the event of their creation": `SELECT count(*) FROM users u
			WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.user_id = u.id AND e.kind = 'user.created' AND e.realm = u.realm)`,
		"locks without an event": `SELECT count(*) FROM locks l
			WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.user_id = l.user_id AND e.kind = 'user.locked' AND e.realm = l.realm)`,
		"deleted users without an event": `SELECT count(*) FROM users u WHERE u.status = 'deleted'
			AND NOT EXISTS (SELECT 1 FROM events e WHERE e.user_id = u.id AND e.kind = 'user.deleted' AND e.realm = u.realm)`,
		"deleted users with a live partner strand": `SELECT count(*) FROM users u JOIN strands s ON s.user_id = u.id AND s.realm = u.realm
			WHERE u.status = 'deleted' AND s.door = 'partner' AND s.state = 'live'`,
		"events of nobody": `SELECT count(*) FROM events e WHERE e.user_id <> '' AND e.kind <> 'signin.failed'
			AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id AND u.realm = e.realm)`,
		"numbers of events given twice": `SELECT count(*) FROM (SELECT seq FROM events WHERE seq > 0 GROUP BY realm, seq HAVING count(*) > 1) AS x`,
	}
	for _, table := range []string{"strands", "handles", "identities", "claims", "owners", "passwords", "locks", "memberships", "sessions"} {
		list[table+" of nobody"] = "SELECT count(*) FROM " + table + ` x
			WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = x.user_id AND u.realm = x.realm)`
	}
	for _, table := range []string{"handles", "identities", "claims", "owners", "passwords", "sessions"} {
		list[table+" of no strand, or of another user's"] = "SELECT count(*) FROM " + table + ` x WHERE x.strand_id <> ''
			AND NOT EXISTS (SELECT 1 FROM strands s WHERE s.id = x.strand_id AND s.user_id = x.user_id AND s.realm = x.realm)`
	}
	return list
}

// open opens the database beside the server, with no code of the program in
// between.
func (c *crew) open() *sql.DB {
	c.t.Helper()
	driver, at := "pgx", c.o.DatabaseURL
	if at == "" {
		q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}
		driver, at = "sqlite", "file:"+filepath.Join(c.o.Data, "usher.db")+"?"+q.Encode()
	}
	db, err := sql.Open(driver, at)
	if err != nil {
		c.t.Fatal(err)
	}
	return db
}

func (c *crew) noHalves(when string) {
	c.t.Helper()
	db := c.open()
	defer db.Close()
	for what, question := range halves() {
		var n int
		if err := db.QueryRowContext(c.t.Context(), question).Scan(&n); err != nil {
			c.t.Fatalf("%s: %v", what, err)
		}
		if n != 0 {
			c.t.Errorf("%s: %d %s", when, n, what)
		}
	}
	if c.o.DatabaseURL != "" {
		return
	}
	var state string
	if err := db.QueryRowContext(c.t.Context(), "PRAGMA quick_check").Scan(&state); err != nil || state != "ok" {
		c.t.Errorf("%s: the database file: %s %v", when, state, err)
	}
}
