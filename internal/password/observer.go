package password

import "time"

// Observer is told of each computation, by many goroutines at once: it must be
// quick.
type Observer interface {
	// Hashed says how long a computation waited for a core and how long it took.
	Hashed(waited, took time.Duration)
	// Refused says that there was no place left to wait in.
	Refused()
}

// nobody watches.
type nobody struct{}

func (nobody) Hashed(time.Duration, time.Duration) {}
func (nobody) Refused()                            {}

// Observe has o watch from now on. It is called before the first computation.
func (h *Hasher) Observe(o Observer) { h.pool.told = o }

// Load tells how many computations run now, and how many wait for a core.
func (h *Hasher) Load() (running, waiting int) {
	running = len(h.pool.slots)
	return running, max(int(h.pool.present.Load())-running, 0)
}
