package mailed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// action is what usher knows of a kind of token.
type action struct {
	life time.Duration
	path string // of the page that the link opens
}

// actions, never written to: lives and paths of contract sections 6 and 9.
var actions = map[django.Action]action{
	django.Activation:          {7 * 24 * time.Hour, "activate"},
	django.SecondaryActivation: {time.Hour, "activate"},
	django.PasswordReset:       {time.Hour, "password-reset"},
	django.PasswordSet:         {time.Hour, "password-set"},
}

// Post sends and opens mailed tokens.
type Post struct {
	signer *django.Signer
	base   string // of links
	site   string // what mails call the place
}

// New makes a post whose links begin with publicURL, an absolute URL.
func New(signer *django.Signer, publicURL string) (*Post, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("links in mails need an absolute public_url, not %q", publicURL)
	}
	return &Post{signer: signer, base: strings.TrimSuffix(publicURL, "/"), site: u.Host}, nil
}

// Template is a mail that effect/mail knows how to write.
type Template string

// The mails of this package.
const (
	Activate          Template = "activate"
	ActivateRenew     Template = "activate-renew"
	ActivateSecond    Template = "activate-second"
	PasswordReset     Template = "password-reset"
	PasswordSet       Template = "password-set"
	AlreadyRegistered Template = "already-registered"
	AddressesChanged  Template = "addresses-changed"
)

// Letter is a link to be mailed.
type Letter struct {
	Template Template
	Action   django.Action
	User     user.ID
	// Strand is the sign-up or account it is for; empty where there is none.
	Strand user.ID
	// Subject is the address that names the user in the token; To is where it
	// goes, and what it proves.
	Subject string
	To      user.Mailbox
	Renew   bool // as of store.MailedToken

	Username, Lang string
}

// window is how long mails to one address are counted together.
const window = time.Hour

// Send signs a token, keeps its record and queues the mail. An address that had
// as many mails as policy allows within an hour gets none: whoever asks is not
// told.
func (p *Post) Send(tx store.Tx, pol policy.Policy, l Letter) error {
	if ok, err := admit(tx, pol, l.To.Key); err != nil || !ok {
		return err
	}
	what := actions[l.Action]
	payload := django.Payload{Subject: l.Subject, Action: l.Action}
	if l.Action == django.SecondaryActivation {
		payload.SecondaryEmail = l.To.Display
	}
	sent := tx.Now().Truncate(time.Second)
	var text string
	var record [sha256.Size]byte
	for {
		var err error
		if text, record, err = p.signer.Sign(payload, sent); err != nil {
			return fmt.Errorf("signing a mailed token: %w", err)
		}
		// Two sign-ups with one address in one second must not get one token.
		_, err = tx.MailedToken(record[:])
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return fmt.Errorf("looking for a mailed token: %w", err)
		}
		sent = sent.Add(time.Second)
	}
	until := sent.Add(what.life)
	err := store.Insert(tx, store.MailedToken{
		Record: record[:], Action: string(l.Action), User: l.User, Strand: l.Strand, To: l.To, Renew: l.Renew, Sent: sent, Until: until,
	})
	if err != nil {
		return fmt.Errorf("keeping a mailed token: %w", err)
	}
	return p.queue(tx, l, hex.EncodeToString(record[:]), map[string]string{
		"link": p.base + "/" + what.path + "/" + text, "until": until.Format(time.RFC3339),
	})
}

// Tell queues a mail without a link, under the same limit. What warns an owner is
// not limited: or whoever asks for mails in plenty could keep it from them.
func (p *Post) Tell(tx store.Tx, pol policy.Policy, l Letter) error {
	if l.Template != AddressesChanged {
		if ok, err := admit(tx, pol, l.To.Key); err != nil || !ok {
			return err
		}
	}
	return p.queue(tx, l, string(l.User)+":"+l.To.Key+":"+tx.Now().Format(time.RFC3339Nano), nil)
}

func (p *Post) queue(tx store.Tx, l Letter, once string, data map[string]string) error {
	told := map[string]string{"site": p.site}
	for k, v := range data {
		told[k] = v
	}
	if l.Username != "" {
		told["username"] = l.Username
	}
	err := job.Enqueue(tx, job.New{
		Kind: job.KindMail, Key: string(l.Template) + ":" + once, User: l.User,
		Payload: job.Mail{To: l.To.Display, Template: string(l.Template), Lang: l.Lang, Data: told},
	})
	if err != nil {
		return err
	}
	return event.Append(tx, event.New{
		Kind: event.LinkMailed, User: l.User, Actor: string(l.User), Door: user.DoorGQLAuth,
		Body: map[string]any{"mail": l.Template, "strand": l.Strand},
	})
}

// admit counts a mail to an address.
func admit(tx store.Tx, pol policy.Policy, address string) (bool, error) {
	sum := sha256.Sum256([]byte(address))
	key := "mail:" + hex.EncodeToString(sum[:16])
	found, err := tx.Throttles(key)
	if err != nil {
		return false, fmt.Errorf("reading the counter of an address: %w", err)
	}
	now := tx.Now()
	t := store.Throttle{Key: key, Since: now}
	if len(found) > 0 && now.Sub(found[0].Since) < window {
		t = found[0]
	}
	if t.Failures >= pol.Limits.AddressMails {
		return false, nil
	}
	t.Failures++
	t.Total++
	if err := store.Put(tx, t); err != nil {
		return false, fmt.Errorf("counting a mail: %w", err)
	}
	return true, nil
}
