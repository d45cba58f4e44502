package mail

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/job"
)

// Security is how the connection to the mail server is protected.
type Security string

// The ways. A certificate that is shown is verified in each of them.
const (
	StartTLS      Security = "starttls"      // encrypted from STARTTLS on, or no mail
	ImplicitTLS   Security = "implicit"      // encrypted from the first byte
	Opportunistic Security = "opportunistic" // STARTTLS where the server offers it
	Plain         Security = "none"          // never encrypted; for a server on this machine
)

// ports are those of RFC 6409, RFC 8314 and RFC 5321.
var ports = map[Security]int{StartTLS: 587, ImplicitTLS: 465, Opportunistic: 25, Plain: 25}

// SMTPOptions says which server takes the mails, and whom they are from.
type SMTPOptions struct {
	From    string // "Name <address>" or an address; bounces go there too
	ReplyTo string // the same; empty: none

	Host     string
	Port     int    // 0: the usual one of Security
	Username string // empty: no authentication
	Password string
	Security Security
	// Timeout bounds the way from dialling to the end of the message. The
	// server's last answer may take as long as the context lets it: to give
	// it up is to send the mail again, though it may have been accepted.
	Timeout time.Duration
	Helo    string         // empty: the domain of From
	RootCAs *x509.CertPool // nil: the system's
}

// SMTP is the transport of production: one session a mail, closed after it.
type SMTP struct {
	options SMTPOptions
	from    *mail.Address
	replyTo *mail.Address // or nil
	domain  string        // of From, in ASCII
}

// NewSMTP makes the transport. It dials nobody.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	port, known := ports[o.Security]
	if !known || o.Host == "" || o.Timeout <= 0 {
		return nil, fmt.Errorf("a mail server needs a host, a timeout and one of the ways to protect the connection, not %q", o.Security)
	}
	o.Port = cmp.Or(o.Port, port)
	s := &SMTP{options: o}
	var err error
	if s.from, s.domain, err = mailbox(o.From); err != nil {
		return nil, fmt.Errorf("the sender of mails: %w", err)
	}
	if o.ReplyTo != "" {
		if s.replyTo, _, err = mailbox(o.ReplyTo); err != nil {
			return nil, fmt.Errorf("where answers to mails go: %w", err)
		}
	}
	s.options.Helo = cmp.Or(o.Helo, s.domain)
	return s, nil
}

var errSlow = errors.New("the mail server took too long")

// Send hands one mail to the server. What the server refuses for good is a
// job.Permanent error; any other may go better next time. Where the answer to
// the last byte is lost the mail may have been accepted; sent again, it has the
// same Message-ID.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	l, err := s.write(m)
	if err != nil {
		return job.Permanent(err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	patience := time.AfterFunc(s.options.Timeout, func() { stop(errSlow) })
	defer patience.Stop()

	failpoint.Pass(failpoint.SMTPConnect)
	c, err := s.dial(ctx)
	if err == nil {
		defer c.close()
		if err = c.hand(l, func() { patience.Stop() }); err == nil {
			c.quit()
			return nil
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause // it broke the connection off, which is all that err tells
	}
	return s.tell(err, l.to)
}
