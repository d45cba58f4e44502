package sqlstore

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// tx is a transaction.
type tx struct {
	reader
	held *held
	made *maker
	now  time.Time
	jobs string
}

var _ store.Tx = (*tx)(nil)

func (t *tx) Now() time.Time    { return t.now }
func (t *tx) NewID() user.ID    { return t.made.id() }
func (t *tx) NewUUID() [16]byte { return t.made.uuid() }
func (t *tx) NewNumber() int64  { return t.made.number() }

func (t *tx) exec(q string, args ...any) (int64, error) {
	n, err := t.c.exec(q, append([]any{t.realm}, args...))
	return n, fault(err)
}

// Write implements store.Tx.
func (t *tx) Write(op store.Op, row any) error {
	tab, vals, err := values(row)
	if err != nil {
		return err
	}
	switch {
	case op != store.OpDelete && slices.ContainsFunc(vals, unwritable):
		return fmt.Errorf("store: a row of %s has text with NUL or not in UTF-8", tab.name)
	case slices.ContainsFunc(vals[:tab.keys], unwritable):
		return nil // there is no such row
	}
	switch op {
	case store.OpInsert:
		n, err := t.exec(tab.inserts[0], vals...)
		if err == nil && n == 0 {
			return store.ErrExists
		}
		return err
	case store.OpInsertLater:
		return t.held.add(tab, vals)
	case store.OpPut:
		if tab.unique {
			_, err := t.c.attempt(tab.put, append([]any{t.realm}, vals...))
			return fault(err)
		}
		_, err := t.exec(tab.put, vals...)
		return err
	case store.OpDelete:
		_, err := t.exec(tab.del, vals[:tab.keys]...)
		return err
	default:
		return fmt.Errorf("store: no write %d", op)
	}
}

// hanging are the tables whose rows hang on a strand.
var hanging = []string{"identities", "handles", "claims", "owners", "passwords", "memberships", "sessions", "mailed_tokens", "channel_profiles"}

var repoint = func() []string {
	qs := []string{"UPDATE strands SET user_id = $4 WHERE realm = $1 AND id = $2 AND user_id = $3"}
	// By the strand's index: there is one row, however many accounts the user has.
	qs = append(qs, "UPDATE accounts SET user_id = $4 WHERE realm = $1 AND strand_id = $2 AND user_id || '' = $3")
	for _, name := range hanging {
		qs = append(qs, "UPDATE "+name+" SET user_id = $4 WHERE realm = $1 AND strand_id = $2 AND user_id = $3")
	}
	return qs
}()

// Repoint implements store.Tx.
func (t *tx) Repoint(strand, from, to user.ID) error {
	for _, q := range repoint {
		if _, err := t.exec(q, strand, from, to); err != nil {
			return fmt.Errorf("moving strand %s: %w", strand, err)
		}
	}
	return nil
}

const (
	qEndUser    = "UPDATE sessions SET revoked = $3 WHERE realm = $1 AND user_id = $2 AND revoked = 0"
	qEndStrand  = qEndUser + " AND strand_id = $4"
	qLengthen   = "UPDATE sessions SET expires = $3 WHERE realm = $1 AND id = $2 AND revoked = 0 AND expires < $3"
	qEndSession = "UPDATE sessions SET revoked = $3 WHERE realm = $1 AND id = $2 AND revoked = 0"
	qRetire     = `UPDATE tokens SET used = $4 WHERE realm = $1 AND kind = 'refresh' AND used = 0 AND session_id IN
	(SELECT s.id FROM sessions s WHERE s.realm = $1 AND s.user_id = $2 AND s.door = $3 AND s.revoked = 0)`
	qEndMailed = "UPDATE mailed_tokens SET used = $3 WHERE realm = $1 AND user_id = $2 AND used = 0"
	qNext      = `INSERT INTO counters (realm, name, value) VALUES ($1, $2, 1)
	ON CONFLICT (realm, name) DO UPDATE SET value = counters.value + 1`
	qRevoke = "UPDATE tokens SET used = $3 WHERE realm = $1 AND hash = $2 AND kind = 'refresh' AND used = 0"
)

// EndSessions implements store.Tx.
func (t *tx) EndSessions(u, strand user.ID, when time.Time) (int, error) {
	if strand == "" {
		n, err := t.exec(qEndUser, u, ts(when))
		return int(n), err
	}
	n, err := t.exec(qEndStrand, u, ts(when), strand)
	return int(n), err
}

// Lengthen implements store.Tx.
func (t *tx) Lengthen(session user.ID, until time.Time) error {
	_, err := t.exec(qLengthen, session, ts(until))
	return err
}

// EndSession implements store.Tx.
func (t *tx) EndSession(session user.ID, when time.Time) (bool, error) {
	n, err := t.exec(qEndSession, session, ts(when))
	return n == 1, err
}

// UseRefresh implements store.Tx.
func (t *tx) UseRefresh(hash []byte, when time.Time) (bool, error) {
	n, err := t.exec(qRevoke, bin(hash), ts(when))
	return n == 1, err
}

// RetireRefresh implements store.Tx.
func (t *tx) RetireRefresh(u user.ID, door user.Door, when time.Time) (int, error) {
	n, err := t.exec(qRetire, u, door, ts(when))
	return int(n), err
}

// EndMailed implements store.Tx.
func (t *tx) EndMailed(u user.ID, when time.Time) (int, error) {
	n, err := t.exec(qEndMailed, u, ts(when))
	return int(n), err
}

