package partner

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/user"
)

// batchLine is the answer to one line: a user, or what was wrong with it.
type batchLine struct {
	Line       int       `json:"line"` // from 1, blank lines counted
	StatusCode int       `json:"statusCode"`
	Created    *bool     `json:"created,omitempty"`
	Ignored    []string  `json:"ignored,omitempty"`
	User       *userView `json:"user,omitempty"`
	Message    any       `json:"message,omitempty"`
	Error      string    `json:"error,omitempty"`
}

func failedLine(n int, f failure) batchLine {
	return batchLine{Line: n, StatusCode: f.StatusCode, Message: f.Message, Error: f.Error}
}

// batch syncs any number of users: NDJSON in, a result line per user out, in
// the same order (contract partner.md, PUT /api/users:batch). A line that is
// refused or cannot be read does not stop the others. It holds one chunk in
// memory; the password in an answer is always the marker, since a hash a line
// would cost more than the line.
func (d *Door) batch(l listener) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := d.caller(r, l)
		if err != nil {
			d.refuse(w, r, administering, err)
			return
		}
		mode, err := modeOf(r)
		if err != nil {
			d.refuse(w, r, administering, err)
			return
		}
		b := &batching{door: d, w: w, r: r, rc: http.NewResponseController(w), caller: c, listener: l, mode: mode}
		b.begin()
		b.run()
	}
}

// batching is one batch under way.
type batching struct {
	door     *Door
	w        http.ResponseWriter
	r        *http.Request
	rc       *http.ResponseController
	caller   caller
	listener listener
	mode     feed.Mode
	idle     time.Time // until when a whole line must have come
	broken   atomic.Bool
}

// entry is one line of a chunk: a sync, or the answer it has already.
type entry struct {
	line int
	in   feed.Sync
	done *batchLine
}

// begin sends the head of the answer. Where the connection cannot read and
// write at once, or has no deadlines, the batch goes on without.
func (b *batching) begin() {
	_ = b.rc.EnableFullDuplex()
	b.w.Header().Set("Content-Type", "application/x-ndjson")
	b.w.Header().Set("Cache-Control", "no-store")
	// What is left unread of a body that broke off must not be taken for the
	// next request.
	b.w.Header().Set("Connection", "close")
	b.w.WriteHeader(http.StatusOK)
	b.alive()
	_ = b.rc.Flush() // before the first line has come: its sender may wait for this
}

// alive moves the deadlines: a batch may take as long as it likes, but not
// stand still.
func (b *batching) alive() {
	b.idle = time.Now().Add(b.door.BatchIdle)
	_ = b.rc.SetReadDeadline(b.idle)
	_ = b.rc.SetWriteDeadline(b.idle)
}

// paced is the body, of which the next piece must come soon where a line has
// begun: a caller may think between lines, not within one.
type paced struct {
	*batching
	ctx context.Context
	in  *lines
}

func (p *paced) Read(buf []byte) (int, error) {
	until := p.idle
	if !p.in.begun() {
		// The reader of chunks does not return before it has all that it was asked
		// for or the chunk ends, and would not tell that a line has begun.
		buf = buf[:min(1, len(buf))]
	} else if soon := time.Now().Add(p.door.LineIdle); soon.Before(until) {
		until = soon
	}
	_ = p.rc.SetReadDeadline(until)
	if p.ctx.Err() != nil { // whoever stopped the reader must not be overruled
		_ = p.rc.SetReadDeadline(time.Now())
	}
	return p.r.Body.Read(buf)
}

// chunk is what came together, and how reading ended after it.
type chunk struct {
	entries []entry
	next    int // the number of the line after it
	err     error
}

// run reads, syncs and answers chunk by chunk, until the end of the body or the
// end of who is asking. While one chunk is synced, the next is read and the
// answers to the last are sent.
func (b *batching) run() {
	// net/http cancels the request when reading fails; that a line broke off can
	// be said all the same.
	ctx, stop := context.WithCancel(context.WithoutCancel(b.r.Context()))
	defer stop()
	body := &paced{batching: b, ctx: ctx}
	body.in = newLines(body)
	chunks, answers := make(chan chunk), make(chan []batchLine, 1)
	var sides sync.WaitGroup
	sides.Go(func() {
		defer close(chunks)
		b.contain(func() { b.readAll(ctx, body.in, chunks) })
	})
	sides.Go(func() {
		for lines := range answers {
			b.contain(func() { b.send(lines) })
		}
	})
	for c := range chunks {
		if len(c.entries) > 0 {
			lines, ok := b.answer(c.entries)
			answers <- lines
			if !ok {
				stop()
				_ = b.rc.SetReadDeadline(time.Now()) // the reader may wait for lines
				break
			}
		}
		if c.err != nil && !errors.Is(c.err, io.EOF) {
			answers <- []batchLine{failedLine(c.next, problem(http.StatusBadRequest, "The body broke off"))}
		}
	}
	close(answers)
	sides.Wait()
	if b.broken.Load() {
		panic(http.ErrAbortHandler) // half an answer must not be taken for a whole one
	}
}

