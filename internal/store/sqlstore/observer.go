package sqlstore

import (
	"database/sql"
	"time"

	"github.com/usher-id/usher/internal/store"
)

// Observer is told what the database is asked for, by many goroutines at once:
// it must be quick. An error is what the caller got, which may be an answer,
// such as store.ErrNotFound, and no fault.
type Observer interface {
	Viewed(took time.Duration, err error)
	Updated(lane store.Lane, took time.Duration, err error)
	// Retried says that PostgreSQL found no order for an update among others, and
	// that it is tried once more.
	Retried(lane store.Lane)
	// Committed says how many updates SQLite's writer made durable at once, and
	// how long they and their COMMIT took.
	Committed(updates int, took time.Duration)
}

// nobody watches.
type nobody struct{}

func (nobody) Viewed(time.Duration, error)              {}
func (nobody) Updated(store.Lane, time.Duration, error) {}
func (nobody) Retried(store.Lane)                       {}
func (nobody) Committed(int, time.Duration)             {}

// Observe has o watch from now on. It is called while nobody else uses the
// database.
func (d *DB) Observe(o Observer) {
	d.told = o
	d.observe(o)
}

func (l *lite) observe(o Observer) { l.told = o }

func (p *pg) observe(o Observer) { p.told = o }

// Stats is what is known without asking the database.
type Stats struct {
	Postgres bool
	// Interactive and Bulk are the updates that wait for SQLite's writer.
	Interactive, Bulk int
	// Pool is the pool of connections to PostgreSQL.
	Pool sql.DBStats
}

// Stats tells what is known without asking the database.
func (d *DB) Stats() Stats { return d.stats() }

func (l *lite) stats() Stats {
	return Stats{Interactive: len(l.interactive), Bulk: len(l.bulk)}
}

func (p *pg) stats() Stats { return Stats{Postgres: true, Pool: p.db.Stats()} }
