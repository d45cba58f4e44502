package otp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/job"
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
	store store.Store
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
		fn(newDesk(t, wrap(db), c, false))
	}
	asIs := func(s store.Store) store.Store { return s }
	t.Run("sqlite", func(t *testing.T) { open(t, sqlstore.Options{Data: t.TempDir()}, asIs) })
	t.Run("sqlite run twice", func(t *testing.T) { open(t, sqlstore.Options{Data: t.TempDir()}, storetest.Twice) })
	t.Run("postgres", func(t *testing.T) { open(t, sqlstore.Options{URL: testpg.Start(t)}, asIs) })
}

func newDesk(t *testing.T, s store.Store, c *clock, dev bool) desk {
	r := &rules{policy.Default()}
	return desk{t, otp.New(otp.Options{Store: s, Policies: r, Secret: []byte(strings.Repeat("k", 32)), Dev: dev, Now: c.Now}), s, r, c}
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

func (d desk) refused(err error, window string, wait time.Duration) {
	d.Helper()
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok || no.Code != user.Throttled || no.Params["window"] != window || no.RetryAfter != int(wait.Seconds()) {
		d.Errorf("refused with %+v (%v), wanted %s for %s", no, err, window, wait)
	}
}

// Given an address that had its five codes of an hour, then the sixth is refused
// until an hour after the first, whoever asks; and the twenty-first of a day until
// a day after.
func TestLimitsOfAnAddress(t *testing.T) {
	each(t, func(d desk) {
		for hour := range 4 {
			for range 5 {
				d.clock.advance(time.Minute)
				d.sends(phone)
			}
			if hour == 0 {
				d.refused(d.ask(phone, "203.0.113.9/32"), "hour", 56*time.Minute)
			}
			d.clock.advance(56 * time.Minute)
		}
		d.refused(d.ask(phone), "day", 24*time.Hour-(4*61-1)*time.Minute)
		d.clock.advance(24*time.Hour - (4*61-1)*time.Minute)
		d.sends(phone)
	})
}

// Given limits on networks, on numbers that begin alike and on all, then each is
// kept, and what is refused by one is counted by none.
func TestLimitsAgainstPumping(t *testing.T) {
	each(t, func(d desk) {
		to := func(n int) otp.To {
			key := fmt.Sprintf("+9198%08d", n)
			return otp.To{Kind: user.Phone, Key: key, Display: key, Region: "IN"}
		}
		d.rules.Codes.NetworkPerHour, d.rules.Codes.PrefixPerHour, d.rules.Codes.AllPerHour = 3, 4, 6
		for n := range 3 {
			d.sends(to(n))
		}
		d.refused(d.ask(to(3)), "network", time.Hour)
		if err := d.ask(to(3), "203.0.113.1/32"); err != nil {
			d.Error(err)
		}
		d.refused(d.ask(to(4), "203.0.113.1/32"), "prefix", time.Hour)
		for n := range 2 {
			if err := d.ask(to(10_000_000*(n+1)), fmt.Sprintf("203.0.113.%d/32", n+2)); err != nil {
				d.Error(err)
			}
		}
		d.refused(d.ask(to(30_000_000), "203.0.113.9/32"), "all", time.Hour)
		if err := d.ask(otp.To{Kind: user.Email, Key: "a@b.org", Display: "a@b.org"}, "203.0.113.9/32"); err != nil {
			d.Errorf("a mail is no text: %v", err)
		}
	})
}

// Given a phone that policy does not have texted, then no code is sent; in
// development mode any is.
func TestCountries(t *testing.T) {
	db := storetest.SQLite(t)
	for _, c := range []struct {
		key string
		dev bool
		ok  bool
	}{
		{"+919876543210", false, true},
		{"+447911123456", false, false}, // another country
		{"+911123456789", false, false}, // a landline
		{"+447911123456", true, true},
	} {
		d := newDesk(t, db, &clock{now: time.Now()}, c.dev)
		err := d.ask(otp.To{Kind: user.Phone, Key: c.key, Display: c.key})
		no, refused := errors.AsType[*user.Refusal](err)
		if c.ok != (err == nil) || !c.ok && (!refused || no.Code != user.Unsupported) {
			t.Errorf("%s (dev %t): %v", c.key, c.dev, err)
		}
	}
}

// Given codes that were sent, then neither they nor whom they went to stand in any
// counter, and no job holds a code.
func TestNothingIsKeptInPlain(t *testing.T) {
	each(t, func(d desk) {
		d.sends(phone)
		var jobs []store.Job
		err := d.store.View(d.Context(), func(r store.Reader) error {
			var err error
			jobs, err = r.Jobs(store.JobDue, 10)
			return err
		})
		if err != nil || len(jobs) != 1 || jobs[0].Kind != job.KindSMS {
			d.Fatalf("jobs %+v: %v", jobs, err)
		}
		payload := string(jobs[0].Payload)
		code := strings.Fields(d.delivered()[0])[0]
		if strings.Contains(payload, code) {
			d.Errorf("the job holds the code: %s", payload)
		}
	})
}

// Given a message that waited until its code was over or used, then nothing is
// sent.
func TestMessagesOfDeadCodes(t *testing.T) {
	each(t, func(d desk) {
		d.sends(phone)
		d.clock.advance(31 * time.Minute)
		if got := d.delivered(); len(got) != 0 {
			d.Errorf("expired, and sent: %q", got)
		}
		code := d.code(phone)
		d.sends(phone)
		d.tries(phone, code)
		if got := d.delivered(); len(got) != 0 {
			d.Errorf("used, and sent: %q", got)
		}
	})
}

// Given one code, when a hundred try it at once, then exactly one is let in; and of
// a hundred wrong ones no more are compared than policy allows.
func TestAHundredAtOnce(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 5
	}
	for name, open := range map[string]func(testing.TB) *sqlstore.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, open(t), &clock{now: time.Now()}, true)
			for n := range rounds {
				to := otp.To{Kind: user.Phone, Key: fmt.Sprintf("+9198%08d", n)}
				code := d.code(to)
				right, told := d.together(100, func(i int) string {
					if i%10 == 0 && n%2 == 1 {
						return wrong(code)
					}
					return code
				}, to)
				// A wrong one may have come twice before the right one.
				if right > 1 || right == 0 && n%2 == 0 {
					t.Fatalf("round %d: %d were let in", n, right)
				}
				if told > 2 {
					t.Fatalf("round %d: %d wrong codes were compared", n, told)
				}
			}
		})
	}
}

// together tries codes at once; told is how many wrong ones were compared.
func (d desk) together(n int, text func(int) string, to otp.To) (right, told int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wg.Go(func() {
			got, err := d.Verify(d.Context(), to, purpose, text(i))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				if !errors.Is(err, store.ErrUnavailable) { // PostgreSQL gave up after its retries: no verdict
					d.Error(err)
				}
			case got.Right:
				right++
			case got.Remaining >= 0:
				told++
			}
		})
	}
	wg.Wait()
	return right, told
}