// contain keeps a panic from ending the program: only the request's own
// goroutine has somebody who catches it.
func (b *batching) contain(fn func()) {
	defer func() {
		if v := recover(); v != nil {
			b.broken.Store(true)
			b.door.Log.ErrorContext(b.r.Context(), "partner door: panic in a batch", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	fn()
}

// readAll reads chunks until the body ends or nobody wants more.
func (b *batching) readAll(ctx context.Context, in *lines, to chan<- chunk) {
	for n := 0; ; {
		b.alive()
		entries, err := b.read(in, &n)
		select {
		case to <- chunk{entries, n + 1, err}:
		case <-ctx.Done():
			return
		}
		if err != nil || ctx.Err() != nil {
			return
		}
	}
}

// read collects lines until the chunk is full or nothing more has come yet: a
// caller that waits for the answer to its first lines gets it.
func (b *batching) read(in *lines, n *int) ([]entry, error) {
	var chunk []entry
	for len(chunk) < feed.BatchSize {
		text, err := in.next()
		if err != nil && !errors.Is(err, errLongLine) {
			return chunk, err
		}
		*n++
		switch {
		case err != nil:
			done := failedLine(*n, problem(http.StatusRequestEntityTooLarge, "The line is too long"))
			chunk = append(chunk, entry{line: *n, done: &done})
		case len(bytes.TrimSpace(text)) > 0:
			chunk = append(chunk, readEntry(*n, text))
		}
		if len(chunk) > 0 && !in.waiting() {
			break
		}
	}
	return chunk, nil
}

func readEntry(n int, text []byte) entry {
	m, err := parseObject(text)
	var in feed.Sync
	if err == nil {
		in, err = readSync(m)
	}
	if err == nil && !addressed(in) {
		err = user.Refuse(user.Missing, "email")
	}
	if err != nil {
		f, _, _ := explain(administering, err)
		done := failedLine(n, f)
		return entry{line: n, done: &done}
	}
	return entry{line: n, in: in}
}

// answer syncs what can be synced of a chunk and gives a line for each. It asks
// again whether the caller may, as each request would be asked: a batch can
// outlive a token, and ends then.
func (b *batching) answer(chunk []entry) (out []batchLine, ok bool) {
	c, err := b.door.caller(b.r, b.listener)
	if err != nil {
		f, _, _ := explain(administering, err)
		return []batchLine{failedLine(chunk[0].line, f)}, false
	}
	b.caller = c
	var syncs []feed.Sync
	for _, e := range chunk {
		if e.done == nil {
			syncs = append(syncs, e.in)
		}
	}
	results, err := b.sync(b.r.Context(), syncs)
	if err != nil {
		b.door.Log.ErrorContext(b.r.Context(), "partner door: syncing a batch", "error", err)
	}
	out = make([]batchLine, 0, len(chunk))
	next := 0
	for _, e := range chunk {
		switch {
		case e.done != nil:
			out = append(out, *e.done)
		case err != nil:
			f, _, _ := explain(administering, err)
			out = append(out, failedLine(e.line, f))
		default:
			out = append(out, lineOf(e.line, results[next], b.mode))
			next++
		}
	}
	return out, true
}

// sync writes a chunk in one go, or tries each line of it.
func (b *batching) sync(ctx context.Context, in []feed.Sync) ([]feed.BatchResult, error) {
	if len(in) == 0 {
		return nil, nil
	}
	if b.mode == feed.Write {
		results, err := b.door.Feed.SyncBatch(ctx, b.caller.Caller, in)
		if err == nil && len(results) != len(in) {
			return nil, errors.New("a batch has another number of results than of lines")
		}
		return results, err
	}
	results := make([]feed.BatchResult, len(in))
	for i := range in {
		results[i].Result, results[i].Err = b.door.Feed.Sync(ctx, b.caller.Caller, in[i], feed.DryRun)
	}
	return results, nil
}

func lineOf(n int, res feed.BatchResult, mode feed.Mode) batchLine {
	if res.Err != nil {
		f, _, _ := explain(administering, res.Err)
		return failedLine(n, f)
	}
	v := view(res.Record)
	v.Password = redacted
	if mode == feed.DryRun {
		v.Changes = deltas(res.Changes)
	}
	return batchLine{Line: n, StatusCode: http.StatusOK, Created: &res.Created, Ignored: res.Ignored, User: &v}
}

// send writes answers out and does not wait for more of them.
func (b *batching) send(out []batchLine) {
	_ = b.rc.SetWriteDeadline(time.Now().Add(b.door.BatchIdle))
	for _, l := range out {
		text, err := encode(l)
		if err != nil {
			b.door.Log.Error("partner door: encoding a line", "error", err)
			continue
		}
		if _, err := b.w.Write(append(text, '\n')); err != nil {
			return // the next read finds that nobody is there
		}
	}
	_ = b.rc.Flush()
}

// lines cuts a body into lines of bounded length.
type lines struct {
	r        *bufio.Reader
	skipping bool // the rest of a line that is too long
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxBody)} }

// begun says whether a part of a line has come that is not whole yet, in the
// moment of reading more.
func (l *lines) begun() bool { return l.skipping || l.r.Buffered() > 0 }

var errLongLine = errors.New("line too long")

// next gives a line, good until the following call. A line that is too long is
// skipped and said so; io.EOF comes after the last.
func (l *lines) next() ([]byte, error) {
	text, err := l.r.ReadSlice('\n')
	switch {
	case err == nil:
		return text, nil
	case errors.Is(err, io.EOF) && len(text) > 0:
		return text, nil
	case !errors.Is(err, bufio.ErrBufferFull):
		return nil, err
	}
	l.skipping = true
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.r.ReadSlice('\n')
	}
	l.skipping = false
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, errLongLine
}

// waiting says whether a whole line has come already.
func (l *lines) waiting() bool {
	have, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(have, '\n') >= 0
}
