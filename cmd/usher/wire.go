package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/door/edi"
	"github.com/usher-id/usher/internal/door/partner"
	"github.com/usher-id/usher/internal/door/portal"
	"github.com/usher-id/usher/internal/door/sunbird"
	"github.com/usher-id/usher/internal/edilogin"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/metrics"
	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

// handlers are what the two listeners serve.
type handlers struct{ public, internal http.Handler }

// handlers wires the doors to the domain and puts them where their clients
// look.
func (a *app) handlers(ctx context.Context, public net.Addr, internal net.Listener) (handlers, error) {
	signIns, err := a.signInService(ctx)
	if err != nil {
		return handlers{}, err
	}
	partnerDoor, err := a.partnerDoor(signIns)
	if err != nil {
		return handlers{}, err
	}
	members, err := a.members(ctx, signIns)
	if err != nil {
		return handlers{}, err
	}
	gqlauthDoor, err := a.gqlauthDoor(members)
	if err != nil {
		return handlers{}, err
	}
	codes, err := a.oneTimeCodes(ctx)
	if err != nil {
		return handlers{}, err
	}
	in, err := a.arrivals(codes)
	if err != nil {
		return handlers{}, err
	}
	pages, err := a.pages(public, internal, members, in)
	if err != nil {
		return handlers{}, err
	}
	ediDoor, err := a.ediDoor(pages)
	if err != nil {
		return handlers{}, err
	}
	outside := mounting{pages: pages, elsewhere: newMux(pages), byHost: map[string]http.Handler{}}
	outside.elsewhere.Handle("GET /.well-known/jwks.json", server.As(countedAsPages, http.HandlerFunc(a.serveJWKS)))
	doors := a.cfg.Doors
	inside := http.NewServeMux()
	inside.Handle("/", server.As(countedAsPages, pages.Operator(doors.Partner.InternalSecret)))
	inside.Handle(metrics.Path, a.serveMetrics(internal))
	if doors.Partner.Enabled {
		outside.mount(doors.Partner.Host, atDoor(user.DoorPartner, anyLength(partner.BatchPath, partnerDoor.Public())), partnerPaths...)
		internally := atDoor(user.DoorPartner, anyLength(partner.BatchPath, partnerDoor.Internal()))
		for _, p := range append(partnerPaths, "/internal/") {
			inside.Handle(p, internally)
		}
	}
	if doors.EDI.Enabled {
		h := atDoor(user.DoorEDI, ediDoor.Handler())
		if doors.EDI.Host != "" {
			h = underAuth(h)
			outside.mount(doors.EDI.Host, h, "/")
			if len(doors.EDI.Providers) > 0 { // whose pages have a style sheet
				outside.mount(doors.EDI.Host, server.As(countedAsPages, pages), "/assets/")
			}
		} else {
			outside.mount("", h, "/auth/")
		}
	}
	if doors.GQLAuth.Enabled {
		outside.mount(doors.GQLAuth.Host, atDoor(user.DoorGQLAuth, gqlauthDoor), gqlauthPaths...)
	}
	if doors.Portal.Enabled {
		inside.Handle(portal.CompletenessPath, atDoor(user.DoorPortal, a.portalInside()))
		outside.mount(doors.Portal.Host, atDoor(user.DoorPortal, a.portalDoor()), portal.Paths()...)
		if host := doors.Portal.Host; host != "" {
			outside.mount(host, server.As(countedAsPages, pages), web.PortalPaths()...)
		}
	}
	if doors.Sunbird.Enabled {
		outside.mount(doors.Sunbird.Host, atDoor(user.DoorSunbird, a.sunbirdDoor(in)), sunbird.Paths()...)
		if host := doors.Sunbird.Host; host != "" {
			outside.mount(host, server.As(countedAsPages, pages), statePaths...)
		}
	}
	return handlers{server.HostMux(outside.elsewhere, outside.byHost), inside}, nil
}

// defaultData is where commands look when they are told nothing.
const defaultData = "./usher-data"

// partnerPaths is where the partner door's clients look.
var partnerPaths = []string{"/api/auth/login", "/auth/login", "/api/users", "/api/users/", "/api/users:batch"}

