package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// KindMail is a mail to one address; its payload is Mail.
const KindMail = "mail"

// Mail is what the domain says of a mail, and effect/mail writes it from.
type Mail struct {
	// To is the stored address of the account, never one from a request.
	To       string            `json:"to"`
	Template string            `json:"template"` // a mail of effect/mail, as "linked" or "activate"
	Lang     string            `json:"lang,omitempty"`
	Data     map[string]string `json:"data,omitempty"`
}

// New is a job about to be queued.
type New struct {
	Kind string
	// Key makes a second job of the same kind and key vanish; empty: no key.
	Key     string
	User    user.ID // whom it is about, so that erasing the user finds it
	Payload any     // becomes JSON
	Due     time.Time
}

// Enqueue queues a job in the transaction of the change that calls for it. A
// job whose kind and key are there already, done or not, is not queued again.
func Enqueue(tx store.Tx, n New) error {
	payload, err := json.Marshal(n.Payload)
	if err != nil {
		return fmt.Errorf("writing the payload of a %s job: %w", n.Kind, err)
	}
	now := tx.Now()
	if n.Due.IsZero() {
		n.Due = now
	}
	err = store.Insert(tx, store.Job{
		ID: tx.NewID(), Kind: n.Kind, Key: n.Key, User: n.User, Payload: payload,
		State: store.JobDue, Due: n.Due, Created: now,
	})
	if n.Key != "" && errors.Is(err, store.ErrExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("queueing a %s job: %w", n.Kind, err)
	}
	return nil
}

// most bounds how many dead jobs are looked at; more of them than this is one
// fault many times over.
const most = 10_000

// Dead lists the jobs that were given up, for somebody to look at.
func Dead(r store.Reader) ([]store.Job, error) {
	jobs, err := r.Jobs(store.JobDead, most)
	if err != nil {
		return nil, fmt.Errorf("reading dead jobs: %w", err)
	}
	return jobs, nil
}

// Retry makes a dead job due again, with all its attempts before it. It gives
// store.ErrNotFound when no dead job has that id.
func Retry(tx store.Tx, id user.ID) error {
	dead, err := Dead(tx)
	if err != nil {
		return err
	}
	for _, j := range dead {
		if j.ID != id {
			continue
		}
		j.State, j.Due, j.Attempts = store.JobDue, tx.Now(), 0
		if err := store.Put(tx, j); err != nil {
			return fmt.Errorf("retrying job %s: %w", id, err)
		}
		return nil
	}
	return fmt.Errorf("retrying job %s: %w", id, store.ErrNotFound)
}
