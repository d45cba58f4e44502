package main

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// shownRefusals is how many refused lines a summary names.
const shownRefusals = 5

// importSummary is what became of an import's lines, those of an earlier run
// that was resumed included.
type importSummary struct {
	DryRun    bool    `json:"dry_run"`
	Lines     int     `json:"lines"`
	Earlier   int     `json:"earlier"` // of Lines, answered before this run
	Created   int     `json:"created"`
	Updated   int     `json:"updated"`
	Unchanged int     `json:"unchanged"`
	InPart    int     `json:"in_part"` // groups that lack a member
	Refused   int     `json:"refused"`
	Seconds   float64 `json:"seconds"` // of this run
	Results   string  `json:"results,omitempty"`
	// Refusals are the first of this run, InPart or Refused.
	Refusals []shownRefusal `json:"refusals"`

	began time.Time
}

type shownRefusal struct {
	Line       int    `json:"line"`
	StatusCode int    `json:"status_code"`
	Reason     string `json:"reason"`
}

const (
	statusDone   = 200
	statusInPart = 207
)

// add counts one line.
func (s *importSummary) add(status int, created, changed bool) {
	s.Lines++
	switch {
	case status == statusInPart:
		s.InPart++
	case status != statusDone:
		s.Refused++
	case created:
		s.Created++
	case changed:
		s.Updated++
	default:
		s.Unchanged++
	}
}

func (s *importSummary) count(a answered) {
	s.add(a.status, a.created, a.changed)
	if a.status != statusDone && len(s.Refusals) < shownRefusals {
		s.Refusals = append(s.Refusals, shownRefusal{a.line, a.status, a.reason})
	}
}

// incomplete is how many lines did not go in whole.
func (s *importSummary) incomplete() int { return s.InPart + s.Refused }

// print tells what became of the lines. The error says that some did not go in.
func (s *importSummary) print(e *environment, f importFlags, path string) error {
	s.Seconds = time.Since(s.began).Seconds()
	out := e.out
	if path == standard {
		path, out = "", e.err // the answers are on standard output
	}
	s.Results = path
	if s.Refusals == nil {
		s.Refusals = []shownRefusal{}
	}
	if f.JSON {
		if err := writeJSON(out, s); err != nil {
			return err
		}
	} else {
		s.text(out)
	}
	if s.incomplete() == 0 {
		return nil
	}
	where := ""
	if path != "" {
		where = ": the reasons are in " + path
	}
	return fmt.Errorf("%s of %s did not go in whole%s", grouped(s.incomplete()), counted(s.Lines), where)
}

func (s *importSummary) text(w io.Writer) {
	if s.DryRun {
		fmt.Fprintln(w, "a dry run: nothing was written")
	}
	now := s.Lines - s.Earlier
	fmt.Fprintf(w, "%s in %s", counted(now), time.Duration(s.Seconds*float64(time.Second)).Round(time.Millisecond))
	if s.Seconds > 0 && now > 0 {
		fmt.Fprintf(w, ", %s a second", grouped(int(float64(now)/s.Seconds)))
	}
	if s.Earlier > 0 {
		fmt.Fprintf(w, "; with those of earlier runs %s", grouped(s.Lines))
	}
	fmt.Fprintln(w)
	for _, row := range []struct {
		name string
		n    int
	}{{"created", s.Created}, {"updated", s.Updated}, {"unchanged", s.Unchanged}, {"in part", s.InPart}, {"refused", s.Refused}} {
		if row.n > 0 || row.name != "in part" {
			fmt.Fprintf(w, "  %-9s  %s\n", row.name, grouped(row.n))
		}
	}
	for _, r := range s.Refusals {
		fmt.Fprintf(w, "line %d: %s\n", r.Line, plain(r.Reason))
	}
	if more := s.incomplete() - len(s.Refusals); more > 0 && len(s.Refusals) > 0 {
		fmt.Fprintf(w, "and %s more\n", grouped(more))
	}
}

func counted(lines int) string {
	if lines == 1 {
		return "1 line"
	}
	return grouped(lines) + " lines"
}

// grouped writes a count as people read it: 1,234,567.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
