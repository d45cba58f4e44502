package providerlogin

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Visits is what the visits of browsers that are at the provider are called.
const Visits = "google"

// CallbackPath is where the provider sends browsers back to.
const CallbackPath = "/google/auth/callback"

// Query is what a portal asks for (contract B.3); all but the first three may be
// empty.
type Query struct {
	ClientID, RedirectURI, ErrorCallback string
	Scope, State, ResponseType, Version  string
}

// Start begins a sign-in: the provider's address, and the cookie that says which
// browser asked, where it has that already the same. Refusals: Missing of client_id, redirect_uri or error_callback;
// Invalid for an address that policy does not let sign-ins end at.
func (s *Service) Start(ctx context.Context, q Query, browser string) (to, cookie string, err error) {
	for _, p := range []struct{ name, value string }{{"client_id", q.ClientID}, {"redirect_uri", q.RedirectURI}, {"error_callback", q.ErrorCallback}} {
		if p.value == "" {
			return "", "", user.Refuse(user.Missing, p.name)
		}
	}
	pol := s.Policies.Current().Sunbird
	for _, p := range []struct{ name, value string }{{"redirect_uri", q.RedirectURI}, {"error_callback", q.ErrorCallback}} {
		if !statelogin.Allowed(p.value, s.PublicURL, pol) {
			return "", "", user.Refuse(user.Invalid, p.name)
		}
	}
	return s.Trip.Start(ctx, browser, q)
}

// Entered is where a browser goes then, and the session it has: a cookie's text, or
// nothing where an app gets tokens in the address.
type Entered struct {
	Token   string
	Expires time.Time
	Next    string
}

// Denied is a sign-in that ends at the portal's error_callback.
type Denied struct {
	Query
	Err error
}

func (d *Denied) Error() string { return "providerlogin: " + d.Err.Error() }

// Unwrap gives why.
func (d *Denied) Unwrap() error { return d.Err }

// Callback ends a sign-in. BadToken of state for one that is over or another
// browser's; any other failure is a *Denied.
func (s *Service) Callback(ctx context.Context, b roundtrip.Answer) (in Entered, err error) {
	var q Query
	v, err := s.Trip.Take(ctx, b, &q)
	if err != nil {
		return in, err
	}
	p, err := s.Trip.Prove(ctx, v, b)
	if err == nil {
		in, err = s.enter(ctx, p, q)
	}
	if err != nil {
		return in, &Denied{q, err}
	}
	return in, nil
}

func (s *Service) enter(ctx context.Context, p signin.Proof, q Query) (in Entered, err error) {
	if slices.Contains(s.Policies.Current().Sunbird.SessionClients, q.ClientID) {
		return s.enterApp(ctx, p, q)
	}
	browser, err := s.Sessions.NewBrowser()
	if err != nil {
		return in, err
	}
	err = s.signingIn(ctx, p, func(tx store.Tx, sess user.Session) (err error) {
		sess, err = s.Sessions.IssueBrowser(tx, sess, browser)
		in = Entered{Token: browser.Text, Expires: sess.Expires, Next: without(q.RedirectURI, "auth_callback")}
		return err
	})
	return in, err
}

// enterApp gives an app its tokens in the address it is opened with (contract B.3).
func (s *Service) enterApp(ctx context.Context, p signin.Proof, q Query) (in Entered, err error) {
	var pair session.Pair
	if pair, err = s.Sessions.NewPair(); err != nil {
		return in, err
	}
	err = s.signingIn(ctx, p, func(tx store.Tx, sess user.Session) (err error) {
		sess.Client = q.ClientID
		_, err = s.Sessions.Issue(tx, sess, pair)
		return err
	})
	if err != nil {
		return in, err
	}
	u, err := url.Parse(q.RedirectURI)
	if err != nil {
		return in, fmt.Errorf("reading a redirect_uri: %w", err)
	}
	u.RawQuery = url.Values{"access_token": {pair.Access}, "refresh_token": {pair.Refresh}}.Encode()
	return Entered{Next: u.String()}, nil
}

// without takes a parameter out of an address's query.
func without(address, parameter string) string {
	u, err := url.Parse(address)
	if err != nil || !u.Query().Has(parameter) {
		return address
	}
	q := u.Query()
	q.Del(parameter)
	u.RawQuery = q.Encode()
	return u.String()
}
