package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/usher-id/usher/internal/backup"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/token"
)

type restoreCmd struct {
	File         string `arg:"" help:"The backup; - for standard input."`
	KeepSessions bool   `name:"keep-sessions" help:"Leave people signed in who were when it was made, be it that they signed out since."`
	JSON         bool   `name:"json" help:"Print JSON."`
}

// restored is why the sessions of a backup end.
const restored session.Why = "restored"

// Run puts a backup into an empty database. All that can be refused without a
// database is refused before there is one.
func (c restoreCmd) Run(e *environment) error {
	f, err := openBackup(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := backup.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if err := readable(r.Header); err != nil {
		return err
	}
	cfg, err := e.config()
	if err != nil {
		return err
	}
	hasKey, err := place{cfg, creating}.keyOf(r.Header)
	if err != nil {
		return err
	}
	return e.withDatabase(creating, func(at place, db *sqlstore.DB) error {
		if err := prepareFor(e.ctx, db, r.Header); err != nil {
			return err
		}
		var ended int64
		sessions := sqlstore.EndSessions
		if c.KeepSessions {
			sessions = sqlstore.KeepSessions
		}
		err := db.Import(e.ctx, r, sessions, func(tx store.Tx, n int64) error {
			ended = n
			return event.Append(tx, event.New{Kind: event.SessionEnded, Actor: operatorName, Body: map[string]any{
				"why": restored, "sessions": n, "backup": r.Header.Made,
			}})
		})
		if err != nil {
			return c.failed(err)
		}
		if err := db.Migrate(e.ctx); err != nil {
			return fmt.Errorf("the backup is restored, and bringing it up to date failed: %w. `usher migrate up` tries again", err)
		}
		if err := r.Events(); err != nil {
			fmt.Fprintf(e.err, "usher: the chain of the events was broken before the backup was made: %v\n", err)
		}
		return c.tell(e, at, r, ended, hasKey)
	})
}

// failed says what a restore that failed left behind.
func (c restoreCmd) failed(err error) error {
	switch {
	case errors.Is(err, sqlstore.ErrNotEmpty):
		return notEmpty(err)
	case errors.Is(err, sqlstore.ErrUnknownEnd):
		return fmt.Errorf("restoring %s: %w. `usher user list` shows whether there is anybody", c.File, err)
	default:
		return fmt.Errorf("restoring %s: %w. The database is empty, as before", c.File, c.broken(err))
	}
}

// broken gives a better reason than err where the file is no whole backup: what
// was changed in it is met before its digest.
func (c restoreCmd) broken(err error) error {
	if c.File == standard || errors.Is(err, backup.ErrNotABackup) {
		return err
	}
	f, openErr := openBackup(c.File)
	if openErr != nil {
		return err
	}
	defer f.Close()
	if _, found := backup.Verify(f); errors.Is(found, backup.ErrNotABackup) {
		return found
	}
	return err
}

func notEmpty(err error) error {
	return fmt.Errorf("%w. A backup goes into a database that nothing was ever written to: name another with --data or --database-url. Nothing was changed", err)
}

type shownRestore struct {
	shownBackup
	SessionsEnded int64 `json:"sessions_ended"`
	HasKey        bool  `json:"has_key"` // where usher will look for it
}

func (c restoreCmd) tell(e *environment, at place, r *backup.Reader, ended int64, hasKey bool) error {
	shown := shownRestore{showBackup(c.File, r.Header, r.Tables(), r.Events()), ended, hasKey}
	return e.print(c.JSON, shown, func(w io.Writer) {
		fmt.Fprintf(w, "%d rows of %d tables are restored, as of %s\n", shown.rows(), len(shown.Tables), r.Header.Made.Format(time.RFC3339))
		if !c.KeepSessions {
			fmt.Fprintln(w, endedSessions(ended))
		}
		fmt.Fprintln(w, "Whoever was erased since then is back: erase them again")
		if !hasKey {
			fmt.Fprintf(w, "Put the key%s at %s before usher is started: without it the secrets do not open\n", named(r.Header.Key), at.keyPlace())
		}
	})
}

func endedSessions(n int64) string {
	switch n {
	case 0:
		return "There were no sessions to end"
	case 1:
		return "1 session has ended: people sign in again"
	default:
		return fmt.Sprintf("%d sessions have ended: people sign in again", n)
	}
}

// keyOf says whether the key of a backup is here; another one is an error.
func (p place) keyOf(h backup.Header) (bool, error) {
	var k *token.KEK
	var err error
	if p.cfg.Key != nil {
		k, err = token.NewKEK(p.cfg.Key)
	} else {
		k, err = token.LoadKEK(absolute(p.cfg.KeyPath()))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading the key that wraps stored secrets: %w", err)
	case h.Key != "" && h.Key != k.ID():
		return false, fmt.Errorf("the backup's secrets open with key %s, and %s is key %s. Put the right key there, or take the wrong one away. Nothing was restored", h.Key, p.keyPlace(), k.ID())
	default:
		return true, nil
	}
}

// readable says whether this program knows the tables of a backup.
func readable(h backup.Header) error {
	newest, err := sqlstore.NewestSchema()
	if err != nil {
		return err
	}
	if h.Schema > newest || h.Schema < 1 {
		return fmt.Errorf("the backup has tables of version %d, and this usher knows them up to %d: restore it with usher %s or a newer one", h.Schema, newest, plain(h.Version))
	}
	return nil
}

// prepareFor makes the tables as they were when a backup was made.
func prepareFor(ctx context.Context, db *sqlstore.DB, h backup.Header) error {
	err := db.Empty(ctx) // before anything is made in it
	if errors.Is(err, sqlstore.ErrNotEmpty) {
		return notEmpty(err)
	}
	if err != nil {
		return err
	}
	have, err := db.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case have > h.Schema:
		return fmt.Errorf("the database has empty tables of version %d already, and the backup is of version %d: restore into a database without tables", have, h.Schema)
	case have == h.Schema:
		return nil
	default:
		return db.MigrateTo(ctx, h.Schema)
	}
}
