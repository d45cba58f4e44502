package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/usher-id/usher/internal/store"
)

// DefaultRealm is the realm of those who name none.
const DefaultRealm = "main"

// Options say where the data is. URL wins over Data.
type Options struct {
	Data  string // folder of the SQLite file, made when missing
	URL   string // postgres://…
	Node  int    // 0 to 1023, part of every number; -1: chosen at random
	Realm string // DefaultRealm when empty
	// Conns is the most connections to PostgreSQL; 16 when zero.
	Conns int
	// Migrate brings the schema up to date while opening.
	Migrate bool
	Log     *slog.Logger
	// Clock and Random are the real ones when nil.
	Clock  func() time.Time
	Random io.Reader
}

// engine is what differs between the two databases.
type engine interface {
	view(ctx context.Context, fn func(conn) error) error
	update(ctx context.Context, lane store.Lane, fn func(conn) error) error
	migrate(ctx context.Context) error
	status(ctx context.Context) ([]Migration, error)
	ping(ctx context.Context) error
	close() error
	dialect() dialect
}

// dialect is the little SQL that has to differ.
type dialect struct {
	leaseJobs string
	// orderInvalidations makes transactions that write invalidations commit
	// in the order of their numbers; empty where they do so anyhow.
	orderInvalidations string
}

// DB is an open database, as one realm sees it.
type DB struct {
	engine engine
	words  dialect
	realm  string
	made   *maker
}

var _ store.Store = (*DB)(nil)

// Open opens a database. It migrates only where Options says so.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Realm == "" {
		o.Realm = DefaultRealm
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	made, err := newMaker(o)
	if err != nil {
		return nil, err
	}
	var e engine
	if o.URL != "" {
		e, err = openPostgres(o)
	} else {
		e, err = openSQLite(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	d := &DB{engine: e, words: e.dialect(), realm: o.Realm, made: made}
	if o.Migrate {
		if err := d.Migrate(ctx); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// View implements store.Store.
func (d *DB) View(ctx context.Context, fn func(store.Reader) error) error {
	return d.engine.view(ctx, func(c conn) error { return fn(&reader{c, d.realm}) })
}

// Update implements store.Store.
func (d *DB) Update(ctx context.Context, lane store.Lane, fn func(store.Tx) error) error {
	return d.engine.update(ctx, lane, func(c conn) error {
		t := &tx{reader: reader{c, d.realm}, made: d.made, now: d.made.time(), words: d.words}
		if err := fn(t); err != nil {
			return err
		}
		return t.announce()
	})
}

// Migrate brings the schema up to date; nothing happens when it is.
func (d *DB) Migrate(ctx context.Context) error { return d.engine.migrate(ctx) }

// MigrationStatus lists the steps of the schema, oldest first.
func (d *DB) MigrationStatus(ctx context.Context) ([]Migration, error) { return d.engine.status(ctx) }

// Ping says whether the database can be asked: nil, or ErrUnavailable.
func (d *DB) Ping(ctx context.Context) error { return d.engine.ping(ctx) }

// Close waits for what was begun and closes the database. What is still
// queued, or comes later, gets ErrUnavailable.
func (d *DB) Close() error { return d.engine.close() }
