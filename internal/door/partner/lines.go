package partner

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// MaxLine is the longest line of a batch, its end included.
const MaxLine = maxBody

// ErrLongLine says that a line is longer than MaxLine. The next one can be
// read.
var ErrLongLine = errors.New("line too long")

// Lines cuts a stream into lines of bounded length.
type Lines struct {
	r        *bufio.Reader
	skipping bool // the rest of a line that is too long
	// passed sees all that was read, piece by piece and in order, before the line
	// it belongs to is given out; nil for nobody.
	passed func([]byte)
}

// NewLines cuts r. passed sees every byte of each line before Next gives the
// line, also of one that is too long; nil for nobody.
func NewLines(r io.Reader, passed func([]byte)) *Lines {
	if passed == nil {
		passed = func([]byte) {}
	}
	return &Lines{r: bufio.NewReaderSize(r, MaxLine), passed: passed}
}

// Next gives a line, good until the following call. A line that is too long is
// skipped and said so by ErrLongLine; io.EOF comes after the last.
func (l *Lines) Next() ([]byte, error) {
	text, err := l.r.ReadSlice('\n')
	l.passed(text)
	switch {
	case err == nil:
		return text, nil
	case errors.Is(err, io.EOF) && len(text) > 0:
		return text, nil
	case !errors.Is(err, bufio.ErrBufferFull):
		return nil, err
	}
	l.skipping = true
	for errors.Is(err, bufio.ErrBufferFull) {
		text, err = l.r.ReadSlice('\n')
		l.passed(text)
	}
	l.skipping = false
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, ErrLongLine
}

// begun says whether a part of a line has come that is not whole yet, in the
// moment of reading more.
func (l *Lines) begun() bool { return l.skipping || l.r.Buffered() > 0 }

// waiting says whether a whole line has come already.
func (l *Lines) waiting() bool {
	have, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(have, '\n') >= 0
}
