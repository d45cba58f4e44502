package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/token"
)

type doctorCmd struct {
	Full bool `help:"Look at everything: each page of the file, every event, what belongs to what, the mail server. Reads whole tables."`
	JSON bool `name:"json" help:"Print JSON."`
}

// condition is what a check came to.
type condition string

const (
	well condition = "ok"
	warn condition = "warn" // it works, and may not be meant so
	ill  condition = "fail"
)

// finding is a line of the doctor's.
type finding struct {
	Check string    `json:"check"`
	State condition `json:"state"`
	Says  string    `json:"says"`
	Do    string    `json:"do,omitempty"` // what helps
}

// doctor collects findings. It writes nothing, neither files nor rows.
type doctor struct {
	cfg  *config.Config
	full bool
	all  []finding
}

func (d *doctor) find(check string, s condition, says, do string) {
	d.all = append(d.all, finding{check, s, says, do})
}

// tell is find for a check that may have failed altogether.
func (d *doctor) tell(check string, err error, do string) bool {
	if err == nil {
		return true
	}
	d.find(check, ill, err.Error(), do)
	return false
}

// Run looks at what usher would run on.
func (c doctorCmd) Run(e *environment) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	d := &doctor{cfg: cfg, full: c.Full}
	d.configuration()
	d.files()
	d.database(e)
	d.server(e.ctx)
	if d.full {
		d.mailServer(e.ctx)
	}
	counts := map[condition]int{}
	for _, f := range d.all {
		counts[f.State]++
	}
	err = e.print(c.JSON, d.all, func(w io.Writer) {
		for _, f := range d.all {
			fmt.Fprintf(w, "%-4s  %-13s %s\n", f.State, f.Check, plainLines(f.Says))
			if f.Do != "" {
				fmt.Fprintf(w, "      %-13s → %s\n", "", plainLines(f.Do))
			}
		}
		fmt.Fprintf(w, "\n%d ok, %d to think about, %d wrong\n", counts[well], counts[warn], counts[ill])
	})
	if err == nil && counts[ill] > 0 {
		return errUnwell
	}
	return err
}

var errUnwell = errors.New("something is wrong: the lines that begin with fail say what")

// files looks at who can read what only usher should.
func (d *doctor) files() {
	if d.cfg.DatabaseURL != "" {
		return
	}
	dir := absolute(d.cfg.Data)
	for _, path := range []string{dir, filepath.Join(dir, sqlstore.FileName)} {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return // the database says so
		case err != nil:
			d.find("files", ill, err.Error(), "run this as the user that usher runs as")
		case info.Mode().Perm()&0o077 != 0:
			d.find("files", warn, fmt.Sprintf("%s can be read by others (%04o)", path, info.Mode().Perm()), "chmod go-rwx "+path)
		default:
			d.find("files", well, path+" is its owner's alone", "")
		}
	}
	if free, ok := freeSpace(dir); ok {
		s, do := well, "" // a full disk stops every write
		switch {
		case free < 64<<20:
			s, do = ill, "make room at once"
		case free < 1<<30:
			s, do = warn, "make room"
		}
		d.find("disk", s, fmt.Sprintf("%.1f GiB are free", float64(free)/(1<<30)), do)
	}
}

func (d *doctor) database(e *environment) {
	at := place{d.cfg, existing}
	db, err := at.database(e.ctx, newLogger(d.cfg, e.err))
	if !d.tell("database", err, "") {
		return
	}
	defer func() { _ = db.Close() }()
	traits, err := db.Traits(e.ctx)
	if !d.tell("database", err, "see that it runs and that database_url is right") {
		return
	}
	for _, t := range traits {
		if t.Name == synchronousCommit {
			d.commits(t.Is, traits)
			continue
		}
		if t.Must != "" && t.Is != t.Must {
			d.find("database", ill, fmt.Sprintf("%s is %s, and must be %s: what was acknowledged could be lost", t.Name, t.Is, t.Must), "set it back")
			continue
		}
		d.find("database", well, t.Name+" "+t.Is, "")
	}
	d.release(traits)
	d.clock(e.ctx, db)
	if d.schema(e.ctx, db) {
		d.key(e.ctx, at, db)
		d.content(e.ctx, db)
	}
}

