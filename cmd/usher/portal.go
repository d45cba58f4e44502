package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/usher-id/usher/internal/door/portal"
	"github.com/usher-id/usher/internal/effect/keycloak"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/user"
)

// mainRealm is what the realm of doors.portal is called.
const mainRealm = "main"

// realmPeople is what the portal's door, pages and jobs are served by.
type realmPeople struct {
	people   *registrant.Service
	follower *registrant.Follower // nil where usher may not ask the realm
	issuer   *oidc.Issuer
}

// realm is the portal's; nil where none is configured.
func (a *app) realm() (*realmPeople, error) {
	p := a.cfg.Doors.Portal
	if !p.Enabled || p.Issuer == "" || p.ClientID == "" {
		return nil, nil
	}
	trust := oidc.Attesting
	if p.Authoritative {
		trust = oidc.Authoritative
	}
	source := user.SourceOf(user.DoorPortal, mainRealm)
	issuer, err := oidc.New(oidc.Config{
		Issuer: p.Issuer, ClientIDs: []string{p.ClientID}, Public: true, Trust: trust, Source: source,
		Purpose: string(user.DoorPortal), Log: a.log, Now: time.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("doors.portal: %w", err)
	}
	people := &registrant.Service{
		Store: a.db, Policies: a.settings, Log: a.log, Now: time.Now, PublicURL: a.cfg.PublicURL, Site: a.site(),
		Realms: []registrant.Realm{{Name: mainRealm, Source: source, Issuer: p.Issuer, Verifier: issuer}},
		Direct: p.AdminClientID != "",
	}
	follower, err := a.follower(people)
	return &realmPeople{people, follower, issuer}, err
}

func (a *app) portalDoor() http.Handler {
	o := portal.Options{Policies: a.settings, Log: a.log, PublicURL: a.cfg.PublicURL}
	if a.portal != nil {
		o.People = a.portal.people
	}
	return portal.New(o).Handler()
}

// follower keeps up with the portal's realm; nil where nobody may.
func (a *app) follower(people *registrant.Service) (*registrant.Follower, error) {
	if !people.Direct {
		return nil, nil
	}
	p := a.cfg.Doors.Portal
	admin, err := keycloak.New(keycloak.Config{
		Issuer: p.Issuer, ClientID: p.ClientID, AdminClientID: p.AdminClientID, AdminClientSecret: p.AdminClientSecret,
	})
	if err != nil {
		return nil, usageError{fmt.Errorf("doors.portal: %w", err)}
	}
	return &registrant.Follower{
		Service: people, Realm: people.Realms[0], Desk: realmDesk{admin}, Holder: hex.EncodeToString(random(8)),
	}, nil
}

// realmDesk is a realm's admin API as package registrant asks it.
type realmDesk struct{ *keycloak.Admin }

// Standing implements registrant.Desk.
func (d realmDesk) Standing(ctx context.Context, subject string) (st registrant.Standing, err error) {
	u, err := d.User(ctx, subject)
	if errors.Is(err, keycloak.ErrUnknown) {
		return registrant.Standing{Gone: true}, nil
	}
	if err != nil {
		return st, err
	}
	st.Enabled = u.Enabled
	if st.Groups, err = d.Groups(ctx, subject); err != nil {
		return st, err
	}
	st.Roles, err = d.Roles(ctx, subject, st.Groups)
	return st, err
}

// Join implements registrant.Desk: what the realm does not know stays so.
func (d realmDesk) Join(ctx context.Context, subject, path string) error {
	err := d.Admin.Join(ctx, subject, path)
	if errors.Is(err, keycloak.ErrUnknown) {
		return job.Permanent(err)
	}
	return err
}

// Changes implements registrant.Desk.
func (d realmDesk) Changes(ctx context.Context, since time.Time) ([]registrant.Happened, error) {
	all, err := d.Admin.Changes(ctx, since)
	out := make([]registrant.Happened, len(all))
	for i, c := range all {
		out[i] = registrant.Happened{At: c.At, Subject: c.Subject, Session: c.Session, LoggedOut: c.LoggedOut}
	}
	return out, err
}
