package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress tells somebody who waits how far an import is: a line that is
// written over on a terminal, else one now and then.
type progress struct {
	w        io.Writer // nil for nobody
	terminal bool
	now      func() time.Time
	size     int64 // of the input; 0 where it is not known

	began time.Time
	said  time.Time
	from  int64 // bytes that were skipped
	lines int   // that were answered before
	drawn bool
}

const (
	redrawEvery = 200 * time.Millisecond
	tellEvery   = 10 * time.Second
	barWidth    = 20
)

func newProgress(e *environment, f importFlags, in *input) *progress {
	p := &progress{w: e.err, terminal: terminal(e.err), now: time.Now, size: in.size}
	if f.JSON {
		p.w = nil
	}
	return p
}

// start says how much lies behind an import that goes on.
func (p *progress) start(read int64, lines int) {
	p.began, p.from, p.lines = p.now(), read, lines
	p.said = p.began
}

// at says where the import is.
func (p *progress) at(read int64, s importSummary) {
	now := p.now()
	every := tellEvery
	if p.terminal {
		every = redrawEvery
	}
	if p.w == nil || now.Sub(p.said) < every {
		return
	}
	p.said = now
	line := p.line(read, s, now.Sub(p.began))
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		return
	}
	p.drawn = true
	fmt.Fprint(p.w, "\r"+line+"\x1b[K") // and the rest of what was there is cleared
}

// line is what is said: "[=====>    ] 42%  4,200 lines  2,310/s  12 refused  3s left".
func (p *progress) line(read int64, s importSummary, spent time.Duration) string {
	var parts []string
	if p.size > 0 {
		done := min(1, float64(read)/float64(p.size))
		if full := int(done * barWidth); p.terminal {
			parts = append(parts, "["+strings.Repeat("=", full)+strings.Repeat(" ", barWidth-full)+"]")
		}
		parts = append(parts, fmt.Sprintf("%d%%", int(done*100)))
	}
	parts = append(parts, grouped(s.Lines)+" lines")
	if sec := spent.Seconds(); sec > 0 {
		parts = append(parts, grouped(int(float64(s.Lines-p.lines)/sec))+"/s")
	}
	if n := s.incomplete(); n > 0 {
		parts = append(parts, grouped(n)+" refused")
	}
	if now := read - p.from; p.size > 0 && now > 0 && read < p.size {
		left := time.Duration(float64(spent) * float64(p.size-read) / float64(now))
		parts = append(parts, left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, "  ")
}

// end clears what is drawn.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
