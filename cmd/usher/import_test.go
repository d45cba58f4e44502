package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/door/partner"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
)

// said is a kind whose lines are answered without a database: 400 for those
// with "no", 200 for the rest.
type said struct {
	chunks [][]string
	before func(chunk int) error // nil: none
}

func (s *said) kind() kind[string] {
	return kind[string]{
		name: "things", seed: "usher import things",
		read:   func(it item) string { return strings.TrimSpace(string(it.text)) },
		weight: func(string) int { return 1 },
		take: func(_ context.Context, lines []string, items []item) ([]answered, error) {
			if s.before != nil {
				if err := s.before(len(s.chunks)); err != nil {
					return nil, err
				}
			}
			s.chunks = append(s.chunks, lines)
			out := make([]answered, len(lines))
			for i, l := range lines {
				a := answered{line: items[i].line, status: 200, created: true, changed: true}
				if strings.Contains(l, "no") {
					a.status, a.created, a.changed, a.reason = 400, false, false, "said no"
				}
				a.text = fmt.Appendf(nil, `{"line":%d,"sum":%q,"statusCode":%d,"created":%t}`+"\n", a.line, items[i].sum, a.status, a.created)
				out[i] = a
			}
			return out, nil
		},
	}
}

// carriedOut imports a text.
func carriedOut(t *testing.T, ctx context.Context, k kind[string], f importFlags) (told, error) {
	t.Helper()
	var out, errs bytes.Buffer
	e := &environment{ctx: ctx, out: &out, err: &errs}
	err := runImport(e, f, k)
	return told{0, out.String(), errs.String()}, err
}

func fileOf(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "yes %d\n", i+1)
	}
	return b.String()
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Given an import, when somebody stops it, then the chunk under way is finished
// and answered, nothing more is taken, and what is said goes on with it.
func TestAnImportStopsBetweenChunks(t *testing.T) {
	file := fileOf(t, "things", numbered(1000))
	ctx, stop := context.WithCancel(t.Context())
	s := &said{before: func(chunk int) error {
		if chunk == 2 {
			stop()
		}
		return nil
	}}
	_, err := carriedOut(t, ctx, s.kind(), importFlags{File: file})
	want := "stopped after 192 lines. What it answers is in. Go on with: usher import things " + file + " --resume"
	if err == nil || err.Error() != want || len(s.chunks) != 3 {
		t.Fatalf("%d chunks, %v", len(s.chunks), err)
	}
	kept := file + ".results.ndjson"
	if n := strings.Count(readFile(t, kept), "\n"); n != 192 {
		t.Errorf("%d answers", n)
	}
	rest := &said{}
	if _, err := carriedOut(t, t.Context(), rest.kind(), importFlags{File: file, Resume: true}); err != nil {
		t.Fatal(err)
	}
	if rest.chunks[0][0] != "yes 193" || strings.Count(readFile(t, kept), "\n") != 1000 {
		t.Errorf("went on with %s", rest.chunks[0][0])
	}
	// Finished, it is begun anew.
	anew := &said{}
	if _, err := carriedOut(t, t.Context(), anew.kind(), importFlags{File: file}); err != nil || anew.chunks[0][0] != "yes 1" {
		t.Errorf("%v %v", anew.chunks, err)
	}
	if n := strings.Count(readFile(t, kept), "\n"); n != 1000 {
		t.Errorf("%d answers", n)
	}
}

// A database that cannot be asked is asked again; any other fault ends the
// import, and no answer is written for what was not carried out.
func TestAnImportMeetsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault error
		times int
		ends  bool
	}{
		"over soon":  {store.ErrUnavailable, 2, false},
		"for good":   {store.ErrUnavailable, 100, true},
		"of a fault": {errors.New("disk on fire"), 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			file := fileOf(t, "things", numbered(100))
			in, err := openInput(file, "")
			if err != nil {
				t.Fatal(err)
			}
			defer in.close()
			left, waited := c.times, time.Duration(0)
			s := &said{before: func(chunk int) error {
				if chunk == 1 && left > 0 {
					left--
					return c.fault
				}
				return nil
			}}
			var kept bytes.Buffer
			results, err := openReceipt(standard, &kept, in, importFlags{}, "things", &importSummary{})
			if err != nil {
				t.Fatal(err)
			}
			e := &environment{ctx: t.Context(), out: io.Discard, err: io.Discard}
			i := &importing[string]{e: e, kind: s.kind(), results: results, shows: &progress{now: time.Now}}
			i.pause = func(_ context.Context, d time.Duration) bool { waited += d; return true }
			err = i.run(in)
			answers := strings.Count(kept.String(), "\n")
			if c.ends != (err != nil) || err != nil && (!errors.Is(err, c.fault) || answers != 64) || err == nil && answers != 100 {
				t.Errorf("%d answers, %v", answers, err)
			}
			if errors.Is(c.fault, store.ErrUnavailable) != (waited > 0) || waited > time.Minute {
				t.Errorf("waited %v", waited)
			}
		})
	}
}

