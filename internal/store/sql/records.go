package sqlstore

import (
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// A record is one row: the user, the strand, its number in the space $2, the
// earliest lock, and whether there is a password.
var (
	recordColumns = "SELECT " + users.of("u") + ", " + strands.of("s") + `,
	` + numberOf("s.user_id", "s.id") + `,
	COALESCE((SELECT MIN(l.at) FROM locks l WHERE l.realm = s.realm AND l.user_id = s.user_id), 0),
	EXISTS (SELECT 1 FROM passwords p WHERE p.realm = s.realm AND p.user_id = s.user_id AND p.set_aside = 0)`
	recordUser = " JOIN users u ON u.realm = s.realm AND u.id = s.user_id"

	qRecordByHandle = recordColumns + ` FROM handles h
	JOIN strands s ON s.realm = h.realm AND s.id = h.strand_id` + recordUser + `
	WHERE h.realm = $1 AND h.value = $3 AND h.space = $4 AND h.dead = 0`
	qRecordByStrand = recordColumns + " FROM strands s" + recordUser + " WHERE s.realm = $1 AND s.id = $3"
	qRecordsByClaim = recordColumns + ` FROM claims c
	JOIN strands s ON s.realm = c.realm AND s.id = c.strand_id` + recordUser + `
	WHERE c.realm = $1 AND c.kind = $3 AND c.address = $4 AND c.door = $5 AND c.source = $6 ORDER BY s.id`
	qRecordsAfter = recordColumns + " FROM strands s" + recordUser + `
	WHERE s.realm = $1 AND s.source = $3 AND s.id > $4 ORDER BY s.id LIMIT $5`
)

// numberOf finds a strand's live handle in the space $2; there may be several
// after an import, and the same one is shown each time.
func numberOf(userID, strandID string) string {
	return `COALESCE((SELECT MIN(n.value) FROM handles n
	WHERE n.user_id = ` + userID + ` AND n.realm = $1 AND n.space = $2 AND n.strand_id = ` + strandID + ` AND n.dead = 0), '')`
}

func intoRecord(r *store.Record) []any {
	return append(append(users.into(&r.User), strands.into(&r.Strand)...),
		&r.Number, toTime{&r.LockedAt}, toBool{&r.HasPassword})
}

func (r *reader) RecordByHandle(space user.Space, value string, numbers user.Space) (store.Record, error) {
	return one(r, qRecordByHandle, intoRecord, string(numbers), value, string(space))
}

func (r *reader) RecordByStrand(strand user.ID, numbers user.Space) (store.Record, error) {
	return one(r, qRecordByStrand, intoRecord, string(numbers), string(strand))
}

func (r *reader) RecordsByClaim(source user.Source, kind user.AddressKind, address string, numbers user.Space) ([]store.Record, error) {
	return many(r, qRecordsByClaim, intoRecord, string(numbers), string(kind), address, string(source.Door()), string(source))
}

func (r *reader) RecordsAfter(source user.Source, after user.ID, n int, numbers user.Space) ([]store.Record, error) {
	return many(r, qRecordsAfter, intoRecord, string(numbers), string(source), string(after), limit(n))
}
