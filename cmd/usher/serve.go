package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

type serveCmd struct{}

// Help lists the configuration keys, which are this command's flags.
func (serveCmd) Help() string { return "Every configuration key is a flag; usher config lists them." }

// Run serves until the process is told to stop.
func (serveCmd) Run(e *environment) (err error) {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	log := newLogger(cfg, e.err)
	policyFile, err := readPolicyFile(cfg.PolicyFile)
	if err != nil {
		return err
	}
	public, internal, err := listen(e.ctx, cfg)
	if err != nil {
		return err
	}
	held, err := place{cfg, creating}.hold()
	if err != nil {
		return errors.Join(err, closeAll(public, internal))
	}
	defer func() { err = errors.Join(err, held.release()) }() // after the database is closed
	a, err := openApp(e.ctx, cfg, log, creating, public.Addr())
	if err != nil {
		return errors.Join(err, closeAll(public, internal))
	}
	defer func() { err = errors.Join(err, a.db.Close()) }()
	a.watch()
	if err := a.applyPolicy(e.ctx, policyFile); err != nil {
		return errors.Join(err, closeAll(public, internal))
	}
	var dev *devAccount
	if cfg.Dev {
		if dev, err = a.prepareDev(e.ctx); err != nil {
			return errors.Join(err, closeAll(public, internal))
		}
		debug.FreeOSMemory() // hashing the operator's password took 19 MiB
	}
	if a.portal, err = a.realm(); err != nil {
		return errors.Join(err, closeAll(public, internal))
	}
	handlers, err := a.handlers(e.ctx, public.Addr(), internal)
	if err != nil {
		return errors.Join(err, closeAll(public, internal))
	}
	worker, err := a.messenger(e.ctx)
	if err != nil {
		return errors.Join(err, closeAll(public, internal))
	}
	srv := server.New(server.Options{
		PublicListener: public, InternalListener: internal, Public: handlers.public, Internal: handlers.internal,
		Log: log, Observer: a.metrics.HTTP(), Ready: a.ready, DrainDelay: cfg.DrainDelay, DrainTimeout: cfg.DrainTimeout, TrustedProxies: cfg.TrustedProxies, Hosts: cfg.Hosts,
		InternalHosts: internalHosts(cfg),
		HSTS:          len(cfg.PublicURL) > 5 && cfg.PublicURL[:6] == "https:",
	})
	failpoint.Pass(failpoint.Listening)
	stopBackground := a.background(e.ctx, worker)
	defer stopBackground()
	a.announce(e, public.Addr(), internal, dev)
	e.notify("READY=1")
	defer context.AfterFunc(e.ctx, func() { e.notify("STOPPING=1") })()
	return srv.Serve(e.ctx)
}

// internalHosts are the names of the internal listener: any where a secret or a
// socket's file says who may ask.
func internalHosts(cfg *config.Config) []string {
	if cfg.Doors.Partner.InternalSecret != "" || strings.HasPrefix(cfg.InternalListen, "unix:") {
		return nil
	}
	return append([]string{}, cfg.Names()...)
}

func listen(ctx context.Context, cfg *config.Config) (public, internal net.Listener, err error) {
	if public, err = server.Listen(ctx, cfg.Listen); err != nil {
		return nil, nil, cannotListen("listen", cfg.Listen, err)
	}
	if cfg.InternalListen == "" {
		return public, nil, nil
	}
	if internal, err = server.Listen(ctx, cfg.InternalListen); err != nil {
		return nil, nil, errors.Join(cannotListen("internal_listen", cfg.InternalListen, err), public.Close())
	}
	return public, internal, nil
}

// cannotListen says why an address is not to be had, and by which key another
// one is chosen.
func cannotListen(key, address string, err error) error {
	var why string
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		why = "another program listens there already"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		why = "this machine does not have that address"
	case errors.Is(err, fs.ErrPermission):
		why = "this user may not listen there"
	default:
		return fmt.Errorf("%s: %w", key, err)
	}
	return fmt.Errorf("%s: cannot listen on %s: %s. Choose another address with --%s HOST:PORT (or USHER_%s)",
		key, address, why, key, strings.ToUpper(key))
}

func closeAll(ls ...net.Listener) error {
	var errs []error
	for _, l := range ls {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// ready says whether the database can be asked.
func (a *app) ready(ctx context.Context) error {
	if err := a.db.Ping(ctx); err != nil {
		return server.Reason("the database cannot be reached", err)
	}
	return nil
}

// readPolicyFile reads a file that must hold a policy; nil where none is named.
func readPolicyFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("reading the policy file: %w", err)}
	}
	return parsedPolicy(path, doc)
}

// parsedPolicy gives a text back that is a policy.
func parsedPolicy(name string, doc []byte) ([]byte, error) {
	if utf16(doc) {
		return nil, usageError{fmt.Errorf("%s is in UTF-16; save it in UTF-8", name)}
	}
	if _, err := policy.Parse(doc); err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", name, err)}
	}
	return doc, nil
}

