package sqlstore

import (
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

var users = newTable("users", "id", "status epoch profile survivor closed_by created updated closed",
	func(u user.User) []any {
		return []any{
			string(u.ID), string(u.Status), u.Epoch, doc(u.Profile), string(u.Survivor), string(u.ClosedBy),
			micros(u.Created), micros(u.Updated), micros(u.Closed),
		}
	},
	func(u *user.User) []any {
		return []any{
			&u.ID, &u.Status, &u.Epoch, intoDoc(&u.Profile), &u.Survivor, &u.ClosedBy,
			toTime{&u.Created}, toTime{&u.Updated}, toTime{&u.Closed},
		}
	})

var strands = newTable("strands", "id",
	"user_id origin source door kind state document edits created created_by updated updated_by withdrawn withdrawn_by",
	func(s user.Strand) []any {
		return []any{
			string(s.ID), string(s.User), string(s.Origin), string(s.Source), string(s.Source.Door()), string(s.Kind), string(s.State),
			doc(s.Document), doc(s.Edits), micros(s.Created), s.CreatedBy, micros(s.Updated), s.UpdatedBy, micros(s.Withdrawn), s.WithdrawnBy,
		}
	},
	func(s *user.Strand) []any {
		return []any{
			&s.ID, &s.User, &s.Origin, &s.Source, skip{}, &s.Kind, &s.State, intoDoc(&s.Document), intoDoc(&s.Edits),
			toTime{&s.Created}, &s.CreatedBy, toTime{&s.Updated}, &s.UpdatedBy, toTime{&s.Withdrawn}, &s.WithdrawnBy,
		}
	})

var identities = newTable("identities", "issuer subject", "user_id strand_id reserved created",
	func(i user.Identity) []any {
		return []any{i.Issuer, i.Subject, string(i.User), string(i.Strand), bit(i.Reserved), micros(i.Created)}
	},
	func(i *user.Identity) []any {
		return []any{&i.Issuer, &i.Subject, &i.User, &i.Strand, toBool{&i.Reserved}, toTime{&i.Created}}
	})

// The value leads the space, so that one index finds it in every space too.
var handles = newTable("handles", "value space", "user_id strand_id dead created",
	func(h user.Handle) []any {
		return []any{h.Value, string(h.Space), string(h.User), string(h.Strand), bit(h.Dead), micros(h.Created)}
	},
	func(h *user.Handle) []any {
		return []any{&h.Value, &h.Space, &h.User, &h.Strand, toBool{&h.Dead}, toTime{&h.Created}}
	})

// The door follows from the strand; it is in the key so that a sign-in at one
// door never reads the claims of another.
var claims = newTable("claims", "kind address door user_id strand_id", "source display assurance since",
	func(c user.Claim) []any {
		return []any{
			string(c.Kind), c.Address, string(c.Source.Door()), string(c.User), string(c.Strand),
			string(c.Source), c.Display, string(c.Assurance), micros(c.Since),
		}
	},
	func(c *user.Claim) []any {
		return []any{&c.Kind, &c.Address, skip{}, &c.User, &c.Strand, &c.Source, &c.Display, &c.Assurance, toTime{&c.Since}}
	})

var owners = newTable("owners", "kind address", "user_id strand_id proven",
	func(o user.Owner) []any {
		return []any{string(o.Kind), o.Address, string(o.User), string(o.Strand), micros(o.Proven)}
	},
	func(o *user.Owner) []any { return []any{&o.Kind, &o.Address, &o.User, &o.Strand, toTime{&o.Proven}} })

var passwords = newTable("passwords", "user_id strand_id", "hash imported set_aside set_at",
	func(p user.Password) []any {
		return []any{string(p.User), string(p.Strand), p.Hash, p.Imported, bit(p.SetAside), micros(p.Set)}
	},
	func(p *user.Password) []any {
		return []any{&p.User, &p.Strand, &p.Hash, &p.Imported, toBool{&p.SetAside}, toTime{&p.Set}}
	})

var locks = newTable("locks", "user_id source", "reason by_whom at",
	func(l user.Lock) []any {
		return []any{string(l.User), string(l.Source), l.Reason, l.By, micros(l.At)}
	},
	func(l *user.Lock) []any { return []any{&l.User, &l.Source, &l.Reason, &l.By, toTime{&l.At}} })

var ledger = newTable("ledger", "id", "kind user_id other_id by_whom reason undo at undone undone_by",
	func(e store.Entry) []any {
		return []any{
			string(e.ID), string(e.Kind), string(e.User), string(e.Other), e.By, e.Reason, string(e.Undo), micros(e.At), micros(e.Undone), e.UndoneBy,
		}
	},
	func(e *store.Entry) []any {
		return []any{
			&e.ID, &e.Kind, &e.User, &e.Other, &e.By, &e.Reason, toBytes{&e.Undo}, toTime{&e.At}, toTime{&e.Undone}, &e.UndoneBy,
		}
	})

var (
	qUser        = users.from("u") + " AND u.id = $2"
	qUsers       = users.from("u") + " AND u.id > $2 ORDER BY u.id LIMIT $3"
	qStrand      = strands.from("s") + " AND s.id = $2"
	qStrands     = strands.from("s") + " AND s.user_id = $2 ORDER BY s.id"
	qIdentity    = identities.from("i") + " AND i.issuer = $2 AND i.subject = $3"
	qIdentities  = identities.from("i") + " AND i.user_id = $2 ORDER BY i.created, i.issuer, i.subject"
	qHandle      = handles.from("h") + " AND h.value = $2 AND h.space = $3"
	qHandles     = handles.from("h") + " AND h.user_id = $2 ORDER BY h.created, h.space, h.value"
	qFindHandles = handles.from("h") + " AND h.value = $2 ORDER BY h.space"
	qClaims      = claims.from("c") + " AND c.kind = $2 AND c.address = $3 ORDER BY c.since, c.user_id, c.strand_id"
	qClaimsOf    = claims.from("c") + " AND c.user_id = $2 ORDER BY c.since, c.kind, c.address, c.strand_id"
	qOwner       = owners.from("o") + " AND o.kind = $2 AND o.address = $3"
	qOwned       = owners.from("o") + " AND o.user_id = $2 ORDER BY o.proven, o.kind, o.address"
	qPasswords   = passwords.from("p") + " AND p.user_id = $2 ORDER BY p.set_at, p.strand_id"
	qLocks       = locks.from("l") + " AND l.user_id = $2 ORDER BY l.at, l.source"
	qEntry       = ledger.from("e") + " AND e.id = $2"
	// Two searches, since no index answers an OR; 1 is the id.
	qEntries = ledger.from("e") + " AND e.user_id = $2 UNION " + ledger.from("o") + " AND o.other_id = $2 ORDER BY 1 DESC"
)

func (r *reader) User(id user.ID) (user.User, error) { return one(r, qUser, users.into, string(id)) }

func (r *reader) Users(after user.ID, n int) ([]user.User, error) {
	return many(r, qUsers, users.into, string(after), limit(n))
}

func (r *reader) Strand(id user.ID) (user.Strand, error) {
	return one(r, qStrand, strands.into, string(id))
}

func (r *reader) Strands(u user.ID) ([]user.Strand, error) {
	return many(r, qStrands, strands.into, string(u))
}

func (r *reader) Identity(k user.IdentityKey) (user.Identity, error) {
	return one(r, qIdentity, identities.into, k.Issuer, k.Subject)
}

func (r *reader) Identities(u user.ID) ([]user.Identity, error) {
	return many(r, qIdentities, identities.into, string(u))
}

func (r *reader) Handle(space user.Space, value string) (user.Handle, error) {
	return one(r, qHandle, handles.into, value, string(space))
}

func (r *reader) Handles(u user.ID) ([]user.Handle, error) {
	return many(r, qHandles, handles.into, string(u))
}

func (r *reader) FindHandles(value string) ([]user.Handle, error) {
	return many(r, qFindHandles, handles.into, value)
}

func (r *reader) Claims(kind user.AddressKind, address string) ([]user.Claim, error) {
	return many(r, qClaims, claims.into, string(kind), address)
}

func (r *reader) ClaimsOf(u user.ID) ([]user.Claim, error) {
	return many(r, qClaimsOf, claims.into, string(u))
}

func (r *reader) Owner(kind user.AddressKind, address string) (user.Owner, error) {
	return one(r, qOwner, owners.into, string(kind), address)
}

func (r *reader) Owned(u user.ID) ([]user.Owner, error) {
	return many(r, qOwned, owners.into, string(u))
}

func (r *reader) Passwords(u user.ID) ([]user.Password, error) {
	return many(r, qPasswords, passwords.into, string(u))
}

func (r *reader) Locks(u user.ID) ([]user.Lock, error) {
	return many(r, qLocks, locks.into, string(u))
}

func (r *reader) Entry(id user.ID) (store.Entry, error) {
	return one(r, qEntry, ledger.into, string(id))
}

func (r *reader) Entries(u user.ID) ([]store.Entry, error) {
	return many(r, qEntries, ledger.into, string(u))
}
