package sqlstore

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/usher-id/usher/internal/store"
)

// openedFile is the database file that this process has open. Where the folder
// is moved, removed or replaced, the connections keep the old file: what they
// write is then where nobody will look for it.
type openedFile struct {
	path string
	info os.FileInfo // taken from the open file, before any connection
}

// inPlace says whether the path still leads to the open file; else
// store.ErrUnavailable. A file that is put back is in place again.
func (f openedFile) inPlace() error {
	now, err := os.Stat(f.path)
	if err == nil && !os.SameFile(f.info, now) {
		err = errors.New("another file is there")
	}
	if err != nil {
		return fmt.Errorf("%w: the database file was moved, removed or replaced under the running program: %w", store.ErrUnavailable, err)
	}
	return nil
}

// lookEvery is how old the knowledge may be that a COMMIT goes to a file in its
// place. Looking takes some 2 to 6 µs, so that a busy writer spends less than a
// thousandth of its time on it.
const lookEvery = 10 * time.Millisecond

// lookout is what the writer knows of the file. It is not for concurrent use.
type lookout struct {
	file  openedFile
	every time.Duration
	good  time.Time // when the file was last seen in place
}

// inPlace is openedFile.inPlace, as it is now or was a moment ago.
func (l *lookout) inPlace() error {
	now := time.Now()
	if now.Sub(l.good) < l.every {
		return nil
	}
	if err := l.file.inPlace(); err != nil {
		l.good = time.Time{}
		return err
	}
	l.good = now
	return nil
}
