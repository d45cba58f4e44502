package server

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// MaxBody is how many bytes a request's body may have. Reading more fails with
// *http.MaxBytesError, for which a door answers 413 or its own words.
const MaxBody = 64 << 10

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &limitedBody{http.MaxBytesReader(bare(w), r.Body, MaxBody), r.Body, exchangeOf(r.Context())}
		}
		next.ServeHTTP(w, r)
	})
}

// limitedBody remembers what it limits, for SetBodyLimit.
type limitedBody struct {
	io.ReadCloser
	unlimited io.ReadCloser
	exchange  *exchange // nil: of no request of a listener's
}

// Read notes a body that is too long.
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.exchange != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			b.exchange.tooLong = true
		}
	}
	return n, err
}

// bare is net/http's own writer: only that one can be told to close the
// connection when a body is too large.
func bare(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// SetBodyLimit gives this request another limit than MaxBody, in bytes. Call it
// before reading.
func SetBodyLimit(w http.ResponseWriter, r *http.Request, limit int64) {
	if b, ok := r.Body.(*limitedBody); ok {
		r.Body = &limitedBody{http.MaxBytesReader(bare(w), b.unlimited, limit), b.unlimited, b.exchange}
	}
}

// Stream prepares a request of any length whose answer is written while it is
// read. Instead of bounding the whole, it bounds the time between two reads: the
// caller must keep sending, and keep taking what is answered. The connection
// ends with the answer: what a caller that stopped in between sends later must
// not be taken for the next request.
func Stream(w http.ResponseWriter, r *http.Request) error {
	rc := http.NewResponseController(w)
	if err := rc.EnableFullDuplex(); err != nil {
		return err
	}
	w.Header().Set("Connection", "close")
	body := r.Body
	if b, ok := body.(*limitedBody); ok {
		body = b.unlimited
	}
	r.Body = &streamedBody{ReadCloser: body, rc: rc}
	return nil
}

type streamedBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (b *streamedBody) Read(p []byte) (int, error) {
	now := time.Now()
	if err := b.rc.SetReadDeadline(now.Add(readTimeout)); err != nil {
		return 0, err
	}
	if err := b.rc.SetWriteDeadline(now.Add(readTimeout + writeTimeout)); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}
