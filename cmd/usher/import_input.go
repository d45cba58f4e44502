package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/usher-id/usher/internal/door/partner"
)

// item is one line of what is imported; of CSV one record.
type item struct {
	line int   // where it begins, from 1
	end  int64 // where it ends, in bytes
	// sum says what was read so far, this line included.
	sum string
	// One of these is set.
	text    []byte                     // JSON, good until the next is read
	members map[string]json.RawMessage // of a record of CSV
	long    bool                       // longer than a line may be
	problem string                     // it cannot be read
}

// items gives one after another, and io.EOF after the last.
type items interface{ next() (item, error) }

// input is what is imported. It keeps nothing of what it has given.
type input struct {
	items
	name string
	file *os.File
	size int64 // 0 where it is not known
	seed string
	read *reading
}

// reading is how far an input was read: how many bytes, and their digest.
type reading struct {
	bytes  int64
	digest hash.Hash
}

func newReading(seed string) *reading {
	r := &reading{digest: sha256.New()}
	r.digest.Write([]byte(seed + "\n"))
	return r
}

func (r *reading) pass(p []byte) {
	r.bytes += int64(len(p))
	r.digest.Write(p)
}

// sum is enough of the digest to tell two inputs apart; nobody gains by making
// two that agree.
func (r *reading) sum() string { return hex.EncodeToString(r.digest.Sum(nil)[:8]) }

// openInput opens what is named. What lies under no such name, or is no text,
// is wrong use.
func openInput(name, seed string) (*input, error) {
	in := &input{name: name, file: os.Stdin, seed: seed}
	if name != standard {
		f, err := os.Open(name)
		if err != nil {
			why := err
			if e, ok := errors.AsType[*fs.PathError](err); ok {
				why = e.Err
			}
			return nil, usageError{fmt.Errorf("cannot read %s: %w", name, why)}
		}
		in.file = f
	}
	info, err := in.file.Stat()
	if err == nil && info.IsDir() {
		err = usageError{fmt.Errorf("%s is a folder; it must be a file", name)}
	}
	if err == nil {
		if info.Mode().IsRegular() {
			in.size = info.Size()
		}
		err = in.begin()
	}
	if err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *input) begin() error {
	in.read = newReading(in.seed)
	if strings.EqualFold(filepath.Ext(in.name), ".csv") {
		records, err := newRecords(in.file, in.read)
		in.items = records
		return err
	}
	in.items = newJSONLines(in.file, in.read)
	return nil
}

// again goes back to the beginning; not possible for standard input.
func (in *input) again() error {
	if _, err := in.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading %s again: %w", in.name, err)
	}
	return in.begin()
}

func (in *input) close() {
	if in.file != os.Stdin {
		in.file.Close()
	}
}

const byteOrderMark = "\xef\xbb\xbf"

// utf16 says whether a text begins as programs write UTF-16.
func utf16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}

var errUTF16 = usageError{errors.New("the file is in UTF-16; save it in UTF-8")}

// jsonLines are the lines of NDJSON that are not blank.
type jsonLines struct {
	lines *partner.Lines
	read  *reading
	n     int
}

func newJSONLines(r io.Reader, read *reading) *jsonLines {
	return &jsonLines{lines: partner.NewLines(r, read.pass), read: read}
}

func (j *jsonLines) next() (item, error) {
	for {
		text, err := j.lines.Next()
		long := errors.Is(err, partner.ErrLongLine)
		if err != nil && !long {
			return item{}, err
		}
		if j.n++; j.n == 1 {
			if utf16(text) {
				return item{}, errUTF16
			}
			text = bytes.TrimPrefix(text, []byte(byteOrderMark))
		}
		if !long && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		return item{line: j.n, end: j.read.bytes, sum: j.read.sum(), text: text, long: long}, nil
	}
}
