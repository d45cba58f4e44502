package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

type importCmd struct {
	Users  importUsersCmd  `cmd:"" help:"Import users."`
	Groups importGroupsCmd `cmd:"" help:"Import groups and their members."`
}

// importFlags are what every import is told.
type importFlags struct {
	File    string `arg:"" help:"NDJSON, a line for each; - for standard input."`
	DryRun  bool   `name:"dry-run" help:"Say what would be done, and write nothing."`
	Results string `help:"Where the answer to each line goes: a file, or - for standard output. By default FILE.results.ndjson; of a dry run and of standard input, standard output."`
	Resume  bool   `help:"Go on after the last line that the result file answers."`
	JSON    bool   `name:"json" help:"Print the summary as JSON."`
}

// standard is how standard input and output are written.
const standard = "-"

// results is where answers go; empty for nowhere.
func (f importFlags) results() (string, error) {
	switch {
	case f.Resume && f.DryRun:
		return "", usageError{errors.New("a dry run writes nothing that could be resumed: leave out --resume or --dry-run")}
	case f.Resume && (f.Results == standard || f.Results == "" && f.File == standard):
		return "", usageError{errors.New("--resume goes on after a result file: name it with --results")}
	case f.Results == standard && f.JSON:
		return "", usageError{errors.New("--json prints one object: name a file with --results, not -")}
	case f.Results != "":
		return f.Results, nil
	case f.DryRun && f.JSON:
		return "", nil
	case f.File == standard && f.JSON:
		return "", usageError{errors.New("with --json the answers to standard input need a file: name one with --results")}
	case f.DryRun, f.File == standard:
		return standard, nil
	default:
		return f.File + ".results.ndjson", nil
	}
}

func (f importFlags) mode() feed.Mode {
	if f.DryRun {
		return feed.DryRun
	}
	return feed.Write
}

// again is the command that goes on where this one ended.
func (f importFlags) again(what string) string {
	line := "usher import " + what + " " + f.File
	if f.Results != "" {
		line += " --results " + f.Results
	}
	return line + " --resume"
}

// answered is what became of one line.
type answered struct {
	line             int
	status           int // as at the door; 207 where a part was refused
	created, changed bool
	reason           string // what was wrong
	text             []byte // the line of the result file
}

// kind is how one kind of lines is imported.
type kind[T any] struct {
	name string // as in the command that imports it
	// seed is what, beside the lines, a result file is about.
	seed string
	read func(item) T
	// weight is how much of a chunk a line fills; a chunk takes chunkSize.
	weight func(T) int
	// take carries lines out, in one transaction where it can, and answers each.
	// An error says that none can be relied on; to take them again does no harm.
	take func(ctx context.Context, lines []T, items []item) ([]answered, error)
}

// chunkSize is how many lines go into one transaction.
const chunkSize = feed.BatchSize

// importing is one import under way.
type importing[T any] struct {
	e       *environment
	kind    kind[T]
	flags   importFlags
	results *receipt
	shows   *progress
	sum     importSummary
	// pause waits before a chunk is tried again; false when nobody wants it any
	// more.
	pause func(context.Context, time.Duration) bool
}