// What is kept of an import lets no other be taken for it, and whatever is no
// result file is left alone.
func TestAResultFileIsOfOneInput(t *testing.T) {
	text := numbered(200)
	base := importFlags{File: fileOf(t, "things", text)}
	results := base.File + ".results.ndjson"
	if _, err := carriedOut(t, t.Context(), (&said{}).kind(), base); err != nil {
		t.Fatal(err)
	}
	whole := readFile(t, results)
	lines := strings.SplitAfter(whole, "\n")
	begun := strings.Join(lines[:100], "")
	for name, c := range map[string]struct {
		kept  string
		flags importFlags
		seed  string
		says  string // empty: goes on
		ends  int    // answers then
	}{
		"begun, and gone on with":    {begun, importFlags{Resume: true}, "", "", 200},
		"begun":                      {begun, importFlags{}, "", "ends at line 100, before", 0},
		"torn":                       {begun + `{"line":101,"sum":"a`, importFlags{Resume: true}, "", "", 200},
		"torn at once":               {`{"li`, importFlags{}, "", "", 200},
		"zeros at its end":           {begun + "\x00\x00\x00", importFlags{Resume: true}, "", "", 200},
		"empty":                      {"", importFlags{}, "", "", 200},
		"finished":                   {whole, importFlags{}, "", "", 200},
		"finished, and gone on with": {whole, importFlags{Resume: true}, "", "", 200},
		"of another source":          {begun, importFlags{Resume: true}, " else", "is not of", 0},
		"of a dry run":               {begun, importFlags{DryRun: true}, "", "is not of", 0},
		"with a line that is gone":   {strings.Join(lines[:50], "") + strings.Join(lines[51:100], ""), importFlags{Resume: true}, "", "", 199},
		"in disorder":                {lines[1] + lines[0], importFlags{Resume: true}, "", "no answer to a line", 0},
		"with something else in it":  {lines[0] + "x\n" + lines[1], importFlags{Resume: true}, "", "no answer to a line", 0},
		"with another end":           {begun + "x", importFlags{Resume: true}, "", "no answer to a line", 0},
		"no result file":             {text, importFlags{Resume: true}, "", "It was left as it is", 0},
		"an answer of the door":      {`{"line":1,"statusCode":200}` + "\n", importFlags{Resume: true}, "", "no answer to a line", 0},
		"too long for an answer":     {strings.Repeat("x", mostAnswer+1), importFlags{}, "", "no answer to a line", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c.flags.File, c.flags.Results = base.File, fileOf(t, "kept", c.kept)
			s := &said{}
			k := s.kind()
			k.seed += c.seed
			_, err := carriedOut(t, t.Context(), k, c.flags)
			kept := readFile(t, c.flags.Results)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) || kept != c.kept || len(s.chunks) > 0 {
					t.Errorf("%v; %d chunks taken, file changed: %v", err, len(s.chunks), kept != c.kept)
				}
				return
			}
			if n := strings.Count(kept, "\n"); err != nil || n != c.ends || !strings.HasSuffix(kept, lines[199]) {
				t.Errorf("%d answers, %v", n, err)
			}
		})
	}
	for name, changed := range map[string]string{
		"changed": strings.Replace(text, "yes 7\n", "yes 8\n", 1), "shorter": numbered(50), "empty": "",
	} {
		t.Run("another input: "+name, func(t *testing.T) {
			f := importFlags{File: fileOf(t, "other", changed), Results: fileOf(t, "kept", begun), Resume: true}
			if _, err := carriedOut(t, t.Context(), (&said{}).kind(), f); err == nil || !strings.Contains(err.Error(), "is not of "+f.File) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("the input itself", func(t *testing.T) {
		f := importFlags{File: base.File, Results: base.File}
		if _, err := carriedOut(t, t.Context(), (&said{}).kind(), f); err == nil || readFile(t, base.File) != text {
			t.Errorf("%v", err)
		}
	})
}

// Two imports that write one result file would each answer for the other.
func TestAResultFileHasOneWriter(t *testing.T) {
	file := fileOf(t, "things", numbered(200))
	other := func(chunk int) error {
		if chunk == 1 {
			f, err := os.OpenFile(file+".results.ndjson", os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("{}\n")
			return err
		}
		return nil
	}
	if _, err := carriedOut(t, t.Context(), (&said{before: other}).kind(), importFlags{File: file}); err == nil || !strings.Contains(err.Error(), "somebody else writes") {
		t.Errorf("%v", err)
	}
}

// Given an import under way, when another of the same result file begins, to
// resume or anew, then it is refused, and the file has one answer to each line
// in the end.
func TestASecondImportOfOneResultFileIsRefused(t *testing.T) {
	file := fileOf(t, "things", numbered(200))
	results := file + ".results.ndjson"
	second := func(chunk int) error {
		if chunk != 1 {
			return nil
		}
		for _, f := range []importFlags{{File: file, Resume: true}, {File: file}, {File: file, Results: results, DryRun: true}} {
			before := readFile(t, results)
			intruder := &said{}
			_, err := carriedOut(t, t.Context(), intruder.kind(), f)
			if err == nil || !strings.Contains(err.Error(), "another usher import writes to the result file "+results) {
				t.Errorf("%+v: %v", f, err)
			}
			if len(intruder.chunks) > 0 || readFile(t, results) != before {
				t.Errorf("%+v took %d chunks, or wrote", f, len(intruder.chunks))
			}
		}
		return nil
	}
	if _, err := carriedOut(t, t.Context(), (&said{before: second}).kind(), importFlags{File: file}); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(readFile(t, results)), "\n") {
		if !strings.HasPrefix(line, fmt.Sprintf(`{"line":%d,`, i+1)) {
			t.Fatalf("answer %d is %s", i+1, line)
		}
	}
	// What has ended is in nobody's way.
	if _, err := carriedOut(t, t.Context(), (&said{}).kind(), importFlags{File: file, Resume: true}); err != nil {
		t.Error(err)
	}
}

// Given a result file that grew since it was read, then nothing is added to it.
func TestNothingIsAddedToAChangedResultFile(t *testing.T) {
	file := fileOf(t, "results", "")
	f, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &receipt{path: file, file: f, w: bufio.NewWriter(f)}
	defer r.close()
	if err := os.WriteFile(file, []byte("another's\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.write([]answered{{text: []byte("mine\n")}}); err == nil || readFile(t, file) != "another's\n" {
		t.Errorf("%v, %q", err, readFile(t, file))
	}
}

// What is said to go on with names the source too: another is another import.
func TestGoingOnNamesTheSource(t *testing.T) {
	for name, want := range map[string]string{
		"__system": "usher import users f --resume", "hr": "usher import users --source hr f --resume", "partner:hr": "usher import users --source hr f --resume",
	} {
		c, err := importCaller(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := (importFlags{File: "f"}).again(userLines(nil, c, feed.Write).name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhereResultsGo(t *testing.T) {
	for _, c := range []struct {
		flags      importFlags
		want, says string
	}{
		{importFlags{File: "f"}, "f.results.ndjson", ""},
		{importFlags{File: "f", Results: "r"}, "r", ""},
		{importFlags{File: "f", Results: "-"}, "-", ""},
		{importFlags{File: "f", Resume: true}, "f.results.ndjson", ""},
		{importFlags{File: "f", JSON: true}, "f.results.ndjson", ""},
		{importFlags{File: "-"}, "-", ""},
		{importFlags{File: "-", Results: "r", Resume: true, JSON: true}, "r", ""},
		{importFlags{File: "f", DryRun: true}, "-", ""},
		{importFlags{File: "f", DryRun: true, JSON: true}, "", ""},
		{importFlags{File: "f", DryRun: true, Resume: true}, "", "a dry run writes nothing"},
		{importFlags{File: "-", Resume: true}, "", "name it with --results"},
		{importFlags{File: "f", Results: "-", Resume: true}, "", "name it with --results"},
		{importFlags{File: "f", Results: "-", JSON: true}, "", "--json prints one object"},
		{importFlags{File: "-", JSON: true}, "", "need a file"},
	} {
		got, err := c.flags.results()
		if got != c.want || (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %q, %v", c.flags, got, err)
		}
	}
}

// What cannot be meant is wrong use, said before anything is opened or written.
func TestImportsThatCannotBeMeant(t *testing.T) {
	environ := made(t)
	lines := fileOf(t, "u.ndjson", `{"email":"ada@example.org"}`)
	for args, says := range map[string]string{
		"users":                                     "missing <file>",
		"users " + lines + " --dry-run --resume":    "a dry run writes nothing",
		"users " + lines + " --source a/b":          `--source is "a/b"`,
		"users " + lines + " --results=- --json":    "--json prints one object",
		"users " + lines + " --results " + lines:    "which is what is imported",
		"users " + lines + ".none":                  "no such file",
		"users " + filepath.Dir(lines):              "is a folder",
		"groups " + lines + ".CSV":                  "not from CSV",
		"groups " + lines + " --source x":           "unknown flag --source",
		"users " + fileOf(t, "x.csv", "emial\nx\n"): "Did you mean email?",
	} {
		refused(t, usher(t, environ, append([]string{"import"}, strings.Fields(args)...)...), exitUsage, says)
	}
	if _, err := os.Stat(lines + ".results.ndjson"); err == nil {
		t.Error("a result file was left")
	}
}

// wanted are lines without end, and without being held.
type wanted struct{ left int }

func (w *wanted) Read(p []byte) (n int, err error) {
	const text = `{"id":"no"}` + "\n"
	for ; w.left > 0 && n+len(text) <= len(p); w.left-- {
		n += copy(p[n:], text)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Given more lines than are held, of JSON and of CSV, then no more memory is
// used than for a few.
func TestAnImportHoldsOneChunk(t *testing.T) {
	const n = 200_000
	users := userLines(feed.NewImporter(feed.New(nil, nil, nil, 1)).Import, feed.Caller{}, feed.Write)
	for name, begin := range map[string]func(*reading) items{
		"JSON": func(r *reading) items { return newJSONLines(&wanted{n}, r) },
		"CSV": func(r *reading) items {
			c, err := newRecords(io.MultiReader(strings.NewReader("id\n"), &wanted{n}), r)
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			read := newReading("")
			in := &input{items: begin(read), read: read, name: "x", file: os.Stdin}
			var peak, before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			k, chunks := users, 0
			k.take = func(ctx context.Context, lines []partner.Line, items []item) ([]answered, error) {
				if chunks++; chunks%500 == 0 {
					var m runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&m)
					peak.HeapAlloc = max(peak.HeapAlloc, m.HeapAlloc)
				}
				return users.take(ctx, lines, items)
			}
			e := &environment{ctx: t.Context(), out: io.Discard, err: io.Discard}
			results, err := openReceipt(standard, io.Discard, in, importFlags{}, "users", &importSummary{})
			if err != nil {
				t.Fatal(err)
			}
			i := &importing[partner.Line]{e: e, kind: k, results: results, shows: &progress{now: time.Now}, pause: pause}
			if err := i.run(in); err != nil || i.sum.Refused != n {
				t.Fatalf("%d refused, %v", i.sum.Refused, err)
			}
			if grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc); peak.HeapAlloc == 0 || grown > 4<<20 {
				t.Errorf("%d bytes held for an import", grown)
			}
		})
	}
}

func TestProgressIsOneLine(t *testing.T) {
	s := importSummary{Lines: 4200, Refused: 12}
	for name, c := range map[string]struct {
		p    progress
		want string
	}{
		"terminal":       {progress{terminal: true, size: 1000}, "[========            ]  42%  4,200 lines  2,100/s  12 refused  3s left"},
		"a log":          {progress{size: 1000}, "42%  4,200 lines  2,100/s  12 refused  3s left"},
		"standard input": {progress{terminal: true}, "4,200 lines  2,100/s  12 refused"},
		"gone on with":   {progress{size: 1000, from: 400, lines: 4000}, "42%  4,200 lines  100/s  12 refused  58s left"},
	} {
		if got := c.p.line(420, s, 2*time.Second); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	var b bytes.Buffer
	now := time.Unix(0, 0)
	p := &progress{w: &b, terminal: true, now: func() time.Time { return now }, size: 1000}
	p.start(0, 0)
	for range 10 {
		now = now.Add(redrawEvery / 2)
		p.at(500, importSummary{Lines: 1})
	}
	p.end()
	if n := strings.Count(b.String(), "\r"); n != 6 || strings.Contains(b.String(), "\n") || !strings.HasSuffix(b.String(), "\r\x1b[K") {
		t.Errorf("%q", b.String())
	}
}
