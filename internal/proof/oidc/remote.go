package oidc

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/usher-id/usher/internal/token"
)

// How long what was fetched is good (security T9).
const (
	// pause lies between two attempts to fetch, whatever tokens say.
	pause = 10 * time.Second
	// shortest and longest bound what Cache-Control says of the key set. A key
	// that is taken out is refused after that.
	shortest = 5 * time.Minute
	longest  = 24 * time.Hour
	// keepFor is how long known keys work while the issuer cannot be asked.
	keepFor = 24 * time.Hour
)

// algs are the signatures that are looked at: asymmetric ones alone.
var algs = []token.Alg{token.RS256, token.ES256, token.EdDSA}

// known is what was fetched from the issuer. It does not change.
type known struct {
	keys  token.KeySet
	sites endpoints
	at    time.Time
	fresh time.Time // until when it is not asked for again
}

// remote keeps what load fetches from the issuer.
type remote struct {
	load   func(context.Context) (*known, error)
	issuer string
	now    func() time.Time
	log    *slog.Logger
	flight singleflight.Group

	mu     sync.Mutex
	known  *known
	tried  time.Time // when the last attempt was over
	failed error     // how it ended
}

// current gives what is known, fetched anew where its time is over. The error
// says that nothing is known that may still be used.
func (r *remote) current(ctx context.Context) (*known, error) {
	k := r.held()
	now := r.now()
	if k != nil && now.Before(k.fresh) {
		return k, nil
	}
	next, err := r.refresh(ctx, k)
	switch {
	case err == nil:
		return next, nil
	case k != nil && now.Sub(k.at) < keepFor && ctx.Err() == nil:
		return k, nil
	default:
		return nil, err
	}
}

func (r *remote) held() *known {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known
}

// refresh fetches what is newer than old, at most once in a pause; all who ask
// meanwhile wait for the one attempt. Within the pause after a success it gives
// what that brought, after a failure the failure.
func (r *remote) refresh(ctx context.Context, old *known) (*known, error) {
	if last, ok := r.settled(old); ok {
		return last.known, last.failed
	}
	ch := r.flight.DoChan("", func() (any, error) {
		if last, ok := r.settled(old); ok {
			return last.known, last.failed
		}
		return r.attempt(context.WithoutCancel(ctx))
	})
	select {
	case res := <-ch:
		if res.Err != nil {
			return nil, res.Err
		}
		k, _ := res.Val.(*known)
		return k, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for %s: %w", r.issuer, ctx.Err())
	}
}

// attempted is how an attempt ended; one of the two is there.
type attempted struct {
	known  *known
	failed error
}

// settled says what to go by without asking the issuer, if there is anything.
func (r *remote) settled(old *known) (attempted, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known != nil && (old == nil || r.known.at.After(old.at)) && r.now().Before(r.known.fresh) {
		return attempted{known: r.known}, true
	}
	since := r.now().Sub(r.tried)
	switch {
	case r.tried.IsZero(), since < 0, since >= pause:
		return attempted{}, false
	case r.failed != nil:
		return attempted{failed: r.failed}, true
	default:
		return attempted{known: r.known}, true
	}
}

func (r *remote) attempt(ctx context.Context) (*known, error) {
	k, err := r.load(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried, r.failed = r.now(), err
	if err != nil {
		r.log.Warn("the identity provider cannot be asked", "issuer", r.issuer, "error", err)
		return nil, err
	}
	r.known = k
	return k, nil
}

// maxAge is how long the key set need not be asked for again.
func maxAge(h http.Header) time.Duration {
	age := shortest
	for part := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), "=")
		switch name {
		case "no-cache", "no-store":
			return shortest
		case "max-age":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				age = min(max(time.Duration(min(n, int(longest/time.Second)))*time.Second, shortest), longest)
			}
		}
	}
	return age
}
