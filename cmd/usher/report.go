package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

const (
	exitRefused = 1
	exitUsage   = 2
)

// usageError is the caller's mistake, as opposed to a refusal.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// shownError is what a command that was given --json writes to standard error.
type shownError struct {
	Error errorLine `json:"error"`
}

type errorLine struct {
	Code    string            `json:"code"` // a refusal's code, "usage" or "failed"
	Field   string            `json:"field,omitempty"`
	Message string            `json:"message"`
	Params  map[string]string `json:"params,omitempty"`
}

// report tells the caller why nothing came of it, and gives the exit status.
func report(e *environment, err error) int {
	line, code := errorLine{Code: "failed", Message: err.Error()}, exitRefused
	if _, ok := errors.AsType[usageError](err); ok {
		line.Code, code = "usage", exitUsage
	} else if r, ok := errors.AsType[*user.Refusal](err); ok {
		line = errorLine{string(r.Code), r.Field, sentence(r), r.Params}
	}
	if !e.json {
		fmt.Fprintln(e.err, "usher:", plainLines(line.Message))
		return code
	}
	if err := writeJSON(e.err, shownError{line}); err != nil {
		return exitRefused // nobody reads what is said
	}
	return code
}

// flagFields are the fields of refusals that have a flag of that name.
var flagFields = []string{"email", "username", "password", "role", "ttl", "id", "secret", "door"}

// sentence says a refusal to a person at a terminal.
func sentence(r *user.Refusal) string {
	field := r.Field
	if slices.Contains(flagFields, field) {
		field = "--" + field
	}
	switch {
	case r.Code == user.NotFound:
		if text := notFound(r); text != "" {
			return text
		}
	case r.Code == user.InUse && r.Field == "username":
		return fmt.Sprintf("the username %q is taken by user %s", r.Params["username"], r.Params["user"])
	case r.Code == user.InUse && r.Field == "email":
		return fmt.Sprintf("the e-mail address is that of user %s; to add to that user give a --reason", r.Params["user"])
	case r.Code == user.InUse && r.Field == "id":
		return fmt.Sprintf("there is a client %q already", r.Params["id"])
	case r.Code == user.InUse && r.Field == "name":
		return "there is a group of that kind and name already"
	case r.Code == user.Invalid && r.Params["why"] != "", r.Code == user.WeakPassword && r.Params["why"] != "":
		return field + " is refused: " + r.Params["why"]
	case r.Code == user.Conflict && r.Params["why"] != "":
		if r.Params["user"] != "" && r.Field == "user" {
			return fmt.Sprintf("%q: %s", r.Params["user"], r.Params["why"])
		}
		return r.Params["why"]
	case r.Code == user.NotMember:
		return "the user is not in that group"
	case r.Code == user.UserDeleted && r.Params["status"] != "":
		return "the user is " + r.Params["status"]
	}
	return generic(r, field)
}

func notFound(r *user.Refusal) string {
	given := r.Params[r.Field]
	switch r.Field {
	case "user":
		return fmt.Sprintf("no user is known as %q. Known are ids, handles, identities, e-mail addresses, phones as +919876543210 and usernames: `usher user list` shows some", given)
	case "group":
		return fmt.Sprintf("there is no group %q: `usher group list` shows those that there are", given)
	case "entry":
		return fmt.Sprintf("there is nothing to undo with the id %q: `usher merge` prints the id, and `usher explain REF` shows those of a user", given)
	case "job":
		return fmt.Sprintf("no job with the id %q was given up: `usher jobs list` shows those that were", given)
	}
	return ""
}

// generic says a refusal that no command is known for.
func generic(r *user.Refusal, field string) string {
	what := map[user.Code]string{
		user.NotFound: "not found", user.InUse: "in use already", user.Invalid: "not valid", user.Missing: "missing",
		user.WeakPassword: "the password is too weak", user.Conflict: "conflict",
		user.NotUndoable: "cannot be undone", user.NotMember: "not a member",
		user.UserLocked: "the user is locked", user.UserDeleted: "the user is deleted",
		user.Challenge: "somebody else holds this; merging needs a reason", user.Busy: "too much to do at the moment; try again",
	}[r.Code]
	if what == "" {
		what = strings.ReplaceAll(string(r.Code), "_", " ")
	}
	var b strings.Builder
	if field != "" {
		b.WriteString(field + ": ")
	}
	b.WriteString(what)
	keys := make([]string, 0, len(r.Params))
	for k := range r.Params {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if k == "why" {
			b.WriteString(": " + r.Params[k])
			continue
		}
		fmt.Fprintf(&b, " (%s %s)", k, plain(r.Params[k]))
	}
	return b.String()
}
