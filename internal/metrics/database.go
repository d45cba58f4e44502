package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/usher-id/usher/internal/store/sqlstore"
)

// Database tells how much waits in it; sqlstore.DB does.
type Database interface {
	Stats() sqlstore.Stats
	Census(ctx context.Context) (sqlstore.Census, error)
}

const (
	// censusAge is how old what a scrape tells of the database may be: however
	// many scrape, it is asked no more often.
	censusAge = 5 * time.Second
	// censusWait is how long a scrape waits for the database, and censusMost how
	// long the database has.
	censusWait = time.Second
	censusMost = 5 * time.Second
)

// database collects what waits in the database, when somebody scrapes. One that
// does not answer is said to be down, and what is not known is left out.
type database struct {
	db  Database
	log *slog.Logger

	up, jobsWaiting, jobsOverdue, jobsDead, unnumbered, unnumberedFor, unindexed, bytes *prometheus.Desc
	queue, connections, connectionsMost, waits, waited                                  *prometheus.Desc

	mu     sync.Mutex
	asking chan struct{} // closed when the census under way has ended; nil: none is
	asked  time.Time
	last   sqlstore.Census
	err    error
}

func newDatabase(db Database, log *slog.Logger) *database {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	d := &database{
		db: db, log: log,
		up:            desc("usher_store_up", "1 if the database answered this scrape within a second, else 0; what it would have said is left out then."),
		jobsWaiting:   desc("usher_jobs_waiting", "Jobs to be done, those for a later try included; 10000 stands for that or more."),
		jobsOverdue:   desc("usher_jobs_overdue_seconds", "For how long the first job to be done has been due; 0: none is."),
		jobsDead:      desc("usher_jobs_dead", "Jobs given up, which wait for an operator; 10000 stands for that or more."),
		unnumbered:    desc("usher_events_unnumbered", "Events that have no number in the log yet; 10000 stands for that or more."),
		unnumberedFor: desc("usher_events_unnumbered_seconds", "How old the oldest event without a number is; 0: there is none."),
		unindexed:     desc("usher_search_events_behind", "Events that the search has not read yet; up to 50 are usual."),
		bytes:         desc("usher_store_size_bytes", "Size of the database on disk, SQLite's write-ahead log included."),
	}
	if db.Stats().Postgres {
		d.connections = desc("usher_postgres_connections", "Connections to PostgreSQL, by state: in_use or idle.", "state")
		d.connectionsMost = desc("usher_postgres_connections_max", "Connections to PostgreSQL that this process may have.")
		d.waits = desc("usher_postgres_connection_waits_total", "Transactions that waited for a connection.")
		d.waited = desc("usher_postgres_connection_wait_seconds_total", "How long they waited, together.")
	} else {
		d.queue = desc("usher_sqlite_updates_waiting", "Updates that wait for SQLite's writer, by lane; at 1024 callers wait for a place.", "lane")
	}
	return d
}

// Describe implements prometheus.Collector.
func (d *database) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		d.up, d.jobsWaiting, d.jobsOverdue, d.jobsDead, d.unnumbered, d.unnumberedFor, d.unindexed, d.bytes,
		d.queue, d.connections, d.connectionsMost, d.waits, d.waited,
	} {
		if desc != nil {
			to <- desc
		}
	}
}

// Collect implements prometheus.Collector.
func (d *database) Collect(to chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	s := d.db.Stats()
	if s.Postgres {
		gauge(d.connections, float64(s.Pool.InUse), "in_use")
		gauge(d.connections, float64(s.Pool.Idle), "idle")
		gauge(d.connectionsMost, float64(s.Pool.MaxOpenConnections))
		to <- prometheus.MustNewConstMetric(d.waits, prometheus.CounterValue, float64(s.Pool.WaitCount))
		to <- prometheus.MustNewConstMetric(d.waited, prometheus.CounterValue, s.Pool.WaitDuration.Seconds())
	} else {
		gauge(d.queue, float64(s.Interactive), interactive)
		gauge(d.queue, float64(s.Bulk), bulk)
	}
	c, known := d.census()
	if !known {
		gauge(d.up, 0)
		return
	}
	now := time.Now()
	since := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return max(now.Sub(t).Seconds(), 0)
	}
	gauge(d.up, 1)
	gauge(d.jobsWaiting, float64(c.JobsDue))
	gauge(d.jobsOverdue, since(c.JobsSince))
	gauge(d.jobsDead, float64(c.JobsDead))
	gauge(d.unnumbered, float64(c.Unnumbered))
	gauge(d.unnumberedFor, since(c.EventSince))
	gauge(d.unindexed, float64(c.Unindexed))
	gauge(d.bytes, float64(c.Bytes))
}

// census gives what the database said lately, or asks it. One question is under
// way at a time, and goes on when a scrape no longer waits for it.
func (d *database) census() (c sqlstore.Census, known bool) {
	d.mu.Lock()
	if !d.asked.IsZero() && time.Since(d.asked) < censusAge {
		defer d.mu.Unlock()
		return d.last, d.err == nil
	}
	if d.asking == nil {
		d.asking = make(chan struct{})
		go d.ask(d.asking)
	}
	asking := d.asking
	d.mu.Unlock()

	patience := time.NewTimer(censusWait)
	defer patience.Stop()
	select {
	case <-asking:
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.last, d.err == nil
	case <-patience.C:
		return c, false
	}
}

func (d *database) ask(ended chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), censusMost)
	defer cancel()
	c, err := d.db.Census(ctx)
	if err != nil {
		d.log.Warn("counting for the metrics failed", "error", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last, d.err, d.asked, d.asking = c, err, time.Now(), nil
	close(ended)
}
