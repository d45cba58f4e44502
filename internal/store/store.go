package store

import (
	"context"
	"errors"
	"time"

	"github.com/usher-id/usher/internal/user"
)

// Lane says how a write queues. Bulk work never delays interactive work by
// more than one batch.
type Lane int

const (
	Interactive Lane = iota
	Bulk
	// Narrow is Interactive for an fn that decides by single rows and writes by
	// inserts of its own and by statements that compare before they set: UseRefresh,
	// Lengthen, EndSession. It never puts a whole row that somebody else may have
	// changed. On PostgreSQL it is not made to look as if it were alone (READ
	// COMMITTED), and so cancels nobody.
	Narrow
)

// Store keeps one realm.
type Store interface {
	// View runs fn over committed state. Each query sees what was committed
	// when it began; reads that must agree with each other belong in one
	// query, or in Update.
	View(ctx context.Context, fn func(Reader) error) error
	// Update runs fn in a transaction and returns once it is durable. An error
	// from fn rolls back and is returned as it is. ctx counts only until the
	// transaction begins.
	Update(ctx context.Context, lane Lane, fn func(Tx) error) error
}

var (
	// ErrNotFound says that no such row exists.
	ErrNotFound = errors.New("store: not found")
	// ErrExists says that Insert met a row with the same key, or that a unique
	// index refused. Inside Update the transaction goes on as if the statement
	// had not been tried.
	ErrExists = errors.New("store: exists already")
	// ErrTaken says that a row given to InsertLater was there already. The
	// transaction is lost.
	ErrTaken = errors.New("store: a new row was there already")
	// ErrUnavailable says that the database cannot be asked now. Doors answer
	// 503, never 401 or 404.
	ErrUnavailable = errors.New("store: unavailable")
)

// Tx is a transaction. It reads its own writes.
type Tx interface {
	Reader
	Indexing
	// Now is the transaction's time, in UTC with microseconds.
	Now() time.Time
	// NewID makes a UUIDv7.
	NewID() user.ID
	// NewUUID makes a random UUID (version 4), for wire names.
	NewUUID() [16]byte
	// NewNumber makes a snowflake, unique among processes with different
	// node numbers (contract partner.md, fact 3).
	NewNumber() int64

	// Write is what Insert, InsertLater, Put and Delete call.
	Write(op Op, row any) error

	// Repoint gives a strand, with all that carries its id, to another user:
	// identities, handles, claims, owned addresses, passwords, memberships and
	// sessions.
	Repoint(strand, from, to user.ID) error
	// EndSessions revokes the live sessions of a user, or of one strand of it
	// when strand is not empty, and says how many there were.
	EndSessions(u, strand user.ID, at time.Time) (int, error)
	// Lengthen lets a session live until then, if it is alive and would end
	// sooner. EndSession ends one, and says whether this call was the one.
	Lengthen(session user.ID, until time.Time) error
	EndSession(session user.ID, at time.Time) (bool, error)
	// UseRefresh marks a refresh token used if it was not, in one statement,
	// and says whether this call was the one.
	UseRefresh(hash []byte, at time.Time) (bool, error)
	// RetireRefresh marks used what a user's live sessions at a door have of
	// refresh tokens, and says how many there were.
	RetireRefresh(u user.ID, door user.Door, at time.Time) (int, error)
	// EndMailed marks used what was mailed for a user and was not.
	EndMailed(u user.ID, at time.Time) (int, error)
	// Next counts on under a name, from 1. What a transaction that was rolled
	// back was given is given again.
	Next(counter string) (int32, error)
	// LeaseJobs takes up to n jobs that are due and not leased by another, and
	// gives them back with the lease set: of up to four kinds, or of any where none
	// is named.
	LeaseJobs(holder string, until time.Time, n int, kinds ...string) ([]Job, error)
	// Lease takes or renews a named lease; false when another holds it.
	Lease(name, holder string, until time.Time) (bool, error)
	// NumberEvents writes the number, body hash and chain of events that this
	// transaction has read, and nothing else of them; an error when one has a
	// number already.
	NumberEvents(events []Event) error
	// EraseUserRows removes what only describes a user's content: its
	// documents, passwords, claims, owned addresses, identities, memberships,
	// accounts, sessions and tokens, pending jobs' and events' bodies. The user,
	// its strands and its handles stay, as tombstones, and so do the records of
	// mailed tokens, used: or one that was mailed would be taken for another
	// service's.
	EraseUserRows(u user.ID) error
	// Purge deletes sessions and tokens, mailed ones too, whose time was over, finished jobs,
	// messages and counters from before the given time, and says how many. One
	// call takes a bounded number: until none is left it is called again. Counters
	// of accounts stay: a success or an operator ends them.
	Purge(before time.Time) (int, error)
}

// AccountNumbers counts the accounts of the GraphQL door.
const AccountNumbers = "gqlauth"

// Op is a kind of write.
type Op int

const (
	OpInsert      Op = iota // ErrExists when the key is taken
	OpPut                   // inserts, or replaces the row of the same key
	OpDelete                // by key; no error when there is none
	OpInsertLater           // before the next read or the end; ErrTaken then when the key is taken
)

// Row is what a transaction can write.
type Row interface {
	user.User | user.Strand | user.Identity | user.Handle | user.Claim | user.Owner | user.Password | user.Lock |
		user.Group | user.Membership | user.Session | user.Token | user.Client | user.Account | MailedToken |
		ChannelProfile | Cursor | Code | Caller | CallerToken | Issuer | IssuerKey | Visit |
		Event | Job | Message | Throttle | Key | Secret | PolicyVersion | Entry | Invalidation
}

// Insert writes a new row; ErrExists when its key, or a unique value, is taken.
func Insert[T Row](tx Tx, row T) error { return tx.Write(OpInsert, row) }

// InsertLater writes a new row together with others of its kind, before the
// transaction next reads or ends. It is for rows whose key nobody else can have
// or was just seen to be free: where one is taken all the same, the transaction
// fails with ErrTaken.
func InsertLater[T Row](tx Tx, row T) error { return tx.Write(OpInsertLater, row) }

// Put writes a row over whatever has its key.
func Put[T Row](tx Tx, row T) error { return tx.Write(OpPut, row) }

// Delete removes the row with this one's key.
func Delete[T Row](tx Tx, row T) error { return tx.Write(OpDelete, row) }
