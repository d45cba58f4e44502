package event

import (
	"encoding/json"
	"fmt"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// New is an event about to be written.
type New struct {
	Kind Kind
	User user.ID // whom it is about; empty for the realm itself
	// Actor is who did it: a user's id, "__system", an operator's name; of a
	// sign-in that failed, whom it claimed to be.
	Actor string
	Door  user.Door // where it came in
	// Body becomes JSON. It may hold personal data, since erasing a user
	// empties it; it must never hold a password, a code or a token.
	Body any
}

// Append writes an event in the transaction of the change that it records.
func Append(tx store.Tx, e New) error {
	body := []byte("{}") // an empty body means erased
	if e.Body != nil {
		var err error
		if body, err = json.Marshal(e.Body); err != nil {
			return fmt.Errorf("writing the body of %s: %w", e.Kind, err)
		}
	}
	salt := tx.NewUUID()
	err := store.InsertLater(tx, store.Event{
		ID: tx.NewID(), Kind: string(e.Kind), User: e.User, Actor: e.Actor, Door: e.Door,
		At: tx.Now(), Body: body, Salt: salt[:],
	})
	if err != nil {
		return fmt.Errorf("recording %s: %w", e.Kind, err)
	}
	return nil
}