// runImport opens what is named and carries the import out.
func runImport[T any](e *environment, f importFlags, k kind[T]) error {
	path, err := f.results()
	if err != nil {
		return err
	}
	if f.DryRun {
		k.seed += " dry run"
	}
	in, err := openInput(f.File, k.seed)
	if err != nil {
		return err
	}
	defer in.close()
	i := &importing[T]{e: e, kind: k, flags: f, shows: newProgress(e, f, in), pause: pause}
	i.sum.DryRun = f.DryRun
	if i.results, err = openReceipt(path, e.out, in, f, k.name, &i.sum); err != nil {
		return err
	}
	i.sum.began = time.Now()
	i.shows.start(in.read.bytes, i.sum.Earlier)
	runErr := i.run(in)
	i.shows.end()
	if err := i.results.close(); runErr == nil && err != nil {
		runErr = fmt.Errorf("writing %s: %w", path, err)
	}
	if runErr != nil {
		return runErr
	}
	return i.sum.print(e, f, path)
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// chunkOf is what goes into one transaction, and how reading ended after it.
type chunkOf[T any] struct {
	items []item
	lines []T
	err   error // io.EOF after the last
}

// run reads and takes chunk by chunk; while one is taken the next is read. Who
// stops it is heard between chunks.
func (i *importing[T]) run(in *input) error {
	chunks, quit := make(chan chunkOf[T]), make(chan struct{})
	defer close(quit)
	go func() {
		for {
			c := i.readChunk(in)
			select {
			case chunks <- c:
			case <-quit:
				return
			}
			if c.err != nil {
				return
			}
		}
	}()
	for {
		if i.e.ctx.Err() != nil {
			return i.stopped()
		}
		select {
		case <-i.e.ctx.Done(): // the reader may wait for standard input
			return i.stopped()
		case c := <-chunks:
			if err := i.finish(c); err != nil {
				return err
			}
			if errors.Is(c.err, io.EOF) {
				return nil
			}
			if c.err != nil {
				return i.broken(c.err)
			}
		}
	}
}

func (i *importing[T]) readChunk(in *input) (c chunkOf[T]) {
	for room := chunkSize; room > 0; {
		it, err := in.next()
		if err != nil {
			c.err = err
			return c
		}
		line := i.kind.read(it)
		it.text, it.members = nil, nil
		c.items, c.lines = append(c.items, it), append(c.lines, line)
		room -= i.kind.weight(line)
	}
	return c
}

// finish takes a chunk and writes its answers down, which comes after it is
// durable: a line that is answered need not be taken again.
func (i *importing[T]) finish(c chunkOf[T]) error {
	if len(c.items) == 0 {
		return nil
	}
	out, err := i.take(c)
	if err != nil {
		return i.broken(err)
	}
	for _, a := range out {
		i.sum.count(a)
	}
	if err := i.results.write(out); err != nil {
		return i.broken(err)
	}
	i.shows.at(c.items[len(c.items)-1].end, i.sum)
	return nil
}

// longestPause ends the doubling waits for a database that cannot be asked.
const longestPause = 16 * time.Second

// take carries a chunk out, and tries again while the database cannot be
// asked. Once begun it is not cancelled: what was committed has its answer.
func (i *importing[T]) take(c chunkOf[T]) ([]answered, error) {
	ctx := context.WithoutCancel(i.e.ctx)
	for wait := time.Second; ; wait *= 2 {
		out, err := i.kind.take(ctx, c.lines, c.items)
		if err == nil && len(out) != len(c.items) {
			err = errors.New("a chunk has another number of answers than of lines")
		}
		if err == nil || !errors.Is(err, store.ErrUnavailable) || wait > longestPause || !i.pause(i.e.ctx, wait) {
			return out, err
		}
	}
}

// goOn says how an import that ended early is continued.
func (i *importing[T]) goOn() string {
	if i.results.path == "" {
		if i.flags.DryRun {
			return "Nothing was written"
		}
		return "What was answered is in; to import all lines again does no harm"
	}
	return "What it answers is in. Go on with: " + i.flags.again(i.kind.name)
}

func (i *importing[T]) stopped() error {
	return fmt.Errorf("stopped after %s. %s", counted(i.sum.Lines), i.goOn())
}

func (i *importing[T]) broken(err error) error {
	if _, ok := errors.AsType[usageError](err); ok {
		return err // a file of another kind is not gone on with
	}
	return fmt.Errorf("the import ended after %s: %w. %s", counted(i.sum.Lines), err, i.goOn())
}

// sourceName is what a partner can be called.
var sourceName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// importCaller is whom imported users come from: a partner, as if it had sent
// them itself.
func importCaller(name string) (feed.Caller, error) {
	name = strings.TrimPrefix(name, string(user.DoorPartner)+":")
	if !sourceName.MatchString(name) {
		return feed.Caller{}, usageError{fmt.Errorf("--source is %q; it can be a partner's name of letters, digits, _, . and -", name)}
	}
	return feed.Caller{Source: user.SourceOf(user.DoorPartner, name), By: name}, nil
}

// terminal says whether a person watches.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
