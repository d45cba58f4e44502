package sqlstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// A sign-in is a row for each password of each user that a login may mean. $2
// is the door, $3 the space of numbers.
const signInColumns = ` u.id, u.status, u.epoch,
	COALESCE((SELECT COUNT(*) FROM locks l WHERE l.realm = u.realm AND l.user_id = u.id), 0),
	COALESCE(s.id, ''),
	COALESCE((SELECT MIN(n.value) FROM handles n WHERE n.user_id = u.id AND n.realm = u.realm AND n.space = $3 AND n.strand_id = s.id AND n.dead = 0), ''),
	COALESCE(p.strand_id, ''), COALESCE(p.hash, ''), COALESCE(p.imported, ''), COALESCE(p.set_aside, 0), COALESCE(p.set_at, 0)`

//nolint:gosec // a join, not a credential
const signInPasswords = " LEFT JOIN passwords p ON p.realm = u.realm AND p.user_id = u.id"

// The door's oldest live strand of a user.
const signInStrand = ` LEFT JOIN strands s ON s.realm = u.realm AND s.id =
	(SELECT MIN(d.id) FROM strands d WHERE d.user_id = u.id AND d.realm = u.realm AND d.door = $2 AND d.state = 'live')`

var (
	qSignInByClaim = "SELECT" + signInColumns + ` FROM claims c
	JOIN users u ON u.realm = c.realm AND u.id = c.user_id
	JOIN strands s ON s.realm = c.realm AND s.id = c.strand_id AND s.state = 'live'` + signInPasswords + `
	WHERE c.realm = $1 AND c.kind = $4 AND c.address = $5 AND c.door = $2
	ORDER BY CASE c.assurance WHEN 'proven' THEN 0 WHEN 'attested' THEN 1 ELSE 2 END, c.since, u.id, s.id, p.set_at, p.strand_id LIMIT 32`
	qSignInByOwner = "SELECT" + signInColumns + ` FROM owners o
	JOIN users u ON u.realm = o.realm AND u.id = o.user_id` + signInStrand + signInPasswords + `
	WHERE o.realm = $1 AND o.kind = $4 AND o.address = $5 ORDER BY p.set_at, p.strand_id LIMIT 32`
	qSignInByHandle = "SELECT" + signInColumns + ` FROM handles h
	JOIN users u ON u.realm = h.realm AND u.id = h.user_id
	LEFT JOIN strands s ON s.realm = h.realm AND s.id = h.strand_id` + signInPasswords + `
	WHERE h.realm = $1 AND h.value = $4 AND h.space = $5 AND h.dead = 0 AND $2 = $2
	AND (h.strand_id = '' OR s.state = 'live') ORDER BY p.set_at, p.strand_id LIMIT 32`

	qSignInByUser = "SELECT" + signInColumns + " FROM users u" + signInStrand + signInPasswords + `
	WHERE u.realm = $1 AND u.id = $4 ORDER BY p.set_at, p.strand_id LIMIT 32`

	qToken = "SELECT " + tokens.list("t") + ", " + sessionState + ` FROM tokens t
	JOIN sessions s ON s.realm = t.realm AND s.id = t.session_id` + sessionUser + " WHERE t.realm = $1 AND t.hash = $2"
	qSession = "SELECT " + sessionState + " FROM sessions s" + sessionUser + " WHERE s.realm = $1 AND s.id = $2"

	sessionState = sessions.list("s") + ", " + users.list("u") +
		", COALESCE((SELECT COUNT(*) FROM locks l WHERE l.realm = u.realm AND l.user_id = u.id), 0)"
	sessionUser = " JOIN users u ON u.realm = s.realm AND u.id = s.user_id"

	qSessions = "SELECT " + sessions.list("s") + " FROM sessions s WHERE s.realm = $1 AND s.user_id = $2 ORDER BY s.created, s.id"
	qClient   = "SELECT " + clients.list("c") + " FROM clients c WHERE c.realm = $1 AND c.client_id = $2"
	qClients  = "SELECT " + clients.list("c") + " FROM clients c WHERE c.realm = $1 ORDER BY c.client_id"
	qThrottle = "SELECT " + throttles.list("t") + " FROM throttles t WHERE t.realm = $1 AND t.key IN ($2, $3, $4, $5)"
)