// What PostgreSQL waits for when it commits, and for whom beside itself.
const (
	synchronousCommit   = "synchronous_commit"
	synchronousStandbys = "synchronous_standby_names"
)

// commits looks at what PostgreSQL waits for before it acknowledges a write: by
// itself for its own disk, unless it is off. The other values differ only in
// what they ask of synchronous standbys.
func (d *doctor) commits(is string, traits []sqlstore.Trait) {
	standbys := slices.ContainsFunc(traits, func(t sqlstore.Trait) bool { return t.Name == synchronousStandbys && t.Is != "" })
	switch {
	case is == "off":
		d.find("database", ill, synchronousCommit+" is off: what was acknowledged could be lost", "set it to on")
	case standbys && is == "local":
		d.find("database", warn, synchronousCommit+" is local: what was acknowledged could be missing at the standbys that take over", "set it to on, if no write may be lost then")
	default:
		d.find("database", well, synchronousCommit+" "+is, "")
	}
}

// testedPostgres is the oldest release that usher is tested with.
const testedPostgres = 15

// release looks at how old the database's program is; SQLite's is usher's own.
func (d *doctor) release(traits []sqlstore.Trait) {
	for _, t := range traits {
		major, err := strconv.Atoi(t.Is[:max(0, strings.IndexAny(t.Is+".", ". "))])
		if t.Name == "PostgreSQL" && err == nil && major < testedPostgres {
			d.find("database", warn, fmt.Sprintf("PostgreSQL %s is older than what usher is tested with, %d", t.Is, testedPostgres), "upgrade PostgreSQL")
		}
	}
}

func (d *doctor) clock(ctx context.Context, db *sqlstore.DB) {
	if d.cfg.DatabaseURL == "" {
		return // it is this machine's
	}
	ahead, err := db.Ahead(ctx)
	switch {
	case !d.tell("clock", err, "see that the database answers"):
	case ahead.Abs() > 2*time.Second:
		d.find("clock", warn, fmt.Sprintf("the database's clock differs by %v", ahead.Round(time.Millisecond)), "keep both machines' clocks by NTP")
	default:
		d.find("clock", well, "the database's is this machine's", "")
	}
}

func (d *doctor) schema(ctx context.Context, db *sqlstore.DB) bool {
	have, err := db.SchemaVersion(ctx)
	if !d.tell("schema", err, "see that the database answers") {
		return false
	}
	newest, err := sqlstore.NewestSchema()
	if !d.tell("schema", err, "install usher again") {
		return false
	}
	switch {
	case have > newest:
		d.find("schema", ill, fmt.Sprintf("version %d, made by a newer usher; this one knows up to %d", have, newest), "run the newer usher: this one does not start")
		return false
	case have < newest:
		d.find("schema", warn, fmt.Sprintf("version %d of %d", have, newest), "usher serve brings it up to date when it starts, usher migrate up now")
		return false
	}
	d.find("schema", well, fmt.Sprintf("version %d", have), "")
	return true
}

// keyAge is how old the signing key in use gets while usher runs.
const keyAge = 91 * 24 * time.Hour

