package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/user"
)

type clientCmd struct {
	Create clientCreateCmd `cmd:"" help:"Register a client."`
}

type clientCreateCmd struct {
	ID             string `required:"" help:"What the client calls itself."`
	Secret         string `help:"Its secret; without one it is a public client."`
	DistinctErrors bool   `name:"distinct-errors" help:"Let this confidential client learn why a sign-in failed."`
	JSON           bool   `name:"json" help:"Print JSON."`
}

type shownClient struct {
	ID       string `json:"id"`
	ClientID string `json:"clientId"`
}

// Run registers a client.
func (c clientCreateCmd) Run(e *environment) error {
	if err := c.check(); err != nil {
		return err
	}
	return e.withApp(func(a *app) error {
		cl, err := a.operator.CreateClient(e.ctx, c.ID, c.Secret, c.DistinctErrors)
		if err != nil {
			return err
		}
		return e.print(c.JSON, shownClient{cl.ID, cl.ClientID}, func(w io.Writer) {
			fmt.Fprintf(w, "%s  %s\n", cl.ID, plain(cl.ClientID))
		})
	})
}

// leastSecret is how many characters a client's secret has at least: it is kept
// as a SHA-256, which is no hindrance to guessing.
const leastSecret = 16

func (c clientCreateCmd) check() error {
	if strings.ContainsFunc(c.ID, unseen) {
		return user.Refuse(user.Invalid, "id", "why", "must not have characters that are not seen")
	}
	if n := utf8.RuneCountInString(c.Secret); n > 0 && n < leastSecret {
		return user.Refuse(user.Invalid, "secret", "why", fmt.Sprintf("has %d characters and must have %d or more; `openssl rand -hex 32` makes a good one", n, leastSecret))
	}
	return nil
}

type tokenCmd struct {
	Mint tokenMintCmd `cmd:"" help:"Mint a token for a user at a door."`
}

type tokenMintCmd struct {
	Door   string        `required:"" enum:"edi,partner,gqlauth,sunbird" help:"edi, partner or gqlauth for a user; sunbird for a caller."`
	User   reference     `help:"The user."`
	Caller string        `help:"The caller."`
	TTL    time.Duration `name:"ttl" help:"How long it lives; a caller's for ever, unless this says otherwise. [1h]"`
	JSON   bool          `name:"json" help:"Print JSON."`
}

// ofCaller mints a token for a program.
func (c tokenMintCmd) ofCaller(e *environment) error {
	if c.Caller == "" || c.User != "" {
		return usageError{errors.New("a token of the sunbird door is a caller's: name it with --caller")}
	}
	return e.withApp(func(a *app) error {
		m, err := a.callers().Mint(e.ctx, user.Door(c.Door), c.Caller, c.TTL)
		if err != nil {
			return err
		}
		out := struct {
			Token     string     `json:"token"`
			Caller    string     `json:"caller"`
			ExpiresAt *time.Time `json:"expires_at"`
		}{Token: m.Token, Caller: m.Caller.Name}
		if !m.Expires.IsZero() {
			out.ExpiresAt = &m.Expires
		}
		return e.print(c.JSON, out, func(w io.Writer) { fmt.Fprintln(w, m.Token) })
	})
}

type shownToken struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	EDIID     string    `json:"edi_id,omitempty"`
	UserID    string    `json:"user_id,omitempty"`
}

// Run mints a token.
func (c tokenMintCmd) Run(e *environment) error {
	if user.Door(c.Door) == user.DoorSunbird {
		return c.ofCaller(e)
	}
	switch {
	case c.Caller != "":
		return usageError{fmt.Errorf("a token of the %s door is a user's: name them with --user", c.Door)}
	case c.User == "":
		return usageError{errors.New("missing flags: --user=REFERENCE")}
	case c.TTL == 0:
		c.TTL = time.Hour
	}
	return e.withApp(func(a *app) error {
		u, err := a.directory.Resolve(e.ctx, string(c.User))
		if err != nil {
			return err
		}
		m, err := a.operator.Mint(e.ctx, a.sessions, u.ID, user.Door(c.Door), c.TTL)
		if err != nil {
			return err
		}
		out := shownToken{Token: m.Token, ExpiresAt: m.Expires}
		if user.Door(c.Door) == user.DoorEDI {
			out.EDIID = m.Session.Subject
		} else {
			out.UserID = m.Session.Subject
		}
		return e.print(c.JSON, out, func(w io.Writer) { fmt.Fprintln(w, m.Token) })
	})
}

type policyCmd struct {
	Apply policyApplyCmd `cmd:"" help:"Apply a policy file as the next version."`
	Show  policyShowCmd  `cmd:"" help:"Show the policy in force."`
}

type policyApplyCmd struct {
	File string `arg:"" help:"YAML file; - for standard input."`
	JSON bool   `name:"json" help:"Print JSON."`
}

type shownPolicy struct {
	Version  int64  `json:"version"`
	Document string `json:"document,omitempty"`
}

// Run applies a policy.
func (c policyApplyCmd) Run(e *environment) error {
	doc, err := c.read()
	if err != nil {
		return err
	}
	return e.withApp(func(a *app) error {
		v, err := a.settings.Apply(e.ctx, doc, operatorName)
		if err != nil {
			return err
		}
		return e.print(c.JSON, shownPolicy{Version: v}, func(w io.Writer) { fmt.Fprintf(w, "policy version %d is in force\n", v) })
	})
}

