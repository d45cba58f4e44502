package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"strconv"
	"time"

	"github.com/usher-id/usher/internal/config"
)

// mailPatience is how long the mail server may take for all that it is asked.
const mailPatience = 10 * time.Second

// mailServer goes as far with the mail server as to a line that is as protected
// as mails are sent over. It hands over neither password nor mail.
func (d *doctor) mailServer(ctx context.Context) {
	s := d.cfg.Mail.SMTP
	if d.cfg.Dev || s.Host == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	how, err := greetMail(ctx, s)
	if err != nil {
		d.find("mail server", ill, err.Error(), "see that mail.smtp.host, .port and .tls are right and that this machine may connect there; mails wait meanwhile")
		return
	}
	d.find("mail server", well, fmt.Sprintf("%s answers, %s", s.Host, how), "")
}

// greetMail says how the connection was protected.
func greetMail(ctx context.Context, s config.SMTP) (how string, err error) {
	port := cmp.Or(s.Port, map[config.SMTPSecurity]int{config.SMTPStartTLS: 587, config.SMTPImplicit: 465}[s.TLS], 25)
	address := net.JoinHostPort(s.Host, strconv.Itoa(port))
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("reaching the mail server: %w", err)
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return "", err
		}
	}
	safe := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	line := conn
	if s.TLS == config.SMTPImplicit {
		line = tls.Client(conn, safe)
	}
	c, err := smtp.NewClient(line, s.Host)
	if err != nil {
		return "", fmt.Errorf("being greeted by %s: %w", address, err)
	}
	if err := c.Hello(cmp.Or(s.Helo, "localhost")); err != nil {
		return "", fmt.Errorf("greeting %s: %w", address, err)
	}
	offered, _ := c.Extension("STARTTLS")
	switch {
	case s.TLS == config.SMTPStartTLS && !offered:
		return "", errors.New(address + " does not offer STARTTLS")
	case s.TLS == config.SMTPStartTLS, s.TLS == config.SMTPOpportunistic && offered:
		if err := c.StartTLS(safe); err != nil {
			return "", fmt.Errorf("encrypting the connection to %s: %w", address, err)
		}
	}
	state, encrypted := c.TLSConnectionState()
	_ = c.Quit()
	if !encrypted {
		return "not encrypted", nil
	}
	return "encrypted by " + tls.VersionName(state.Version), nil
}
