package sqlstore

import (
	"database/sql"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/store"
)

// held is the conn of a transaction that keeps new rows back and writes those
// of a table together: before any other statement, and at the end.
type held struct {
	conn
	realm string
	rows  []heldRows
}

// heldRows are new rows of one table, their values one after another.
type heldRows struct {
	table *table
	count int
	args  []any
}

// heldMost is how many rows of a table wait at most, however long the
// transaction.
const heldMost = 128

func (h *held) add(t *table, vals []any) error {
	i := slices.IndexFunc(h.rows, func(r heldRows) bool { return r.table == t })
	if i < 0 {
		i = len(h.rows)
		h.rows = append(h.rows, heldRows{table: t})
	}
	r := &h.rows[i]
	r.args = append(append(r.args, h.realm), vals...)
	if r.count++; r.count < heldMost {
		return nil
	}
	return h.flush()
}

// flush writes what is held.
func (h *held) flush() error {
	rows := h.rows
	h.rows = nil
	for _, r := range rows {
		width := 1 + len(r.table.columns)
		for r.count > 0 {
			i := widest(r.count)
			n, err := h.conn.exec(r.table.inserts[i], r.args[:width<<i])
			if err != nil {
				return fault(err)
			}
			if n != 1<<i {
				err := fmt.Errorf("%w: in %s", store.ErrTaken, r.table.name)
				h.note(err)
				return err
			}
			r.args, r.count = r.args[width<<i:], r.count-1<<i
		}
	}
	return nil
}

func (h *held) query(q string, args []any) (*sql.Rows, error) {
	if err := h.flush(); err != nil {
		return nil, err
	}
	return h.conn.query(q, args)
}

func (h *held) exec(q string, args []any) (int64, error) {
	if err := h.flush(); err != nil {
		return 0, err
	}
	return h.conn.exec(q, args)
}

func (h *held) attempt(q string, args []any) (int64, error) {
	if err := h.flush(); err != nil {
		return 0, err
	}
	return h.conn.attempt(q, args)
}

// widths are the numbers of rows that one statement inserts, as powers of two.
// Wider ones cost SQLite's driver more for finding their parameters than they
// save.
const widths = 4

// widest gives the exponent of the widest statement for n rows, which are not
// none.
func widest(n int) int { return min(widths, bits.Len(uint(n))) - 1 }

// inserts gives a statement for each width.
func inserts(into string, columns int) (qs [widths]string) {
	for i := range qs {
		rows := make([]string, 1<<i)
		for r := range rows {
			rows[r] = "(" + marks(r*columns+1, columns) + ")"
		}
		qs[i] = into + " VALUES " + strings.Join(rows, ", ") + " ON CONFLICT DO NOTHING"
	}
	return qs
}
