package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/token"
)

// opening says what a command does where there is no database.
type opening int

const (
	existing opening = iota // says so, and leaves nothing behind
	creating                // makes one, and its key: serve and migrate up
)

// sqliteMagic begins every SQLite file that has something in it.
const sqliteMagic = "SQLite format 3\x00"

// howToMake ends what is said where there is no database.
const howToMake = "Name another folder with --data (or USHER_DATA), or make a new database with `usher migrate up` or `usher serve`"

// place is where the database and the key that wraps its secrets are.
type place struct {
	cfg *config.Config
	how opening
}

// String names the database to a person, without its password.
func (p place) String() string {
	if p.cfg.DatabaseURL != "" {
		return "at database_url"
	}
	return "in " + absolute(p.cfg.Data)
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// database opens the database, not yet migrated. Where none may be made, there
// is one, with tables in it.
func (p place) database(ctx context.Context, log *slog.Logger) (*sqlstore.DB, error) {
	if p.cfg.DatabaseURL == "" {
		if err := p.lookForFile(); err != nil {
			return nil, err
		}
	}
	db, err := sqlstore.Open(ctx, sqlstore.Options{
		Data: p.cfg.Data, URL: p.cfg.DatabaseURL, Node: p.cfg.Node, Realm: realm, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if p.how == creating {
		return db, nil
	}
	if _, err := used(ctx, db); sqlstore.NoTables(err) {
		return nil, errors.Join(
			fmt.Errorf("the database %s has no tables of usher's yet: `usher migrate up` makes them", p), db.Close())
	}
	return db, nil
}

// lookForFile looks whether the data folder holds a database, before SQLite
// would make one of whatever is there.
func (p place) lookForFile() error {
	dir := absolute(p.cfg.Data)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist) && p.how == existing:
		return fmt.Errorf("no database: there is no folder %s. %s", dir, howToMake)
	case errors.Is(err, fs.ErrNotExist):
		return makeFolder(dir)
	case err != nil:
		return fmt.Errorf("data: cannot look into %s: %w", dir, errors.Unwrap(err))
	case !info.IsDir():
		return fmt.Errorf("data: %s is a file; it must be a folder", dir)
	}
	path := filepath.Join(dir, sqlstore.FileName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p.noFile(dir)
	}
	if err != nil {
		return fmt.Errorf("cannot read the database %s: %w. Run this as the user that usher runs as", path, errors.Unwrap(err))
	}
	defer f.Close()
	begin := make([]byte, len(sqliteMagic))
	n, err := f.Read(begin)
	switch {
	case n == 0 && p.how == existing: // left by a start that was cut short
		return p.noFile(dir)
	case n == 0:
		return nil
	case err != nil:
		return fmt.Errorf("cannot read the database %s: %w", path, err)
	case string(begin[:n]) != sqliteMagic:
		return fmt.Errorf("%s is not a database: something else was written there. It was left as it is; put the database back from a backup, or name another folder with --data (or USHER_DATA)", path)
	}
	return nil
}

func (p place) noFile(dir string) error {
	if p.how == creating {
		return nil
	}
	return fmt.Errorf("no database: the folder %s has no %s. %s", dir, sqlstore.FileName, howToMake)
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		why := err
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			why = e.Err
		}
		return fmt.Errorf("data: cannot make the folder %s: %w. Name a folder that this user may write to with --data (or USHER_DATA)", dir, why)
	}
	return nil
}

// used says whether the database has secrets that a key wraps: signing keys
// are the first that there are.
func used(ctx context.Context, db store.Store) (has bool, err error) {
	err = db.View(ctx, func(r store.Reader) error {
		keys, err := r.Keys()
		has = len(keys) > 0
		return err
	})
	return has, err
}

// key reads the key that wraps the secrets of a migrated database. A new one is
// made only where a database may be made and has no secrets yet: beside any
// other it would open nothing.
func (p place) key(ctx context.Context, db store.Store) (*token.KEK, error) {
	if p.cfg.Key != nil {
		return token.NewKEK(p.cfg.Key)
	}
	path := absolute(p.cfg.KeyPath())
	k, err := token.LoadKEK(path)
	switch {
	case err == nil:
		return k, nil
	case errors.Is(err, token.ErrKEKReadable):
		return nil, fmt.Errorf("%w. Close it with: chmod 600 %s", err, path)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("reading the key that wraps stored secrets: %w", err)
	}
	has, err := used(ctx, db)
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking for secrets in the database: %w", err)
	case has:
		return nil, fmt.Errorf("the key file %s is missing, and the database %s has secrets that only its key opens. "+
			"Put the file back from a backup, or say where the key is with key_file (USHER_KEY_FILE) or key (USHER_KEY). No new key was made", path, p)
	case p.how == existing:
		return nil, fmt.Errorf("the key file %s is missing. The database %s has no secrets yet: `usher migrate up` makes the key", path, p)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the key file: %w", err)
	}
	failpoint.Pass(failpoint.KeyAbsent)
	if k, err = token.LoadOrCreateKEK(path); err != nil {
		return nil, fmt.Errorf("making the key that wraps stored secrets: %w", err)
	}
	failpoint.Pass(failpoint.KeyWritten)
	return k, nil
}

// newKey makes the key of a database that has none yet. That of another is left
// to who needs it: migrating does not.
func (p place) newKey(ctx context.Context, db store.Store) error {
	has, err := used(ctx, db)
	if err != nil || has {
		return err
	}
	_, err = p.key(ctx, db)
	return err
}

// wrongKey says what to do about secrets that the key does not open.
func (p place) wrongKey(err error) error {
	if !errors.Is(err, token.ErrWrongKEK) {
		return err
	}
	which := "the key in " + absolute(p.cfg.KeyPath())
	if p.cfg.Key != nil {
		which = "the key given as `key` (USHER_KEY)"
	}
	return fmt.Errorf("%s is not the one that the secrets of the database %s were wrapped with. "+
		"Put the right key back, or say where it is with key_file (USHER_KEY_FILE) or key (USHER_KEY). Nothing was changed", which, p)
}

// withDatabase runs a command on a database that need not be up to date.
func (e *environment) withDatabase(how opening, fn func(place, *sqlstore.DB) error) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	at := place{cfg, how}
	db, err := at.database(e.ctx, newLogger(cfg, e.err))
	if err != nil {
		return err
	}
	return errors.Join(fn(at, db), db.Close())
}
