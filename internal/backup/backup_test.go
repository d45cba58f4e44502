package backup_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
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
	if err := to.Begin(3); err != nil {
		return err
	}
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

var header = backup.Header{Version: "1.2.3", Made: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Realm: "main", Key: "0011"}

func written(t *testing.T, from backup.Exporter) []byte {
	t.Helper()
	var b bytes.Buffer
	h, _, err := backup.Write(t.Context(), &b, header, from)
	if err != nil || h.Schema < 3 {
		t.Fatalf("schema %d: %v", h.Schema, err)
	}
	return b.Bytes()
}

// What was written is read, value for value.
func TestReadsWhatWasWritten(t *testing.T) {
	r, err := backup.NewReader(bytes.NewReader(written(t, some())))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Schema != 3 || r.Header.Realm != "main" || r.Header.Version != "1.2.3" || r.Header.Key != "0011" || !r.Header.Made.Equal(header.Made) {
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
		v, err := backup.Verify(bytes.NewReader(written(t, tables{{"t", []string{"n"}, rows}})))
		if err != nil {
			t.Fatal(err)
		}
		return v.Tables[0].Digest
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
	said, err := backup.Verify(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, err := backup.Verify(bytes.NewReader(whole[:n])); !errors.Is(err, backup.ErrNotABackup) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	for i := range whole {
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << bit
			got, err := backup.Verify(bytes.NewReader(flipped))
			if err == nil && !reflect.DeepEqual(got, said) { //nolint:govet // it holds no error where err is nil
				t.Errorf("byte %d, bit %d: taken as another backup", i, bit)
			}
		}
	}
	for name, text := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "twice": append(bytes.Clone(whole), whole...), "more": append(bytes.Clone(whole), 'x'),
	} {
		if _, err := backup.Verify(bytes.NewReader(text)); !errors.Is(err, backup.ErrNotABackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A text that would come back changed is not written.
func TestTextsThatAreNotUTF8(t *testing.T) {
	_, _, err := backup.Write(t.Context(), io.Discard, header, tables{{"t", []string{"a"}, [][]any{{"\xff"}}}})
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
	if _, _, err := backup.Write(t.Context(), &b, header, failing{some()}); err == nil {
		t.Fatal("no error")
	}
	if _, err := backup.Verify(&b); err == nil {
		t.Error("what was written of it is whole")
	}
}

// repacked changes the lines of a backup, and packs them anew: the check sum of
// the packing is right.
func repacked(t *testing.T, whole []byte, change func(lines string) string) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(text))
	if changed == string(text) {
		t.Fatal("given a change")
	}
	var b bytes.Buffer
	out := gzip.NewWriter(&b)
	if _, err := io.WriteString(out, changed); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What was changed with a sound packing around it is no backup either.
func TestChangedLinesAreRefused(t *testing.T) {
	whole := written(t, some())
	for name, change := range map[string]func(string) string{
		"a value":         func(s string) string { return strings.Replace(s, `["",0]`, `["",1]`, 1) },
		"the key":         func(s string) string { return strings.Replace(s, `"0011"`, `"0012"`, 1) },
		"a column":        func(s string) string { return strings.Replace(s, `"number"`, `"numbers"`, 1) },
		"rows in turn":    func(s string) string { return strings.Replace(s, "[1]\n[2]\n", "[2]\n[1]\n", 1) },
		"a row less":      func(s string) string { return strings.Replace(s, "[2]\n", "", 1) },
		"a row twice":     func(s string) string { return strings.Replace(s, "[2]\n", "[2]\n[2]\n", 1) },
		"no end":          func(s string) string { return s[:strings.LastIndex(s, `{"done"`)] },
		"end of a table":  func(s string) string { return strings.Replace(s, `{"end":"twins"`, `{"end":"odd"`, 1) },
		"an odd number":   func(s string) string { return strings.Replace(s, "[2]\n", "[2.5]\n", 1) },
		"a value within":  func(s string) string { return strings.Replace(s, "[2]\n", "[[2]]\n", 1) },
		"a value more":    func(s string) string { return strings.Replace(s, "[2]\n", "[2,2]\n", 1) },
		"nothing":         func(s string) string { return strings.Replace(s, "[2]\n", "[null]\n", 1) },
		"a line too many": func(s string) string { return s + "\n" },
	} {
		if _, err := backup.Verify(bytes.NewReader(repacked(t, whole, change))); !errors.Is(err, backup.ErrNotABackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := repacked(t, whole, func(s string) string { return strings.Replace(s, `"usher_backup":1`, `"usher_backup":2`, 1) })
	if _, err := backup.Verify(bytes.NewReader(other)); err == nil || errors.Is(err, backup.ErrNotABackup) {
		t.Errorf("of another form: %v", err)
	}
}
