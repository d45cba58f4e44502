package otp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

const (
	number  = "+919876543210"
	purpose = "test"
)

var phone = otp.To{Kind: user.Phone, Key: number, Display: number, Region: "IN"}

// rules are a policy that a test may change.
type rules struct{ policy.Policy }

func (r *rules) Current() policy.Policy { return r.Policy }

// desk is a service on a store, and what it would send.
type desk struct {
	*testing.T
	*otp.Service
	db    *sqlstore.DB
	store store.Store // db, as the service has it
	rules *rules
	clock *clock
}

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

// each runs a test on every store, by a clock of its own.
func each(t *testing.T, fn func(d desk)) {
	open := func(t *testing.T, o sqlstore.Options, wrap func(store.Store) store.Store) {
		c := &clock{now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
		o.Clock = c.Now
		db, err := sqlstore.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		fn(newDesk(t, db, wrap(db), c, false))
	}
	asIs := func(s store.Store) store.Store { return s }
	t.Run("sqlite", func(t *testing.T) { open(t, sqlstore.Options{Data: t.TempDir()}, asIs) })
	t.Run("sqlite run twice", func(t *testing.T) { open(t, sqlstore.Options{Data: t.TempDir()}, storetest.Twice) })
	t.Run("postgres", func(t *testing.T) { open(t, sqlstore.Options{URL: testpg.Start(t)}, asIs) })
}

func newDesk(t *testing.T, db *sqlstore.DB, s store.Store, c *clock, dev bool) desk {
	r := &rules{policy.Default()}
	return desk{t, otp.New(otp.Options{Store: s, Policies: r, Secret: []byte(strings.Repeat("k", 32)), Dev: dev, Now: c.Now}), db, s, r, c}
}

// ask asks for a code; more is who and how.
func (d desk) ask(to otp.To, from ...string) error {
	d.Helper()
	network := "198.51.100.7/32"
	if len(from) > 0 {
		network = from[0]
	}
	return d.Send(d.Context(), otp.Request{To: to, Purpose: purpose, Network: netip.MustParsePrefix(network), Site: "Example"})
}

func (d desk) sends(to otp.To) {
	d.Helper()
	if err := d.ask(to); err != nil {
		d.Fatal(err)
	}
}

// delivered carries the waiting jobs out, oldest first, and gives the codes that
// went out.
func (d desk) delivered() (codes []string) {
	d.Helper()
	handler := d.Filling(func(_ context.Context, j store.Job) error {
		var m struct{ Data map[string]string }
		if err := json.Unmarshal(j.Payload, &m); err != nil {
			return err
		}
		for key := range m.Data {
			if strings.HasPrefix(key, "otp_") {
				d.Errorf("a message has %q in it", key)
			}
		}
		codes = append(codes, m.Data["code"]+" "+m.Data["minutes"])
		return nil
	})
	var due []store.Job
	err := d.store.Update(d.Context(), store.Interactive, func(tx store.Tx) error {
		var err error
		due, err = tx.LeaseJobs("test", tx.Now().Add(1000*time.Hour), 50)
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	for _, j := range due {
		if err := handler(d.Context(), j); err != nil {
			d.Fatal(err)
		}
	}
	return codes
}

// code sends one and gives its digits.
func (d desk) code(to otp.To) string {
	d.Helper()
	d.sends(to)
	all := d.delivered()
	if len(all) != 1 {
		d.Fatalf("delivered %q", all)
	}
	digits, _, _ := strings.Cut(all[0], " ")
	return digits
}

func (d desk) tries(to otp.To, text string) otp.Tried {
	d.Helper()
	got, err := d.Verify(d.Context(), to, purpose, text)
	if err != nil {
		d.Fatal(err)
	}
	return got
}

// wrong is a code that is not the right one.
func wrong(code string) string {
	if code == "100000" {
		return "100001"
	}
	return "100000"
}

var sixDigits = regexp.MustCompile(`^[1-9][0-9]{5}$`)

// Given a code that was sent, then it is six digits without a zero in front, is
// right once, and is wrong for every other address and purpose.
func TestACodeIsUsedOnce(t *testing.T) {
	each(t, func(d desk) {
		code := d.code(phone)
		if !sixDigits.MatchString(code) {
			d.Errorf("the code is %q", code)
		}
		other := phone
		other.Key = "+919876543211"
		if got := d.tries(other, code); got.Right || got.Remaining != -1 {
			d.Errorf("for another phone: %+v", got)
		}
		if got := d.tries(otp.To{Kind: user.Email, Key: number}, code); got.Right {
			d.Errorf("for an e-mail of that name: %+v", got)
		}
		if got, err := d.Verify(d.Context(), phone, "another", code); err != nil || got.Right {
			d.Errorf("for another purpose: %+v %v", got, err)
		}
		if got := d.tries(phone, code); !got.Right {
			d.Errorf("at first: %+v", got)
		}
		if got := d.tries(phone, code); got.Right || got.Remaining != -1 {
			d.Errorf("again: %+v", got)
		}
		if next := d.code(phone); next == code {
			d.Errorf("the next code is the same: %s", next)
		}
	})
}

// Given a code that is alive, when it is asked for again, then the same one comes,
// for what is left of its life; when that is over, then it is good for nothing.
func TestAskedAgainTheSameCodeComes(t *testing.T) {
	each(t, func(d desk) {
		d.sends(phone)
		d.clock.advance(10 * time.Minute)
		d.sends(phone)
		all := d.delivered()
		if len(all) != 2 || all[0] != all[1] || !strings.HasSuffix(all[1], " 20") {
			d.Fatalf("delivered %q", all)
		}
		code := all[0][:otp.Digits]
		d.clock.advance(20 * time.Minute)
		if got := d.tries(phone, code); got.Right || got.Remaining != -1 {
			d.Errorf("after half an hour: %+v", got)
		}
		if next := d.code(phone); next == code {
			d.Errorf("a new code is the old one")
		}
	})
}

// Given a code, when as many wrong ones were tried as policy allows, then it is
// dead, and another is sent.
func TestWrongTriesEndACode(t *testing.T) {
	each(t, func(d desk) {
		code := d.code(phone)
		if got := d.tries(phone, wrong(code)); got.Right || got.Remaining != 1 || got.Allowed != 2 {
			d.Errorf("the first wrong one: %+v", got)
		}
		for _, text := range []string{"", code + "0", "०" + code[1:], " " + code} {
			d.rules.Codes.Wrong = 100
			if got := d.tries(phone, text); got.Right {
				d.Errorf("%q is right", text)
			}
		}
		d.rules.Codes.Wrong = 6
		if got := d.tries(phone, wrong(code)); got.Right || got.Remaining != 0 {
			d.Errorf("the last wrong one: %+v", got)
		}
		if got := d.tries(phone, code); got.Right || got.Remaining != -1 {
			d.Errorf("the right one after them: %+v", got)
		}
		d.rules.Codes.Wrong = 100
		if got := d.tries(phone, code); got.Right || got.Remaining != -1 {
			d.Errorf("the right one, when policy allows more tries: %+v", got)
		}
		if next := d.code(phone); next == code {
			d.Errorf("the dead code comes again")
		}
	})
}

// Given a right code in a transaction that goes on to refuse, then it is neither
// used nor counted.
func TestARightCodeThatIsNotUsed(t *testing.T) {
	each(t, func(d desk) {
		code := d.code(phone)
		for range 5 {
			err := d.store.Update(d.Context(), store.Interactive, func(tx store.Tx) error {
				got, err := d.Try(tx, d.rules.Policy, phone, purpose, code)
				if err == nil && !got.Right {
					err = fmt.Errorf("%+v", got)
				}
				return err
			})
			if err != nil {
				d.Fatal(err)
			}
		}
		if got := d.tries(phone, code); !got.Right {
			d.Errorf("%+v", got)
		}
	})
}
