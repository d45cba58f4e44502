package job

import (
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// maxAttempts with the delays below takes about two days, which outlasts a
	// weekend's mail outage noticed on Monday's first look at the dead jobs.
	maxAttempts = 12
	firstDelay  = 10 * time.Second
	growth      = 3
	maxDelay    = 12 * time.Hour
)

// delay is how long to wait after an attempt failed, counting from 1: three
// times as long after each, a fifth more or less by chance so that jobs that
// failed together do not come back together.
func delay(attempt int) time.Duration {
	d := firstDelay
	for range attempt - 1 {
		d = min(d*growth, maxDelay)
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64())) //nolint:gosec // jitter
}

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent marks an error that trying again cannot mend: the job is dead at
// once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

// IsPermanent says whether an error was marked so.
func IsPermanent(err error) bool {
	var p permanentError
	return errors.As(err, &p)
}
