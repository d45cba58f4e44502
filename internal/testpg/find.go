package testpg

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// ErrNotInstalled says that no PostgreSQL server package is on this machine.
var ErrNotInstalled = errors.New("PostgreSQL is not installed")

// account is a Unix user.
type account struct{ uid, gid int }

func lookupAccount(name string) (*account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("look up user %s: %w", name, err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, fmt.Errorf("uid of %s: %w", name, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, fmt.Errorf("gid of %s: %w", name, err)
	}
	return &account{uid, gid}, nil
}

// Installed is the folder of the newest installed initdb and postgres, or
// ErrNotInstalled.
func Installed() (string, error) {
	// Debian and its kin keep them off the PATH, a folder per major version.
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return major(a) - major(b) })), nil
	}
	onPath, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrNotInstalled
	}
	if onPath, err = filepath.EvalSymlinks(onPath); err != nil {
		return "", fmt.Errorf("follow initdb: %w", err)
	}
	return filepath.Dir(onPath), nil
}

// major is the version in …/postgresql/15/bin/initdb.
func major(initdb string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	if err != nil {
		return 0
	}
	return n
}

func findBinaries() (string, error) {
	bin, err := Installed()
	if !errors.Is(err, ErrNotInstalled) {
		return bin, err
	}
	if os.Geteuid() == 0 {
		return "", fmt.Errorf("%w, and as root none can be fetched (install the server package, Debian: postgresql)", err)
	}
	return fetchBinaries()
}

// fetchBinaries has embedded-postgres download and unpack its binaries into the
// user's cache. It offers that only as a part of starting a server, so one is
// started and stopped.
func fetchBinaries() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache folder for PostgreSQL: %w", err)
	}
	home := filepath.Join(cache, "usher", "postgresql")
	bin := filepath.Join(home, "bin")
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
		return bin, nil
	}
	run, err := os.MkdirTemp("", "usher-pg-fetch-")
	if err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(run)
	port, err := freePort()
	if err != nil {
		return "", err
	}
	server := embedded.NewDatabase(embedded.DefaultConfig().
		Port(uint32(port)).CachePath(home).BinariesPath(home).
		RuntimePath(run).DataPath(filepath.Join(run, "data")).Logger(io.Discard))
	if err := server.Start(); err != nil {
		return "", fmt.Errorf("fetch PostgreSQL: %w", err)
	}
	if err := server.Stop(); err != nil {
		return "", fmt.Errorf("stop the fetched PostgreSQL: %w", err)
	}
	return bin, nil
}