// maxPolicy is longer than any policy.
const maxPolicy = 1 << 20

func (c policyApplyCmd) read() ([]byte, error) {
	if c.File != standard {
		return readPolicyFile(c.File)
	}
	doc, err := io.ReadAll(io.LimitReader(os.Stdin, maxPolicy+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the policy from standard input: %w", err)
	case len(doc) > maxPolicy:
		return nil, usageError{errors.New("standard input is longer than any policy")}
	case len(bytes.TrimSpace(doc)) == 0:
		return nil, usageError{errors.New("standard input is empty")}
	}
	return parsedPolicy("standard input", doc)
}

type policyShowCmd struct {
	Full bool `help:"Also what the file does not name, with its default."`
	JSON bool `name:"json" help:"Print JSON."`
}

// Run shows the policy.
func (c policyShowCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		v, doc := a.settings.Document()
		if v == 0 || c.Full {
			var err error
			if doc, err = a.settings.Current().YAML(); err != nil {
				return err
			}
		}
		return e.print(c.JSON, shownPolicy{v, string(doc)}, func(w io.Writer) {
			heading := fmt.Sprintf("version %d", v)
			switch {
			case v == 0:
				heading = "the built-in default: no file was applied yet. A file for `usher policy apply` need name only what differs"
			case c.Full:
				heading += ", with every default filled in"
			}
			fmt.Fprintf(w, "# %s\n%s", heading, doc)
		})
	})
}

type jobsCmd struct {
	List  jobsListCmd  `cmd:"" help:"List jobs that were given up."`
	Retry jobsRetryCmd `cmd:"" help:"Try a job again that was given up."`
}

type jobsListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type shownJob struct {
	ID        user.ID   `json:"id"`
	Kind      string    `json:"kind"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error"`
	CreatedAt time.Time `json:"created_at"`
}

// Run lists dead letters.
func (c jobsListCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		var dead []store.Job
		err := a.db.View(e.ctx, func(r store.Reader) error {
			var err error
			dead, err = r.Jobs(store.JobDead, 1000)
			return err
		})
		if err != nil {
			return err
		}
		rows := make([]shownJob, len(dead))
		for i, j := range dead {
			rows[i] = shownJob{j.ID, j.Kind, j.Attempts, j.LastErr, j.Created}
		}
		return e.print(c.JSON, rows, func(w io.Writer) {
			if len(rows) == 0 {
				fmt.Fprintln(w, "no job was given up")
			}
			for _, j := range rows {
				fmt.Fprintf(w, "%s  %-6s %2d tries  %s\n", j.ID, plain(j.Kind), j.Attempts, plain(j.Error))
			}
		})
	})
}

type jobsRetryCmd struct {
	ID   string `arg:"" help:"The job, as printed by jobs list."`
	JSON bool   `name:"json" help:"Print JSON."`
}

type shownRetry struct {
	ID user.ID `json:"id"`
}

// Run makes a dead letter due again.
func (c jobsRetryCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		err := a.db.Update(e.ctx, store.Interactive, func(tx store.Tx) error { return job.Retry(tx, user.ID(c.ID)) })
		if errors.Is(err, store.ErrNotFound) {
			return user.Refuse(user.NotFound, "job", "job", c.ID)
		}
		if err != nil {
			return err
		}
		return e.print(c.JSON, shownRetry{user.ID(c.ID)}, func(w io.Writer) { fmt.Fprintf(w, "%s is tried again within a second\n", c.ID) })
	})
}

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Bring the database up to date."`
	Status migrateStatusCmd `cmd:"" help:"Say which migrations were applied."`
}

type migrateUpCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type shownMigration struct {
	Version int64 `json:"version"`
}

// Run makes the database and its key where there are none, and migrates.
func (c migrateUpCmd) Run(e *environment) error {
	return e.withDatabase(creating, func(at place, db *sqlstore.DB) error {
		if err := db.Migrate(e.ctx); err != nil {
			return err
		}
		if err := at.newKey(e.ctx, db); err != nil {
			return err
		}
		all, err := db.MigrationStatus(e.ctx)
		if err != nil {
			return err
		}
		var newest int64
		for _, m := range all {
			newest = max(newest, m.Version)
		}
		return e.print(c.JSON, shownMigration{newest}, func(w io.Writer) {
			fmt.Fprintf(w, "the database %s is up to date\n", at)
		})
	})
}

type migrateStatusCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run says which migrations were applied.
func (c migrateStatusCmd) Run(e *environment) error {
	return e.withDatabase(existing, func(_ place, db *sqlstore.DB) error {
		all, err := db.MigrationStatus(e.ctx)
		if err != nil {
			return err
		}
		type line struct {
			Version int64  `json:"version"`
			Name    string `json:"name"`
			Applied bool   `json:"applied"`
		}
		rows := []line{}
		for _, m := range all {
			rows = append(rows, line(m))
		}
		return e.print(c.JSON, rows, func(w io.Writer) {
			for _, m := range rows {
				state := "pending"
				if m.Applied {
					state = "applied"
				}
				fmt.Fprintf(w, "%s  %s\n", state, m.Name)
			}
		})
	})
}
