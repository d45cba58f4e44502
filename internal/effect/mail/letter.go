package mail

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/usher-id/usher/internal/normal"
)

// letter is a message as it goes over the line.
type letter struct {
	from, to string // the envelope: bare ASCII addresses
	bytes    []byte // header and body, all of it 7-bit
}

// write makes the letter of a message: text and HTML as alternatives, so
// marked that nobody's absence notice answers it (RFC 3834). Its Message-ID is
// the job's id, by which a repetition can be recognised.
func (s *SMTP) write(m Message) (letter, error) {
	to, err := recipient(m.To)
	if err != nil {
		return letter{}, err
	}
	if m.ID == "" || strings.ContainsFunc(m.Subject, control) {
		return letter{}, errors.New("the mail has no id, or its subject breaks its line")
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(&mail.Address{Address: to})
	if s.replyTo != nil {
		msg.ReplyToMailAddress(s.replyTo)
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(string(m.ID) + "@" + s.domain)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return letter{}, fmt.Errorf("writing the mail: %w", err)
	}
	return letter{from: s.from.Address, to: to, bytes: b.Bytes()}, nil
}

// mailbox reads "Name <address>", the address by usher's own grammar, and gives
// its ASCII domain besides.
func mailbox(text string) (*mail.Address, string, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || text != a.Address && !strings.HasSuffix(text, "<"+a.Address+">") || strings.ContainsFunc(a.Name, control) {
		return nil, "", errors.New("not one address")
	}
	address, err := recipient(a.Address)
	if err != nil {
		return nil, "", err
	}
	_, domain, _ := strings.Cut(address, "@")
	return &mail.Address{Name: a.Name, Address: address}, domain, nil
}

// recipient is the last gate before a header: one bare address by usher's own
// grammar, its domain in ASCII, its local part in the case it was written in.
// The domain normalised it long before; what fails here has come around that.
func recipient(address string) (string, error) {
	e, err := normal.ParseEmail(address)
	if err != nil {
		return "", fmt.Errorf("not one plain address: %w", err)
	}
	local, _, _ := strings.Cut(address, "@")
	return local + "@" + e.Domain(), nil
}

// control tells a character that ends or disturbs a line.
func control(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == 0x85 }
