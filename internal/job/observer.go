package job

import "time"

// Outcome is what one attempt at a job came to.
type Outcome string

// The outcomes.
const (
	OutcomeDone    Outcome = "done"
	OutcomeAgain   Outcome = "again"   // failed, and due once more later
	OutcomeDead    Outcome = "dead"    // failed, and given up
	OutcomeStopped Outcome = "stopped" // cut short by the end of this process
)

// Observer is told of each attempt, by a few goroutines at once.
type Observer interface {
	// Attempted says how long an attempt took, and how old the job was then. The
	// kind is one that this worker has a handler for, or "other".
	Attempted(kind string, o Outcome, took, age time.Duration)
	Panicked()
}

// nobody watches.
type nobody struct{}

func (nobody) Attempted(string, Outcome, time.Duration, time.Duration) {}
func (nobody) Panicked()                                               {}

// Observe has o watch from now on. It is called before Run.
func (w *Worker) Observe(o Observer) { w.told = o }

// known is a job's kind as an observer may hear it: other kinds are any text.
func (w *Worker) known(kind string) string {
	if _, ok := w.handlers[kind]; ok {
		return kind
	}
	return "other"
}
