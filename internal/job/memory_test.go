package job_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// memory is a store of jobs and users alone. Transactions run one at a time
// and an error undoes what they wrote.
type memory struct {
	mu      sync.Mutex
	jobs    map[user.ID]store.Job
	users   map[user.ID]user.User
	made    int
	updates int
	down    error // what every Update meets
}

func newMemory() *memory {
	return &memory{jobs: map[user.ID]store.Job{}, users: map[user.ID]user.User{}}
}

func (m *memory) View(_ context.Context, fn func(store.Reader) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fn(&memoryTx{m: m})
}

func (m *memory) Update(_ context.Context, _ store.Lane, fn func(store.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.updates++
	if m.down != nil {
		return m.down
	}
	jobs := maps.Clone(m.jobs)
	err := fn(&memoryTx{m: m})
	if err != nil {
		m.jobs = jobs
	}
	return err
}

type memoryTx struct {
	store.Tx
	m *memory
}

func (t *memoryTx) Now() time.Time { return time.Now().UTC() }

func (t *memoryTx) NewID() user.ID {
	t.m.made++
	return user.ID(fmt.Sprintf("job-%06d", t.m.made))
}

func (t *memoryTx) User(id user.ID) (user.User, error) {
	u, ok := t.m.users[id]
	if !ok {
		return u, store.ErrNotFound
	}
	return u, nil
}

func (t *memoryTx) Write(op store.Op, row any) error {
	j := row.(store.Job)
	if op == store.OpInsert && j.Key != "" {
		for _, other := range t.m.jobs {
			if other.Kind == j.Kind && other.Key == j.Key {
				return store.ErrExists
			}
		}
	}
	t.m.jobs[j.ID] = j
	return nil
}

func (t *memoryTx) Jobs(state store.JobState, limit int) ([]store.Job, error) {
	return t.pick(limit, func(j store.Job) bool { return j.State == state }), nil
}

func (t *memoryTx) LeaseJobs(holder string, until time.Time, n int, _ ...string) ([]store.Job, error) {
	jobs := t.pick(n, func(j store.Job) bool {
		return j.State == store.JobDue && !j.Due.After(t.Now()) && (j.Holder == holder || !j.Until.After(t.Now()))
	})
	for i := range jobs {
		jobs[i].Holder, jobs[i].Until = holder, until
		jobs[i].Attempts++
		t.m.jobs[jobs[i].ID] = jobs[i]
	}
	return jobs, nil
}

func (t *memoryTx) pick(limit int, keep func(store.Job) bool) []store.Job {
	var out []store.Job
	for _, j := range t.m.jobs {
		if keep(j) {
			out = append(out, j)
		}
	}
	slices.SortFunc(out, func(a, b store.Job) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(limit, len(out))]
}
