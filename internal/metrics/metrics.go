package metrics

import (
	"log/slog"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/usher-id/usher/internal/user"
)

// Options say what is watched. All are required.
type Options struct {
	Version  string
	Doors    []user.Door // those that are open
	Database Database
	Hashing  Hashing
	Log      *slog.Logger
}

// Metrics are the metrics of one process.
type Metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger
	panics   *prometheus.CounterVec

	http      *requests
	passwords *passwords
	signIns   *signIns
	store     *transactions
	jobs      *jobs
	batches   *Batches
}

// Where a panic was caught.
const (
	inRequest = "request"
	inJob     = "job"
	inBatch   = "batch"
)

// New makes the metrics of a process that has not begun to serve.
func New(o Options) *Metrics {
	r := prometheus.NewRegistry()
	m := &Metrics{registry: r, log: o.Log, panics: counters(r, "usher_panics_total",
		"Panics that were caught, by where. Each is a bug; the log has its stack.", "where")}
	for _, where := range []string{inRequest, inJob, inBatch} {
		m.panics.WithLabelValues(where)
	}
	m.http = newRequests(r, m.panics.WithLabelValues(inRequest))
	m.passwords = newPasswords(r, o.Hashing)
	m.signIns = newSignIns(r, o.Doors)
	m.store = newTransactions(r, o.Database.Stats().Postgres)
	m.jobs = newJobs(r, m.panics.WithLabelValues(inJob))
	m.batches = newBatches(r, m.panics.WithLabelValues(inBatch))
	r.MustRegister(newDatabase(o.Database, o.Log))

	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "usher_build_info", Help: "1, by the version of usher and the Go that built it.",
		ConstLabels: prometheus.Labels{"version": o.Version, "goversion": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Upper bounds of histograms, in seconds.
var (
	// answers fits requests: 1 ms to 10 s.
	answers = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	// statements fits transactions, which on SQLite take less than a tenth of a
	// millisecond.
	statements = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 20}
	// hashes fits computations of 5 ms to a second, and waiting for them.
	hashes = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	// effects fits what other servers have a say in.
	effects = []float64{.01, .05, .1, .5, 1, 5, 10, 30}
	// ages fits how long a job took from its decision until it was done, its
	// later tries included.
	ages = []float64{.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200, 172800}
)

func counters(r prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	r.MustRegister(c)
	return c
}

func counter(r prometheus.Registerer, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	r.MustRegister(c)
	return c
}

func histograms(r prometheus.Registerer, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	r.MustRegister(h)
	return h
}

func histogram(r prometheus.Registerer, name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	r.MustRegister(h)
	return h
}

func gaugeOf(r prometheus.Registerer, name, help string, labels prometheus.Labels, now func() int) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(now()) }))
}
