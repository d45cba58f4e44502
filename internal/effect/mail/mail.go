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
	if err := checkRecipient(p.To); err != nil {
		return Message{}, err
	}
	m, err := s.pages.render(p)
	if err != nil {
		return Message{}, err
	}
	if m.Subject == "" || strings.ContainsFunc(m.Subject, control) {
		return Message{}, fmt.Errorf("the subject of the mail %q is empty or breaks its line", p.Template)
	}
	m.To = p.To
	return m, nil
}

// maxAddress is the longest address a mail system takes (RFC 5321, section
// 4.5.3.1.3, less the angle brackets).
const maxAddress = 254

// checkRecipient is the last gate before a header: one bare ASCII address. The
// domain normalised it long before; what fails here has come around that.
func checkRecipient(to string) error {
	local, domain, ok := strings.Cut(to, "@")
	special := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>[]:;,"\@`, r) }
	if !ok || local == "" || domain == "" || len(to) > maxAddress ||
		strings.ContainsFunc(local, special) || strings.ContainsFunc(domain, special) {
		return errors.New("the recipient is not one plain address")
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == 0x85 }
