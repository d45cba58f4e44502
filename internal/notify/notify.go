// Package notify queues the mails that tell people what happened to their
// account. They go to a proven address only: an unproven one may be somebody
// else's.
//
//	admission ── "linked" ──────┐
//	signin ───── "locked-out" ──┴─> Owner ─> a mail job in the same transaction
//
// Neighbours: job keeps the queue, effect/mail writes and sends.
package notify

import (
	"fmt"
	"maps"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Owner queues a mail to the first e-mail address that a user owns; without
// one nothing is sent. once tells a repetition of the same notice.
func Owner(tx store.Tx, u user.User, template, once string, data map[string]string) error {
	owned, err := tx.Owned(u.ID)
	if err != nil {
		return fmt.Errorf("reading the owned addresses of %s: %w", u.ID, err)
	}
	for _, o := range owned {
		if o.Kind != user.Email {
			continue
		}
		told := map[string]string{}
		maps.Copy(told, data)
		if n := u.Profile.Text(user.Name); n != "" {
			told["name"] = n
		}
		return job.Enqueue(tx, job.New{
			Kind: job.KindMail, Key: template + ":" + string(u.ID) + ":" + once, User: u.ID,
			Payload: job.Mail{To: o.Address, Template: template, Lang: u.Profile.Text(user.Locale), Data: told},
		})
	}
	return nil
}
