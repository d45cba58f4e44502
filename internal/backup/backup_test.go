package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/backup"
	"github.com/usher-id/usher/internal/store/sqlstore"
)

// tables is a database of few rows.
type tables []struct {
	name    string
	columns []string
	rows    [][]any
}

func (ts tables) Export(_ context.Context, to sqlstore.Sink) error {
	for _, t := range ts {
		if err := to.Table(t.name, t.columns); err != nil {
			return err
		}
		for _, r := range t.rows {
			if err := to.Row(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func some() tables {
	return tables{
		{"empty", []string{"a"}, nil},
		{"odd", []string{"text", "number"}, [][]any{
			{"", int64(0)}, {"<é\u2028\"\\\n\x00&>", int64(-1)}, {"{\"json\":[1]}", int64(1<<63 - 1)}, {"x", int64(-1 << 63)},
		}},
		{"twins", []string{"n"}, [][]any{{int64(1)}, {int64(1)}, {int64(2)}}},
	}
}

var header = backup.Header{Schema: 3, Version: "1.2.3", Made: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Key: "0011"}

func written(t *testing.T, from backup.Exporter) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := backup.Write(t.Context(), &b, header, from); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What was written is read, value for value.
func TestReadsWhatWasWritten(t *testing.T) {
	r, err := backup.NewReader(bytes.NewReader(written(t, some())))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Schema != 3 || r.Header.Version != "1.2.3" || r.Header.Key != "0011" || !r.Header.Made.Equal(header.Made) {
		t.Errorf("header %+v", r.Header)
	}
	var got tables
	for {
		name, columns, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var rows [][]any
		for {
			row, err := r.Row()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		got = append(got, tables{{name, columns, rows}}...)
	}
	if !reflect.DeepEqual(got, some()) {
		t.Errorf("read\n%v\nwant\n%v", got, some())
	}
}

// The digest of a table is that of its rows, in whatever order, and each as
// often as it is there.
func TestDigestsDoNotDependOnOrder(t *testing.T) {
	digest := func(rows ...[]any) string {
		_, all, err := backup.Verify(bytes.NewReader(written(t, tables{{"t", []string{"n"}, rows}})))
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Digest
	}
	one, two := []any{int64(1)}, []any{int64(2)}
	if digest(one, two) != digest(two, one) {
		t.Error("the order shows")
	}
	if digest(one, one, two) == digest(one, two, two) || digest(one, one) == digest() {
		t.Error("how often a row is there does not show")
	}
}

// Cut short anywhere it is no backup; with any bit turned it is none either, or
// says the same.
func TestBrokenFilesAreRefused(t *testing.T) {
	whole := written(t, some())
	h, all, err := backup.Verify(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, _, err := backup.Verify(bytes.NewReader(whole[:n])); !errors.Is(err, backup.ErrNotABackup) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	for i := range whole {
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << bit
			gotHeader, got, err := backup.Verify(bytes.NewReader(flipped))
			if err == nil && (!reflect.DeepEqual(got, all) || gotHeader != h) {
				t.Errorf("byte %d, bit %d: taken as another backup", i, bit)
			}
		}
	}
	for name, text := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "twice": append(bytes.Clone(whole), whole...), "more": append(bytes.Clone(whole), 'x'),
	} {
		if _, _, err := backup.Verify(bytes.NewReader(text)); !errors.Is(err, backup.ErrNotABackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A text that would come back changed is not written.
func TestTextsThatAreNotUTF8(t *testing.T) {
	_, err := backup.Write(t.Context(), io.Discard, header, tables{{"t", []string{"a"}, [][]any{{"\xff"}}}})
	if err == nil {
		t.Error("it was written")
	}
}

// failing breaks off within a table.
type failing struct{ tables }

func (f failing) Export(ctx context.Context, to sqlstore.Sink) error {
	return errors.Join(f.tables.Export(ctx, to), fmt.Errorf("disk on fire"))
}

func TestWhatBreaksOffIsNoBackup(t *testing.T) {
	var b bytes.Buffer
	if _, err := backup.Write(t.Context(), &b, header, failing{some()}); err == nil {
		t.Fatal("no error")
	}
	if _, _, err := backup.Verify(&b); err == nil {
		t.Error("what was written of it is whole")
	}
}
