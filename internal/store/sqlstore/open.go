package sqlstore

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

//go:embed migrations
var migrations embed.FS

// Options say where the data is. URL wins over Data.
type Options struct {
	Data  string // folder of the SQLite file
	URL   string // postgres://…
	Node  int    // 0 to 1023 in snowflakes; -1: chosen at random
	Realm string
	Log   *slog.Logger
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
	// leaseJobs is the statement that takes due jobs.
	leaseJobs() string
	observe(o Observer)
	stats() Stats
	// size is how many bytes the database takes on disk.
	size(ctx context.Context) (int64, error)
}

// Migration is one step of the schema and whether it was applied.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// DB is an open database, as one realm sees it.
type DB struct {
	engine
	realm string
	made  *maker
	told  Observer
}

// Open opens a database. It does not migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Realm == "" {
		o.Realm = "main"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.Default()
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
	return &DB{engine: e, realm: o.Realm, made: made, told: nobody{}}, nil
}

// View implements store.Store.
func (d *DB) View(ctx context.Context, fn func(store.Reader) error) error {
	begun := time.Now()
	err := d.view(ctx, func(c conn) error { return fn(&reader{c, d.realm}) })
	d.told.Viewed(time.Since(begun), err)
	return err
}

// Update implements store.Store.
func (d *DB) Update(ctx context.Context, lane store.Lane, fn func(store.Tx) error) error {
	begun := time.Now()
	err := d.update(ctx, lane, func(c conn) error {
		h := &held{conn: c, realm: d.realm}
		err := fn(&tx{reader: reader{h, d.realm}, held: h, made: d.made, now: d.made.time(), jobs: d.leaseJobs()})
		if err != nil {
			return err
		}
		return h.flush()
	})
	d.told.Updated(lane, time.Since(begun), err)
	return err
}

// Migrate brings the schema up to date; nothing happens when it is.
func (d *DB) Migrate(ctx context.Context) error { return d.migrate(ctx) }

// MigrationStatus lists the steps of the schema.
func (d *DB) MigrationStatus(ctx context.Context) ([]Migration, error) { return d.status(ctx) }

// Ping says whether the database can be asked.
func (d *DB) Ping(ctx context.Context) error { return fault(d.ping(ctx)) }

// Close waits for what was begun and closes the database.
func (d *DB) Close() error { return d.close() }

// maker makes times and ids.
type maker struct {
	clock  func() time.Time
	random io.Reader
	node   int64

	mu   sync.Mutex
	ms   int64
	next int64
}

const (
	maxNode     = 1<<snowflake.NodeBits - 1
	maxSequence = 1<<snowflake.SequenceBits - 1
)

func newMaker(o Options) (*maker, error) {
	if o.Node > maxNode {
		return nil, fmt.Errorf("node %d: %d is the highest", o.Node, maxNode)
	}
	m := &maker{clock: o.Clock, random: o.Random, node: int64(o.Node)}
	if o.Node < 0 {
		var b [2]byte
		if _, err := io.ReadFull(o.Random, b[:]); err != nil {
			return nil, fmt.Errorf("choosing a node number: %w", err)
		}
		m.node = int64(binary.BigEndian.Uint16(b[:]) & maxNode)
	}
	return m, nil
}

func (m *maker) time() time.Time { return m.clock().UTC().Truncate(time.Microsecond) }

func (m *maker) id() user.ID { return user.ID(uuid.Must(uuid.NewV7()).String()) }

func (m *maker) uuid() (b [16]byte) {
	u := uuid.Must(uuid.NewRandomFromReader(m.random))
	return u
}

// number makes a snowflake: milliseconds, node, a count within the
// millisecond. When a millisecond is used up, or the clock went back, it runs
// ahead.
func (m *maker) number() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ms := m.clock().UnixMilli() - snowflake.Epoch; ms > m.ms {
		m.ms, m.next = ms, 0
	} else if m.next++; m.next > maxSequence {
		m.ms, m.next = m.ms+1, 0
	}
	return m.ms<<(snowflake.NodeBits+snowflake.SequenceBits) | m.node<<snowflake.SequenceBits | m.next
}
