package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
)

// Hashing tells how busy hashing is; password.Hasher does.
type Hashing interface {
	Load() (running, waiting int)
}

// passwords watches the hasher.
type passwords struct {
	waited, took prometheus.Histogram
	refused      prometheus.Counter
}

func newPasswords(r prometheus.Registerer, h Hashing) *passwords {
	gaugeOf(r, "usher_password_hashes_running", "Password hashes being computed now; never more than cores.", nil, func() int {
		n, _ := h.Load()
		return n
	})
	gaugeOf(r, "usher_password_hashes_waiting", "Password hashes that wait for a core; at 64 more are refused.", nil, func() int {
		_, n := h.Load()
		return n
	})
	return &passwords{
		took: histogram(r, "usher_password_hash_duration_seconds", "How long a password hash took to compute.", hashes),
		waited: histogram(r, "usher_password_hash_wait_seconds", "How long a password hash waited for a core.",
			append([]float64{.0001, .001}, hashes...)),
		refused: counter(r, "usher_password_hashes_refused_total",
			"Password hashes refused because too many waited. Each is a request that got 503."),
	}
}

// Passwords watches the hasher.
func (m *Metrics) Passwords() password.Observer { return m.passwords }

// Hashed implements password.Observer.
func (p *passwords) Hashed(waited, took time.Duration) {
	p.waited.Observe(waited.Seconds())
	p.took.Observe(took.Seconds())
}

// Refused implements password.Observer.
func (p *passwords) Refused() { p.refused.Inc() }

// signIns watches sign-ins.
type signIns struct{ tried, turnedAway *prometheus.CounterVec }

func newSignIns(r prometheus.Registerer, doors []user.Door) *signIns {
	s := &signIns{
		tried: counters(r, "usher_sign_ins_total",
			"Tries to sign in, by door, method (password, provider, refresh) and outcome: ok, a refusal's code, unavailable, gone or failed.",
			"door", "method", "outcome"),
		turnedAway: counters(r, "usher_sign_ins_throttled_total",
			"Tries turned away without a look at the password, by door and by whether the account or the network must wait.", "door", "waits"),
	}
	for _, d := range doors {
		s.tried.WithLabelValues(string(d), string(signin.ByPassword), string(signin.Entered))
		s.tried.WithLabelValues(string(d), string(signin.ByPassword), string(user.BadCredential))
		s.turnedAway.WithLabelValues(string(d), string(signin.AccountWaits))
		s.turnedAway.WithLabelValues(string(d), string(signin.NetworkWaits))
	}
	return s
}

// SignIns watches sign-ins.
func (m *Metrics) SignIns() signin.Observer { return m.signIns }

// Tried implements signin.Observer.
func (s *signIns) Tried(door user.Door, by signin.Method, o signin.Outcome) {
	s.tried.WithLabelValues(string(door), string(by), string(o)).Inc()
}

// TurnedAway implements signin.Observer.
func (s *signIns) TurnedAway(door user.Door, w signin.Wait) {
	s.turnedAway.WithLabelValues(string(door), string(w)).Inc()
}
