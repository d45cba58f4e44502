package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/bits"
	"time"
)

// format is the version of the file's own form.
const format = 1

// ErrNotABackup says that a file is something else, or broke off, or was
// changed. What it wraps says where.
var ErrNotABackup = errors.New("not a whole backup")

// Header begins the file.
type Header struct {
	Format  int       `json:"usher_backup"`
	Schema  int64     `json:"schema"`  // version of the tables
	Version string    `json:"version"` // of the program
	Made    time.Time `json:"made"`
	Realm   string    `json:"realm"` // that usher serves; the rows name their own
	// Key names the key that wraps the secrets within: token.KEK.ID. The key
	// itself is not in the file.
	Key string `json:"key"`
}

// Table is what the file says of one table after its rows.
type Table struct {
	Name string `json:"end"`
	Rows int64  `json:"rows"`
	// Digest is of all rows in whatever order, in hexadecimal.
	Digest string `json:"digest"`
}

// start is the line before a table's rows.
type start struct {
	Name    string   `json:"table"`
	Columns []string `json:"columns"`
}

// last is the last line.
type last struct {
	Done   bool   `json:"done"`
	Tables int    `json:"tables"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // of all lines before, in hexadecimal
}

// digest adds up the hashes of rows as numbers of 256 bits: two tables with the
// same rows have the same, however their databases order them.
type digest [4]uint64

func (d *digest) add(row []byte) {
	h := sha256.Sum256(row)
	var carry uint64
	for i := range d {
		var w uint64
		for _, b := range h[i*8 : i*8+8] {
			w = w<<8 | uint64(b)
		}
		d[i], carry = bits.Add64(d[i], w, carry)
	}
}

func (d *digest) String() string {
	var b []byte
	for _, w := range d {
		for s := 56; s >= 0; s -= 8 {
			b = append(b, byte(w>>s))
		}
	}
	return hex.EncodeToString(b)
}
