package registrant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/ledger"
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
	if !ownPath(next) {
		next = ""
	}
	return trip.Start(ctx, cookie, about{next})
}

// ownPath says whether an address is a path of usher's.
func ownPath(next string) bool {
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

// Erase is a person's wish to be forgotten: all that usher keeps of them goes; the
// realm keeps its account (design, section 3).
func (s *Service) Erase(ctx context.Context, h Here) error {
	pol := s.Policies.Current()
	return s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := session.Again(tx, h.Live)
		if err != nil {
			return err
		}
		return ledger.Open(tx, pol, string(u.ID)).Erase(u, user.ClosedByPerson)
	})
}

// Kept is all that usher keeps of somebody, as it is given to them.
type Kept struct {
	User       user.User
	Profile    store.ChannelProfile
	Strands    []user.Strand
	Identities []user.Identity
	Claims     []user.Claim
	Groups     []user.Group
	Sessions   []user.Session
	Events     []store.Event
}

// maxEvents bounds how much of a history is given at once.
const maxEvents = 10_000

// Keeps reads all that is kept of somebody who is here.
func (s *Service) Keeps(ctx context.Context, h Here) (k Kept, err error) {
	id := h.User.ID
	err = s.Store.View(ctx, func(r store.Reader) error {
		k = Kept{Profile: h.State.Profile}
		var errs [7]error
		k.User, errs[0] = r.User(id)
		k.Strands, errs[1] = r.Strands(id)
		k.Identities, errs[2] = r.Identities(id)
		k.Claims, errs[3] = r.ClaimsOf(id)
		k.Groups, errs[4] = r.GroupsOf(id)
		k.Sessions, errs[5] = r.Sessions(id)
		k.Events, errs[6] = r.EventsOf(id, maxEvents)
		return errors.Join(errs[:]...)
	})
	return k, err
}

// Fact is something that the profile shows, and who vouches for it.
type Fact struct {
	Attribute user.Attr
	Value     string
	// Source says it; the person themselves where Own.
	Source    user.Source
	Own       bool
	Assurance user.Assurance
	Since     time.Time
}

// Facts says who vouches for what is shown.
func (k Kept) Facts() []Fact {
	by := map[user.ID]user.Strand{}
	for _, st := range k.Strands {
		by[st.ID] = st
	}
	var out []Fact
	for a, shown := range k.User.Profile {
		if shown.Value == nil || *shown.Value == "" {
			continue
		}
		st := by[shown.Strand]
		f := Fact{Attribute: a, Value: *shown.Value, Source: st.Source, Assurance: shown.Assurance}
		if e, own := st.Edits[a]; own && e.Value != nil && *e.Value == f.Value {
			f.Own, f.Since = true, e.At
		} else {
			f.Since = st.Document[a].At
		}
		out = append(out, f)
	}
	return out
}

// Role says whether somebody is in a role now.
func (s *Service) Role(ctx context.Context, h Here, name string) (in bool, err error) {
	err = s.Store.View(ctx, func(r store.Reader) (err error) {
		in, err = r.InGroup(h.User.ID, user.GroupRole, name)
		return err
	})
	return in, err
}
