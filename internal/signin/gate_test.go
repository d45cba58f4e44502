package signin

import "testing"

// Given a try under way, when another reads that one is still allowed and the
// first fails before that is acted on, then the counter is read again and the
// second is turned away.
func TestGateDoesNotActOnAStaleCount(t *testing.T) {
	var g gates
	left := 1
	leave, ok, err := g.enter("a", func() (int, error) { return left, nil })
	if err != nil || !ok {
		t.Fatalf("the first: %v, %v", ok, err)
	}
	reads := 0
	_, ok, err = g.enter("a", func() (int, error) {
		n := left
		if reads++; reads == 1 {
			left = 0 // the first is counted
			leave()
		}
		return n, nil
	})
	if err != nil || ok || reads != 2 {
		t.Errorf("the second: %v after %d reads, %v", ok, reads, err)
	}
	if len(g.held) > 0 {
		t.Errorf("%d gates are kept for nobody", len(g.held))
	}
}
