package event_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func appendSome(t *testing.T, s store.Store, n int) {
	t.Helper()
	err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		for i := range n {
			err := event.Append(tx, event.New{
				Kind: event.UserChanged, User: "u", Actor: "__system", Door: user.DoorPartner,
				Body: map[string]int{"n": i},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("appending: %v", err)
	}
}

func sequenced(t *testing.T, s store.Store) (events []store.Event) {
	t.Helper()
	err := s.View(t.Context(), func(r store.Reader) (err error) {
		events, err = r.Events(0, 100_000)
		return err
	})
	if err != nil {
		t.Fatalf("reading events: %v", err)
	}
	return events
}

// run starts a sequencer as a process of its own and gives what stops it.
func run(t *testing.T, s store.Store, holder string) (q *event.Sequencer, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	q = event.NewSequencer(s, holder, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	return q, func() { cancel(); <-done }
}

// complete asserts that events 1 to n are there, in the order of their ids,
// in one unbroken chain.
func complete(t *testing.T, s store.Store, n int) {
	t.Helper()
	events := sequenced(t, s)
	if len(events) != n {
		t.Fatalf("%d events have numbers, want %d", len(events), n)
	}
	for i, e := range events {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d in order has number %d", i+1, e.Seq)
		}
		if i > 0 && e.ID <= events[i-1].ID {
			t.Fatalf("event %d has an earlier id than the one before it", e.Seq)
		}
	}
	if err := event.Verify(list(events), 1); err != nil {
		t.Fatalf("verifying: %v", err)
	}
}

// list is a chain out of its store, to be tampered with.
type list []store.Event

func (l list) Events(after int64, limit int) ([]store.Event, error) {
	var out []store.Event
	for _, e := range l {
		if e.Seq > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func TestAppendKeepsWhatHappened(t *testing.T) {
	m := newMemory()
	err := m.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		if err := event.Append(tx, event.New{Kind: event.UserCreated, User: "u", Actor: "ops", Door: user.DoorEDI, Body: map[string]string{"via": "edi"}}); err != nil {
			return err
		}
		return event.Append(tx, event.New{Kind: event.PolicyApplied, Actor: "ops"})
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []store.Event
	_ = m.View(t.Context(), func(r store.Reader) (err error) { got, err = r.Unsequenced(10); return err })
	if len(got) != 2 {
		t.Fatalf("%d events, want 2", len(got))
	}
	a, b := got[0], got[1]
	if a.Kind != "user.created" || a.User != "u" || a.Actor != "ops" || a.Door != user.DoorEDI || string(a.Body) != `{"via":"edi"}` || a.At.IsZero() {
		t.Errorf("the first event is %+v", a)
	}
	if len(a.Salt) != 16 || string(a.Salt) == string(b.Salt) {
		t.Errorf("salts %x and %x: want 16 bytes each, and different", a.Salt, b.Salt)
	}
	if len(b.Body) == 0 {
		t.Error("an event without details looks like an erased one")
	}
}

func TestAppendRefusesABodyThatIsNoJSON(t *testing.T) {
	m := newMemory()
	err := m.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		return event.Append(tx, event.New{Kind: event.UserCreated, Body: make(chan int)})
	})
	if err == nil || len(m.events) != 0 {
		t.Fatalf("error %v, %d events; want an error and none", err, len(m.events))
	}
}

func TestSequencerNumbersInOrderOfID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		appendSome(t, m, 1234)
		_, stop := run(t, m, "a")
		synctest.Wait()
		stop()
		complete(t, m, 1234)
	})
}

func TestSequencerNoticesNewEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		q, stop := run(t, m, "a")
		defer stop()
		synctest.Wait()

		// Woken, it acts at once; the bubble's clock does not move.
		appendSome(t, m, 3)
		q.Wake()
		synctest.Wait()
		complete(t, m, 3)

		// Events of another process come without a call.
		appendSome(t, m, 2)
		time.Sleep(time.Second)
		synctest.Wait()
		complete(t, m, 5)
	})
}

func TestTwoSequencersNeverGiveOneNumberTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		q1, stop1 := run(t, m, "a")
		q2, stop2 := run(t, m, "b")
		for range 50 {
			appendSome(t, m, 7)
			q1.Wake()
			q2.Wake()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		complete(t, m, 350)

		// When the holder ends without a word, the other takes over.
		stop1()
		appendSome(t, m, 5)
		time.Sleep(time.Minute)
		stop2()
		complete(t, m, 355)
	})
}

func TestOnlyTheHolderOfTheLeaseNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		err := m.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			_, err := tx.Lease("sequencer", "another", tx.Now().Add(time.Hour))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		appendSome(t, m, 3)
		_, stop := run(t, m, "a")
		defer stop()
		time.Sleep(59 * time.Minute)
		if n := len(sequenced(t, m)); n != 0 {
			t.Fatalf("%d events were numbered past the holder", n)
		}
		time.Sleep(2 * time.Minute)
		complete(t, m, 3)
	})
}

