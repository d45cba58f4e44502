package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// Bounds of one request. A route that streams lifts the last two with Stream.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 15 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 75 * time.Second
	maxHeaderBytes = 16 << 10
)

// Options say what to serve. PublicListener, Public and Log are required.
type Options struct {
	PublicListener   net.Listener
	InternalListener net.Listener // nil: none
	Public           http.Handler
	Internal         http.Handler
	Log              *slog.Logger
	Observer         Observer // nil: nobody

	// Ready says why the process cannot serve, as one error or several joined;
	// Reason gives an error the text that the public may read. nil: always ready.
	Ready func(context.Context) error
	// DrainDelay is how long requests are still taken after the end began and
	// readiness is false.
	DrainDelay time.Duration
	// DrainTimeout is how long requests under way may take after that.
	DrainTimeout time.Duration
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// InternalHeaders are removed on the public listener; nil: DefaultInternalHeaders.
	InternalHeaders []string
	// Hosts are the names that the public listener answers to; empty: any.
	Hosts []string
	// InternalHosts are the names that the internal listener answers to besides
	// localhost, IP addresses and names without a dot; nil: any. For one that asks for no secret: a web
	// page can have a name of its own point at this machine, and its browser
	// speak as the system.
	InternalHosts []string
	// HSTS tells browsers to come by https only: for a public URL that is https.
	HSTS bool
}

// Server serves both listeners until told to stop.
type Server struct {
	log      *slog.Logger
	delay    time.Duration
	drain    time.Duration
	draining atomic.Bool
	public   *listening
	internal *listening // nil: none
}

// listening is one listener with its HTTP server.
type listening struct {
	listener *gate
	http     *http.Server
	abort    context.CancelFunc // ends the contexts of requests under way
	accepted chan struct{}      // closed when no more connections are accepted
	busy     connections
}

// New prepares a server over bound listeners, so that handlers can be made with
// knowledge of the port.
func New(o Options) *Server {
	s := &Server{log: o.Log, delay: o.DrainDelay, drain: o.DrainTimeout}
	h := newHealth(&s.draining, o.Ready)
	s.public = s.newListening(o.PublicListener, Public(o.Public, o, h.serve(forPublic)))
	if o.InternalListener != nil {
		s.internal = s.newListening(o.InternalListener, Internal(o.Internal, o, h.serve(forInternal)))
	}
	return s
}

func (s *Server) newListening(l net.Listener, h http.Handler) *listening {
	base, abort := context.WithCancel(context.Background())
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	li := &listening{listener: &gate{Listener: l}, abort: abort, accepted: make(chan struct{})}
	li.http = &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		Protocols:                    &protocols,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return base },
		ConnState:                    li.busy.become,
	}
	return li
}

// Addrs are the bound addresses; internal is nil if there is no such listener.
func (s *Server) Addrs() (public, internal net.Addr) {
	if s.internal != nil {
		internal = s.internal.listener.Addr()
	}
	return s.public.listener.Addr(), internal
}

// Serve runs until ctx ends or a listener fails. At the end readiness turns
// false, the drain delay passes, the public listener finishes what is under way and closes, then the
// internal one, which until then still tells health; what takes longer than the
// drain timeout is cut off, and that is an error.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 2)
	all := []*listening{s.public}
	if s.internal != nil {
		all = append(all, s.internal)
	}
	for _, l := range all {
		go func() {
			defer close(l.accepted)
			if err := l.http.Serve(l.listener); !errors.Is(err, http.ErrServerClosed) && !l.listener.closing.Load() {
				failed <- fmt.Errorf("serve %s: %w", l.listener.Addr(), err)
			}
		}()
	}

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.log.Info("draining", "delay", s.delay, "timeout", s.drain)
	if err == nil {
		time.Sleep(s.delay)
	}
	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
	defer cancel()
	for _, l := range all {
		err = errors.Join(err, l.stop(drainCtx))
	}
	return err
}

func (l *listening) stop(ctx context.Context) error {
	defer l.abort()
	// Shutdown by itself would hang up on connections that wait to be accepted,
	// and on those whose request it has not read yet.
	l.listener.lastCall()
	<-l.accepted
	l.http.SetKeepAlivesEnabled(false)
	l.busy.await(ctx)
	err := l.http.Shutdown(ctx)
	if err == nil {
		return nil
	}
	l.abort()
	return errors.Join(fmt.Errorf("requests on %s cut off: %w", l.listener.Addr(), err), l.http.Close())
}
