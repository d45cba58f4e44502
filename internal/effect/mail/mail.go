package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Message is a mail ready to go.
type Message struct {
	// ID is that of the job, so that a transport can tell a repetition.
	ID      user.ID
	To      string
	Subject string
	Text    string
	HTML    string
}

// Transport hands a message over. It may be asked twice for one id, and must
// not deliver twice where it can tell. Its errors do not name the recipient.
type Transport interface {
	Send(ctx context.Context, m Message) error
}

// Sender carries out mail jobs.
type Sender struct {
	transport Transport
	pages     templates
}

// NewSender makes a sender over a transport.
func NewSender(t Transport) (*Sender, error) {
	pages, err := load()
	if err != nil {
		return nil, fmt.Errorf("reading the mail templates: %w", err)
	}
	return &Sender{transport: t, pages: pages}, nil
}

// Handle is the job.Handler of job.KindMail. What can never be sent is a
// permanent error; no error names the recipient.
func (s *Sender) Handle(ctx context.Context, j store.Job) error {
	var p job.Mail
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return job.Permanent(errors.New("the payload of the mail cannot be read"))
	}
	m, err := s.Compose(p)
	if err != nil {
		return job.Permanent(err)
	}
	m.ID = j.ID
	if err := s.transport.Send(ctx, m); err != nil {
		return fmt.Errorf("sending the mail %q: %w", p.Template, err)
	}
	return nil
}

// Compose writes the mail that a payload asks for.
func (s *Sender) Compose(p job.Mail) (Message, error) {
	to, err := recipient(p.To)
	if err != nil {
		return Message{}, err
	}
	m, err := s.pages.render(p)
	if err != nil {
		return Message{}, err
	}
	if m.Subject == "" || strings.ContainsFunc(m.Subject, control) {
		return Message{}, fmt.Errorf("the subject of the mail %q is empty or breaks its line", p.Template)
	}
	m.To = to
	return m, nil
}