// atDoor has requests counted as a door's.
func atDoor(d user.Door, h http.Handler) http.Handler { return server.As(string(d), h) }

// anyLength lifts the limit on bodies from one path, whose handler bounds each
// line instead.
func anyLength(path string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			server.SetBodyLimit(w, r, math.MaxInt64)
		}
		h.ServeHTTP(w, r)
	})
}

// mounting puts doors on the shared mux, or on one of their own host.
type mounting struct {
	pages     *web.Pages
	elsewhere *http.ServeMux
	byHost    map[string]http.Handler
}

func newMux(pages *web.Pages) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/", server.As(countedAsPages, pages))
	return mux
}

func (m *mounting) mount(host string, h http.Handler, paths ...string) {
	mux := m.elsewhere
	if host != "" {
		known, ok := m.byHost[host].(*http.ServeMux)
		if !ok {
			known = http.NewServeMux()
			m.byHost[host] = known
		}
		mux = known
	}
	for _, p := range paths {
		mux.Handle(p, h)
	}
}

// underAuth sends what is not under /auth there: only where the EDI door has a
// host name of its own (contract edi.md, section 1).
func underAuth(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; p != "/auth" && (len(p) < 6 || p[:6] != "/auth/") {
			target := *r.URL
			target.Path, target.RawPath, target.Scheme, target.Host = "/auth"+p, "", "", ""
			w.Header().Set("Location", target.RequestURI())
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (a *app) serveJWKS(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(a.settings.Ring().JWKS())
}

// signInService is the one that every door signs in by: what an account may try
// is counted once.
func (a *app) signInService(ctx context.Context) (*signin.Service, error) {
	secret, err := a.settings.Secret(ctx, "throttle names")
	if err != nil {
		return nil, err
	}
	providers, err := a.providers()
	if err != nil {
		return nil, err
	}
	return signin.New(signin.Options{
		Store: a.db, Policies: a.settings, Passwords: a.hasher, Sessions: a.sessions, Provers: providers, Secret: secret,
		Floor: !a.cfg.Dev, Now: time.Now, Observer: a.metrics.SignIns(),
	}), nil
}

func (a *app) partnerDoor(signIns *signin.Service) (*partner.Door, error) {
	feeds := feed.New(a.db, a.settings, a.hasher, runtime.GOMAXPROCS(0))
	return partner.New(partner.Options{
		Feed: feeds, SignIn: signIns, Sessions: a.sessions, Groups: a.groups, Providers: signIns.Providers(),
		IDToken: func(_ context.Context, in signin.SignedIn, audience string) (string, error) {
			return a.sessions.IDToken(a.cfg.PublicURL, in.Session.Subject, audience, in.Profile)
		},
		Echo: func(ctx context.Context, plain string) (string, error) {
			return a.hasher.BcryptEcho(ctx, password.Plain(plain))
		},
		EchoPolicy:     func() string { return a.settings.Current().Partner.EchoPasswordHash },
		InternalSecret: a.cfg.Doors.Partner.InternalSecret, Network: server.ClientNetwork, Log: a.log,
		Observer: a.metrics.Batches(),
	}), nil
}

// providers are whose tokens sign people in at the partner door.
func (a *app) providers() (map[string]signin.Prover, error) {
	o := a.cfg.Doors.Partner.OIDC
	if o.Issuer == "" {
		return a.googleAtPartner(o.Name)
	}
	c := oidc.Config{
		Issuer: o.Issuer, ClientIDs: o.ClientIDs, TokenInfo: o.TokenInfo(), Trust: oidc.Attesting,
		Source: user.SourceOf("oidc", o.Name), Purpose: string(user.DoorPartner), Log: a.log, Now: time.Now,
	}
	switch {
	case o.Issuer == config.GoogleIssuer:
		c.Trust, c.Source = oidc.Google, "google"
	case o.Authoritative:
		c.Trust = oidc.Authoritative
	}
	p, err := oidc.New(c)
	if err != nil {
		return nil, fmt.Errorf("doors.partner.oidc: %w", err)
	}
	return map[string]signin.Prover{o.Name: p}, nil
}

// googleAtPartner takes at the partner door the tokens of whom the Sunbird door
// takes them of: they lead to the same users.
func (a *app) googleAtPartner(name string) (map[string]signin.Prover, error) {
	c, ok := a.googleConfig(user.DoorPartner, "google")
	if !ok {
		return nil, nil
	}
	p, err := oidc.New(c)
	if err != nil {
		return nil, fmt.Errorf("doors.sunbird.google: %w", err)
	}
	return map[string]signin.Prover{name: p}, nil
}

func (a *app) ediDoor(pages *web.Pages) (*edi.Door, error) {
	signIns, err := a.ediSignIns()
	if err != nil {
		return nil, err
	}
	o := edi.Options{
		Sessions: a.sessions, Profiles: a.directory, Accounts: account.New(a.db, a.settings),
		Admission: admission.New(a.db, a.settings), Groups: a.groups, PublicURL: a.ediURL(),
		TokenKey: a.cfg.Doors.EDI.TokenKey, Mint: a.ediTokenFor,
		StrictReference: func() bool { return a.settings.Current().EDI.StrictReference }, Log: a.log, Now: time.Now,
	}
	if signIns != nil {
		o.SignIns, o.Screens = signIns, ediScreens(pages)
	}
	d, err := edi.New(o)
	if err != nil {
		return nil, fmt.Errorf("opening the EDI door: %w", err)
	}
	return d, nil
}

// ediTokenFor makes an edi-token for whoever shows doors.edi.token_key; it lives
// as long as one from a sign-in.
func (a *app) ediTokenFor(ctx context.Context, id user.ID) (string, error) {
	byKey := operator.New(a.db, a.settings, a.hasher, tokenKeyName)
	m, err := byKey.Mint(ctx, a.sessions, id, user.DoorEDI, session.CookieLife)
	return m.Token, err
}

func (a *app) pages(public net.Addr, internal net.Listener, m *members, in *arrivals) (*web.Pages, error) {
	start := web.Start{Version: programVersion(), Public: "http://" + public.String(), Dev: a.cfg.Dev, Doors: doorCards(a.cfg.Doors)}
	if a.cfg.Data != defaultData {
		start.Command = "go run ./cmd/usher --data " + strconv.Quote(a.cfg.Data)
	}
	if len(a.cfg.Doors.EDI.Providers) > 0 {
		start.SignIn = a.ediURL() + edilogin.Home
	}
	if internal != nil {
		start.Internal = "http://" + internal.Addr().String()
	}
	o := web.Options{Store: a.db, Start: start, Log: a.log}
	if a.cfg.Doors.GQLAuth.Enabled {
		o.Links, o.Network = mailedLinks{m}, server.ClientNetwork
	}
	if a.cfg.Doors.Sunbird.Enabled {
		o.States, o.Network = a.statePages(in), server.ClientNetwork
	}
	o.Portal = a.portalPages()
	p, err := web.New(o)
	if err != nil {
		return nil, fmt.Errorf("making the pages: %w", err)
	}
	return p, nil
}

func doorCards(d config.Doors) []web.DoorCard {
	state := func(on bool, s web.DoorState) web.DoorState {
		if !on {
			return web.Off
		}
		return s
	}
	return []web.DoorCard{
		{Door: user.DoorPartner, State: state(d.Partner.Enabled, web.Open)},
		{Door: user.DoorEDI, State: state(d.EDI.Enabled, web.Open)},
		portalCard(d.Portal),
		{Door: user.DoorSunbird, State: state(d.Sunbird.Enabled, web.Open)},
		{Door: user.DoorGQLAuth, State: state(d.GQLAuth.Enabled, web.Open)},
	}
}

// portalCard says what the portal door needs.
func portalCard(p config.PortalDoor) web.DoorCard {
	c := web.DoorCard{Door: user.DoorPortal, State: web.Open}
	for _, need := range []struct{ key, value string }{{"doors.portal.issuer", p.Issuer}, {"doors.portal.client_id", p.ClientID}} {
		if need.value == "" {
			c.State, c.Needs = web.NeedsConfig, append(c.Needs, need.key)
		}
	}
	if !p.Enabled {
		c.State, c.Needs = web.Off, nil
	}
	return c
}
