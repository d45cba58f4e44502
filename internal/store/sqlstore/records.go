package sqlstore

import (
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// CROSS JOIN keeps SQLite to the written order: it would rather walk the realm.
//
// A record is one row: the strand, its user, its number, the earliest lock and
// whether there is a password.
var (
	recordColumns = users.list("u") + ", " + strands.list("s") + `,
	COALESCE((SELECT MIN(n.value) FROM handles n WHERE n.user_id = s.user_id AND n.realm = s.realm AND n.space = $2 AND n.strand_id = s.id AND n.dead = 0), ''),
	COALESCE((SELECT MIN(l.at) FROM locks l WHERE l.realm = s.realm AND l.user_id = s.user_id), 0),
	COALESCE((SELECT COUNT(*) FROM passwords p WHERE p.realm = s.realm AND p.user_id = s.user_id AND p.set_aside = 0), 0),
	COALESCE((SELECT MAX(p.imported) FROM passwords p WHERE p.realm = s.realm AND p.user_id = s.user_id AND p.strand_id = s.id AND p.set_aside = 0), '')`
	recordUser = " JOIN users u ON u.realm = s.realm AND u.id = s.user_id"

	qRecordByHandle = "SELECT " + recordColumns + ` FROM handles h
	JOIN strands s ON s.realm = h.realm AND s.id = h.strand_id` + recordUser + `
	WHERE h.realm = $1 AND h.value = $3 AND h.space = $4 AND h.dead = 0`
	qRecordByStrand = "SELECT " + recordColumns + " FROM strands s" + recordUser + " WHERE s.realm = $1 AND s.id = $3"
	qRecordsByClaim = "SELECT " + recordColumns + ` FROM claims c
	CROSS JOIN strands s` + recordUser + `
	WHERE s.realm = c.realm AND s.id = c.strand_id AND c.realm = $1 AND c.kind = $3 AND c.address = $4 AND c.source = $5 ORDER BY s.id`
	qRecordsAfter = "SELECT " + recordColumns + " FROM strands s" + recordUser + `
	WHERE s.realm = $1 AND s.source = $3 AND s.id > $4 ORDER BY s.id LIMIT $5`
)

func (f *fields) record(r *store.Record) {
	f.user(&r.User)
	f.strand(&r.Strand)
	var locked, passwords int64
	f.add(&r.Number, &locked, &passwords, &r.Imported)
	f.finish(func() error {
		r.LockedAt, r.HasPassword = time.Time{}, passwords > 0
		if locked != 0 {
			r.LockedAt = at(locked)
		}
		return nil
	})
}

func (r *reader) RecordByHandle(space user.Space, value string, numbers user.Space) (store.Record, error) {
	return one(r, qRecordByHandle, (*fields).record, numbers, value, space)
}

func (r *reader) RecordByStrand(strand user.ID, numbers user.Space) (store.Record, error) {
	return one(r, qRecordByStrand, (*fields).record, numbers, strand)
}

func (r *reader) RecordsByClaim(source user.Source, kind user.AddressKind, address string, numbers user.Space) ([]store.Record, error) {
	return many(r, qRecordsByClaim, (*fields).record, numbers, kind, address, source)
}

func (r *reader) RecordsAfter(source user.Source, after user.ID, limit int, numbers user.Space) ([]store.Record, error) {
	return many(r, qRecordsAfter, (*fields).record, numbers, source, after, limit)
}
