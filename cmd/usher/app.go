package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"time"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/metrics"
	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/settings"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/token"
)

const (
	realm = "main"
	// Who is written down for what the command line does, and for tokens that
	// doors.edi.token_key was shown for.
	operatorName = "operator"
	tokenKeyName = "edi token key" //nolint:gosec // a name, not the key
	// clocksApart is how far the clocks of processes on one database may differ:
	// a token made at one is good at another at once.
	clocksApart = 5 * time.Second
)

// app is the domain on an open database: what every command and the server
// share.
type app struct {
	cfg       *config.Config
	log       *slog.Logger
	db        *sqlstore.DB
	kek       *token.KEK
	settings  *settings.Service
	hasher    *password.Hasher
	sessions  *session.Service
	groups    *group.Service
	directory *directory.Service
	operator  *operator.Service
	metrics   *metrics.Metrics // of the server; nil for other commands
	portal    *realmPeople     // of the server; nil where no realm is configured
}

// openApp opens the database, brings it up to date and loads what is in force.
// bound is where the server listens; a command has none, and takes the server's
// URL from the database.
func openApp(ctx context.Context, cfg *config.Config, log *slog.Logger, how opening, bound net.Addr) (a *app, err error) {
	at := place{cfg, how}
	db, err := at.database(ctx, log)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if err := db.Migrate(ctx); err != nil {
		return nil, fmt.Errorf("bringing the database up to date: %w", err)
	}
	a = &app{cfg: cfg, log: log, db: db}
	if a.kek, err = at.key(ctx, db); err != nil {
		return nil, err
	}
	a.settings = settings.New(db, a.kek, realm, time.Now, log)
	if err := a.settings.Load(ctx); err != nil {
		return nil, at.wrongKey(err)
	}
	if a.hasher, err = password.NewHasher(password.DefaultParams(), runtime.GOMAXPROCS(0)); err != nil {
		return nil, fmt.Errorf("setting up password hashing: %w", err)
	}
	if err := a.resolve(ctx, bound); err != nil {
		return nil, err
	}
	edi, err := a.ediTokens()
	if err != nil {
		return nil, err
	}
	logins, err := a.logins(ctx)
	if err != nil {
		return nil, err
	}
	a.sessions = session.New(db, a.settings, edi, time.Now).WithLogins(logins)
	a.groups = group.New(db)
	a.directory = directory.New(db)
	a.operator = operator.New(db, a.settings, a.hasher, operatorName)
	return a, a.groups.System(ctx)
}

func (a *app) resolve(ctx context.Context, bound net.Addr) error {
	if bound != nil {
		a.cfg.Resolve(bound)
		return a.settings.Publish(ctx, a.cfg.PublicURL)
	}
	if a.cfg.PublicURL == "" {
		url, err := a.settings.Published(ctx)
		if err != nil {
			return err
		}
		a.cfg.PublicURL = url
	}
	addr, err := net.ResolveTCPAddr("tcp", a.cfg.Listen)
	if err != nil {
		addr = nil // a unix socket: nothing follows from it
	}
	a.cfg.Resolve(addr)
	return nil
}

// ediTokens says how edi-tokens are checked (contract edi.md, section 2).
func (a *app) ediTokens() (session.EDI, error) {
	e := session.EDI{Issuer: a.cfg.Doors.EDI.Issuer, HD: a.cfg.Doors.EDI.HD, Providers: ediIssuers(a.cfg.Doors.EDI)}
	rules := token.VerifierConfig{
		Algs: []token.Alg{token.ES256}, Keys: a.settings, Issuer: e.Issuer, NoAudience: true, Typ: "JWT",
		Ahead: clocksApart, Now: time.Now,
	}
	var err error
	if e.Own, err = token.NewVerifier(rules); err != nil {
		return e, fmt.Errorf("setting up edi-tokens: %w", err)
	}
	if pem := a.cfg.Doors.EDI.TrustedPublicKey; pem != "" {
		rules.OptionalTyp = true
		if e.Original, err = token.NewPEMVerifier([]byte(pem), rules); err != nil {
			return e, fmt.Errorf("doors.edi.trusted_public_key: %w", err)
		}
	}
	return e, nil
}

// withApp runs a command on the open database.
func (e *environment) withApp(fn func(*app) error) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	a, err := openApp(e.ctx, cfg, newLogger(cfg, e.err), existing, nil)
	if err != nil {
		return err
	}
	return errors.Join(fn(a), a.db.Close())
}

func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
