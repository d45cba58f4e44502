package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/store"
)

// CensusMost is how far a census counts: more than that is as bad.
const CensusMost = 10_000

// Census says how much waits in the database, and how large it is.
type Census struct {
	JobsDue    int       // waiting, those for a later try included; up to CensusMost
	JobsSince  time.Time // when the first of them was due, or will be; zero: none
	JobsDead   int       // given up; up to CensusMost
	Unnumbered int       // events that the sequencer has not seen yet; up to CensusMost
	EventSince time.Time // when the oldest of those happened; zero: none
	Unindexed  int64     // numbered events that the search does not know yet
	Bytes      int64     // on disk, SQLite's log included
}

// Statements of the census; $1 is the realm.
var (
	qCountJobs = `SELECT COUNT(*), COALESCE(MIN(found.due), 0)
	FROM (SELECT j.due FROM jobs j WHERE j.realm = $1 AND j.state = $2 ORDER BY j.due, j.id LIMIT $3) found`
	qCountUnnumbered = "SELECT COUNT(*) FROM (SELECT e.id FROM events e WHERE e.realm = $1 AND e.seq = 0 LIMIT $2) found"
)

// counted is how many, and since when.
type counted struct {
	n     int
	since time.Time
}

func (f *fields) counted(c *counted) {
	var since int64
	f.add(&c.n, &since)
	f.finish(func() error { c.since = at(since); return nil })
}

// Census counts what waits, in a few reads of an index each. ctx bounds it on
// PostgreSQL, and on SQLite the waiting for a connection.
func (d *DB) Census(ctx context.Context) (Census, error) {
	var c Census
	err := d.view(ctx, func(conn conn) error {
		r := &reader{conn, d.realm}
		due, err := one(r, qCountJobs, (*fields).counted, string(store.JobDue), CensusMost)
		if err != nil {
			return fmt.Errorf("counting jobs: %w", err)
		}
		dead, err := one(r, qCountJobs, (*fields).counted, string(store.JobDead), CensusMost)
		if err != nil {
			return fmt.Errorf("counting dead jobs: %w", err)
		}
		c = Census{JobsDue: due.n, JobsSince: due.since, JobsDead: dead.n}
		if c.Unnumbered, err = one(r, qCountUnnumbered, func(f *fields, n *int) { f.add(n) }, CensusMost); err != nil {
			return fmt.Errorf("counting events: %w", err)
		}
		if oldest, err := r.Unsequenced(1); err != nil {
			return fmt.Errorf("reading the oldest event: %w", err)
		} else if len(oldest) > 0 {
			c.EventSince = oldest[0].At
		}
		if c.Unindexed, err = unindexed(r); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return Census{}, fault(err)
	}
	if c.Bytes, err = d.size(ctx); err != nil {
		return Census{}, fault(fmt.Errorf("measuring the database: %w", err))
	}
	return c, nil
}

func unindexed(r *reader) (int64, error) {
	last, err := r.LastEvent()
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("reading the last event: %w", err)
	}
	indexed, err := r.Indexed()
	if err != nil {
		return 0, fmt.Errorf("reading how far the search is: %w", err)
	}
	return max(last.Seq-indexed, 0), nil
}
