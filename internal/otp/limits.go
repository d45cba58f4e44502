package otp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// served says whether a phone is texted at all (security 1.5). In development mode
// any number is that a country has given out.
func (s *Service) served(to To, pol policy.Codes) error {
	if to.Kind != user.Phone {
		return nil
	}
	p, err := normal.ParsePhone(to.Key, "")
	if err == nil && (!s.dev || !p.IsValid()) {
		err = p.Textable(pol.Countries)
	}
	if _, ok := errors.AsType[*normal.RefusedError](err); ok {
		return user.Refuse(user.Unsupported, "country", "country", to.Region)
	}
	return err
}

// limit is one window that a send is counted in, from the first send on.
type limit struct {
	name   string // of the window, as a refusal tells it
	key    string
	most   int
	window time.Duration
}

// prefixLength is how much of a phone, its + and country included, names a block of
// numbers: whoever is paid for texts has numbers that begin alike.
const prefixLength = 9

// limits are those of a request. Keys are keyed hashes: a counter tells nobody's
// address.
func (s *Service) limits(r Request, pol policy.Codes) []limit {
	address := string(r.Kind) + " " + r.Key
	all := []limit{
		{"hour", s.counter("hour", address), pol.PerHour, time.Hour},
		{"day", s.counter("day", address), pol.PerDay, 24 * time.Hour},
	}
	if s.dev {
		return all
	}
	all = append(all, limit{"network", s.counter("network", r.Network.String()), pol.NetworkPerHour, time.Hour})
	if r.Kind == user.Phone {
		all = append(all,
			limit{"prefix", s.counter("prefix", r.Key[:min(prefixLength, len(r.Key))]), pol.PrefixPerHour, time.Hour},
			limit{"all", s.counter("all", ""), pol.AllPerHour, time.Hour})
	}
	return all
}

func (s *Service) counter(window, of string) string {
	m := hmac.New(sha256.New, s.secret)
	m.Write([]byte("counter " + window + " " + of))
	return "otp:" + window + ":" + hex.EncodeToString(m.Sum(nil)[:16])
}

// throttlesAtOnce is how many counters one question may name.
const throttlesAtOnce = 4

// count counts a send in every window, or refuses it and counts it in none.
func (s *Service) count(tx store.Tx, r Request, pol policy.Codes) error {
	limits := s.limits(r, pol)
	found := map[string]store.Throttle{}
	for some := range slices.Chunk(limits, throttlesAtOnce) {
		var keys []string
		for _, l := range some {
			keys = append(keys, l.key)
		}
		rows, err := tx.Throttles(keys...)
		if err != nil {
			return fmt.Errorf("reading the counters of codes: %w", err)
		}
		for _, t := range rows {
			found[t.Key] = t
		}
	}
	now := tx.Now()
	for i, l := range limits {
		t := found[l.key]
		if t.Key == "" || !now.Before(t.Since.Add(l.window)) {
			// Until keeps the row from being purged before its window is over.
			t = store.Throttle{Key: l.key, Since: now, Until: now.Add(l.window)}
		}
		if t.Failures >= l.most {
			no := user.Refuse(user.Throttled, string(r.Kind), "window", l.name)
			no.RetryAfter = int(math.Ceil(t.Since.Add(l.window).Sub(now).Seconds()))
			return no
		}
		t.Failures++
		t.Total++
		found[limits[i].key] = t
	}
	for _, l := range limits {
		if err := store.Put(tx, found[l.key]); err != nil {
			return fmt.Errorf("counting a code: %w", err)
		}
	}
	return nil
}
