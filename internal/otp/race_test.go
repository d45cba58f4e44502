package otp_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// Given one code, when a hundred try it at once, then exactly one is let in; and of
// a hundred wrong ones no more are compared than policy allows.
func TestAHundredAtOnce(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 5
	}
	for name, open := range map[string]func(testing.TB) *sqlstore.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			d := newDesk(t, db, db, &clock{now: time.Now()}, true)
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

// Given an address, when it is sent codes from everywhere at once, then it gets no
// more than an hour's, and all are one code.
func TestSendsAtOnce(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *sqlstore.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			d := newDesk(t, db, db, &clock{now: time.Now()}, false)
			var wg sync.WaitGroup
			for n := range 40 {
				wg.Go(func() {
					err := d.ask(phone, fmt.Sprintf("203.0.113.%d/32", n))
					no, refused := errors.AsType[*user.Refusal](err)
					if err != nil && !errors.Is(err, store.ErrUnavailable) && (!refused || no.Code != user.Throttled) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			all := d.delivered()
			if len(all) == 0 || len(all) > d.rules.Codes.PerHour {
				t.Errorf("%d messages", len(all))
			}
			if one := slices.Compact(all); len(one) > 1 {
				t.Errorf("several codes: %q", one)
			}
			if n := d.exported().keys["code.sent"]; n != len(all) {
				t.Errorf("%d events of %d messages", n, len(all))
			}
		})
	}
}
