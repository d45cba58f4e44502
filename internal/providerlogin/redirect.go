package providerlogin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

const (
	kindVisit = "google"
	visitLife = 15 * time.Minute
)

// CallbackPath is where the provider sends browsers back to.
const CallbackPath = "/google/auth/callback"

// Query is what a portal asks for (contract B.3); all but the first three may be
// empty.
type Query struct {
	ClientID, RedirectURI, ErrorCallback string
	Scope, State, ResponseType, Version  string
}

// visit is a redirect that has not come back.
type visit struct {
	Query
	Browser         []byte // SHA-256 of the cookie
	Nonce, Verifier string
}

func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// Start begins a sign-in: the provider's address, and the cookie that says which
// browser asked. Refusals: Missing of client_id, redirect_uri or error_callback;
// Invalid for an address that policy does not let sign-ins end at.
func (s *Service) Start(ctx context.Context, q Query) (to, cookie string, err error) {
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
	state, cookie := secret(), secret()
	v := visit{Query: q, Browser: hash(cookie), Nonce: secret(), Verifier: secret()}
	challenge := base64.RawURLEncoding.EncodeToString(hash(v.Verifier))
	to, err = s.Provider.AuthURL(ctx, Asking{State: state, Nonce: v.Nonce, Challenge: challenge, RedirectURI: s.callback()})
	if err != nil {
		return "", "", err
	}
	doc, err := json.Marshal(v)
	if err != nil {
		return "", "", fmt.Errorf("writing a visit: %w", err)
	}
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		return store.Insert(tx, store.Visit{Hash: hash(state), Kind: kindVisit, Body: doc, Created: tx.Now(), Until: tx.Now().Add(visitLife)})
	})
	return to, cookie, err
}

func (s *Service) callback() string { return s.PublicURL + CallbackPath }

// Back is a browser that came back.
// Issuer is what it says who sent it (RFC 9207), if it does.
type Back struct{ State, Code, Error, Issuer, Cookie string }

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
func (s *Service) Callback(ctx context.Context, b Back) (in Entered, err error) {
	v, err := s.take(ctx, b)
	if err != nil {
		return in, err
	}
	if in, err = s.enter(ctx, b, v); err != nil {
		return in, &Denied{v.Query, err}
	}
	return in, nil
}

// take uses a visit up.
func (s *Service) take(ctx context.Context, b Back) (v visit, err error) {
	gone := user.Refuse(user.BadToken, "state")
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		v = visit{}
		row, err := tx.Visit(hash(b.State))
		if errors.Is(err, store.ErrNotFound) || err == nil && (row.Kind != kindVisit || !row.Until.After(tx.Now())) {
			return gone
		}
		if err != nil {
			return fmt.Errorf("reading a visit: %w", err)
		}
		if err := json.Unmarshal(row.Body, &v); err != nil {
			return fmt.Errorf("reading a visit: %w", err)
		}
		if subtle.ConstantTimeCompare(v.Browser, hash(b.Cookie)) != 1 {
			return gone
		}
		return store.Delete(tx, row)
	})
	return v, err
}

func (s *Service) enter(ctx context.Context, b Back, v visit) (in Entered, err error) {
	if b.Error != "" || b.Code == "" || b.Issuer != "" && b.Issuer != s.Issuer {
		return in, user.Refuse(user.Forbidden, "provider")
	}
	p, err := s.Provider.Exchange(ctx, Exchange{Code: b.Code, Verifier: v.Verifier, RedirectURI: s.callback(), Nonce: v.Nonce})
	if err != nil {
		return in, unproven(err)
	}
	if slices.Contains(s.Policies.Current().Sunbird.SessionClients, v.ClientID) {
		return s.enterApp(ctx, p, v)
	}
	browser, err := s.Sessions.NewBrowser()
	if err != nil {
		return in, err
	}
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		sess, err := s.signIn(tx, p)
		if err != nil {
			return err
		}
		sess, err = s.Sessions.IssueBrowser(tx, sess, browser)
		in = Entered{Token: browser.Text, Expires: sess.Expires, Next: without(v.RedirectURI, "auth_callback")}
		return err
	})
	return in, err
}

// enterApp gives an app its tokens in the address it is opened with (contract B.3).
func (s *Service) enterApp(ctx context.Context, p signin.Proof, v visit) (in Entered, err error) {
	var pair session.Pair
	if pair, err = s.Sessions.NewPair(); err != nil {
		return in, err
	}
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		sess, err := s.signIn(tx, p)
		if err != nil {
			return err
		}
		sess.Client = v.ClientID
		_, err = s.Sessions.Issue(tx, sess, pair)
		return err
	})
	if err != nil {
		return in, err
	}
	u, err := url.Parse(v.RedirectURI)
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
