package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/usher-id/usher/internal/job"
)

// jobs watches the outbox's worker.
type jobs struct {
	attempts *prometheus.CounterVec
	took     *prometheus.HistogramVec
	age      *prometheus.HistogramVec
	panicked prometheus.Counter
}

func newJobs(r prometheus.Registerer, panicked prometheus.Counter) *jobs {
	j := &jobs{
		attempts: counters(r, "usher_job_attempts_total",
			"Attempts at jobs by this process, by kind and outcome: done, again (failed, due later), dead (given up) or stopped.", "kind", "outcome"),
		took: histograms(r, "usher_job_duration_seconds", "How long one attempt took, by kind.", effects, "kind"),
		age: histograms(r, "usher_job_age_seconds",
			"How long a job took from the decision until it was done, by kind.", ages, "kind"),
		panicked: panicked,
	}
	for _, o := range []job.Outcome{job.OutcomeDone, job.OutcomeAgain, job.OutcomeDead, job.OutcomeStopped} {
		j.attempts.WithLabelValues(job.KindMail, string(o))
	}
	j.took.WithLabelValues(job.KindMail)
	j.age.WithLabelValues(job.KindMail)
	return j
}

// Jobs watches the outbox's worker.
func (m *Metrics) Jobs() job.Observer { return m.jobs }

// Attempted implements job.Observer.
func (j *jobs) Attempted(kind string, o job.Outcome, took, age time.Duration) {
	j.attempts.WithLabelValues(kind, string(o)).Inc()
	j.took.WithLabelValues(kind).Observe(took.Seconds())
	if o == job.OutcomeDone {
		j.age.WithLabelValues(kind).Observe(age.Seconds())
	}
}

// Panicked implements job.Observer.
func (j *jobs) Panicked() { j.panicked.Inc() }

// Batches watches the partner door's batches, of which this package knows the
// outcomes by name alone.
type Batches struct {
	lines    *prometheus.CounterVec
	panicked prometheus.Counter
}

func newBatches(r prometheus.Registerer, panicked prometheus.Counter) *Batches {
	lines := counters(r, "usher_partner_batch_lines_total",
		"Lines of batches answered, by outcome: created, changed, unchanged, refused or failed.", "outcome")
	for _, o := range []string{"created", "changed", "unchanged", "refused", "failed"} {
		lines.WithLabelValues(o)
	}
	return &Batches{lines, panicked}
}

// Batches watches the partner door's batches.
func (m *Metrics) Batches() *Batches { return m.batches }

// Answered counts a line by its outcome.
func (b *Batches) Answered(outcome string) { b.lines.WithLabelValues(outcome).Inc() }

// Panicked counts a panic.
func (b *Batches) Panicked() { b.panicked.Inc() }
