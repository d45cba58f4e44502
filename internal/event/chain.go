package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/usher-id/usher/internal/store"
)

// bodyHash is SHA-256(salt ‖ body). The salt has a fixed length, so the two
// cannot be shifted against each other.
func bodyHash(e store.Event) []byte {
	h := sha256.New()
	h.Write(e.Salt)
	h.Write(e.Body)
	return h.Sum(nil)
}

// link is SHA-256(previous link ‖ header ‖ body hash); the first event follows
// 32 zero bytes.
func link(prev []byte, e store.Event) []byte {
	if len(prev) == 0 {
		prev = make([]byte, sha256.Size)
	}
	h := sha256.New()
	h.Write(prev)
	h.Write(header(e))
	h.Write(e.BodyHash)
	return h.Sum(nil)
}

// header is what stays of an event when its body is erased: id, kind, user,
// actor and door, each led by its length in four bytes, then the time in µs
// since 1970 in eight, all big-endian.
func header(e store.Event) []byte {
	var b []byte
	for _, f := range []string{string(e.ID), e.Kind, string(e.User), e.Actor, string(e.Door)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(e.At.UnixMicro()))
}

// Sequenced is what Verify reads.
type Sequenced interface {
	Events(after int64, limit int) ([]store.Event, error)
}

// BrokenError says where the chain no longer holds.
type BrokenError struct {
	Seq    int64
	Reason string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("event %d: %s", e.Seq, e.Reason)
}

const page = 500

// Verify walks the chain from the event with the given number (1 for all of
// it) to the newest, and gives a *BrokenError for the first that does not fit.
// The link before the first is taken as it stands.
func Verify(r Sequenced, from int64) error {
	from = max(from, 1)
	var prev []byte
	if from > 1 {
		before, err := r.Events(from-2, 1)
		if err != nil {
			return fmt.Errorf("reading event %d: %w", from-1, err)
		}
		if len(before) == 0 || before[0].Seq != from-1 {
			return &BrokenError{from - 1, "is missing"}
		}
		prev = before[0].Chain
	}
	for next := from; ; {
		events, err := r.Events(next-1, page)
		if err != nil {
			return fmt.Errorf("reading events after %d: %w", next-1, err)
		}
		if len(events) == 0 {
			return nil
		}
		for _, e := range events {
			if e.Seq != next {
				return &BrokenError{next, "is missing"}
			}
			if len(e.Body) > 0 && !bytes.Equal(e.BodyHash, bodyHash(e)) {
				return &BrokenError{e.Seq, "its body was changed"}
			}
			if !bytes.Equal(e.Chain, link(prev, e)) {
				return &BrokenError{e.Seq, "it was changed, or something before it was"}
			}
			prev = e.Chain
			next++
		}
	}
}
