package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/usher-id/usher/internal/door/partner"
	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
)

type importUsersCmd struct {
	importFlags

	Source  string `help:"The partner that the users come from." default:"__system"`
	SignUps bool   `name:"sign-ups" help:"Users whose e-mail is not verified are sign-ups of the GraphQL door that are pending: the link that the service they come from mailed goes on working."`
}

// Help is shown after the flags.
func (importUsersCmd) Help() string {
	return "A line is the body of PUT /api/users. A file called .csv has the same names in its first line."
}

// Run imports users.
func (c importUsersCmd) Run(e *environment) error {
	caller, err := importCaller(c.Source)
	if err != nil {
		return err
	}
	if _, err := c.results(); err != nil {
		return err
	}
	return e.withApp(func(a *app) error {
		feeds := feed.NewImporter(feed.New(a.db, a.settings, a.hasher, runtime.GOMAXPROCS(0)))
		take := feeds.Import
		if c.SignUps {
			take = a.bringing(take)
		}
		return runImport(e, c.importFlags, userLines(take, caller, c.mode()))
	})
}

// taking carries lines out, as feed.Importer.Import does.
type taking func(ctx context.Context, c feed.Caller, in []feed.Sync, mode feed.Mode) ([]feed.BatchResult, error)

// bringing makes pending sign-ups of the users that are imported unverified. It
// comes before a line is answered: who resumes an import has it done again.
func (a *app) bringing(take taking) taking {
	return func(ctx context.Context, c feed.Caller, in []feed.Sync, mode feed.Mode) ([]feed.BatchResult, error) {
		out, err := take(ctx, c, in, mode)
		if err != nil || mode == feed.DryRun {
			return out, err
		}
		return out, a.db.Update(ctx, store.Bulk, func(tx store.Tx) error {
			for _, r := range out {
				if r.Err != nil {
					continue
				}
				if err := enrol.Bring(tx, r.Record.User.ID, r.Record.Strand.ID); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// systemSource is the partner that every internal caller of the door is.
const systemSource = "__system"

// errBusy is a fault that one line met and that is over soon.
var errBusy = fmt.Errorf("%w: too much to do at the moment", store.ErrUnavailable)

// userLines imports users as the partner door's batch does, but that their
// numbers are adopted.
func userLines(take taking, c feed.Caller, mode feed.Mode) kind[partner.Line] {
	batch := partner.Batch{Mode: mode, Sync: func(ctx context.Context, in []feed.Sync) ([]feed.BatchResult, error) {
		return take(ctx, c, in, mode)
	}}
	name := "users"
	if _, speaker, _ := strings.Cut(string(c.Source), ":"); speaker != systemSource {
		name += " --source " + speaker
	}
	return kind[partner.Line]{
		name: name, seed: "usher import users " + string(c.Source),
		read: func(it item) partner.Line {
			switch {
			case it.long:
				return partner.LongLine(it.line)
			case it.problem != "":
				return partner.UnreadableLine(it.line, it.problem)
			case it.members != nil:
				return partner.ReadMembers(it.line, it.members)
			default:
				return partner.ReadLine(it.line, it.text)
			}
		},
		weight: func(partner.Line) int { return 1 },
		take: func(ctx context.Context, lines []partner.Line, items []item) ([]answered, error) {
			answers, err := batch.Answer(ctx, lines)
			if err != nil {
				return nil, err
			}
			if len(answers) != len(items) {
				return nil, errors.New("a batch has another number of answers than of lines")
			}
			out := make([]answered, len(answers))
			for i, a := range answers {
				if a.StatusCode >= http.StatusInternalServerError {
					return nil, errBusy
				}
				a.Sum = items[i].sum
				text, err := a.Encode()
				if err != nil {
					return nil, err
				}
				out[i] = answered{
					line: a.Line, status: a.StatusCode, created: a.Created != nil && *a.Created,
					changed: a.Changed != nil && *a.Changed, reason: a.Reason(), text: text,
				}
			}
			return out, nil
		},
	}
}
