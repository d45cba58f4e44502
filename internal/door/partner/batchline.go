package partner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/user"
)

// Line is one line of a batch as it was read: a user to sync, or the answer
// that it has already because it cannot be.
type Line struct {
	number int
	in     feed.Sync
	done   *Answer
}

// ReadLine reads a line, number n counted from 1, as the body of PUT
// /api/users.
func ReadLine(n int, text []byte) Line {
	m, err := parseObject(text)
	if err != nil {
		return failedLine(n, err)
	}
	return ReadMembers(n, m)
}

// ReadMembers is ReadLine for what did not come as JSON: a value for each
// member that is there.
func ReadMembers(n int, m map[string]json.RawMessage) Line {
	in, err := readSync(m)
	if err == nil && !addressed(in) {
		err = user.Refuse(user.Missing, "email")
	}
	if err != nil {
		return failedLine(n, err)
	}
	return Line{number: n, in: in}
}

// LongLine stands for a line that was skipped for its length.
func LongLine(n int) Line {
	a := failedAnswer(n, problem(http.StatusRequestEntityTooLarge, "The line is too long"))
	return Line{number: n, done: &a}
}

// UnreadableLine stands for a line whose form is wrong.
func UnreadableLine(n int, why string) Line { return failedLine(n, badRequest{why}) }

func failedLine(n int, err error) Line {
	f, _, _ := explain(administering, err)
	a := failedAnswer(n, f)
	return Line{number: n, done: &a}
}

// fail answers a line that a fault kept from being synced; one that has an
// answer keeps it.
func (l Line) fail(err error) Answer {
	if l.done != nil {
		return *l.done
	}
	f, _, _ := explain(administering, err)
	if no, ok := errors.AsType[*user.Refusal](err); ok && no.Field == "id" && no.Params["why"] != "" {
		f.Message = []string{sentence(no)} // of a number that is not adopted: the rest of the line is not what is wrong
	}
	return failedAnswer(l.number, f)
}

// Answer is the answer to one line: a user, or what was wrong with it.
type Answer struct {
	Line int `json:"line"` // from 1, blank lines counted
	// Sum is for whoever keeps answers, and says what had been read; a door
	// leaves it empty.
	Sum        string    `json:"sum,omitempty"`
	StatusCode int       `json:"statusCode"`
	Created    *bool     `json:"created,omitempty"`
	Changed    *bool     `json:"changed,omitempty"` // anything, the password and the lock included
	Ignored    []string  `json:"ignored,omitempty"`
	User       *userView `json:"user,omitempty"`
	Message    any       `json:"message,omitempty"` // a text, or a list of them
	Error      string    `json:"error,omitempty"`
}

func failedAnswer(n int, f failure) Answer {
	return Answer{Line: n, StatusCode: f.StatusCode, Message: f.Message, Error: f.Error}
}

// Encode writes the answer as a line of JSON, its end included.
func (a Answer) Encode() ([]byte, error) {
	text, err := encode(a)
	if err != nil {
		return nil, fmt.Errorf("writing the answer to line %d: %w", a.Line, err)
	}
	return append(text, '\n'), nil
}

// Reason is what was wrong, in one sentence; empty where nothing was.
func (a Answer) Reason() string {
	switch m := a.Message.(type) {
	case string:
		return m
	case []string:
		return strings.Join(m, "; ")
	default:
		return ""
	}
}

// Batch syncs lines that describe users, whoever brings them: this door, or a
// command that imports.
type Batch struct {
	// Sync carries out up to feed.BatchSize syncs and gives a result for each,
	// in order. An error says that none was carried out.
	Sync func(ctx context.Context, in []feed.Sync) ([]feed.BatchResult, error)
	Mode feed.Mode
}

// Answer syncs what can be synced of up to feed.BatchSize lines and answers
// each, in order. The password in an answer is always the marker. An error is
// a fault that kept all of them from being synced.
func (b Batch) Answer(ctx context.Context, lines []Line) ([]Answer, error) {
	var syncs []feed.Sync
	for _, l := range lines {
		if l.done == nil {
			syncs = append(syncs, l.in)
		}
	}
	var results []feed.BatchResult
	if len(syncs) > 0 {
		var err error
		if results, err = b.Sync(ctx, syncs); err != nil {
			return nil, err
		}
		if len(results) != len(syncs) {
			return nil, errors.New("a batch has another number of results than of lines")
		}
	}
	out := make([]Answer, 0, len(lines))
	for _, l := range lines {
		if l.done != nil {
			out = append(out, *l.done)
			continue
		}
		out = append(out, b.answer(l, results[0]))
		results = results[1:]
	}
	return out, nil
}

func (b Batch) answer(l Line, res feed.BatchResult) Answer {
	if res.Err != nil {
		return l.fail(res.Err)
	}
	v := view(res.Record)
	v.Password = redacted
	if b.Mode == feed.DryRun {
		v.Changes = deltas(res.Changes)
	}
	return Answer{
		Line: l.number, StatusCode: http.StatusOK, Created: &res.Created, Changed: &res.Changed,
		Ignored: res.Ignored, User: &v,
	}
}
