package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Listen binds HOST:PORT or unix:/PATH. A socket is open to our own user alone,
// and a dead one left by a killed process is replaced.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	path, isUnix := strings.CutPrefix(address, "unix:")
	var lc net.ListenConfig
	if !isUnix {
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
		return l, nil
	}
	if err := removeDead(ctx, path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("guard %s: %w", address, err), l.Close())
	}
	return l, nil
}

// removeDead removes a socket that nobody answers. Any other file stays, and
// makes the bind fail.
func removeDead(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("a file that is no socket is there")
	}
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		conn.Close()
		return errors.New("another process listens there")
	}
	return os.Remove(path)
}

// lastCall is how long connections that have come are still accepted once no
// more are wanted.
const lastCall = 10 * time.Millisecond

// gate is a listener that accepts what has come before it closes.
type gate struct {
	net.Listener
	closing atomic.Bool
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil && g.closing.Load() {
		return nil, errors.Join(net.ErrClosed, g.Close())
	}
	return conn, err
}

// lastCall has Accept fail soon, after it has given what waits.
func (g *gate) lastCall() {
	g.closing.Store(true)
	if d, ok := g.Listener.(interface{ SetDeadline(time.Time) error }); !ok || d.SetDeadline(time.Now().Add(lastCall)) != nil {
		_ = g.Close()
	}
}
