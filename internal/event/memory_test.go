package event_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// memory is a store of events and leases alone. Transactions run one at a
// time and an error undoes what they wrote.
type memory struct {
	mu     sync.Mutex
	events map[user.ID]store.Event
	leases map[string]held
	made   uint64
	// dies, when set, is asked before each commit and can end the process there.
	dies func() error
}

type held struct {
	by    string
	until time.Time
}

func newMemory() *memory {
	return &memory{events: map[user.ID]store.Event{}, leases: map[string]held{}}
}

func (m *memory) View(_ context.Context, fn func(store.Reader) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fn(&memoryTx{m: m})
}

func (m *memory) Update(_ context.Context, _ store.Lane, fn func(store.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	events, leases := maps.Clone(m.events), maps.Clone(m.leases)
	err := fn(&memoryTx{m: m})
	if err == nil && m.dies != nil {
		err = m.dies()
	}
	if err != nil {
		m.events, m.leases = events, leases
	}
	return err
}

type memoryTx struct {
	store.Tx
	m *memory
}

func (t *memoryTx) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (t *memoryTx) NewID() user.ID {
	t.m.made++
	return user.ID(fmt.Sprintf("%08d", t.m.made))
}

func (t *memoryTx) NewUUID() (id [16]byte) {
	t.m.made++
	binary.BigEndian.PutUint64(id[:], t.m.made)
	return id
}

func (t *memoryTx) Write(_ store.Op, row any) error {
	e := row.(store.Event)
	t.m.events[e.ID] = e
	return nil
}

func (t *memoryTx) NumberEvents(events []store.Event) error {
	for _, e := range events {
		t.m.events[e.ID] = e
	}
	return nil
}

func (t *memoryTx) Lease(name, holder string, until time.Time) (bool, error) {
	if l, ok := t.m.leases[name]; ok && l.by != holder && l.until.After(t.Now()) {
		return false, nil
	}
	t.m.leases[name] = held{holder, until}
	return true, nil
}

func (t *memoryTx) pick(limit int, keep func(store.Event) bool, order func(a, b store.Event) int) []store.Event {
	var out []store.Event
	for _, e := range t.m.events {
		if keep(e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, order)
	return out[:min(limit, len(out))]
}

func byID(a, b store.Event) int  { return cmp.Compare(a.ID, b.ID) }
func bySeq(a, b store.Event) int { return cmp.Compare(a.Seq, b.Seq) }

func (t *memoryTx) Unsequenced(limit int) ([]store.Event, error) {
	return t.pick(limit, func(e store.Event) bool { return e.Seq == 0 }, byID), nil
}

func (t *memoryTx) Events(after int64, limit int) ([]store.Event, error) {
	return t.pick(limit, func(e store.Event) bool { return e.Seq > max(after, 0) }, bySeq), nil
}

func (t *memoryTx) LastEvent() (store.Event, error) {
	last := t.pick(1, func(e store.Event) bool { return e.Seq > 0 }, func(a, b store.Event) int { return bySeq(b, a) })
	if len(last) == 0 {
		return store.Event{}, store.ErrNotFound
	}
	return last[0], nil
}
