package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

// mailedLinks serves the pages behind mailed links.
type mailedLinks struct{ *members }

// linkActions, never written to, is what each kind of link does. An activation
// may be a second address's instead.
var linkActions = map[web.LinkKind]django.Action{
	web.Activate: django.Activation, web.Reset: django.PasswordReset, web.Set: django.PasswordSet,
}

var linkStates = map[enrol.Standing]web.LinkState{
	enrol.Fresh: web.Fresh, enrol.Done: web.Done, enrol.Idle: web.Used, enrol.Expired: web.Expired, enrol.Dead: web.Dead,
}

// Look says what a token would do.
func (m mailedLinks) Look(ctx context.Context, kind web.LinkKind, token string) (web.Link, error) {
	seen, err := m.enrol.Look(ctx, linkActions[kind], token)
	if err != nil {
		return web.Link{}, err
	}
	if kind == web.Activate && seen.Standing == enrol.Dead {
		return m.second(ctx, token)
	}
	return web.Link{
		State: linkStates[seen.Standing], AsksPassword: seen.Renew, MinLength: seen.MinLength,
		Username: seen.Username, Address: masked(seen.Address),
	}, nil
}

func (m mailedLinks) second(ctx context.Context, token string) (web.Link, error) {
	seen, err := m.member.LookSecond(ctx, token)
	link := web.Link{State: web.Dead, Username: seen.Username, Address: masked(seen.Address)}
	switch {
	case seen.Fresh:
		link.State = web.Fresh
	case seen.Done:
		link.State = web.Done
	case seen.Expired:
		link.State = web.Expired
	case seen.Taken:
		link.State = web.Taken
	}
	link.Second = link.State != web.Dead
	return link, err
}

// masked hides most of an address from who looks over a shoulder.
func masked(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok {
		return ""
	}
	shown := []rune(local)
	return string(shown[:1]) + "…@" + domain
}

// Use does what a token is for.
func (m mailedLinks) Use(ctx context.Context, kind web.LinkKind, token string, _ netip.Prefix, first, second string) (web.Link, error) {
	link, err := m.Look(ctx, kind, token)
	if err != nil || link.State != web.Fresh {
		return link, err
	}
	switch {
	case link.Second:
		err = m.member.VerifySecond(ctx, token)
	case kind == web.Activate && link.AsksPassword:
		err = m.enrol.ActivateAnew(ctx, token, first, second)
	case kind == web.Activate:
		var out enrol.Activated
		out, err = m.enrol.Activate(ctx, token)
		link.LeftPassword = out.LeftPassword
	case kind == web.Reset:
		err = m.enrol.ResetPassword(ctx, enrol.NewPassword{Token: token, First: first, Second: second})
	default:
		err = m.enrol.SetPassword(ctx, enrol.NewPassword{Token: token, First: first, Second: second})
	}
	if err == nil {
		link.State = web.Done
		return link, nil
	}
	no, refused := errors.AsType[*user.Refusal](err)
	switch {
	case !refused:
		return link, err
	case no.Code == user.InUse && no.Field == "":
		link.State = web.Taken
		return link, nil
	case no.Code == user.BadToken, no.Code == user.Conflict: // since it was looked at
		return m.Look(ctx, kind, token)
	}
	return link, asTyped(err)
}

// asTyped names the fields of a form as the pages do.
func asTyped(err error) error {
	all, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // one level of a join
	if !ok {
		if no, refused := errors.AsType[*user.Refusal](err); refused {
			renamed := *no
			renamed.Field = strings.Replace(no.Field, "newPassword", "password", 1)
			return &renamed
		}
		return err
	}
	var out []error
	for _, one := range all.Unwrap() {
		out = append(out, asTyped(one))
	}
	return errors.Join(out...)
}

// Again mails a new link in place of one that expired.
func (m mailedLinks) Again(ctx context.Context, kind web.LinkKind, token string, _ netip.Prefix) error {
	if kind == web.Activate {
		if err := m.member.AgainSecond(ctx, token); err != nil {
			return err
		}
	}
	return m.enrol.Again(ctx, linkActions[kind], token)
}
