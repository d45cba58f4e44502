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
	"github.com/usher-id/usher/internal/store"
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
	// Events says where the chain of the events breaks, if it does.
	Events string `json:"events,omitempty"`
}

func showBackup(file string, h backup.Header, tables []backup.Table, events error) shownBackup {
	s := shownBackup{file, h.Made, h.Schema, h.Key, tables, ""}
	if events != nil {
		s.Events = events.Error()
	}
	return s
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
	if err := c.place(); err != nil {
		return err
	}
	return e.withDatabase(existing, func(at place, db *sqlstore.DB) error {
		h := backup.Header{Version: programVersion(), Made: time.Now().UTC(), Realm: realm}
		var err error
		if h.Key, err = at.fingerprint(e.ctx, db); err != nil {
			fmt.Fprintf(e.err, "usher: the backup will not say which key belongs to it: %v\n", err)
		}
		var tables []backup.Table
		write := func(w io.Writer) (err error) {
			h, tables, err = backup.Write(e.ctx, w, h, db)
			return err
		}
		if c.File == standard {
			return throughFile(e.out, write)
		}
		if err := c.toFile(write); err != nil {
			return err
		}
		shown := showBackup(c.File, h, tables, nil)
		return e.print(c.JSON, shown, func(w io.Writer) {
			fmt.Fprintf(w, "%s has %d rows of %d tables\n", c.File, shown.rows(), len(shown.Tables))
			fmt.Fprintf(w, "The key that opens the secrets in it is not in it: %s%s. Keep a copy of that elsewhere\n", at.keyPlace(), named(h.Key))
		})
	})
}

// place looks at where the backup goes, before anything is read for it.
func (c backupCmd) place() error {
	if c.File == standard {
		return nil
	}
	if info, err := os.Stat(c.File); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("%s is a folder: name a file in it, such as %s", c.File, filepath.Join(c.File, "usher.backup"))}
	}
	dir := filepath.Dir(c.File)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return usageError{fmt.Errorf("there is no folder %s to put the backup in: make it first", absolute(dir))}
	case err != nil:
		return fmt.Errorf("looking into the folder of the backup: %w", err)
	case !info.IsDir():
		return usageError{fmt.Errorf("%s is a file: the backup needs a folder", absolute(dir))}
	}
	return nil
}

// named is what a sentence says of a key's fingerprint, if it is known.
func named(key string) string {
	if key == "" {
		return ""
	}
	return ", key " + plain(key)
}

// fingerprint names the key that is here, if it is the one of the database.
func (p place) fingerprint(ctx context.Context, db *sqlstore.DB) (string, error) {
	k, err := p.key(ctx, db)
	if err != nil {
		return "", err
	}
	strange, _, err := foreign(ctx, db, k)
	if err == nil && strange > 0 {
		err = p.wrongKey(token.ErrWrongKEK)
	}
	if err != nil {
		return "", err
	}
	return k.ID(), nil
}

// foreign says how many signing keys a key did not wrap, and gives all.
func foreign(ctx context.Context, db *sqlstore.DB, k *token.KEK) (strange int, keys []store.Key, err error) {
	if err := db.View(ctx, func(r store.Reader) (err error) { keys, err = r.Keys(); return err }); err != nil {
		return 0, nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	for _, s := range keys {
		if !k.Made(s.Wrapped) {
			strange++
		}
	}
	return strange, keys, nil
}

// throughFile puts all into a file without a name before the first byte goes on:
// however slowly that is taken, the database is not held up.
func throughFile(to io.Writer, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp("", ".usher-backup-*") // mode 0600
	if err != nil {
		return fmt.Errorf("making room for the backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("making room for the backup: %w", err)
	}
	if err := write(f); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading the backup again: %w", err)
	}
	if _, err := io.Copy(to, f); err != nil {
		return fmt.Errorf("handing the backup on: %w", err)
	}
	return nil
}

// keyPlace says where the key is.
func (p place) keyPlace() string {
	if p.cfg.Key != nil {
		return "`key` (USHER_KEY)"
	}
	return absolute(p.cfg.KeyPath())
}

// toFile writes a file that is there whole or not at all, for its owner alone.
func (c backupCmd) toFile(write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(c.File); err == nil && !c.Force {
		return fmt.Errorf("%s is there already: --force writes over it", c.File)
	}
	dir := filepath.Dir(c.File)
	f, err := os.CreateTemp(dir, ".usher-backup-*")     // mode 0600
	if e, ok := errors.AsType[*fs.PathError](err); ok { // whose name means nothing to anybody
		err = e.Err
	}
	if err != nil {
		return fmt.Errorf("making a file in the folder %s: %w", absolute(dir), err)
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
	v, err := backup.Verify(f)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	shown := showBackup(c.File, v.Header, v.Tables, v.Events)
	err = e.print(c.JSON, shown, func(w io.Writer) {
		fmt.Fprintf(w, "%s is whole: %d rows of %d tables, made %s%s\n",
			c.File, shown.rows(), len(shown.Tables), v.Header.Made.Format(time.RFC3339), named(v.Header.Key))
	})
	if err == nil && v.Events != nil {
		return fmt.Errorf("the file is as it was written, and the events in it are not: %w. They were changed before the backup was made; `usher doctor --full` looks at the database", v.Events)
	}
	return err
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
