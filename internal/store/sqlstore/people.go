package sqlstore

import (
	"cmp"
	"slices"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Statements of People; $1 is the realm. Where a list is one user's, it is not
// ordered by what the primary key is ordered by: SQLite without statistics
// would rather walk the realm in that order than sort what one user has.
var (
	qUser        = "SELECT " + users.list("u") + " FROM users u WHERE u.realm = $1 AND u.id = $2"
	qUsers       = "SELECT " + users.list("u") + " FROM users u WHERE u.realm = $1 AND u.id > $2 ORDER BY u.id LIMIT $3"
	qStrand      = "SELECT " + strands.list("s") + " FROM strands s WHERE s.realm = $1 AND s.id = $2"
	qStrands     = "SELECT " + strands.list("s") + " FROM strands s WHERE s.realm = $1 AND s.user_id = $2 ORDER BY s.id"
	qIdentity    = "SELECT " + identities.list("i") + " FROM identities i WHERE i.realm = $1 AND i.issuer = $2 AND i.subject = $3"
	qIdentities  = "SELECT " + identities.list("i") + " FROM identities i WHERE i.realm = $1 AND i.user_id = $2 ORDER BY i.created, i.issuer, i.subject"
	qHandle      = "SELECT " + handles.list("h") + " FROM handles h WHERE h.realm = $1 AND h.value = $2 AND h.space = $3"
	qHandles     = "SELECT " + handles.list("h") + " FROM handles h WHERE h.realm = $1 AND h.user_id = $2 ORDER BY h.created, h.space, h.value"
	qFindHandles = "SELECT " + handles.list("h") + " FROM handles h WHERE h.realm = $1 AND h.value = $2 ORDER BY h.space"
	qClaims      = "SELECT " + claims.list("c") + " FROM claims c WHERE c.realm = $1 AND c.kind = $2 AND c.address = $3 ORDER BY c.since, c.user_id"
	qClaimsOf    = "SELECT " + claims.list("c") + " FROM claims c WHERE c.realm = $1 AND c.user_id = $2 ORDER BY c.since, c.address, c.strand_id"
	qOwner       = "SELECT " + owners.list("o") + " FROM owners o WHERE o.realm = $1 AND o.kind = $2 AND o.address = $3"
	qOwned       = "SELECT " + owners.list("o") + " FROM owners o WHERE o.realm = $1 AND o.user_id = $2 ORDER BY o.proven, o.address"
	qPasswords   = "SELECT " + passwords.list("p") + " FROM passwords p WHERE p.realm = $1 AND p.user_id = $2 ORDER BY p.set_at, p.strand_id"
	qLocks       = "SELECT " + locks.list("l") + " FROM locks l WHERE l.realm = $1 AND l.user_id = $2 ORDER BY l.at, l.source"
	qEntry       = "SELECT " + ledger.list("e") + " FROM ledger e WHERE e.realm = $1 AND e.id = $2"
	qEntriesUser = "SELECT " + ledger.list("e") + " FROM ledger e WHERE e.realm = $1 AND e.user_id = $2"
	qEntriesOf   = qEntriesUser + " UNION ALL SELECT " + ledger.list("e") + " FROM ledger e WHERE e.realm = $1 AND e.other_id = $2 AND e.user_id <> $2"
)

func (r *reader) User(id user.ID) (user.User, error) { return one(r, qUser, (*fields).user, id) }

func (r *reader) Users(after user.ID, limit int) ([]user.User, error) {
	return many(r, qUsers, (*fields).user, after, limit)
}

func (r *reader) Strand(id user.ID) (user.Strand, error) {
	return one(r, qStrand, (*fields).strand, id)
}

func (r *reader) Strands(u user.ID) ([]user.Strand, error) {
	return many(r, qStrands, (*fields).strand, u)
}

func (r *reader) Identity(k user.IdentityKey) (user.Identity, error) {
	return one(r, qIdentity, (*fields).identity, k.Issuer, k.Subject)
}

func (r *reader) Identities(u user.ID) ([]user.Identity, error) {
	return many(r, qIdentities, (*fields).identity, u)
}

func (r *reader) Handle(space user.Space, value string) (user.Handle, error) {
	return one(r, qHandle, (*fields).handle, value, space)
}

func (r *reader) Handles(u user.ID) ([]user.Handle, error) {
	return many(r, qHandles, (*fields).handle, u)
}

func (r *reader) FindHandles(value string) ([]user.Handle, error) {
	return many(r, qFindHandles, (*fields).handle, value)
}

func (r *reader) Claims(kind user.AddressKind, address string) ([]user.Claim, error) {
	return many(r, qClaims, (*fields).claim, kind, address)
}

func (r *reader) ClaimsOf(u user.ID) ([]user.Claim, error) {
	return many(r, qClaimsOf, (*fields).claim, u)
}

func (r *reader) Owner(kind user.AddressKind, address string) (user.Owner, error) {
	return one(r, qOwner, (*fields).owner, kind, address)
}

func (r *reader) Owned(u user.ID) ([]user.Owner, error) { return many(r, qOwned, (*fields).owner, u) }

func (r *reader) Passwords(u user.ID) ([]user.Password, error) {
	return many(r, qPasswords, (*fields).password, u)
}

func (r *reader) Locks(u user.ID) ([]user.Lock, error) { return many(r, qLocks, (*fields).lock, u) }

func (r *reader) Entry(id user.ID) (store.Entry, error) { return one(r, qEntry, (*fields).entry, id) }

func (r *reader) Entries(u user.ID) ([]store.Entry, error) {
	all, err := many(r, qEntriesOf, (*fields).entry, u)
	slices.SortFunc(all, func(a, b store.Entry) int { return cmp.Compare(b.ID, a.ID) })
	return all, err
}
