package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/door/partner"
	"github.com/usher-id/usher/internal/jsonx"
	"github.com/usher-id/usher/internal/nearest"
)

// records are those of a CSV file whose first line names the members of a
// user. A cell that is empty is a member that was not sent.
type records struct {
	csv  *csv.Reader
	raw  *bounded
	read *reading
	cols []partner.Member
}

func newRecords(r io.Reader, read *reading) (*records, error) {
	c := &records{raw: &bounded{r: r}, read: read}
	begin := bufio.NewReaderSize(c.raw, 4096)
	mark, err := begin.Peek(len(byteOrderMark))
	switch {
	case utf16(mark):
		return nil, errUTF16
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case string(mark) == byteOrderMark:
		c.raw.before = int64(len(mark))
		_, _ = begin.Discard(len(mark)) // they were just seen
	}
	c.csv = csv.NewReader(begin)
	head, err := c.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, usageError{errors.New("the file is empty; its first line must name the columns")}
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("the line that names the columns: %w", err)}
	}
	c.cols, err = columns(head)
	c.pass()
	return c, err
}

// columns are the members that a head names.
func columns(head []string) ([]partner.Member, error) {
	known := map[string]partner.Member{}
	var names []string
	for _, m := range partner.Members() {
		known[m.Name] = m
		names = append(names, m.Name)
	}
	seen := map[string]bool{}
	cols := make([]partner.Member, len(head))
	for i, name := range head {
		m, ok := known[name]
		switch {
		case !ok:
			hint := ""
			if best, near := nearest.To(name, names); near {
				hint = fmt.Sprintf(" Did you mean %s?", best)
			}
			return nil, usageError{fmt.Errorf("unknown column %q.%s Columns are %s", name, hint, strings.Join(names, ", "))}
		case seen[name]:
			return nil, usageError{fmt.Errorf("the column %s is there twice", name)}
		}
		seen[name], cols[i] = true, m
	}
	return cols, nil
}

// pass hands on what the record that was just read consists of.
func (c *records) pass() { c.read.pass(c.raw.upTo(c.csv.InputOffset())) }

func (c *records) next() (item, error) {
	row, err := c.csv.Read()
	bad, wrong := errors.AsType[*csv.ParseError](err)
	if err != nil && !wrong {
		return item{}, err
	}
	c.pass()
	it := item{end: c.read.bytes, sum: c.read.sum()}
	if wrong {
		it.line, it.problem = bad.StartLine, "Invalid CSV: "+bad.Err.Error()
		return it, nil
	}
	it.line, _ = c.csv.FieldPos(0)
	it.members, it.problem = c.members(row)
	return it, nil
}

// members are a record's cells as JSON has them.
func (c *records) members(row []string) (map[string]json.RawMessage, string) {
	m := map[string]json.RawMessage{}
	for i, cell := range row {
		if !utf8.ValidString(cell) {
			return nil, "Invalid CSV: " + c.cols[i].Name + " is not in UTF-8"
		}
		if cell == "" {
			continue
		}
		v, err := value(c.cols[i], cell)
		if err != nil {
			return nil, err.Error()
		}
		m[c.cols[i].Name] = v
	}
	return m, ""
}

// value is a cell as JSON has it: a flag as spreadsheets write it, a list as
// JSON, or its texts with ; between them. What is neither stays a text, and is
// refused as one.
func value(m partner.Member, cell string) (json.RawMessage, error) {
	switch {
	case m.Kind == partner.FlagMember && (strings.EqualFold(cell, "true") || strings.EqualFold(cell, "false")):
		return json.RawMessage(strings.ToLower(cell)), nil
	case m.Kind == partner.ListMember && strings.HasPrefix(strings.TrimSpace(cell), "["):
		return jsonCell(m.Name, cell)
	case m.Kind == partner.ListMember:
		var list []string
		for text := range strings.SplitSeq(cell, ";") {
			list = append(list, strings.TrimSpace(text))
		}
		return json.Marshal(list)
	default:
		return json.Marshal(cell)
	}
}

// jsonCell is a cell that holds JSON, checked as a line is.
func jsonCell(name, cell string) (json.RawMessage, error) {
	if err := jsonx.Check([]byte(cell), jsonx.Options{}); err != nil {
		return nil, fmt.Errorf("Invalid JSON in %s: %w", name, err) //nolint:staticcheck // said as the door says it
	}
	return json.RawMessage(cell), nil
}

// bounded is a stream of which only so much is read as a record may be long: an
// opened quote that nobody closes would take in all the rest.
type bounded struct {
	r      io.Reader
	before int64 // bytes that the reader of records is not told of
	taken  int64
	ahead  bytes.Buffer // read, and not yet part of a record
}

// mostAhead is how much is read beyond the last record: one, and a buffer.
const mostAhead = partner.MaxLine + 16<<10

var errLongRecord = fmt.Errorf("a record is longer than %d bytes: is a closing quote missing?", partner.MaxLine)

func (b *bounded) Read(p []byte) (int, error) {
	if b.ahead.Len() >= mostAhead {
		return 0, errLongRecord
	}
	n, err := b.r.Read(p)
	b.ahead.Write(p[:n])
	return n, err
}

// upTo gives what lies before an offset and was not given yet.
func (b *bounded) upTo(offset int64) []byte {
	part := b.ahead.Next(int(offset + b.before - b.taken))
	b.taken += int64(len(part))
	return part
}
