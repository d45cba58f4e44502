package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/usher-id/usher/internal/backup"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/token"
)

type backupCmd struct {
	File   string `arg:"" help:"Where the backup goes; - for standard output."`
	Verify bool   `help:"Read the backup in FILE to its end and say whether it is whole; needs no database."`
	Force  bool   `help:"Write over a file that is there."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

type shownBackup struct {
	File   string         `json:"file"`
	Made   time.Time      `json:"made"`
	Schema int64          `json:"schema"`
	Key    string         `json:"key"`
	Tables []backup.Table `json:"tables"`
}

// rows adds up what is in a backup.
func (s shownBackup) rows() (n int64) {
	for _, t := range s.Tables {
		n += t.Rows
	}
	return n
}

// Run writes a backup, or verifies one.
func (c backupCmd) Run(e *environment) error {
	if c.Verify {
		return c.verify(e)
	}
	if c.File == standard && c.JSON {
		return usageError{errors.New("the backup itself goes to standard output: leave out --json, or name a file")}
	}
	return e.withDatabase(existing, func(at place, db *sqlstore.DB) error {
		h := backup.Header{Version: programVersion(), Made: time.Now().UTC()}
		var err error
		if h.Schema, err = db.SchemaVersion(e.ctx); err != nil {
			return err
		}
		key, err := at.key(e.ctx, db)
		if err != nil {
			fmt.Fprintf(e.err, "usher: the backup will not say which key belongs to it: %v\n", err)
		} else {
			h.Key = key.ID()
		}
		shown := shownBackup{c.File, h.Made, h.Schema, h.Key, nil}
		write := func(w io.Writer) error {
			shown.Tables, err = backup.Write(e.ctx, w, h, db)
			return err
		}
		if c.File == standard {
			return write(e.out)
		}
		if err := c.toFile(write); err != nil {
			return err
		}
		return e.print(c.JSON, shown, func(w io.Writer) {
			fmt.Fprintf(w, "%s has %d rows of %d tables\n", c.File, shown.rows(), len(shown.Tables))
			fmt.Fprintf(w, "The key that opens the secrets in it is not in it: %s, key %s. Keep a copy of that elsewhere\n", at.keyPlace(), h.Key)
		})
	})
}

// keyPlace says where the key is.
func (p place) keyPlace() string {
	if p.cfg.Key != nil {
		return "it is given as `key`"
	}
	return absolute(p.cfg.KeyPath())
}

// toFile writes a file that is there whole or not at all, for its owner alone.
func (c backupCmd) toFile(write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(c.File); err == nil && !c.Force {
		return fmt.Errorf("%s is there already: --force writes over it", c.File)
	}
	dir := filepath.Dir(c.File)
	f, err := os.CreateTemp(dir, ".usher-backup-*") // mode 0600
	if err != nil {
		return fmt.Errorf("making the backup: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	if c.Force {
		err = os.Rename(f.Name(), c.File)
	} else if err = os.Link(f.Name(), c.File); err == nil { // unlike a rename it writes over nothing
		err = os.Remove(f.Name())
	}
	if err != nil {
		return fmt.Errorf("putting the backup in its place: %w", err)
	}
	if d, openErr := os.Open(dir); openErr == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	return err
}

func (c backupCmd) verify(e *environment) error {
	f, err := openBackup(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	h, tables, err := backup.Verify(f)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	shown := shownBackup{c.File, h.Made, h.Schema, h.Key, tables}
	return e.print(c.JSON, shown, func(w io.Writer) {
		fmt.Fprintf(w, "%s is whole: %d rows of %d tables, made %s, to be opened with key %s\n",
			c.File, shown.rows(), len(tables), h.Made.Format(time.RFC3339), h.Key)
	})
}

func openBackup(path string) (io.ReadCloser, error) {
	if path == standard {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the backup: %w", err)
	}
	return f, nil
}

type restoreCmd struct {
	File         string `arg:"" help:"The backup; - for standard input."`
	KeepSessions bool   `name:"keep-sessions" help:"Leave people signed in who were when it was made, be it that they signed out since."`
	JSON         bool   `name:"json" help:"Print JSON."`
}

// Run puts a backup into an empty database.
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
	return e.withDatabase(creating, func(at place, db *sqlstore.DB) error {
		hasKey, err := at.keyOf(r.Header)
		if err != nil {
			return err
		}
		if err := emptied(db.Empty(e.ctx)); err != nil {
			return err
		}
		if err := prepareFor(e.ctx, db, r.Header); err != nil {
			return err
		}
		sessions := sqlstore.EndSessions
		if c.KeepSessions {
			sessions = sqlstore.KeepSessions
		}
		err = emptied(db.Import(e.ctx, r, sessions))
		if err != nil {
			return fmt.Errorf("restoring %s: %w. Nothing of it is in the database", c.File, err)
		}
		if err := db.Migrate(e.ctx); err != nil {
			return fmt.Errorf("the backup is restored, and bringing it up to date failed: %w", err)
		}
		shown := shownBackup{c.File, r.Header.Made, r.Header.Schema, r.Header.Key, r.Tables()}
		return e.print(c.JSON, shown, func(w io.Writer) {
			fmt.Fprintf(w, "%d rows of %d tables are restored, as of %s\n", shown.rows(), len(shown.Tables), r.Header.Made.Format(time.RFC3339))
			if !c.KeepSessions {
				fmt.Fprintln(w, "All sessions have ended: people sign in again")
			}
			if !hasKey {
				fmt.Fprintf(w, "Put the key %s at %s before usher is started: without it the secrets do not open\n", r.Header.Key, at.keyPlace())
			}
		})
	})
}

// emptied says what to do where something is in the way.
func emptied(err error) error {
	if errors.Is(err, sqlstore.ErrNotEmpty) {
		return fmt.Errorf("%w. A backup goes into a database that nothing was ever written to: name another with --data or --database-url. Nothing was changed", err)
	}
	return err
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

// prepareFor makes the tables as they were when a backup was made.
func prepareFor(ctx context.Context, db *sqlstore.DB, h backup.Header) error {
	all, err := db.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	var newest, have int64
	for _, m := range all {
		newest = max(newest, m.Version)
		if m.Applied {
			have = max(have, m.Version)
		}
	}
	switch {
	case h.Schema > newest || h.Schema < 1:
		return fmt.Errorf("the backup has tables of version %d, and this usher knows them up to %d: restore it with usher %s or a newer one", h.Schema, newest, h.Version)
	case have > h.Schema:
		return fmt.Errorf("the database has tables of version %d already, and the backup of version %d: restore into a database without tables", have, h.Schema)
	case have == h.Schema:
		return nil
	default:
		return db.MigrateTo(ctx, h.Schema)
	}
}
