package sms

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/store"
)

// Inbox is the transport of development mode: it keeps messages where web shows
// them, and sends nothing.
type Inbox struct{ store store.Store }

// NewInbox makes the development inbox.
func NewInbox(s store.Store) *Inbox { return &Inbox{s} }

// Send keeps the message; a second one with the same id changes nothing.
func (i *Inbox) Send(ctx context.Context, m Message) error {
	err := i.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		return store.Insert(tx, store.Message{ID: m.ID, Channel: "sms", To: m.To, Text: m.Text, Sent: tx.Now()})
	})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("keeping a message: %w", err)
	}
	return nil
}
