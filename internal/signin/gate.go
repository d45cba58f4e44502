package signin

import "sync"

// gates bound how many tries of one account are being checked at the same
// time in this process, so that parallel tries cannot outrun the counter: at
// most as many as it would still allow.
type gates struct {
	mu   sync.Mutex
	held map[string]*gate
}

type gate struct {
	busy, waiting int
	ended         int // tries that are over, each of which the counter may have noted
	freed         *sync.Cond
}

// enter waits for a place among the tries of a key. allowed reads how many the
// counter still allows; it is asked again each time a place comes free, and
// less than one turns the try away.
func (g *gates) enter(key string, allowed func() (int, error)) (leave func(), ok bool, err error) {
	g.mu.Lock()
	if g.held == nil {
		g.held = map[string]*gate{}
	}
	t := g.held[key]
	if t == nil {
		t = &gate{freed: sync.NewCond(&g.mu)}
		g.held[key] = t
	}
	t.waiting++
	leaveLocked := func() {
		if t.busy == 0 && t.waiting == 0 {
			delete(g.held, key)
		}
		t.freed.Broadcast()
		g.mu.Unlock()
	}
	for {
		ended := t.ended
		g.mu.Unlock()
		n, err := allowed()
		g.mu.Lock()
		if err != nil || n < 1 {
			t.waiting--
			leaveLocked()
			return nil, false, err
		}
		if t.ended != ended {
			continue // n may be from before what has ended meanwhile
		}
		if t.busy < n {
			t.waiting--
			t.busy++
			g.mu.Unlock()
			return func() {
				g.mu.Lock()
				t.busy--
				t.ended++
				leaveLocked()
			}, true, nil
		}
		t.freed.Wait()
	}
}
