package main

import (
	"net"
	"strings"
)

// notify tells systemd how far usher is (sd_notify(3)), where it was started by
// it with Type=notify. Whoever does not listen is not told.
func (e *environment) notify(state string) {
	path := ""
	for _, v := range e.environ {
		if p, ok := strings.CutPrefix(v, "NOTIFY_SOCKET="); ok {
			path = p
		}
	}
	if path == "" {
		return
	}
	if path[0] == '@' { // an abstract one
		path = "\x00" + path[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	_, _ = conn.Write([]byte(state))
	_ = conn.Close()
}
