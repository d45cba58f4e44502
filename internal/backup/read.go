package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/usher-id/usher/internal/store/sqlstore"
)

// maxLine bounds one row: no column holds more than a few mails.
const maxLine = 64 << 20

// Reader reads a backup. It is a sqlstore.Source; each digest is checked at the
// end of its table, and that of the file at its end.
type Reader struct {
	Header Header

	lines  *bufio.Scanner
	whole  hash.Hash // of all lines
	chain  chain
	tables []Table
	within *start
	rows   int64
	sum    digest
	ended  bool
}

func broken(f string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotABackup, fmt.Sprintf(f, args...))
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	z, err := gzip.NewReader(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, broken("%v", err)
	}
	out := &Reader{lines: bufio.NewScanner(z), whole: sha256.New()}
	out.lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	line, err := out.line()
	if err != nil {
		return nil, err
	}
	if err := strict(line, &out.Header); err != nil {
		return nil, broken("its first line is no header")
	}
	if out.Header.Format != format {
		return nil, fmt.Errorf("the backup has form %d, and this program reads %d", out.Header.Format, format)
	}
	return out, nil
}

func (r *Reader) line() ([]byte, error) {
	if r.lines.Scan() {
		_, _ = r.whole.Write(r.lines.Bytes()) // a hash never fails
		_, _ = r.whole.Write([]byte{'\n'})
		return r.lines.Bytes(), nil
	}
	if err := r.lines.Err(); err != nil {
		return nil, broken("%v", err)
	}
	return nil, broken("it breaks off")
}

func strict(line []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("more than one value")
	}
	return nil
}

// Next implements sqlstore.Source.
func (r *Reader) Next() (string, []string, error) {
	if r.ended {
		return "", nil, io.EOF
	}
	whole := hex.EncodeToString(r.whole.Sum(nil))
	line, err := r.line()
	if err != nil {
		return "", nil, err
	}
	var s start
	if err := strict(line, &s); err == nil && s.Name != "" {
		r.within, r.rows, r.sum = &s, 0, digest{}
		return s.Name, s.Columns, nil
	}
	var l last
	if err := strict(line, &l); err != nil || !l.Done {
		return "", nil, broken("a line is neither a table nor the end")
	}
	var rows int64
	for _, t := range r.tables {
		rows += t.Rows
	}
	if l.Tables != len(r.tables) || l.Rows != rows {
		return "", nil, broken("it says that it has %d rows in %d tables, and has %d in %d", l.Rows, l.Tables, rows, len(r.tables))
	}
	if l.SHA256 != whole {
		return "", nil, broken("its lines are not as they were written")
	}
	if r.lines.Scan() {
		return "", nil, broken("something follows its end")
	}
	if err := r.lines.Err(); err != nil { // the check sum of the file
		return "", nil, broken("%v", err)
	}
	r.ended = true
	return "", nil, io.EOF
}

// Row implements sqlstore.Source.
func (r *Reader) Row() ([]any, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	if len(line) > 0 && line[0] == '{' {
		return nil, r.endTable(line)
	}
	var values []any
	if err := strict(line, &values); err != nil || len(values) != len(r.within.Columns) {
		return nil, broken("row %d of table %s cannot be read", r.rows+1, r.within.Name)
	}
	for i, v := range values {
		switch v := v.(type) {
		case string:
		case json.Number:
			if values[i], err = v.Int64(); err != nil {
				return nil, broken("row %d of table %s has an odd number", r.rows+1, r.within.Name)
			}
		default:
			return nil, broken("row %d of table %s has a value of no known kind", r.rows+1, r.within.Name)
		}
	}
	r.sum.add(append(bytes.Clone(line), '\n'))
	r.rows++
	if r.within.Name == sqlstore.EventsTable {
		r.chain.add(r.within.Columns, values)
	}
	return values, nil
}

func (r *Reader) endTable(line []byte) error {
	var t Table
	if err := strict(line, &t); err != nil || t.Name != r.within.Name {
		return broken("table %s has no end", r.within.Name)
	}
	if t.Rows != r.rows || t.Digest != r.sum.String() {
		return broken("table %s is not as it was written", t.Name)
	}
	r.tables, r.within = append(r.tables, t), nil
	return io.EOF
}

// Tables are those that were read to their end.
func (r *Reader) Tables() []Table { return r.tables }

// Events says whether the chain of the events held as far as it was read; a
// *event.BrokenError where not. A backup of a database whose chain was broken is
// as whole as any.
func (r *Reader) Events() error { return r.chain.end() }

// Verified is what Verify found.
type Verified struct {
	Header Header
	Tables []Table
	Events error // as of Reader.Events
}

// Verify reads a backup to its end and writes nothing.
func Verify(from io.Reader) (Verified, error) {
	r, err := NewReader(from)
	if err != nil {
		return Verified{}, err
	}
	for {
		_, _, err := r.Next()
		if errors.Is(err, io.EOF) {
			return Verified{r.Header, r.Tables(), r.Events()}, nil
		}
		for err == nil {
			_, err = r.Row()
		}
		if !errors.Is(err, io.EOF) {
			return Verified{Header: r.Header}, err
		}
	}
}
