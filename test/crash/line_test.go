package crash

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// state is what a line does to what goes over it.
type state int

const (
	fine   state = iota
	slow         // each piece comes two seconds late
	silent       // nothing comes, and nothing is closed
	shut         // whoever connects is turned away, and whoever was connected cut off
)

// late is how long a slow line takes.
const late = 2 * time.Second

// line is a way to a server on this machine that can be made bad.
type line struct {
	net.Listener
	to string

	mu    sync.Mutex
	state state
	turn  chan struct{} // closed when the state changes
	open  map[net.Conn]bool
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &line{Listener: l, to: to, turn: make(chan struct{}), open: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); n.become(shut) })
	go n.serve()
	return n
}

func (l *line) serve() {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if s, _ := l.now(); s == shut {
			_ = conn.Close()
			continue
		}
		other, err := net.Dial("tcp", l.to) //nolint:noctx // ends with the line
		if err != nil {
			_ = conn.Close()
			continue
		}
		l.mu.Lock()
		l.open[conn], l.open[other] = true, true
		l.mu.Unlock()
		go l.carry(conn, other)
		go l.carry(other, conn)
	}
}

// carry hands on what comes, as the state of the line allows.
func (l *line) carry(from, to net.Conn) {
	defer func() {
		_, _ = from.Close(), to.Close()
		l.mu.Lock()
		delete(l.open, from)
		l.mu.Unlock()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			l.wait()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if err != io.EOF {
				return
			}
			return
		}
	}
}

// wait holds a piece back for as long as the line is bad.
func (l *line) wait() {
	for {
		s, turn := l.now()
		switch s {
		case slow:
			select {
			case <-time.After(late):
				return
			case <-turn:
			}
		case silent:
			<-turn
		default:
			return
		}
	}
}

func (l *line) now() (state, chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.turn
}

// become changes the line; shutting it cuts off who is connected.
func (l *line) become(s state) {
	l.mu.Lock()
	l.state = s
	close(l.turn)
	l.turn = make(chan struct{})
	var cut []net.Conn
	if s == shut {
		for c := range l.open {
			cut = append(cut, c)
		}
	}
	l.mu.Unlock()
	for _, c := range cut {
		_ = c.Close()
	}
}
