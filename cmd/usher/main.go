package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/user"
)

// version is set by the build.
var version = ""

const (
	exitRefused = 1
	exitUsage   = 2
)

// commands is what can be typed. Configuration keys are flags of every command
// and are taken out before kong sees the line.
type commands struct {
	Serve   serveCmd   `cmd:"" help:"Serve the doors."`
	User    userCmd    `cmd:"" help:"Create, show, lock, unlock, erase and list users."`
	Group   groupCmd   `cmd:"" help:"Create and list groups, add and remove members."`
	Client  clientCmd  `cmd:"" help:"Register programs that sign people in at the partner door."`
	Token   tokenCmd   `cmd:"" help:"Mint tokens for scripts and tests."`
	Policy  policyCmd  `cmd:"" help:"Apply and show the policy."`
	Merge   mergeCmd   `cmd:"" help:"Make one user of two."`
	Unmerge unmergeCmd `cmd:"" help:"Undo a merge."`
	Explain explainCmd `cmd:"" help:"Tell how a user came to be what it is."`
	Jobs    jobsCmd    `cmd:"" help:"List jobs that were given up, and try them again."`
	Migrate migrateCmd `cmd:"" help:"Bring the database up to date, or say whether it is."`
	Config  configCmd  `cmd:"" help:"List the configuration keys."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	flags, rest, err := configFlags(args)
	if err != nil {
		fmt.Fprintln(stderr, "usher:", err)
		return exitUsage
	}
	if len(rest) == 0 {
		rest = []string{"--help"}
	}
	exit := -1
	var cmds commands
	parser, err := kong.New(&cmds, kong.Name("usher"), kong.Writers(stdout, stderr),
		kong.Description("One person, one user, one profile, through every door. Configuration keys are flags too: `usher config` lists them."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { exit = code }))
	if err != nil {
		fmt.Fprintln(stderr, "usher:", err)
		return exitUsage
	}
	kctx, err := parser.Parse(rest)
	if exit >= 0 {
		return exit // help was asked for
	}
	if err != nil {
		fmt.Fprintf(stderr, "usher: %v\nTry: usher --help\n", err)
		return exitUsage
	}
	env := &environment{ctx: ctx, flags: flags, environ: environ, out: stdout, err: stderr}
	if err := kctx.Run(env); err != nil {
		return report(env, err)
	}
	return 0
}

// environment is what a command runs in.
type environment struct {
	ctx      context.Context //nolint:containedctx // the one of the process
	flags    map[string]string
	environ  []string
	out, err io.Writer
}

func (e *environment) config() (*config.Config, error) {
	cfg, err := config.Load(config.Sources{Flags: e.flags, Environ: e.environ})
	if err != nil {
		return nil, usageError{err}
	}
	return cfg, nil
}

// usageError is the caller's mistake, as opposed to a refusal.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func report(e *environment, err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintln(e.err, "usher:", err)
		return exitUsage
	}
	if r, ok := errors.AsType[*user.Refusal](err); ok {
		fmt.Fprintln(e.err, "usher:", sentence(r))
		return exitRefused
	}
	fmt.Fprintln(e.err, "usher:", err)
	return exitRefused
}

// sentence says a refusal to a person at a terminal.
func sentence(r *user.Refusal) string {
	what := map[user.Code]string{
		user.NotFound: "not found", user.InUse: "in use already", user.Invalid: "not valid", user.Missing: "missing",
		user.WeakPassword: "the password is too weak", user.Conflict: "conflict", user.NotUndoable: "cannot be undone",
		user.NotMember: "not a member", user.UserLocked: "the user is locked", user.UserDeleted: "the user is deleted",
		user.Challenge: "somebody else holds this; merging needs a reason",
	}[r.Code]
	if what == "" {
		what = string(r.Code)
	}
	var b strings.Builder
	if r.Field != "" {
		b.WriteString(r.Field + ": ")
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
		fmt.Fprintf(&b, " (%s %s)", k, r.Params[k])
	}
	return b.String()
}

// configFlags takes the configuration keys out of the arguments. A key is
// written with _ or -; a switch such as --dev needs no value.
func configFlags(args []string) (flags map[string]string, rest []string, err error) {
	kinds := map[string]config.Kind{}
	for _, k := range config.Keys() {
		kinds[k.Key] = k.Kind
	}
	flags = map[string]string{}
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return flags, append(rest, args[i:]...), nil
		}
		name, value, has := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		key := strings.ReplaceAll(name, "-", "_")
		kind, known := kinds[key]
		if !strings.HasPrefix(args[i], "--") || !known {
			rest = append(rest, args[i])
			continue
		}
		switch {
		case has:
		case kind == config.Bool:
			value = "true"
		case i+1 < len(args):
			i++
			value = args[i]
		default:
			return nil, nil, fmt.Errorf("--%s needs a value", name)
		}
		flags[key] = value
	}
	return flags, rest, nil
}

// print writes a result: as JSON when asked, else as text says it.
func (e *environment) print(asJSON bool, v any, text func(io.Writer)) error {
	if !asJSON {
		text(e.out)
		return nil
	}
	enc := json.NewEncoder(e.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(e *environment) error {
	fmt.Fprintln(e.out, "usher", programVersion())
	return nil
}

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "development"
}

type configCmd struct{}

// Run lists the configuration keys.
func (configCmd) Run(e *environment) error { return config.WriteTable(e.out) }
