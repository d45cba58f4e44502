package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// receipt is the result file of an import: the answer to each line, in order,
// written once what it says is durable. Each answer carries a sum of all that
// had been read, by which the file is bound to its input.
type receipt struct {
	path string // empty for one that nothing can go on after
	file *os.File
	w    *bufio.Writer
	size int64 // of the file as this import knows it
	// flushed is when the file was last made durable. Between, a crash of the
	// machine may lose answers, which costs only taking those lines again.
	flushed time.Time
}

// durableEvery is how often a result file is made durable.
const durableEvery = time.Second

// standing is how far a result file got before.
type standing struct {
	line int    // the last that is answered; 0 for none
	sum  string // of what was read up to there
	size int64  // up to the end of that answer; what follows is torn
	sums importSummary
}

// openReceipt opens the result file at path, takes it for this import alone, and
// has the input stand after the last line that it answers. An empty path is
// none, - is standard output. A file that is there is gone on with where the
// import is to be resumed; a finished one of the same input is begun anew; any
// other is refused.
func openReceipt(path string, stdout io.Writer, in *input, f importFlags, what string, sum *importSummary) (*receipt, error) {
	switch path {
	case "":
		return &receipt{w: bufio.NewWriter(io.Discard)}, nil
	case standard:
		return &receipt{w: bufio.NewWriter(stdout)}, nil
	}
	if same(path, in.file) {
		return nil, usageError{fmt.Errorf("--results is %s, which is what is imported", path)}
	}
	file, err := takeReceipt(path)
	if err != nil {
		return nil, err
	}
	before, err := readReceipt(path, file)
	if err == nil && before.line > 0 {
		before, err = stand(path, before, in, f, what)
	}
	if err == nil {
		err = truncate(path, file, before.size)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	dry := sum.DryRun
	*sum = before.sums
	sum.DryRun, sum.Earlier = dry, sum.Lines
	return &receipt{path: path, file: file, w: bufio.NewWriter(file), size: before.size}, nil
}

// takeReceipt opens a result file for this import alone, before anything in it
// is believed: what another import is about to write is not there yet.
func takeReceipt(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the result file: %w", err)
	}
	err = lockFile(file)
	switch {
	case errors.Is(err, errLocked):
		err = fmt.Errorf("another usher import writes to the result file %s: wait until it has ended, or name another with --results. Nothing was imported", path)
	case err != nil:
		err = fmt.Errorf("taking the result file %s: %w", path, err)
	case !same(path, file): // it was moved away between
		err = fmt.Errorf("the result file %s was replaced while it was opened. Nothing was imported", path)
	default:
		return file, nil
	}
	file.Close()
	return nil, err
}

// truncate cuts off what follows the last whole answer. What is open for
// appending cannot be cut everywhere: then the path is.
func truncate(path string, file *os.File, size int64) error {
	err := file.Truncate(size)
	if err != nil {
		err = os.Truncate(path, size)
	}
	if err != nil {
		return fmt.Errorf("cutting the result file: %w", err)
	}
	return nil
}

func same(path string, f *os.File) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	b, err := f.Stat()
	return err == nil && os.SameFile(a, b)
}

// stand holds a result file against the input and says from where to go on.
func stand(path string, before standing, in *input, f importFlags, what string) (standing, error) {
	if !f.Resume && in.file == os.Stdin {
		hint := "go on after it with --resume, or "
		if f.DryRun {
			hint = ""
		}
		return before, fmt.Errorf("there is a result file %s already, with answers up to line %d: %sname another with --results", path, before.line, hint)
	}
	if err := skip(in, before); err != nil {
		if errors.Is(err, errOtherInput) {
			return before, fmt.Errorf("the result file %s is not of %s, or of an import that was told otherwise: "+
				"up to line %d it was written for other text, kind, --source or --dry-run. Name another with --results, or move it away; nothing was imported", path, in.name, before.line)
		}
		return before, err
	}
	switch {
	case f.Resume:
		return before, nil
	case f.DryRun:
		return standing{}, in.again()
	}
	_, err := in.next()
	switch {
	case err == nil:
		return before, fmt.Errorf("the result file %s ends at line %d, before %s does. Go on with: %s\n"+
			"To begin anew, move it away or name another with --results; lines that are in already change nothing", path, before.line, in.name, f.again(what))
	case errors.Is(err, io.EOF):
		return standing{}, in.again()
	default:
		return before, err
	}
}

