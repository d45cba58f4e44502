package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/usher-id/usher/internal/config"
)

// version is set by the build.
var version = ""

// commands is what can be typed. Configuration keys are flags of every command
// and are taken out before kong sees the line.
type commands struct {
	Serve   serveCmd   `cmd:"" help:"Serve the doors."`
	User    userCmd    `cmd:"" help:"Create, show, lock, unlock, erase and list users."`
	Group   groupCmd   `cmd:"" help:"Create and list groups, add and remove members."`
	Client  clientCmd  `cmd:"" help:"Register programs that sign people in at the partner door."`
	Caller  callerCmd  `cmd:"" help:"Register programs that speak at the Sunbird door under their own name."`
	Issuer  issuerCmd  `cmd:"" help:"Let states' signed tokens in."`
	Token   tokenCmd   `cmd:"" help:"Mint tokens for scripts and tests."`
	Policy  policyCmd  `cmd:"" help:"Apply and show the policy."`
	Import  importCmd  `cmd:"" help:"Import users and groups from a file."`
	Merge   mergeCmd   `cmd:"" help:"Make one user of two."`
	Unmerge unmergeCmd `cmd:"" help:"Undo a merge."`
	Explain explainCmd `cmd:"" help:"Tell how a user came to be what it is."`
	Jobs    jobsCmd    `cmd:"" help:"List jobs that were given up, and try them again."`
	Backup  backupCmd  `cmd:"" help:"Write everything into one file, or verify such a file."`
	Restore restoreCmd `cmd:"" help:"Put a backup into an empty database, of either kind."`
	Health  healthCmd  `cmd:"" help:"Ask usher whether it is ready."`
	Doctor  doctorCmd  `cmd:"" help:"Look for what is wrong with configuration, database and server."`
	Migrate migrateCmd `cmd:"" help:"Bring the database up to date, or say whether it is."`
	Config  configCmd  `cmd:"" help:"List the configuration keys."`
	Version versionCmd `cmd:"" help:"Print the version."`

	ShowVersion bool `name:"version" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	env := &environment{ctx: ctx, environ: environ, out: stdout, err: stderr, json: slices.Contains(args, "--json")}
	flags, rest, err := configFlags(args)
	if err != nil {
		return report(env, usageError{err})
	}
	env.flags = flags
	exit := -1
	var cmds commands
	parser, err := kong.New(&cmds, kong.Name("usher"), kong.Writers(stdout, stderr),
		kong.Description("One person, one user, one profile, through every door. Configuration keys are flags too: `usher config` lists them."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { exit = code }))
	if err != nil {
		return report(env, fmt.Errorf("setting up the command line: %w", err))
	}
	if err := switches(parser, args); err != nil {
		return report(env, err)
	}
	kctx, err := parser.Parse(asked(rest))
	switch {
	case exit >= 0:
		return exit // help was asked for
	case cmds.ShowVersion:
		err = versionCmd{}.Run(env)
	case err != nil:
		return report(env, misused(parser, err))
	default:
		err = kctx.Run(env)
	}
	if err != nil {
		return report(env, err)
	}
	return 0
}

// asked turns what people type to see what there is into the flag that shows it.
func asked(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	default:
		return args
	}
}

// environment is what a command runs in.
type environment struct {
	ctx      context.Context //nolint:containedctx // the one of the process
	flags    map[string]string
	environ  []string
	out, err io.Writer
	json     bool // the caller reads JSON
}

func (e *environment) config() (*config.Config, error) {
	cfg, err := config.Load(config.Sources{Flags: e.flags, Environ: e.environ})
	if err != nil {
		return nil, usageError{err}
	}
	return cfg, nil
}

// print writes a result: as JSON when asked, else as text says it.
func (e *environment) print(asJSON bool, v any, text func(io.Writer)) error {
	if !asJSON {
		text(e.out)
		return nil
	}
	return writeJSON(e.out, v)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type shownVersion struct {
	Version string `json:"version"`
}

// Run prints the version.
func (c versionCmd) Run(e *environment) error {
	return e.print(c.JSON, shownVersion{programVersion()}, func(w io.Writer) { fmt.Fprintln(w, "usher", programVersion()) })
}

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

type configCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type shownKey struct {
	Key      string `json:"key"`
	Variable string `json:"variable"`
	Flag     string `json:"flag"`
	Default  string `json:"default"`
	Value    string `json:"value"`
	Secret   bool   `json:"secret"`
	Meaning  string `json:"meaning"`
}

// Run lists the configuration keys.
func (c configCmd) Run(e *environment) error {
	if !c.JSON {
		return config.WriteTable(e.out)
	}
	rows := []shownKey{}
	for _, k := range config.Keys() {
		rows = append(rows, shownKey{k.Key, k.Env, k.Flag, k.Default, k.Allowed, k.Secret, k.Doc})
	}
	return e.print(true, rows, nil)
}
