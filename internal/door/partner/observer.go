package partner

import "net/http"

// Outcomes of a line of a batch. In a dry run they are what would have become
// of it.
const (
	lineCreated   = "created"
	lineChanged   = "changed"
	lineUnchanged = "unchanged"
	lineRefused   = "refused" // for what it says
	lineFailed    = "failed"  // by a fault of ours; worth sending again
)

// Observer is told of each line of a batch, by many goroutines at once.
type Observer interface {
	// Answered is told created, changed, unchanged, refused or failed.
	Answered(outcome string)
	Panicked()
}

// nobody watches.
type nobody struct{}

func (nobody) Answered(string) {}
func (nobody) Panicked()       {}

func (a Answer) outcome() string {
	switch {
	case a.StatusCode >= http.StatusInternalServerError:
		return lineFailed
	case a.StatusCode >= http.StatusBadRequest:
		return lineRefused
	case a.Created != nil && *a.Created:
		return lineCreated
	case a.Changed != nil && *a.Changed:
		return lineChanged
	default:
		return lineUnchanged
	}
}
