package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is one line of `go test -json` (cmd/test2json, cmd/go "build-output").
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
}

// testName is a test, or with an empty name its whole package.
type testName struct{ pkg, test string }

// report prints what plain `go test` prints, and remembers what it would hide.
type report struct {
	out            io.Writer
	output         map[testName][]string
	passed, failed int
	skipped        []string // "package test: reason"
	failures       []string // "package test"
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[testName][]string{}}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				r.handle(e)
			} else {
				fmt.Fprintf(r.out, "%s", line) // go itself speaking
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) handle(e event) {
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[name] = append(r.output[name], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packageDone(e)
		} else {
			r.testDone(e)
		}
		delete(r.output, name)
	}
}

func (r *report) testDone(e event) {
	lines := r.output[testName{e.Package, e.Test}]
	label := e.Package + " " + e.Test
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		r.failures = append(r.failures, label)
		fmt.Fprint(r.out, strings.Join(lines, ""))
	case "skip":
		r.skipped = append(r.skipped, label+": "+reason(lines))
	}
}

func (r *report) packageDone(e event) {
	for _, line := range r.output[testName{e.Package, ""}] {
		if e.Action == "fail" || strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "coverage:") {
			fmt.Fprint(r.out, line)
		}
	}
	if e.Action != "fail" {
		return
	}
	// A panic or a timeout leaves tests that never reported an end.
	for name, lines := range r.output {
		if name.pkg == e.Package && name.test != "" {
			fmt.Fprint(r.out, strings.Join(lines, ""))
			delete(r.output, name)
		}
	}
}

// reason is what t.Skip said: the last line that is not the runner's own.
func reason(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(lines[i])
		if line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			return line
		}
	}
	return "no reason given"
}

func (r *report) summary() {
	for _, f := range r.failures {
		fmt.Fprintln(r.out, "FAILED ", f)
	}
	for _, s := range r.skipped {
		fmt.Fprintln(r.out, "SKIPPED", s)
	}
	fmt.Fprintf(r.out, "tests: %d passed, %d failed, %d SKIPPED\n", r.passed, r.failed, len(r.skipped))
}