var errOtherInput = errors.New("another input")

// skip reads up to the last line that is answered, and makes sure that it is
// the same text.
func skip(in *input, to standing) error {
	for {
		it, err := in.next()
		switch {
		case errors.Is(err, io.EOF), err == nil && it.line > to.line:
			return errOtherInput
		case err != nil:
			return err
		case it.line < to.line:
			continue
		case it.sum != to.sum:
			return errOtherInput
		default:
			return nil
		}
	}
}

// mostAnswer is longer than any answer.
const mostAnswer = 1 << 20

// readReceipt reads a result file up to its last whole answer. Its end may be
// torn; anything else that is no answer is somebody else's, and is not touched.
func readReceipt(path string, f io.Reader) (before standing, err error) {
	r := bufio.NewReaderSize(f, mostAnswer)
	for {
		text, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) && torn(text) {
			return before, nil
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return before, fmt.Errorf("reading the result file: %w", err)
		}
		a, ok := readAnswered(text)
		if err != nil || !ok || a.Line <= before.line {
			return before, fmt.Errorf("%s is no result file of an import, or was changed: what is at byte %d is no answer to a line. It was left as it is; name another with --results", path, before.size)
		}
		before.line, before.sum = a.Line, a.Sum
		before.size += int64(len(text))
		before.sums.add(a.StatusCode, a.Created, a.Changed)
	}
}

// beginning is how every answer begins.
const beginning = `{"line":`

// torn says whether a text is what a crash leaves of an answer: its beginning,
// or the zeros of a file that grew and was not yet written.
func torn(text []byte) bool {
	n := min(len(text), len(beginning))
	return string(text[:n]) == beginning[:n] || len(bytes.Trim(text, "\x00")) == 0
}

// keptAnswer is what is read of an answer in a result file.
type keptAnswer struct {
	Line       int    `json:"line"`
	Sum        string `json:"sum"`
	StatusCode int    `json:"statusCode"`
	Created    bool   `json:"created"`
	Changed    bool   `json:"changed"`
}

func readAnswered(text []byte) (a keptAnswer, ok bool) {
	err := json.Unmarshal(bytes.TrimSpace(text), &a)
	return a, err == nil && a.Line > 0 && a.Sum != "" && a.StatusCode > 0
}

// write adds answers.
func (r *receipt) write(out []answered) error {
	if err := r.alone(); err != nil {
		return err
	}
	for _, a := range out {
		if _, err := r.w.Write(a.text); err != nil {
			return fmt.Errorf("writing results: %w", err)
		}
		r.size += int64(len(a.text))
	}
	if err := r.w.Flush(); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	if r.file == nil {
		return nil
	}
	if err := r.alone(); err != nil {
		return err
	}
	if time.Since(r.flushed) < durableEvery {
		return nil
	}
	r.flushed = time.Now()
	return r.file.Sync()
}

// alone says whether the file is as this import left it. Who takes no lock may
// have written to it.
func (r *receipt) alone() error {
	if r.file == nil {
		return nil
	}
	info, err := r.file.Stat()
	if err != nil {
		return fmt.Errorf("looking at the result file: %w", err)
	}
	if info.Size() != r.size {
		return fmt.Errorf("somebody else writes to the result file %s", r.path)
	}
	return nil
}

// close makes what was written durable.
func (r *receipt) close() error {
	if r.file == nil {
		return r.w.Flush()
	}
	return errors.Join(r.file.Sync(), r.file.Close())
}
