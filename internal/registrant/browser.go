package registrant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Browsers signs browsers in at the realm, and knows them again.
type Browsers struct {
	*Service
	// SignIn leads to the realm's page for signing in, Register to the one for
	// registering; a visit of either comes back at the same address.
	SignIn, Register *roundtrip.Trip
	// Exchange gives the access token that a code stands for, once its ID token was
	// judged.
	Exchange func(ctx context.Context, x roundtrip.Exchange) (access string, err error)
	Sessions *session.Service
}

// about is what a visit of a realm is about.
type about struct{ Next string }

// Start sends a browser to the realm; next is where it goes afterwards, a path of
// usher's own. It gives the realm's address and the secret for the browser's cookie.
func (b *Browsers) Start(ctx context.Context, cookie, next string, register bool) (to, secret string, err error) {
	trip := b.SignIn
	if register {
		trip = b.Register
	}
	if !OwnPath(next) {
		next = ""
	}
	return trip.Start(ctx, cookie, about{next})
}

// OwnPath says whether an address is a path of usher's, where a sign-in may end.
func OwnPath(next string) bool {
	return len(next) <= maxNext && next != "" && next[0] == '/' && roundtrip.Allowed(next, "", nil) == roundtrip.Here
}

const maxNext = 1000

// Entered is a browser that is signed in.
type Entered struct {
	Token string // for its cookie
	Until time.Time
	Next  string // may be empty
}

// Back ends a sign-in. Refusals: BadToken of state for a visit that is over, was used
// or is another browser's; Forbidden of provider where the realm says no; BadToken of
// token; Busy.
func (b *Browsers) Back(ctx context.Context, a roundtrip.Answer) (in Entered, err error) {
	var to about
	v, err := b.SignIn.Take(ctx, a, &to)
	if err != nil {
		return in, err
	}
	if err := roundtrip.Unproven(b.SignIn.Provider.From(ctx, a.Issuer)); err != nil {
		return in, err
	}
	if a.Error != "" || a.Code == "" {
		return in, user.Refuse(user.Forbidden, "provider", "error", a.Error)
	}
	access, err := b.Exchange(ctx, roundtrip.Exchange{Code: a.Code, Verifier: v.Verifier, RedirectURI: b.SignIn.Back, Nonce: v.Nonce})
	if err != nil {
		return in, roundtrip.Unproven(err)
	}
	here, err := b.Enter(ctx, access)
	if err != nil {
		return in, err
	}
	browser, err := b.Sessions.NewBrowser()
	if err != nil {
		return in, err
	}
	err = b.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		if _, err := session.Again(tx, here.Live); err != nil {
			return err
		}
		in = Entered{Token: browser.Text, Until: tx.Now().Add(session.BrowserLife), Next: to.Next}
		return browser.Keep(tx, here.Session.ID, in.Until)
	})
	return in, err
}

// Who is signed in by a browser's cookie; false for nobody.
func (b *Browsers) Who(ctx context.Context, cookie string) (here Here, in bool, err error) {
	hash, err := session.HashBrowser(cookie)
	if err != nil {
		return here, false, nil //nolint:nilerr // no cookie of usher's
	}
	err = b.Store.View(ctx, func(r store.Reader) (err error) {
		here.State, err = r.ChannelByToken(Door, hash)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return Here{}, false, nil
	}
	if err != nil {
		return Here{}, false, fmt.Errorf("looking for a browser's session: %w", err)
	}
	here.Live, in = session.OfBrowser(here.State.TokenState, b.Now())
	return here, in && here.Session.Door == Door, nil
}

// SignOut ends the session of a browser, and of the apps that share it.
func (s *Service) SignOut(ctx context.Context, h Here) error {
	return s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		return session.End(tx, h.Session, session.Ending{Actor: string(h.User.ID), Door: Door, Why: session.SignedOut})
	})
}