// Next implements store.Tx.
func (t *tx) Next(counter string) (int32, error) {
	if _, err := t.exec(qNext, counter); err != nil {
		return 0, err
	}
	n, err := one(&t.reader, qCounter, func(f *fields, n *int64) { f.add(n) }, counter)
	if err == nil && n > math.MaxInt32 {
		err = fmt.Errorf("store: all %d numbers of %s are given", math.MaxInt32, counter)
	}
	return int32(n), err //nolint:gosec // just looked
}

// LeaseJobs implements store.Tx.
func (t *tx) LeaseJobs(holder string, until time.Time, n int, kinds ...string) ([]store.Job, error) {
	var of [4]string
	if len(kinds) > len(of) {
		return nil, fmt.Errorf("store: jobs of %d kinds were asked for, and there can be %d", len(kinds), len(of))
	}
	for i := range of {
		if len(kinds) > 0 {
			of[i] = kinds[min(i, len(kinds)-1)]
		}
	}
	leased, err := many(&t.reader, t.jobs, (*fields).job, ts(t.now), n, holder, ts(until), of[0], of[1], of[2], of[3])
	// RETURNING gives them in no order.
	slices.SortFunc(leased, func(a, b store.Job) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return leased, err
}

// qLease takes a lease that is free, over, or the holder's own.
const qLease = `INSERT INTO leases (realm, name, holder, until) VALUES ($1, $2, $3, $4)
	ON CONFLICT (realm, name) DO UPDATE SET holder = excluded.holder, until = excluded.until
	WHERE leases.holder = excluded.holder OR leases.until <= $5`

// Lease implements store.Tx.
func (t *tx) Lease(name, holder string, until time.Time) (bool, error) {
	n, err := t.exec(qLease, name, holder, ts(until), ts(t.now))
	return n == 1, err
}

var erase = []string{
	"DELETE FROM tokens WHERE realm = $1 AND session_id IN (SELECT s.id FROM sessions s WHERE s.realm = $1 AND s.user_id = $2)",
	"DELETE FROM sessions WHERE realm = $1 AND user_id = $2",
	"DELETE FROM passwords WHERE realm = $1 AND user_id = $2",
	"DELETE FROM claims WHERE realm = $1 AND user_id = $2",
	"DELETE FROM owners WHERE realm = $1 AND user_id = $2",
	"DELETE FROM identities WHERE realm = $1 AND user_id = $2",
	"DELETE FROM memberships WHERE realm = $1 AND user_id = $2",
	"DELETE FROM locks WHERE realm = $1 AND user_id = $2",
	"DELETE FROM accounts WHERE realm = $1 AND user_id = $2",
	"UPDATE mailed_tokens SET address = '', address_key = '', used = sent WHERE realm = $1 AND user_id = $2",
	"DELETE FROM jobs WHERE realm = $1 AND user_id = $2",
	"UPDATE handles SET dead = 1 WHERE realm = $1 AND user_id = $2",
	"UPDATE strands SET state = 'erased', document = '', edits = '' WHERE realm = $1 AND user_id = $2",
	"UPDATE events SET body = '', salt = '' WHERE realm = $1 AND user_id = $2",
	"UPDATE ledger SET undo = '{}' WHERE realm = $1 AND user_id = $2",
	"UPDATE ledger SET undo = '{}' WHERE realm = $1 AND other_id = $2",
	"UPDATE users SET profile = '' WHERE realm = $1 AND id = $2",
	"DELETE FROM search_terms WHERE realm = $1 AND kind = 'user' AND id = $2",
	"DELETE FROM channel_profiles WHERE realm = $1 AND user_id = $2",
}

// EraseUserRows implements store.Tx.
func (t *tx) EraseUserRows(u user.ID) error {
	for _, q := range erase {
		if _, err := t.exec(q, u); err != nil {
			return fmt.Errorf("erasing what hangs on %s: %w", u, err)
		}
	}
	return nil
}

// purge takes a bounded number of rows at a time: others wait for it.
var purge = []string{
	"DELETE FROM tokens WHERE realm = $1 AND hash IN (SELECT t.hash FROM tokens t WHERE t.realm = $1 AND t.expires < $2 LIMIT $3)",
	"DELETE FROM throttles WHERE realm = $1 AND key IN (SELECT t.key FROM throttles t WHERE t.realm = $1 AND t.since < $2 AND t.until < $2 AND (t.key < 'account:' OR t.key >= 'account;') LIMIT $3)",
	"DELETE FROM messages WHERE realm = $1 AND id IN (SELECT m.id FROM messages m WHERE m.realm = $1 AND m.sent < $2 LIMIT $3)",
	"DELETE FROM jobs WHERE realm = $1 AND id IN (SELECT j.id FROM jobs j WHERE j.realm = $1 AND j.state = 'done' AND j.due < $2 LIMIT $3)",
	qPurgeSessions,
	"DELETE FROM codes WHERE realm = $1 AND until < $2 AND id IN (SELECT c.id FROM codes c WHERE c.realm = $1 AND c.until < $2 LIMIT $3)",
	"DELETE FROM visits WHERE realm = $1 AND hash IN (SELECT v.hash FROM visits v WHERE v.realm = $1 AND v.until < $2 LIMIT $3)",
	"DELETE FROM mailed_tokens WHERE realm = $1 AND record IN (SELECT m.record FROM mailed_tokens m WHERE m.realm = $1 AND m.until < $2 LIMIT $3)",
}

// purgeMost is how many rows of each kind one Purge takes.
const purgeMost = 5000

// Purge implements store.Tx. It takes at most purgeMost rows of each kind; what
// is left is for the next call.
func (t *tx) Purge(before time.Time) (int, error) {
	total := 0
	for _, q := range purge {
		n, err := t.exec(q, ts(before), purgeMost)
		if err != nil {
			return total, err
		}
		total += int(n)
	}
	return total, nil
}
