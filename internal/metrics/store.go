package metrics

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
)

// Lanes, as labels.
const (
	interactive = "interactive"
	bulk        = "bulk"
)

// transactions watches the database's users.
type transactions struct {
	viewed                    prometheus.Histogram
	updated                   [3]prometheus.Observer
	viewFaults, updateFaults  prometheus.Counter
	retried                   [3]prometheus.Counter // nil on SQLite
	batchUpdates, batchLasted prometheus.Histogram  // nil on PostgreSQL
}

func newTransactions(r prometheus.Registerer, postgres bool) *transactions {
	updated := histograms(r, "usher_store_update_duration_seconds",
		"How long an update took until it was durable or refused, waiting and retries included, by lane.", statements, "lane")
	faults := counters(r, "usher_store_faults_total",
		"Transactions that failed because the database could not be asked, by operation. Each is a request that got 503.", "operation")
	t := &transactions{
		viewed: histogram(r, "usher_store_view_duration_seconds", "How long reading took.", statements),
		updated: [3]prometheus.Observer{
			store.Interactive: updated.WithLabelValues(interactive), store.Bulk: updated.WithLabelValues(bulk),
			store.Narrow: updated.WithLabelValues(interactive), // as urgent
		},
		viewFaults: faults.WithLabelValues("view"), updateFaults: faults.WithLabelValues("update"),
	}
	if postgres {
		retried := counters(r, "usher_postgres_retries_total",
			"Transactions tried again because of their neighbours, by lane.", "lane")
		t.retried = [3]prometheus.Counter{
			store.Interactive: retried.WithLabelValues(interactive), store.Bulk: retried.WithLabelValues(bulk),
			store.Narrow: retried.WithLabelValues(interactive),
		}
		return t
	}
	t.batchUpdates = histogram(r, "usher_sqlite_commit_updates", "How many updates one COMMIT made durable.", []float64{1, 2, 4, 8, 16, 32, 64, 128})
	t.batchLasted = histogram(r, "usher_sqlite_commit_duration_seconds", "How long the updates of one COMMIT and it itself took.", statements)
	return t
}

// Store watches the database's users.
func (m *Metrics) Store() sqlstore.Observer { return m.store }

// Viewed implements sqlstore.Observer.
func (t *transactions) Viewed(took time.Duration, err error) {
	t.viewed.Observe(took.Seconds())
	if errors.Is(err, store.ErrUnavailable) {
		t.viewFaults.Inc()
	}
}

// Updated implements sqlstore.Observer.
func (t *transactions) Updated(l store.Lane, took time.Duration, err error) {
	t.updated[l].Observe(took.Seconds())
	if errors.Is(err, store.ErrUnavailable) {
		t.updateFaults.Inc()
	}
}

// Retried implements sqlstore.Observer.
func (t *transactions) Retried(l store.Lane) {
	if c := t.retried[l]; c != nil {
		c.Inc()
	}
}

// Committed implements sqlstore.Observer.
func (t *transactions) Committed(updates int, took time.Duration) {
	if t.batchUpdates != nil {
		t.batchUpdates.Observe(float64(updates))
		t.batchLasted.Observe(took.Seconds())
	}
}
