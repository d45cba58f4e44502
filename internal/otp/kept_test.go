package otp_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/user"
)

// tables is all that a database holds, row by row as text.
type tables struct {
	name string
	rows map[string][]string
	keys map[string]int // of events by kind
	kind int            // the column of it
}

func (e *tables) Begin(int64) error { return nil }

func (e *tables) Table(name string, columns []string) error {
	e.name, e.kind = name, slices.Index(columns, "kind")
	return nil
}

func (e *tables) Row(values []any) error {
	if e.name == sqlstore.EventsTable {
		e.keys[fmt.Sprint(values[e.kind])]++
	}
	e.rows[e.name] = append(e.rows[e.name], fmt.Sprintf("%v", values))
	return nil
}

func (d desk) exported() *tables {
	d.Helper()
	all := &tables{rows: map[string][]string{}, keys: map[string]int{}}
	if err := d.db.Export(d.Context(), all); err != nil {
		d.Fatal(err)
	}
	return all
}

// Given a code that was sent and missed once, then no row of the database has its
// digits, and whom it went to stands in the code's row and the waiting message
// alone: counters go by hashes, and events name nobody.
func TestNothingIsKeptInPlain(t *testing.T) {
	counter := regexp.MustCompile(`^\[\S* ?otp:[a-z]+:[0-9a-f]{32} `)
	each(t, func(d desk) {
		code := d.code(phone)
		d.tries(phone, wrong(code))
		digits := regexp.MustCompile(`(^|[^0-9A-Za-z])` + code + `([^0-9A-Za-z]|$)`)
		all := d.exported()
		for table, rows := range all.rows {
			for _, row := range rows {
				if digits.MatchString(row) {
					d.Errorf("%s has the code %s: %s", table, code, row)
				}
				if table != "codes" && table != "jobs" && strings.Contains(row, number[1:]) {
					d.Errorf("%s has the phone: %s", table, row)
				}
			}
		}
		if n := len(all.rows["codes"]); n != 1 {
			d.Errorf("%d rows of codes", n)
		}
		if n := len(all.rows["throttles"]); n != 5 {
			d.Errorf("%d counters, want one of each window", n)
		}
		for _, row := range all.rows["throttles"] {
			if !counter.MatchString(row) {
				d.Errorf("a counter's key is no hash: %s", row)
			}
		}
	})
}

// Given codes that were sent, missed and used, then each is an event, and a send
// that was refused is none.
func TestEvents(t *testing.T) {
	each(t, func(d desk) {
		code := d.code(phone)
		for range 4 {
			d.sends(phone)
		}
		d.refused(d.ask(phone), "hour", time.Hour)
		d.tries(phone, wrong(code))
		d.tries(phone, code)
		d.tries(phone, code) // there is none
		want := map[string]int{"code.sent": 5, "code.failed": 1, "code.used": 1}
		if got := d.exported().keys; !maps.Equal(got, want) {
			d.Errorf("events %v, want %v", got, want)
		}
	})
}

// Given a phone that a user owns and one that is nobody's, then sending and
// missing come to the same with both.
func TestOwnedAndUnownedAreAlike(t *testing.T) {
	each(t, func(d desk) {
		other := otp.To{Kind: user.Phone, Key: "+919876543211", Display: "+919876543211", Region: "IN"}
		err := d.store.Update(d.Context(), store.Interactive, func(tx store.Tx) error {
			u := user.User{ID: "u", Status: user.Active, Created: tx.Now()}
			if err := store.Insert(tx, u); err != nil {
				return err
			}
			return store.Insert(tx, user.Owner{Kind: user.Phone, Address: number, User: u.ID, Proven: tx.Now()})
		})
		if err != nil {
			d.Fatal(err)
		}
		lived := func(to otp.To) (all []string) {
			tell := func(got otp.Tried) {
				all = append(all, fmt.Sprint(got.Right, got.Remaining, got.Allowed))
			}
			tell(d.tries(to, "100000"))
			code := d.code(to)
			tell(d.tries(to, wrong(code)))
			tell(d.tries(to, wrong(code)))
			tell(d.tries(to, code))
			tell(d.tries(to, d.code(to)))
			return all
		}
		if owned, free := lived(phone), lived(other); !slices.Equal(owned, free) {
			d.Errorf("owned %q, free %q", owned, free)
		}
	})
}

// Given a code that is over, when another is alive, then the message of the first is
// not sent with the second's digits, nor at all.
func TestAMessageIsOfOneCode(t *testing.T) {
	each(t, func(d desk) {
		d.sends(phone)
		d.tries(phone, "1")
		d.tries(phone, "2") // the first is over
		d.sends(phone)
		if got := d.delivered(); len(got) != 1 {
			d.Errorf("delivered %q", got)
		}
	})
}

// Given a message of another kind, then it goes as it is; and where sending fails,
// whoever filled it says so, that it is tried again.
func TestOtherMessagesPassThrough(t *testing.T) {
	each(t, func(d desk) {
		fault := errors.New("no route")
		for _, payload := range []string{`{"to":"a@b.org","template":"linked","data":{"source":"EDI"}}`, `{"to":"a@b.org","template":"linked"}`, `null`, `{`, ``} {
			var got string
			err := d.Filling(func(_ context.Context, j store.Job) error {
				got = string(j.Payload)
				return fault
			})(d.Context(), store.Job{Payload: []byte(payload)})
			if got != payload || !errors.Is(err, fault) {
				d.Errorf("%q became %q: %v", payload, got, err)
			}
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