// qPurgeSessions takes sessions whose time is over. Their tokens end no later and
// are purged by their own time.
const qPurgeSessions = "DELETE FROM sessions WHERE realm = $1 AND id IN (SELECT s.id FROM sessions s WHERE s.realm = $1 AND s.expires < $2 LIMIT $3)"

// maxSignIns is how many users one login may mean.
const maxSignIns = 3

func (r *reader) signIns(q string, args ...any) ([]store.SignIn, error) {
	rows, err := many(r, q, (*fields).signIn, args...)
	if err != nil {
		return nil, err
	}
	var out []store.SignIn
	for _, row := range rows {
		i := len(out) - 1
		for i >= 0 && out[i].User != row.User {
			i--
		}
		if i < 0 {
			if len(out) == maxSignIns {
				continue
			}
			out = append(out, row)
			continue
		}
		for _, p := range row.Passwords {
			// Two strands that claim the address show each password twice.
			if !slices.ContainsFunc(out[i].Passwords, func(q user.Password) bool { return q.Strand == p.Strand }) {
				out[i].Passwords = append(out[i].Passwords, p)
			}
		}
	}
	return out, nil
}

func (f *fields) signIn(s *store.SignIn) {
	var locked, aside, set int64
	var p user.Password
	f.add(&s.User, &s.Status, &s.Epoch, &locked, &s.Strand, &s.Number, &p.Strand, &p.Hash, &p.Imported, &aside, &set)
	f.finish(func() error {
		s.Locked = locked > 0
		if p.Hash != "" {
			p.User, p.SetAside, p.Set = s.User, aside != 0, at(set)
			s.Passwords = []user.Password{p}
		}
		return nil
	})
}

func (r *reader) SignInByClaim(door user.Door, kind user.AddressKind, address string, numbers user.Space) ([]store.SignIn, error) {
	return r.signIns(qSignInByClaim, door, numbers, kind, address)
}

func (r *reader) SignInByOwner(door user.Door, kind user.AddressKind, address string, numbers user.Space) ([]store.SignIn, error) {
	return r.signIns(qSignInByOwner, door, numbers, kind, address)
}

func (r *reader) SignInByHandle(space user.Space, value string, numbers user.Space) ([]store.SignIn, error) {
	return r.signIns(qSignInByHandle, "", numbers, value, space)
}

func (r *reader) SignInByUser(door user.Door, u user.ID, numbers user.Space) (store.SignIn, error) {
	found, err := r.signIns(qSignInByUser, door, numbers, u)
	if err != nil || len(found) > 0 {
		return append(found, store.SignIn{})[0], err
	}
	return store.SignIn{}, store.ErrNotFound
}

func (r *reader) Token(hash []byte) (store.TokenState, error) {
	return one(r, qToken, (*fields).tokenState, bin(hash))
}

func (r *reader) Session(id user.ID) (store.SessionState, error) {
	return one(r, qSession, (*fields).sessionState, id)
}

func (f *fields) tokenState(t *store.TokenState) {
	f.token(&t.Token)
	f.sessionState(&t.SessionState)
}

func (f *fields) sessionState(s *store.SessionState) {
	f.session(&s.Session)
	f.user(&s.User)
	var locked int64
	f.add(&locked)
	f.finish(func() error { s.Locked = locked > 0; return nil })
}

func (r *reader) Sessions(u user.ID) ([]user.Session, error) {
	return many(r, qSessions, (*fields).session, u)
}

func (r *reader) Client(id string) (user.Client, error) { return one(r, qClient, (*fields).client, id) }

func (r *reader) Clients() ([]user.Client, error) { return many(r, qClients, (*fields).client) }

func (r *reader) Throttles(keys ...string) ([]store.Throttle, error) {
	if len(keys) > 4 {
		return nil, fmt.Errorf("store: %d throttle keys asked for, 4 at most: %s", len(keys), strings.Join(keys, " "))
	}
	args := []any{"", "", "", ""}
	for i, k := range keys {
		if !unwritable(k) { // one that cannot exist must not hide the others
			args[i] = k
		}
	}
	return many(r, qThrottle, (*fields).throttle, args...)
}