func (d *doctor) key(ctx context.Context, at place, db *sqlstore.DB) {
	k, err := at.key(ctx, db)
	if !d.tell("key", err, "") { // it says what to do
		return
	}
	strange, keys, err := foreign(ctx, db, k)
	if !d.tell("key", err, "see that the database answers") {
		return
	}
	newest := time.Time{}
	for _, s := range keys {
		if s.State == string(token.Active) && s.Activated.After(newest) {
			newest = s.Activated
		}
	}
	switch {
	case strange > 0:
		d.find("key", ill, fmt.Sprintf("key %s in %s does not open %d of %d signing keys", k.ID(), at.keyPlace(), strange, len(keys)), "put the right key back")
	case len(keys) == 0:
		d.find("key", well, fmt.Sprintf("key %s; there are no secrets yet", k.ID()), "")
	case newest.IsZero():
		d.find("key", ill, "no signing key is active", "start usher, which makes one")
	case time.Since(newest) > keyAge:
		d.find("key", warn, fmt.Sprintf("key %s; the signing key in use is of %s", k.ID(), newest.Format(time.DateOnly)), "usher changes it every 90 days while it runs: see whether it does, and that the clock is right")
	default:
		d.find("key", well, fmt.Sprintf("key %s opens all %d signing keys; the one in use is of %s", k.ID(), len(keys), newest.Format(time.DateOnly)), "")
	}
}

// content looks at what is in the tables.
func (d *doctor) content(ctx context.Context, db *sqlstore.DB) {
	damage, err := db.Damage(ctx, d.full)
	switch {
	case !d.tell("file", err, "stop usher, keep a copy of the file, and restore a backup beside it (docs/backup.md)"):
	case damage != "":
		d.find("file", ill, damage, "stop usher, keep a copy of the file, and restore a backup beside it (docs/backup.md)")
	case d.cfg.DatabaseURL == "":
		d.find("file", well, "every page can be read", "")
	}
	var dead, late []store.Job
	var unnumbered []store.Event
	var last store.Event
	err = db.View(ctx, func(r store.Reader) (err error) {
		if dead, err = r.Jobs(store.JobDead, 1000); err != nil {
			return err
		}
		if late, err = r.Jobs(store.JobDue, 1); err != nil {
			return err
		}
		if unnumbered, err = r.Unsequenced(1); err != nil {
			return err
		}
		if last, err = r.LastEvent(); errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if !d.tell("jobs", err, "see that the database answers") {
		return
	}
	switch {
	case len(dead) > 0:
		d.find("jobs", warn, fmt.Sprintf("%d were given up, the newest: %s", len(dead), plain(dead[len(dead)-1].LastErr)), "usher jobs list, and usher jobs retry ID")
	case len(late) > 0 && time.Since(late[0].Due) > 10*time.Minute && d.cfg.Mail.SMTP.Host != "":
		d.find("jobs", warn, fmt.Sprintf("the oldest has waited since %s", late[0].Due.Format(time.RFC3339)), "is usher running?")
	default:
		d.find("jobs", well, "none was given up", "")
	}
	from := max(1, last.Seq-1000)
	if d.full {
		from = 1
	}
	err = db.View(ctx, func(r store.Reader) error { return event.Verify(r, from) })
	if d.tell("events", err, "somebody or something changed events behind usher: compare with a backup") {
		waiting := ""
		if len(unnumbered) > 0 {
			waiting = "; some wait for their number"
		}
		d.find("events", well, fmt.Sprintf("the chain holds from %d to %d%s", min(from, last.Seq), last.Seq, waiting), "")
	}
	if !d.full {
		return
	}
	halves, err := db.Halves(ctx)
	if !d.tell("content", err, "see that the database answers") {
		return
	}
	for _, h := range halves {
		d.find("content", ill, h, "this should not be: keep a backup and tell us")
	}
	if len(halves) == 0 {
		d.find("content", well, "everything has what it belongs to", "")
	}
}

// server asks whether usher answers where it would listen.
func (d *doctor) server(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if strings.HasSuffix(d.cfg.Listen, ":0") {
		return // wherever that is
	}
	at := d.cfg.Listen
	status, err := askHealth(ctx, d.cfg, "")
	if err != nil {
		d.find("server", warn, "nobody answers at "+at, "usher serve")
		return
	}
	if status != http.StatusOK {
		d.find("server", ill, fmt.Sprintf("/health/ready at %s says %s", at, http.StatusText(status)), "its log says why")
		return
	}
	d.find("server", well, at+" is ready", "")
}
