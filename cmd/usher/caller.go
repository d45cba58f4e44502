package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/caller"
	"github.com/usher-id/usher/internal/proof/statetoken"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

type callerCmd struct {
	Create callerCreateCmd `cmd:"" help:"Register a caller and print its token."`
	List   callerListCmd   `cmd:"" help:"List callers."`
}

type callerCreateCmd struct {
	Name          string `arg:"" help:"What the caller is called."`
	Door          string `required:"" enum:"sunbird" help:"sunbird."`
	MayAttest     bool   `name:"may-attest" help:"Let it say that an e-mail or phone is verified, and name identities."`
	MayAdminister bool   `name:"may-administer" help:"Let it block and unblock users."`
	JSON          bool   `name:"json" help:"Print JSON."`
}

type shownCaller struct {
	Name          string `json:"name"`
	Door          string `json:"door"`
	MayAttest     bool   `json:"may_attest"`
	MayAdminister bool   `json:"may_administer"`
	Token         string `json:"token,omitempty"`
}

func newShownCaller(c store.Caller, token string) shownCaller {
	return shownCaller{c.Name, string(c.Door), c.MayAttest, c.MayAdminister, token}
}

// Run registers a caller.
func (c callerCreateCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		m, err := a.callers().Create(e.ctx, store.Caller{
			Door: user.Door(c.Door), Name: c.Name, MayAttest: c.MayAttest, MayAdminister: c.MayAdminister,
		})
		if err != nil {
			return err
		}
		return e.print(c.JSON, newShownCaller(m.Caller, m.Token), func(w io.Writer) {
			fmt.Fprintf(w, "%s\n", m.Token)
			fmt.Fprintln(e.err, "This token is shown once. Send it as `Authorization: Bearer`; `usher token mint --door sunbird --caller` gives another")
		})
	})
}

type callerListCmd struct {
	Door string `enum:"sunbird" default:"sunbird" help:"sunbird."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run lists callers.
func (c callerListCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		var all []store.Caller
		err := a.db.View(e.ctx, func(r store.Reader) error {
			var err error
			all, err = r.Callers(user.Door(c.Door))
			return err
		})
		if err != nil {
			return err
		}
		rows := make([]shownCaller, len(all))
		for i, one := range all {
			rows[i] = newShownCaller(one, "")
		}
		return e.print(c.JSON, rows, func(w io.Writer) {
			if len(rows) == 0 {
				fmt.Fprintln(w, "no caller was registered; `usher caller create NAME --door sunbird` does")
			}
			for _, r := range rows {
				fmt.Fprintf(w, "%-24s attests: %-5t administers: %t\n", plain(r.Name), r.MayAttest, r.MayAdminister)
			}
		})
	})
}

func (a *app) callers() *caller.Service { return caller.New(a.db, operatorName) }

type issuerCmd struct {
	Add  issuerAddCmd  `cmd:"" help:"Let an issuer's tokens in, or give it a further key or channel."`
	List issuerListCmd `cmd:"" help:"List issuers."`
}

type issuerAddCmd struct {
	Door      string         `required:"" enum:"sunbird" help:"sunbird."`
	ISS       string         `name:"iss" required:"" help:"What the tokens have as iss."`
	Channel   string         `required:"" help:"The channel it speaks for, a group of kind channel."`
	PublicKey string         `name:"public-key" required:"" help:"File of its RSA public key, PEM."`
	Overlap   *time.Duration `name:"overlap" help:"How long its other keys hold beside this one; without it, until they are taken away."`
	JSON      bool           `name:"json" help:"Print JSON."`
}

type shownIssuer struct {
	ISS      string           `json:"iss"`
	Door     string           `json:"door"`
	Channels []string         `json:"channels"`
	Keys     []shownIssuerKey `json:"keys"`
}

type shownIssuerKey struct {
	Fingerprint string     `json:"fingerprint"`
	CreatedAt   time.Time  `json:"created_at"`
	Until       *time.Time `json:"until"`
}

func newShownIssuer(door user.Door, i caller.Issuer) shownIssuer {
	out := shownIssuer{ISS: i.ISS, Door: string(door), Channels: i.Channels, Keys: []shownIssuerKey{}}
	for _, k := range i.Keys {
		key := shownIssuerKey{Fingerprint: k.Fingerprint, CreatedAt: k.Created}
		if !k.Until.IsZero() {
			key.Until = &k.Until
		}
		out.Keys = append(out.Keys, key)
	}
	return out
}

func (i shownIssuer) write(w io.Writer) {
	fmt.Fprintf(w, "%s  channels %s\n", plain(i.ISS), plain(strings.Join(i.Channels, ", ")))
	for _, k := range i.Keys {
		until := "until it is taken away"
		if k.Until != nil {
			until = "until " + k.Until.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "  key %s  %s\n", k.Fingerprint[:16], until)
	}
}

// maxKeyFile is longer than any public key.
const maxKeyFile = 64 << 10

// Run adds an issuer.
func (c issuerAddCmd) Run(e *environment) error {
	if c.Overlap != nil && *c.Overlap < 0 {
		return usageError{errors.New("--overlap must not be negative")}
	}
	f, err := os.Open(c.PublicKey)
	if err != nil {
		return usageError{fmt.Errorf("reading the public key: %w", err)}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err = errors.Join(err, f.Close()); err != nil {
		return usageError{fmt.Errorf("reading the public key: %w", err)}
	}
	key, err := statetoken.ParsePublicKey(text)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", c.PublicKey, err)}
	}
	overlap := time.Duration(-1)
	if c.Overlap != nil {
		overlap = *c.Overlap
	}
	return e.withApp(func(a *app) error {
		i, err := a.callers().AddIssuer(e.ctx, caller.NewIssuer{
			Door: user.Door(c.Door), ISS: c.ISS, Channel: c.Channel, Public: key, Overlap: overlap,
		})
		if err != nil {
			return err
		}
		out := newShownIssuer(user.Door(c.Door), i)
		return e.print(c.JSON, out, out.write)
	})
}

type issuerListCmd struct {
	Door string `enum:"sunbird" default:"sunbird" help:"sunbird."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run lists issuers.
func (c issuerListCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		all, err := a.callers().Issuers(e.ctx, user.Door(c.Door))
		if err != nil {
			return err
		}
		rows := make([]shownIssuer, len(all))
		for n, i := range all {
			rows[n] = newShownIssuer(user.Door(c.Door), i)
		}
		return e.print(c.JSON, rows, func(w io.Writer) {
			if len(rows) == 0 {
				fmt.Fprintln(w, "no issuer was added; `usher issuer add` does")
			}
			for _, r := range rows {
				r.write(w)
			}
		})
	})
}
