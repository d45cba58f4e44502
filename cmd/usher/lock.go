package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// errLocked says that another process has a file for itself.
var errLocked = errors.New("another process has it")

// lockName is the file in the data folder that a server holds. It stays behind,
// and means nothing unless it is locked.
const lockName = "usher.lock"

// lock is held until it is released or the process ends.
type lock struct{ file *os.File }

// hold takes the data folder for one server, and makes it where there is none.
// PostgreSQL takes any number, and there the lock is of nothing. Commands take
// none: they work beside a server.
func (p place) hold() (*lock, error) {
	if p.cfg.DatabaseURL != "" {
		return &lock{}, nil
	}
	if err := p.lookForFile(); err != nil {
		return nil, err
	}
	dir := absolute(p.cfg.Data)
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data: cannot take the folder %s for this server: %w", dir, err)
	}
	if err := lockFile(f); err != nil {
		who := holder(f)
		f.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("data: another usher serve%s runs on the folder %s. SQLite takes one server: stop that one first, "+
				"name another folder with --data (or USHER_DATA), or use PostgreSQL, which takes several", who, dir)
		}
		return nil, fmt.Errorf("data: cannot take the folder %s for this server: %w", dir, err)
	}
	// For whoever comes second, and a person who looks. The lock is what counts.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &lock{f}, nil
}

// holder says which process has a lock, if the file does.
func holder(f *os.File) string {
	text := make([]byte, 20)
	n, err := f.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	id, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil || id < 1 {
		return ""
	}
	return fmt.Sprintf(", process %d,", id)
}

func (l *lock) release() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
