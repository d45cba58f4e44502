package main

import (
	"net"
	"net/http"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/metrics"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/user"
)

// Names under which requests are counted that are at no door.
const (
	countedAsPages   = "web"
	countedAsMetrics = "metrics"
)

// watch makes the metrics of a server that has not begun, and has them see what
// the app is made of.
func (a *app) watch() {
	a.metrics = metrics.New(metrics.Options{
		Version: programVersion(), Doors: signInDoors(a.cfg.Doors), Database: a.db, Hashing: a.hasher, Log: a.log,
	})
	a.db.Observe(a.metrics.Store())
	a.hasher.Observe(a.metrics.Passwords())
}

// signInDoors are the open doors at which people sign in through usher.
func signInDoors(d config.Doors) []user.Door {
	if d.Partner.Enabled {
		return []user.Door{user.DoorPartner}
	}
	return nil
}

// serveMetrics shows the metrics on the internal listener. Where only this
// machine reaches it no secret is asked for, unless a browser may have been led
// here by a stranger's name.
func (a *app) serveMetrics(internal net.Listener) http.Handler {
	access := metrics.Access{Secret: a.cfg.Doors.Partner.InternalSecret}
	if internal != nil && onThisMachine(internal.Addr()) {
		access.Open = server.LocalName
	}
	return server.As(countedAsMetrics, a.metrics.Handler(access))
}

func onThisMachine(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}
