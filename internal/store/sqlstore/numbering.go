package sqlstore

import (
	"fmt"
	"strings"

	"github.com/usher-id/usher/internal/store"
)

// number are statements that number 1, 2, 4 … events. Written as an insert that
// always meets its row, each finds the rows by their key on both databases;
// SQLite would begin an UPDATE … FROM with all events that have no number.
var number = func() (qs [widths]string) {
	for i := range qs {
		rows := make([]string, 1<<i)
		for r := range rows {
			n := r * 5
			rows[r] = fmt.Sprintf("($%d, $%d, '', '', '', '', 0, '', '', $%d, $%d, $%d)", n+1, n+2, n+3, n+4, n+5)
		}
		qs[i] = "INSERT INTO events (realm, " + strings.Join(events.columns, ", ") + ") VALUES " + strings.Join(rows, ", ") +
			" ON CONFLICT (realm, id) DO UPDATE SET seq = excluded.seq, body_hash = excluded.body_hash, chain = excluded.chain WHERE events.seq = 0"
	}
	return qs
}()

// NumberEvents implements store.Tx.
func (t *tx) NumberEvents(events []store.Event) error {
	for len(events) > 0 {
		i := widest(len(events))
		args := make([]any, 0, 5<<i)
		for _, e := range events[:1<<i] {
			args = append(args, t.realm, e.ID, e.Seq, bin(e.BodyHash), bin(e.Chain))
		}
		n, err := t.c.exec(number[i], args)
		if err != nil {
			return fault(err)
		}
		if n != 1<<i {
			return fmt.Errorf("store: %d of %d events could be numbered", n, 1<<i)
		}
		events = events[1<<i:]
	}
	return nil
}
