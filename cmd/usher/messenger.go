package main

import (
	"context"
	"encoding/hex"

	"github.com/usher-id/usher/internal/effect/mail"
	"github.com/usher-id/usher/internal/effect/sms"
	"github.com/usher-id/usher/internal/job"
)

// messenger sends the mails and text messages that wait: to the inbox in
// development mode, else by the server and the gateway that are set. What has
// neither goes on waiting; without both there is no worker.
func (a *app) messenger(ctx context.Context) (*job.Worker, error) {
	codes, err := a.oneTimeCodes(ctx)
	if err != nil {
		return nil, err
	}
	handlers := map[string]job.Handler{}
	post, err := a.mailTransport()
	if err != nil {
		return nil, err
	}
	if post != nil {
		sender, err := mail.NewSender(post)
		if err != nil {
			return nil, err
		}
		handlers[job.KindMail] = codes.Filling(sender.Handle)
	}
	texts, err := a.textTransport()
	if err != nil {
		return nil, err
	}
	if texts != nil {
		sender, err := sms.NewSender(texts)
		if err != nil {
			return nil, err
		}
		handlers[job.KindSMS] = codes.Filling(sender.Handle)
	}
	if a.portal != nil && a.portal.follower != nil {
		handlers[job.KindRealm] = a.portal.follower.Carry
	}
	if len(handlers) == 0 {
		return nil, nil
	}
	w := job.NewWorker(a.db, handlers, hex.EncodeToString(random(8)), a.log)
	w.Observe(a.metrics.Jobs())
	return w, nil
}

func (a *app) mailTransport() (mail.Transport, error) {
	switch m := a.cfg.Mail; {
	case a.cfg.Dev:
		return mail.NewInbox(a.db), nil
	case m.SMTP.Host == "":
		a.log.Warn("mails wait until mail.smtp.host is set")
		return nil, nil
	default:
		to, err := mail.NewSMTP(mail.SMTPOptions{
			From: m.From, ReplyTo: m.ReplyTo, Host: m.SMTP.Host, Port: m.SMTP.Port,
			Username: m.SMTP.Username, Password: m.SMTP.Password, Security: mail.Security(m.SMTP.TLS),
			Timeout: m.SMTP.Timeout, Helo: m.SMTP.Helo,
		})
		if err != nil {
			return nil, usageError{err}
		}
		return to, nil
	}
}

func (a *app) textTransport() (sms.Transport, error) {
	g := a.cfg.SMS
	switch {
	case a.cfg.Dev:
		return sms.NewInbox(a.db), nil
	case g.URL == "":
		if a.cfg.Doors.Sunbird.Enabled {
			a.log.Warn("text messages wait until sms.gateway.url is set")
		}
		return nil, nil
	}
	to, err := sms.NewGateway(sms.GatewayOptions{
		URL: g.URL, Method: g.Method, Headers: g.Headers, ContentType: g.ContentType, Body: g.Body, Success: g.Success, Timeout: g.Timeout,
	})
	if err != nil {
		return nil, usageError{err}
	}
	return to, nil
}
