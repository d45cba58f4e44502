package session

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

// verified remembers edi-tokens whose signature was checked, since a browser
// sends the same one with every request. It says only that the text is a token
// that these keys signed: whether its session is alive is read each time. What
// is kept is bound to the ring of that moment, so that a key that is taken out
// takes its tokens along.
type verified struct {
	mu   sync.Mutex
	ring *token.Ring
	seen map[[sha256.Size]byte]seen
}

// seen is what Cookie needs of a token's claims.
type seen struct {
	subject, hd     string
	id              user.ID
	issued, expires time.Time
}

// maxVerified bounds how many tokens are remembered: about a megabyte.
const maxVerified = 4096

// own verifies a token, or recalls that it was verified.
func (v *verified) own(by *token.Verifier, ring *token.Ring, text string, now time.Time) (seen, error) {
	key := sha256.Sum256([]byte(text))
	if c, ok := v.recall(key, ring, now); ok {
		return c, nil
	}
	claims, err := by.Verify(text)
	if err != nil {
		return seen{}, err
	}
	c := seen{
		subject: claims.Subject, hd: claims.Text("hd"), id: user.ID(claims.ID),
		issued: claims.IssuedAt, expires: claims.Expires,
	}
	v.keep(key, ring, c)
	return c, nil
}

func (v *verified) recall(key [sha256.Size]byte, ring *token.Ring, now time.Time) (seen, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c, ok := v.seen[key]
	return c, ok && v.ring == ring && now.Before(c.expires)
}

func (v *verified) keep(key [sha256.Size]byte, ring *token.Ring, c seen) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ring != ring || v.seen == nil {
		v.ring, v.seen = ring, map[[sha256.Size]byte]seen{}
	}
	for old := range v.seen {
		if len(v.seen) < maxVerified {
			break
		}
		delete(v.seen, old) // any: maps are walked from a random place
	}
	v.seen[key] = c
}
