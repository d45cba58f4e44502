package sqlstore

import (
	"fmt"
	"strings"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

var sessions = newTable("sessions", "id", "user_id strand_id door client subject epoch methods proven created expires revoked",
	func(s user.Session) []any {
		return []any{
			string(s.ID), string(s.User), string(s.Strand), string(s.Door), s.Client, s.Subject, s.Epoch, strings.Join(s.Methods, " "),
			micros(s.Proven), micros(s.Created), micros(s.Expires), micros(s.Revoked),
		}
	},
	func(s *user.Session) []any {
		return []any{
			&s.ID, &s.User, &s.Strand, &s.Door, &s.Client, &s.Subject, &s.Epoch, toWords{&s.Methods},
			toTime{&s.Proven}, toTime{&s.Created}, toTime{&s.Expires}, toTime{&s.Revoked},
		}
	})

var tokens = newTable("tokens", "hash", "kind session_id expires used created",
	func(t user.Token) []any {
		return []any{blob(t.Hash), string(t.Kind), string(t.Session), micros(t.Expires), micros(t.Used), micros(t.Created)}
	},
	func(t *user.Token) []any {
		return []any{toBytes{&t.Hash}, &t.Kind, &t.Session, toTime{&t.Expires}, toTime{&t.Used}, toTime{&t.Created}}
	})

var clients = newTable("clients", "client_id", "id secret_hash name distinct_errors created",
	func(c user.Client) []any {
		return []any{c.ClientID, c.ID, blob(c.SecretHash), c.Name, bit(c.DistinctErrors), micros(c.Created)}
	},
	func(c *user.Client) []any {
		return []any{&c.ClientID, &c.ID, toBytes{&c.SecretHash}, &c.Name, toBool{&c.DistinctErrors}, toTime{&c.Created}}
	})

var throttles = newTable("throttles", "key", "failures total since until",
	func(t store.Throttle) []any {
		return []any{t.Key, int64(t.Failures), int64(t.Total), micros(t.Since), micros(t.Until)}
	},
	func(t *store.Throttle) []any {
		return []any{&t.Key, &t.Failures, &t.Total, toTime{&t.Since}, toTime{&t.Until}}
	})

// A sign-in is a row for each password of each user that a login may mean; $2
// is the space of numbers.
var (
	lockedUser = "EXISTS (SELECT 1 FROM locks l WHERE l.realm = u.realm AND l.user_id = u.id)"

	signInColumns = "SELECT u.id, u.status, u.epoch, " + lockedUser + `, COALESCE(s.id, ''), ` + numberOf("u.id", "s.id") + `,
	COALESCE(p.strand_id, ''), COALESCE(p.hash, ''), COALESCE(p.imported, ''), COALESCE(p.set_aside, 0), COALESCE(p.set_at, 0)`
	signInPasswords = " LEFT JOIN passwords p ON p.realm = u.realm AND p.user_id = u.id"

	qSignInByClaim = signInColumns + ` FROM claims c
	JOIN strands s ON s.realm = c.realm AND s.id = c.strand_id AND s.state = 'live'
	JOIN users u ON u.realm = c.realm AND u.id = c.user_id` + signInPasswords + `
	WHERE c.realm = $1 AND c.kind = $3 AND c.address = $4 AND c.door = $5
	ORDER BY CASE c.assurance WHEN 'proven' THEN 0 WHEN 'attested' THEN 1 WHEN 'asserted' THEN 2 ELSE 3 END,
		c.since, u.id, s.id, p.set_at, p.strand_id LIMIT 64`

	// The strand is the door's oldest live one.
	qSignInByOwner = signInColumns + ` FROM owners o
	JOIN users u ON u.realm = o.realm AND u.id = o.user_id
	LEFT JOIN strands s ON s.realm = u.realm AND s.id = (SELECT MIN(d.id) FROM strands d
		WHERE d.user_id = u.id AND d.realm = u.realm AND d.door = $5 AND d.state = 'live')` + signInPasswords + `
	WHERE o.realm = $1 AND o.kind = $3 AND o.address = $4 ORDER BY p.set_at, p.strand_id LIMIT 64`

	qSignInByHandle = signInColumns + ` FROM handles h
	JOIN users u ON u.realm = h.realm AND u.id = h.user_id
	LEFT JOIN strands s ON s.realm = h.realm AND s.id = h.strand_id` + signInPasswords + `
	WHERE h.realm = $1 AND h.value = $3 AND h.space = $4 AND h.dead = 0 ORDER BY p.set_at, p.strand_id LIMIT 64`

	sessionState = sessions.of("s") + ", " + users.of("u") + ", " + lockedUser
	sessionUser  = " JOIN users u ON u.realm = s.realm AND u.id = s.user_id"

	qToken = "SELECT " + tokens.of("t") + ", " + sessionState + ` FROM tokens t
	JOIN sessions s ON s.realm = t.realm AND s.id = t.session_id` + sessionUser + " WHERE t.realm = $1 AND t.hash = $2"
	qSession  = "SELECT " + sessionState + " FROM sessions s" + sessionUser + " WHERE s.realm = $1 AND s.id = $2"
	qSessions = sessions.from("s") + " AND s.user_id = $2 ORDER BY s.id"

	qClient   = clients.from("c") + " AND c.client_id = $2"
	qClients  = clients.from("c") + " ORDER BY c.client_id"
	qThrottle = throttles.from("t") + " AND t.key IN ($2, $3, $4, $5)"
)

const (
	maxSignIns   = 3 // users that one login may mean
	maxThrottles = 4 // keys of one question
)

// signInRow is one row of the three queries above.
type signInRow struct {
	store.SignIn
	password user.Password
}

func intoSignIn(s *signInRow) []any {
	return []any{
		&s.User, &s.Status, &s.Epoch, toBool{&s.Locked}, &s.Strand, &s.Number,
		&s.password.Strand, &s.password.Hash, &s.password.Imported, toBool{&s.password.SetAside}, toTime{&s.password.Set},
	}
}

func (r *reader) signIns(q string, args ...any) ([]store.SignIn, error) {
	rows, err := many(r, q, intoSignIn, args...)
	if err != nil {
		return nil, err
	}
	var out []store.SignIn
	for _, row := range rows {
		i := 0
		for i < len(out) && out[i].User != row.User {
			i++
		}
		if i == len(out) {
			if len(out) == maxSignIns {
				continue
			}
			out = append(out, row.SignIn)
		}
		// A user whose second strand claims the address too comes again.
		if row.password.Hash != "" && out[i].Strand == row.Strand {
			row.password.User = row.User
			out[i].Passwords = append(out[i].Passwords, row.password)
		}
	}
	return out, nil
}

func (r *reader) SignInByClaim(door user.Door, kind user.AddressKind, address string, numbers user.Space) ([]store.SignIn, error) {
	return r.signIns(qSignInByClaim, string(numbers), string(kind), address, string(door))
}

func (r *reader) SignInByOwner(door user.Door, kind user.AddressKind, address string, numbers user.Space) ([]store.SignIn, error) {
	return r.signIns(qSignInByOwner, string(numbers), string(kind), address, string(door))
}

func (r *reader) SignInByHandle(space user.Space, value string, numbers user.Space) ([]store.SignIn, error) {
	return r.signIns(qSignInByHandle, string(numbers), value, string(space))
}

func intoSession(s *store.SessionState) []any {
	return append(append(sessions.into(&s.Session), users.into(&s.User)...), toBool{&s.Locked})
}

func (r *reader) Token(hash []byte) (store.TokenState, error) {
	return one(r, qToken, func(t *store.TokenState) []any {
		return append(tokens.into(&t.Token), intoSession(&t.SessionState)...)
	}, blob(hash))
}

func (r *reader) Session(id user.ID) (store.SessionState, error) {
	return one(r, qSession, intoSession, string(id))
}

func (r *reader) Sessions(u user.ID) ([]user.Session, error) {
	return many(r, qSessions, sessions.into, string(u))
}

func (r *reader) Client(clientID string) (user.Client, error) {
	return one(r, qClient, clients.into, clientID)
}

func (r *reader) Clients() ([]user.Client, error) { return many(r, qClients, clients.into) }

func (r *reader) Throttles(keys ...string) ([]store.Throttle, error) {
	switch {
	case len(keys) == 0:
		return nil, nil
	case len(keys) > maxThrottles:
		return nil, fmt.Errorf("store: %d throttle keys asked for, %d at most", len(keys), maxThrottles)
	}
	args := make([]any, maxThrottles)
	for i := range args {
		args[i] = keys[min(i, len(keys)-1)]
	}
	return many(r, qThrottle, throttles.into, args...)
}
