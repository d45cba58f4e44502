package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/store/sqlstore"
)

// Exporter is a database that can be read as a whole; *sqlstore.DB is.
type Exporter interface {
	Export(ctx context.Context, to sqlstore.Sink) error
}

// Write writes a backup and says what is in it; the schema of h is the
// database's. What was written is a backup only where there is no error.
func Write(ctx context.Context, w io.Writer, h Header, from Exporter) (Header, []Table, error) {
	z := gzip.NewWriter(w)
	out := &writer{to: bufio.NewWriterSize(z, 64<<10), header: h, whole: sha256.New()}
	if err := from.Export(ctx, out); err != nil {
		return h, nil, err
	}
	if err := out.end(); err != nil {
		return h, nil, err
	}
	var rows int64
	for _, t := range out.tables {
		rows += t.Rows
	}
	if err := out.line(last{true, len(out.tables), rows, hex.EncodeToString(out.whole.Sum(nil))}); err != nil {
		return h, nil, err
	}
	if err := out.to.Flush(); err != nil {
		return h, nil, err
	}
	return out.header, out.tables, z.Close()
}

// writer is a sqlstore.Sink.
type writer struct {
	to     *bufio.Writer
	header Header
	whole  hash.Hash // of all lines
	tables []Table
	open   bool
	sum    digest
	buf    bytes.Buffer
}

func (w *writer) line(v any) error {
	w.buf.Reset()
	enc := json.NewEncoder(&w.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing a line: %w", err)
	}
	_, _ = w.whole.Write(w.buf.Bytes()) // a hash never fails
	_, err := w.to.Write(w.buf.Bytes())
	return err
}

// Begin implements sqlstore.Sink.
func (w *writer) Begin(schema int64) error {
	w.header.Format, w.header.Schema = format, schema
	return w.line(w.header)
}

// Table implements sqlstore.Sink.
func (w *writer) Table(name string, columns []string) error {
	if err := w.end(); err != nil {
		return err
	}
	w.tables, w.open, w.sum = append(w.tables, Table{Name: name}), true, digest{}
	return w.line(start{name, columns})
}

// Row implements sqlstore.Sink.
func (w *writer) Row(values []any) error {
	for _, v := range values {
		if s, ok := v.(string); ok && !utf8.ValidString(s) {
			return errors.New("a text is not UTF-8, and would not come back as it is")
		}
	}
	if err := w.line(values); err != nil {
		return err
	}
	w.sum.add(w.buf.Bytes())
	w.tables[len(w.tables)-1].Rows++
	return nil
}

// end closes the table that is open.
func (w *writer) end() error {
	if !w.open {
		return nil
	}
	w.open = false
	t := &w.tables[len(w.tables)-1]
	t.Digest = w.sum.String()
	return w.line(*t)
}
