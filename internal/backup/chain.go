package backup

import (
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
)

// chain follows the events of a backup, which come realm by realm in the order
// of their numbers, and holds a few at a time.
type chain struct {
	realm string
	seen  int64 // the number up to which it held; that event is the first held
	held  held
	err   error
}

// held are events that were not looked at yet, after the last that was.
type held []store.Event

// Events implements event.Sequenced.
func (h held) Events(after int64, limit int) (out []store.Event, err error) {
	for _, e := range h {
		if e.Seq > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

const heldMost = 256

func (c *chain) add(columns []string, row []any) {
	if c.err != nil {
		return
	}
	realm, e, err := sqlstore.ExportedEvent(columns, row)
	switch {
	case err != nil:
		c.err = err
		return
	case e.Seq == 0:
		return // it has no place in the chain yet
	case realm != c.realm:
		if c.look(); c.err != nil {
			return
		}
		c.realm, c.seen, c.held = realm, 0, nil
	}
	if c.held = append(c.held, e); len(c.held) > heldMost {
		c.look()
	}
}

// look verifies what is held after what was seen.
func (c *chain) look() {
	if c.err != nil || len(c.held) == 0 {
		return
	}
	last := c.held[len(c.held)-1]
	c.err = event.Verify(c.held, c.seen+1)
	c.seen, c.held = last.Seq, append(c.held[:0], last)
}

// end says what was found.
func (c *chain) end() error {
	c.look()
	return c.err
}
