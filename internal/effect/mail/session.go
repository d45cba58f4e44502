package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/job"
)

const (
	// maxTalk is how much a server may say in one session: more is a server
	// that never ends its line.
	maxTalk = 1 << 20
	// goodbye is how long QUIT may take; the mail is gone by then.
	goodbye = 2 * time.Second
)

// session is a conversation with a mail server.
type session struct {
	line *line
	smtp *smtp.Client
}

// line is a connection that breaks off when its context ends, whatever is
// waited for, and after too much talk.
type line struct {
	net.Conn
	unwatch func() bool
	left    int
}

func newLine(ctx context.Context, c net.Conn) *line {
	return &line{Conn: c, unwatch: context.AfterFunc(ctx, func() { _ = c.Close() }), left: maxTalk}
}

var errTalk = errors.New("the mail server talks without end")

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTalk
	}
	n, err := l.Conn.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// Close implements net.Conn.
func (l *line) Close() error {
	l.unwatch()
	return l.Conn.Close()
}

// dial opens a session up to where a mail can be handed over.
func (s *SMTP) dial(ctx context.Context) (*session, error) {
	address := net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port))
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, at("reaching the mail server", err)
	}
	l := newLine(ctx, conn)
	client, err := s.greet(ctx, l)
	if err == nil {
		err = s.signIn(client)
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return &session{line: l, smtp: client}, nil
}

// greet goes as far as a connection that is as protected as it must be.
func (s *SMTP) greet(ctx context.Context, l *line) (*smtp.Client, error) {
	o := s.options
	config := &tls.Config{ServerName: o.Host, RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
	var conn net.Conn = l
	if o.Security == ImplicitTLS {
		encrypted := tls.Client(l, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, at("encrypting the connection", err)
		}
		conn = encrypted
	}
	client, err := smtp.NewClient(conn, o.Host)
	if err != nil {
		return nil, at("being greeted", err)
	}
	// All addresses are ASCII; asking for more would exclude servers on the way
	// that cannot do it.
	client.SkipSMTPUTF8(true)
	if err := client.Hello(o.Helo); err != nil {
		return nil, at("greeting", err)
	}
	offered, _ := client.Extension("STARTTLS")
	switch {
	case o.Security == StartTLS && !offered:
		return nil, errors.New("the mail server does not offer STARTTLS")
	case o.Security == StartTLS, o.Security == Opportunistic && offered:
		if err := client.StartTLS(config); err != nil {
			return nil, at("encrypting the connection", err)
		}
	}
	return client, nil
}

// signIn authenticates where a username is set. The mechanisms themselves send
// no password over an unencrypted line, but to this machine.
func (s *SMTP) signIn(client *smtp.Client) error {
	o := s.options
	if o.Username == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	var with smtp.Auth
	switch mechanisms := strings.Fields(strings.ToUpper(offered)); {
	case slices.Contains(mechanisms, "PLAIN"):
		with = smtp.PlainAuth("", o.Username, o.Password, o.Host, false)
	case slices.Contains(mechanisms, "LOGIN"):
		with = smtp.LoginAuth(o.Username, o.Password, o.Host, false)
	default:
		return errors.New("the mail server offers neither PLAIN nor LOGIN to sign in with")
	}
	if err := client.Auth(with); err != nil {
		return at("signing in to the mail server", err)
	}
	return nil
}

// hand gives the server one letter. sent is called when all of it is on its
// way and the server's word alone is missing: to give up then is to send the
// mail again although it may have been accepted.
func (c *session) hand(l letter, sent func()) error {
	// A sender that the server does not take is for the operator to mend, and
	// no fault of this mail.
	if err := c.smtp.Mail("<" + l.from + ">"); err != nil {
		return at("the sender", err)
	}
	if err := c.smtp.Rcpt("<" + l.to + ">"); err != nil {
		return final(at("the recipient", err))
	}
	failpoint.Pass(failpoint.SMTPData)
	w, err := c.smtp.Data()
	if err != nil {
		return final(at("the mail", err))
	}
	if _, err := w.Write(l.bytes); err != nil {
		return at("the mail", err)
	}
	sent()
	err = w.Close()
	failpoint.Pass(failpoint.SMTPTaken)
	if e, ok := errors.AsType[*textproto.Error](err); err == nil || ok && e.Code/100 == 2 {
		return nil // whichever success (RFC 5321, section 4.2)
	}
	return final(at("the mail", err))
}

// quit says goodbye and does not care for the answer.
func (c *session) quit() {
	if c.line.SetDeadline(time.Now().Add(goodbye)) == nil {
		_ = c.smtp.Quit()
	}
}

func (c *session) close() { _ = c.line.Close() }

// reply is a server's answer; the library's own form of it is quoted.
type reply struct{ of *textproto.Error }

func (r reply) Error() string { return strconv.Itoa(r.of.Code) + " " + r.of.Msg }
func (r reply) Unwrap() error { return r.of }

// at says what was being done when an error came.
func at(what string, err error) error {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		err = reply{e}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// final marks a refusal for good: 5yz, except those that ask for another
// authentication or encryption (RFC 4954, section 6), which the operator can
// mend.
func final(err error) error {
	e, ok := errors.AsType[*textproto.Error](err)
	if !ok || e.Code/100 != 5 || slices.Contains([]int{530, 534, 535, 538}, e.Code) {
		return err
	}
	return job.Permanent(err)
}
