package token

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrKEKReadable refuses a key file that others on the machine can read, or
// its group can write.
var ErrKEKReadable = errors.New("key file is open to others")

// maxKEKFile is more than any accepted encoding takes.
const maxKEKFile = 256

// LoadOrCreateKEK reads the KEK in the file, or makes one there (mode 0600)
// when there is no file. Processes that start together end with the same key.
func LoadOrCreateKEK(path string) (*KEK, error) {
	k, err := LoadKEK(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := createKEK(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	return LoadKEK(path)
}

// LoadKEK reads the KEK in the file.
func LoadKEK(path string) (*KEK, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("key file %s: not a regular file", path)
	}
	// Group read is left alone: that is how orchestrators mount secrets.
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o027 != 0 {
		return nil, fmt.Errorf("key file %s has mode %04o, want 0600: %w", path, mode, ErrKEKReadable)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKEKFile+1))
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if len(text) > maxKEKFile {
		return nil, fmt.Errorf("key file %s: %w", path, ErrKEK)
	}
	k, err := ParseKEK(string(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return k, nil
}

// createKEK writes a whole, synced file beside the path and links it there: it
// appears complete or not at all, and never replaces the key that another
// process put there in the meantime, as a rename would.
func createKEK(path string) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".kek-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	_, err = tmp.WriteString(hex.EncodeToString(randomBytes(keySize)) + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