func TestSequencerContinuesAfterDyingBeforeItsCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		appendSome(t, m, 900)
		n := 0
		m.dies = func() error {
			if n++; n%2 == 0 {
				return fmt.Errorf("the machine stopped: %w", store.ErrUnavailable)
			}
			return nil
		}
		_, stop := run(t, m, "a")
		time.Sleep(time.Minute)
		stop()
		if n < 5 {
			t.Fatalf("only %d commits were tried", n)
		}
		complete(t, m, 900)
	})
}

// chain gives n events in an unbroken chain.
func chain(t *testing.T, n int) (events list) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		appendSome(t, m, n)
		_, stop := run(t, m, "a")
		synctest.Wait()
		stop()
		events = sequenced(t, m)
	})
	return events
}

func TestVerifyFindsEveryChange(t *testing.T) {
	const n = 600 // more than one page
	whole := chain(t, n)
	flip := func(b []byte, bit int) []byte {
		b = slices.Clone(b)
		b[bit/8%len(b)] ^= 1 << (bit % 8)
		return b
	}
	changes := map[string]func(e *store.Event, bit int){
		"id":        func(e *store.Event, bit int) { e.ID = user.ID(flip([]byte(e.ID), bit)) },
		"kind":      func(e *store.Event, bit int) { e.Kind = string(flip([]byte(e.Kind), bit)) },
		"user":      func(e *store.Event, bit int) { e.User = user.ID(flip([]byte(e.User), bit)) },
		"actor":     func(e *store.Event, bit int) { e.Actor = string(flip([]byte(e.Actor), bit)) },
		"door":      func(e *store.Event, bit int) { e.Door = user.Door(flip([]byte(e.Door), bit)) },
		"boundary":  func(e *store.Event, _ int) { e.Actor, e.User = e.Actor[1:], e.User+user.ID(e.Actor[:1]) },
		"time":      func(e *store.Event, bit int) { e.At = e.At.Add(time.Duration(bit+1) * time.Microsecond) },
		"body":      func(e *store.Event, bit int) { e.Body = flip(e.Body, bit) },
		"salt":      func(e *store.Event, bit int) { e.Salt = flip(e.Salt, bit) },
		"body hash": func(e *store.Event, bit int) { e.BodyHash = flip(e.BodyHash, bit) },
		"body and its hash": func(e *store.Event, bit int) {
			e.Body = flip(e.Body, bit)
			sum := sha256.Sum256(slices.Concat(e.Salt, e.Body))
			e.BodyHash = sum[:]
		},
		"hash of an erased body": func(e *store.Event, bit int) { e.Body, e.BodyHash = nil, flip(e.BodyHash, bit) },
		"chain":                  func(e *store.Event, bit int) { e.Chain = flip(e.Chain, bit) },
	}
	for name, change := range changes {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			events := slices.Clone(whole)
			at := rapid.IntRange(0, n-1).Draw(t, "at")
			change(&events[at], rapid.IntRange(0, 1<<12).Draw(t, "bit"))
			wantBroken(t, event.Verify(events, 1), int64(at+1))
		}))
	}
}

func TestVerifyFindsOrderAndGaps(t *testing.T) {
	const n = 40
	whole := chain(t, n)
	t.Run("swapped", rapid.MakeCheck(func(t *rapid.T) {
		events := slices.Clone(whole)
		i := rapid.IntRange(0, n-2).Draw(t, "i")
		j := rapid.IntRange(i+1, n-1).Draw(t, "j")
		events[i], events[j] = events[j], events[i]
		events[i].Seq, events[j].Seq = events[j].Seq, events[i].Seq
		wantBroken(t, event.Verify(events, 1), int64(i+1))
	}))
	t.Run("taken out", rapid.MakeCheck(func(t *rapid.T) {
		i := rapid.IntRange(0, n-2).Draw(t, "i")
		wantBroken(t, event.Verify(slices.Delete(slices.Clone(whole), i, i+1), 1), int64(i+1))
	}))
	t.Run("taken out and closed up", rapid.MakeCheck(func(t *rapid.T) {
		i := rapid.IntRange(0, n-2).Draw(t, "i")
		events := slices.Delete(slices.Clone(whole), i, i+1)
		for k := i; k < len(events); k++ {
			events[k].Seq--
		}
		wantBroken(t, event.Verify(events, 1), int64(i+1))
	}))
}

func TestVerifyAcceptsErasedBodies(t *testing.T) {
	events := chain(t, 20)
	for i := 0; i < len(events); i += 3 {
		events[i].Body, events[i].Salt = nil, nil
	}
	if err := event.Verify(events, 1); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyFromTheMiddle(t *testing.T) {
	events := chain(t, 20)
	events[4].Body = []byte(`{"n":99}`)
	if err := event.Verify(events, 6); err != nil {
		t.Errorf("from behind the change: %v", err)
	}
	wantBroken(t, event.Verify(events, 5), 5)
	wantBroken(t, event.Verify(events[10:], 8), 7)
	if err := event.Verify(list(nil), 1); err != nil {
		t.Errorf("an empty chain: %v", err)
	}
}

func wantBroken(t interface {
	Helper()
	Fatalf(string, ...any)
}, err error, seq int64,
) {
	t.Helper()
	var broken *event.BrokenError
	if !errors.As(err, &broken) || broken.Seq != seq {
		t.Fatalf("got %v, want the chain broken at %d", err, seq)
	}
}
