package registrant

import (
	"crypto/sha256"
	"sync"
	"time"
)

// seen remembers tokens whose signature was checked a moment ago. It says only to
// which session they belong: whether that is alive is read each time.
type seen struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]seenToken
}

type seenToken struct {
	key   []byte
	until time.Time
}

// maxSeen bounds how many tokens are remembered: some megabytes.
const maxSeen = 16384

func (s *seen) recall(id [sha256.Size]byte, now time.Time) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.all[id]
	if !ok || !now.Before(t.until) {
		return nil, false
	}
	return t.key, true
}

func (s *seen) keep(id [sha256.Size]byte, key []byte, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[[sha256.Size]byte]seenToken{}
	}
	for old := range s.all {
		if len(s.all) < maxSeen {
			break
		}
		delete(s.all, old) // any: maps are walked from a random place
	}
	s.all[id] = seenToken{key, until}
}

func (s *seen) forget(id [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}
