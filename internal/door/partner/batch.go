package partner

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/feed"
)

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
	in  *Lines
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
	lines []Line
	next  int // the number of the line after it
	err   error
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
	body.in = NewLines(body, nil)
	chunks, answers := make(chan chunk), make(chan []Answer, 1)
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
		if len(c.lines) > 0 {
			lines, ok := b.answer(c.lines)
			answers <- lines
			if !ok {
				stop()
				_ = b.rc.SetReadDeadline(time.Now()) // the reader may wait for lines
				break
			}
		}
		if c.err != nil && !errors.Is(c.err, io.EOF) {
			answers <- []Answer{failedAnswer(c.next, problem(http.StatusBadRequest, "The body broke off"))}
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
			b.door.Observer.Panicked()
			b.door.Log.ErrorContext(b.r.Context(), "partner door: panic in a batch", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	fn()
}

// readAll reads chunks until the body ends or nobody wants more.
func (b *batching) readAll(ctx context.Context, in *Lines, to chan<- chunk) {
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
func (b *batching) read(in *Lines, n *int) ([]Line, error) {
	var chunk []Line
	for len(chunk) < feed.BatchSize {
		text, err := in.Next()
		if err != nil && !errors.Is(err, ErrLongLine) {
			return chunk, err
		}
		*n++
		switch {
		case err != nil:
			chunk = append(chunk, LongLine(*n))
		case len(bytes.TrimSpace(text)) > 0:
			chunk = append(chunk, ReadLine(*n, text))
		}
		if len(chunk) > 0 && !in.waiting() {
			break
		}
	}
	return chunk, nil
}

// answer syncs a chunk and gives a line for each. It asks again whether the
// caller may, as each request would be asked: a batch can outlive a token, and
// ends then.
func (b *batching) answer(chunk []Line) (out []Answer, ok bool) {
	c, err := b.door.caller(b.r, b.listener)
	if err != nil {
		f, _, _ := explain(administering, err)
		return []Answer{failedAnswer(chunk[0].number, f)}, false
	}
	b.caller = c
	out, err = Batch{Sync: b.sync, Mode: b.mode}.Answer(b.r.Context(), chunk)
	failpoint.Pass(failpoint.BatchSynced)
	if err != nil {
		b.door.Log.ErrorContext(b.r.Context(), "partner door: syncing a batch", "error", err)
		for _, l := range chunk {
			out = append(out, l.fail(err))
		}
	}
	return out, true
}

// sync writes a chunk in one go, or tries each line of it.
func (b *batching) sync(ctx context.Context, in []feed.Sync) ([]feed.BatchResult, error) {
	if b.mode == feed.Write {
		return b.door.Feed.SyncBatch(ctx, b.caller.Caller, in)
	}
	results := make([]feed.BatchResult, len(in))
	for i := range in {
		results[i].Result, results[i].Err = b.door.Feed.Sync(ctx, b.caller.Caller, in[i], feed.DryRun)
	}
	return results, nil
}

// send writes answers out and does not wait for more of them.
func (b *batching) send(out []Answer) {
	_ = b.rc.SetWriteDeadline(time.Now().Add(b.door.BatchIdle))
	for _, a := range out {
		b.door.Observer.Answered(a.outcome())
		text, err := a.Encode()
		if err != nil {
			b.door.Log.Error("partner door: encoding a line", "error", err)
			continue
		}
		if _, err := b.w.Write(text); err != nil {
			return // the next read finds that nobody is there
		}
	}
	_ = b.rc.Flush()
	failpoint.Pass(failpoint.BatchAnswered)
}
