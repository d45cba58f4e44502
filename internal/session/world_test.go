package session_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/settings"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

const (
	issuer = "https://auth.example.org"
	hd     = "example.org"
	sso    = "https://sso.example.org/realms/people"
)

// clock is moved by hand, and only forward.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// each runs a test on every store, driven by a clock of its own.
func each(t *testing.T, fn func(*world)) {
	for name, open := range map[string]func(*testing.T) (sqlstore.Options, bool){
		"sqlite":           func(t *testing.T) (sqlstore.Options, bool) { return sqlstore.Options{Data: t.TempDir()}, false },
		"sqlite run twice": func(t *testing.T) (sqlstore.Options, bool) { return sqlstore.Options{Data: t.TempDir()}, true },
		"postgres":         func(t *testing.T) (sqlstore.Options, bool) { return sqlstore.Options{URL: testpg.Start(t)}, false },
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
			o, twice := open(t)
			o.Clock = c.Now
			db, err := sqlstore.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			var s store.Store = db
			if twice {
				s = storetest.Twice(db)
			}
			fn(newWorld(t, s, c))
		})
	}
}

type world struct {
	*testing.T
	store    store.Store
	clock    *clock
	settings *settings.Service
	sessions *session.Service
	original *ecdsa.PrivateKey
	people   int
}

func (w *world) Current() policy.Policy { return policy.Default() }

func newWorld(t *testing.T, s store.Store, c *clock) *world {
	kek, err := token.NewKEK(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, store: s, clock: c}
	w.settings = settings.New(s, kek, "main", c.Now, slog.New(slog.DiscardHandler))
	if err := w.settings.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.original, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&w.original.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	rules := token.VerifierConfig{Algs: []token.Alg{token.ES256}, Keys: w.settings, Issuer: issuer, NoAudience: true, Typ: "JWT", Now: c.Now}
	edi := session.EDI{Issuer: issuer, HD: hd, Providers: map[string]string{sso: "keycloak", "https://orcid.org": "another name"}}
	if edi.Own, err = token.NewVerifier(rules); err != nil {
		t.Fatal(err)
	}
	rules.OptionalTyp = true
	if edi.Original, err = token.NewPEMVerifier(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), rules); err != nil {
		t.Fatal(err)
	}
	w.sessions = session.New(s, w.settings, edi, c.Now)
	return w
}

func (w *world) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.store.Update(context.Background(), store.Interactive, fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) change(id user.ID, fn func(*user.User)) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		fn(&u)
		return store.Put(tx, u)
	})
}

// person is somebody with an ORCID iD and an EDI number.
type person struct {
	user   user.User
	strand user.Strand
	number string
	orcid  string
}

func (w *world) person(name string) (p person) {
	w.Helper()
	w.people++
	p.orcid = orcid(w.people)
	email := fmt.Sprintf("p%d@example.org", w.people)
	w.update(func(tx store.Tx) error {
		desk := admission.In(tx, policy.Default())
		out, err := desk.Arrive(admission.Arrival{
			Door: user.DoorEDI, Source: "edi", Identity: &user.IdentityKey{Issuer: "https://orcid.org", Subject: p.orcid},
			Addresses: []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: user.Proven}},
			Facts:     map[user.Attr]*string{user.Name: &name},
		})
		if err != nil {
			return err
		}
		p.user, p.strand = out.User, out.Strand
		p.number, _, err = desk.EDINumber(out.User, user.Human, "test")
		return err
	})
	return p
}

// orcid is an iD with its check character (ISO 7064, MOD 11-2).
func orcid(n int) string {
	digits := fmt.Sprintf("%015d", n)
	sum := 0
	for _, d := range digits {
		sum = (sum + int(d-'0')) * 2
	}
	digits += string("0123456789X"[(12-sum%11)%11])
	return digits[:4] + "-" + digits[4:8] + "-" + digits[8:12] + "-" + digits[12:]
}

// begun is a session of a door with a pair of tokens.
func (w *world) begun(p person, door user.Door) (user.Session, session.Pair) {
	w.Helper()
	pair, err := w.sessions.NewPair()
	if err != nil {
		w.Fatal(err)
	}
	var s user.Session
	w.update(func(tx store.Tx) error {
		var err error
		s, err = w.sessions.Issue(tx, user.Session{
			User: p.user.ID, Strand: p.strand.ID, Door: door, Subject: p.number, Epoch: p.user.Epoch, Methods: []string{"pwd"},
		}, pair)
		return err
	})
	return s, pair
}

// cookie is a fresh edi-token of a fresh session.
func (w *world) cookie(p person) (string, user.Session) {
	w.Helper()
	s, _ := w.begun(p, user.DoorEDI)
	text, _, err := w.sessions.MintCookie(w.Context(), session.Live{Session: s, User: p.user})
	if err != nil {
		w.Fatal(err)
	}
	return text, s
}

func (w *world) dead(err error) {
	w.Helper()
	if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != user.BadToken {
		w.Errorf("got %v, want a refusal %s", err, user.BadToken)
	}
}

// jws signs claims with a key of nobody's ring, as the original did.
func jws(t *testing.T, key *ecdsa.PrivateKey, header string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(payload)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	var sig [64]byte
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return input + "." + b64.EncodeToString(sig[:])
}
