package otp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// To is where a code goes.
type To struct {
	Kind    user.AddressKind
	Key     string // canonical
	Display string
	Region  string // ISO 3166-1 alpha-2 of a phone
}

// Digits is how long a code is.
const Digits = 6

// least and span bound codes: six digits, of which the first is not 0.
const (
	least = 100_000
	span  = 900_000
)

// derive gives the code of a row. 64 bits over 900,000 values: one is likelier than
// another by less than one part in 10^13.
func (s *Service) derive(c store.Code) string {
	m := hmac.New(sha256.New, s.secret)
	for _, part := range []string{c.Purpose, string(c.Kind), c.Address, string(c.ID)} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		m.Write(n[:]) // so that no two rows are one text
		m.Write([]byte(part))
	}
	return strconv.FormatUint(least+binary.BigEndian.Uint64(m.Sum(nil))%span, 10)
}

// alive says whether a code can still be used.
func alive(c store.Code, now time.Time, allowed int) bool {
	return c.Used.IsZero() && now.Before(c.Until) && c.Wrong < allowed
}