func (a *app) applyPolicy(ctx context.Context, doc []byte) error {
	if doc == nil {
		return nil
	}
	_, err := a.settings.Apply(ctx, doc, operatorName)
	return err
}

// background starts what runs beside requests; the returned function waits
// until all of it has ended, after ctx did.
func (a *app) background(ctx context.Context, worker *job.Worker) (wait func()) {
	sequencer := event.NewSequencer(a.db, hex.EncodeToString(random(8)), a.log)
	runs := []func(context.Context){a.settings.Run, sequencer.Run, a.purge, a.index}
	if a.portal != nil && a.portal.follower != nil {
		runs = append(runs, a.portal.follower.Run)
	}
	if worker != nil {
		runs = append(runs, worker.Run)
	}
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, run := range runs {
		wg.Go(func() { run(ctx) })
	}
	return func() { stop(); wg.Wait() }
}

// index keeps the search of profiles and groups up with the log of events.
func (a *app) index(ctx context.Context) { a.directory.Run(ctx, a.log) }

// How long what is of no more use is kept, and how often it is looked for
// (security D1).
const (
	keepUseless = 7 * 24 * time.Hour
	purgeEvery  = 10 * time.Minute
)

// purge removes dead tokens and sessions, old counters, finished jobs and old
// development mail, until ctx ends.
func (a *app) purge(ctx context.Context) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		a.purgeOnce(ctx)
	}
}

// purgeOnce goes on while rows are found: each round takes a bounded number, so
// that others need not wait long.
func (a *app) purgeOnce(ctx context.Context) {
	for total := 0; ; {
		var n int
		err := a.db.Update(ctx, store.Bulk, func(tx store.Tx) (err error) {
			n, err = tx.Purge(tx.Now().Add(-keepUseless))
			return err
		})
		if err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "purging ended early", "error", err)
		}
		if total += n; err != nil || n == 0 {
			if total > 0 {
				a.log.DebugContext(ctx, "purged", "rows", total)
			}
			return
		}
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// devAccount is the operator that development mode has.
type devAccount struct{ email, password string }

const (
	devEmail        = "operator@usher.localhost.test"
	devClient       = "client-app-id"
	devCaller       = "portal"            // at the Sunbird door
	devClientSecret = "client-app-secret" //nolint:gosec // published, for development mode only
)

// prepareDev makes what development mode promises: the partner client, an
// operator, and nothing else.
func (a *app) prepareDev(ctx context.Context) (*devAccount, error) {
	_, err := a.operator.CreateClient(ctx, devClient, devClientSecret, false)
	if err = unless(err, user.InUse); err != nil {
		return nil, fmt.Errorf("making the development client: %w", err)
	}
	_, err = a.callers().Create(ctx, store.Caller{Door: user.DoorSunbird, Name: devCaller, MayAttest: true})
	if err = unless(err, user.InUse); err != nil {
		return nil, fmt.Errorf("making the development caller: %w", err)
	}
	secret, err := a.settings.Keep(ctx, "development operator", []byte(hex.EncodeToString(random(8))))
	if err != nil {
		return nil, err
	}
	if _, err := a.directory.Resolve(ctx, devEmail); err == nil {
		return &devAccount{devEmail, string(secret)}, nil // nothing to hash again
	}
	_, err = a.operator.Create(ctx, operator.NewUser{
		Email: devEmail, Name: "Operator", Password: string(secret), Role: user.RoleOperator, Verified: true,
	})
	if err = unless(err, user.InUse); err != nil {
		return nil, fmt.Errorf("making the development operator: %w", err)
	}
	return &devAccount{devEmail, string(secret)}, nil
}

// unless forgets a refusal with one code.
func unless(err error, code user.Code) error {
	if r, ok := errors.AsType[*user.Refusal](err); ok && r.Code == code {
		return nil
	}
	return err
}

// announce prints where the server is, for people and scripts: the first two
// lines are stable.
func (a *app) announce(e *environment, public net.Addr, internal net.Listener, dev *devAccount) {
	fmt.Fprintf(e.out, "public    %s\n", shownAddress(public))
	if internal != nil {
		fmt.Fprintf(e.out, "internal  %s\n", shownAddress(internal.Addr()))
	}
	if dev != nil {
		fmt.Fprintf(e.out, "operator  %s  %s\n", dev.email, dev.password)
		fmt.Fprintln(e.out, "          a person to try the doors with: signs in at the partner door, and by its role operator may create EDI profiles. Commands need no account")
		fmt.Fprintf(e.out, "\nDevelopment mode. Open %s to see what to try.\n", shownAddress(public))
	}
}

// shownAddress is where a client finds a listener.
func shownAddress(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return "http://" + a.String()
}
