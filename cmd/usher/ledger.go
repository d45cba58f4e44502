package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

type mergeCmd struct {
	Into   reference `arg:"" help:"The user that stays."`
	Other  reference `arg:"" help:"The user that goes into it."`
	Reason string    `help:"Why, for those who ask later."`
	DryRun bool      `name:"dry-run" help:"Say what would come of it, and write nothing."`
	JSON   bool      `name:"json" help:"Print JSON."`
}

type shownMerge struct {
	ID     user.ID   `json:"id"`
	User   shownUser `json:"user"`
	Merged user.ID   `json:"merged"`
	DryRun bool      `json:"dry_run,omitempty"`
	// Moves is what a dry run says would move.
	Moves *shownMove `json:"moves,omitempty"`
}

// Run merges two users.
func (c mergeCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		out := shownMerge{DryRun: c.DryRun}
		if c.DryRun {
			moves, err := a.foretell(e.ctx, string(c.Into), string(c.Other))
			if err != nil {
				return err
			}
			out.Moves = &moves
		}
		m, err := a.operator.Merge(e.ctx, string(c.Into), string(c.Other), c.Reason, c.DryRun)
		if err != nil {
			return err
		}
		st := operator.Story{User: m.User}
		if !c.DryRun {
			if st, err = a.operator.Explain(e.ctx, string(m.User.ID)); err != nil {
				return err
			}
		}
		out.ID, out.User, out.Merged = m.Entry, shown(st), m.Other
		return e.print(c.JSON, out, func(w io.Writer) {
			if c.DryRun {
				fmt.Fprintf(w, "%s would go into %s; nothing was written\n", m.Other, m.User.ID)
				out.Moves.write(w, m.Other)
				return
			}
			fmt.Fprintf(w, "%s went into %s\nUndo it with: usher unmerge %s\n", m.Other, m.User.ID, m.Entry)
		})
	})
}

type unmergeCmd struct {
	ID   string `arg:"" help:"The merge, as printed by merge and explain."`
	JSON bool   `name:"json" help:"Print JSON."`
}

type shownUnmerge struct {
	ID    user.ID   `json:"id"`
	Users []user.ID `json:"users"`
}

// Run undoes a merge.
func (c unmergeCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		entry, err := a.operator.Unmerge(e.ctx, c.ID)
		if err != nil {
			return err
		}
		return e.print(c.JSON, shownUnmerge{entry.ID, []user.ID{entry.User, entry.Other}}, func(w io.Writer) {
			fmt.Fprintf(w, "%s and %s are two users again\n", entry.User, entry.Other)
		})
	})
}

type explainCmd struct{ userRef }

type shownStory struct {
	User    shownUser    `json:"user"`
	Strands []strandLine `json:"strands"`
	Ledger  []entryLine  `json:"ledger"`
	Events  []eventLine  `json:"events"`
}

type strandLine struct {
	ID        user.ID          `json:"id"`
	Source    user.Source      `json:"source"`
	Kind      user.StrandKind  `json:"kind"`
	State     user.StrandState `json:"state"`
	Began     user.ID          `json:"began_with"`
	Document  user.Document    `json:"document,omitempty"`
	Edits     user.Document    `json:"edits,omitempty"`
	CreatedAt time.Time        `json:"created_at"`
	CreatedBy string           `json:"created_by"`
}

type entryLine struct {
	ID     user.ID         `json:"id"`
	Kind   store.EntryKind `json:"kind"`
	User   user.ID         `json:"user"`
	Other  user.ID         `json:"other,omitempty"`
	By     string          `json:"by"`
	Reason string          `json:"reason,omitempty"`
	At     time.Time       `json:"at"`
	Undone *time.Time      `json:"undone_at,omitempty"`
}

type eventLine struct {
	At    time.Time       `json:"at"`
	Kind  string          `json:"kind"`
	Door  user.Door       `json:"door,omitempty"`
	Actor string          `json:"actor,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// Run tells a user's story.
func (c explainCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		st, err := a.operator.Explain(e.ctx, string(c.Ref))
		if err != nil {
			return err
		}
		s := newShownStory(st)
		return e.print(c.JSON, s, func(w io.Writer) { writeStory(w, s) })
	})
}

func newShownStory(st operator.Story) shownStory {
	s := shownStory{User: shown(st), Strands: []strandLine{}, Ledger: []entryLine{}, Events: []eventLine{}}
	for _, x := range st.Strands {
		s.Strands = append(s.Strands, strandLine{
			x.ID, x.Source, x.Kind, x.State, x.Origin, x.Document, x.Edits, x.Created, x.CreatedBy,
		})
	}
	for _, x := range slices.Backward(st.Ledger) {
		l := entryLine{x.ID, x.Kind, x.User, x.Other, x.By, x.Reason, x.At, nil}
		if !x.Undone.IsZero() {
			l.Undone = &x.Undone
		}
		s.Ledger = append(s.Ledger, l)
	}
	for _, x := range st.Events {
		body := json.RawMessage(x.Body)
		if len(body) == 0 || string(body) == "{}" {
			body = nil
		}
		s.Events = append(s.Events, eventLine{x.At, x.Kind, x.Door, x.Actor, body})
	}
	return s
}

func writeStory(w io.Writer, s shownStory) {
	fmt.Fprintf(w, "%s is %s", s.User.ID, s.User.Status)
	if s.User.MergedInto != "" {
		fmt.Fprintf(w, " and lives on in %s", s.User.MergedInto)
	}
	fmt.Fprintln(w, "\n\nWhat it is made of")
	for _, x := range s.Strands {
		fmt.Fprintf(w, "  %s  %-10s %-12s since %s, by %s\n", x.ID, x.State, plain(x.Source), stamp(x.CreatedAt), plain(x.CreatedBy))
		if x.Began != s.User.ID {
			fmt.Fprintf(w, "  %36s  began with %s\n", "", x.Began)
		}
	}
	if len(s.Ledger) > 0 {
		fmt.Fprintln(w, "\nWhat was joined or set aside")
	}
	for _, x := range s.Ledger {
		fmt.Fprintf(w, "  %s  %-9s %s  by %s", x.ID, x.Kind, stamp(x.At), plain(x.By))
		if x.Other != "" {
			fmt.Fprintf(w, ", with %s", x.Other)
		}
		if x.Reason != "" {
			fmt.Fprintf(w, ": %s", plain(x.Reason))
		}
		if x.Undone != nil {
			fmt.Fprintf(w, " (undone %s)", stamp(*x.Undone))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "\nWhat happened")
	for _, x := range s.Events {
		fmt.Fprintf(w, "  %s  %-20s %-8s %s%s\n", stamp(x.At), plain(x.Kind), plain(x.Door), plain(x.Actor), why(x.Body))
	}
}

// why takes the rule out of an event that carries a decision.
func why(body json.RawMessage) string {
	var d struct{ Result, Rule string }
	if json.Unmarshal(body, &d) != nil || d.Rule == "" {
		return ""
	}
	return fmt.Sprintf("\n  %22s%s: rule %s", "", plain(d.Result), plain(d.Rule))
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
