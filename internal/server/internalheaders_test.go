package server

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const forged = "forged-context"

// echoHeaders answers with every header it sees, after reading the body.
func echoHeaders(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, ErrInternalTrailer) {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
		return
	}
	for _, h := range []http.Header{r.Header, r.Trailer} {
		for name, values := range h {
			for _, v := range values {
				io.WriteString(w, name+": "+v+"\n")
			}
		}
	}
}

// The header in every spelling that Go's parser lets through never reaches a
// handler of the public listener; those it refuses stay refused.
func TestInternalHeaderIsRemovedInEverySpelling(t *testing.T) {
	run := serve(t, Options{Public: http.HandlerFunc(echoHeaders)})
	for _, tc := range []struct {
		name, lines string
		status      int
	}{
		{"as written", "x-user-ctx: F", 200},
		{"canonical", "X-User-Ctx: F", 200},
		{"capitals", "X-USER-CTX: F", 200},
		{"mixed", "x-UsEr-cTX: F", 200},
		{"twice", "X-User-Ctx: F\r\nx-user-ctx: F", 200},
		{"underscores", "x_user_ctx: F", 200},
		{"underscores, capitals", "X_USER_CTX: F", 200},
		{"one underscore", "X-User_Ctx: F", 200},
		{"the other underscore", "x_user-ctx: F", 200},
		{"dots", "x.user.ctx: F", 200},
		{"other marks", "x~user+ctx: F", 200},
		{"all at once", "x-user-ctx: F\r\nX_User_Ctx: F\r\nX-User.Ctx: F", 200},
		{"no space after the colon", "X-User-Ctx:F", 200},
		{"a tab after the colon", "X-User-Ctx:\tF", 200},
		{"after a bare LF", "X-Foo: a\nX-User-Ctx: F", 200},
		{"folded into itself", "X-User-Ctx: a\r\n F", 200},
		{"empty, then full", "X-User-Ctx:\r\nX-User-Ctx: F", 200},
		{"space before the colon", "X-User-Ctx : F", 400},
		{"leading space on the first line", " X-User-Ctx: F", 400},
		{"Kelvin sign", "X-User-Ctx\u212a: F", 400},
		{"long s", "X-U\u017fer-Ctx: F", 400},
		{"NUL", "X-User-Ctx\x00: F", 400},
		{"bare CR", "X-Foo: a\rX-User-Ctx: F", 400},
		{"named in Connection", "Connection: close, x-user-ctx\r\nX-User-Ctx: F", 400},
		{"named in Connection, underscores", "Connection: X_User_Ctx", 400},
		{"named in a second Connection", "Connection: keep-alive\r\nConnection: keep-alive,\tX-USER-CTX", 400},
		{"named in Proxy-Connection", "Proxy-Connection: x-user-ctx", 400},
		{"named in Trailer without chunks", "Trailer: x-user-ctx", 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first := "GET / HTTP/1.1\r\n"
			host := "Host: h\r\n"
			lines := strings.ReplaceAll(tc.lines, "F", forged) + "\r\n"
			request := first + host + lines + "\r\n"
			if strings.HasPrefix(lines, " ") {
				request = first + lines + host + "\r\n"
			}
			answers, _ := raw(t, run.public, request, 1)
			if len(answers) != 1 || answers[0].status != tc.status {
				t.Fatalf("got %+v, want %d", answers, tc.status)
			}
			if strings.Contains(answers[0].body, forged) {
				t.Errorf("reached the handler:\n%s", answers[0].body)
			}
		})
	}
	mustContain(t, run.log.String(), "internal header removed", "X_user_ctx", "it announces an internal header")
	if strings.Contains(run.log.String(), forged) {
		t.Error("the forged value is in the log")
	}
}

func TestInternalHeaderFoldedIntoAnotherValueStaysAValue(t *testing.T) {
	run := serve(t, Options{Public: http.HandlerFunc(echoHeaders)})
	answers, _ := raw(t, run.public, "GET / HTTP/1.1\r\nHost: h\r\nX-Foo: a\r\n X-User-Ctx: b\r\n\r\n", 1)
	if len(answers) != 1 || answers[0].body != "X-Foo: a X-User-Ctx: b\n" {
		t.Errorf("got %+v", answers)
	}
}

func TestInternalHeaderAsTrailerIsRefused(t *testing.T) {
	run := serve(t, Options{Public: http.HandlerFunc(echoHeaders)})
	for _, tc := range []struct {
		name, announce, trailer string
		status                  int
	}{
		{"announced", "Trailer: X-User-Ctx\r\n", "X-User-Ctx: " + forged, 400},
		{"announced otherwise spelled", "Trailer: a, x_user_ctx\r\n", "x_user_ctx: " + forged, 400},
		{"not announced", "", "X-User-Ctx: " + forged, 400},
		{"not announced, underscores", "", "x_user_ctx: " + forged, 400},
		{"another announced", "Trailer: X-Sum\r\n", "X-Sum: 1\r\nX-User-Ctx: " + forged, 400},
		{"a harmless one", "Trailer: X-Sum\r\n", "X-Sum: 1", 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answers, closed := raw(t, run.public, "POST / HTTP/1.1\r\nHost: h\r\n"+tc.announce+
				"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"+tc.trailer+"\r\n\r\n", 1)
			if len(answers) != 1 || answers[0].status != tc.status || !closed {
				t.Fatalf("got %+v, closed %v", answers, closed)
			}
			if strings.Contains(answers[0].body, forged) {
				t.Errorf("reached the handler: %s", answers[0].body)
			}
		})
	}
}

// Most handlers of GET read no body, and so never come to its trailers.
func TestAnnouncedInternalTrailerIsRefusedBeforeTheBodyIsRead(t *testing.T) {
	run := serve(t, Options{Public: says("handled")})
	answers, _ := raw(t, run.public, "GET / HTTP/1.1\r\nHost: h\r\nTrailer: x_user_ctx\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n0\r\nx_user_ctx: "+forged+"\r\n\r\n", 1)
	if len(answers) != 1 || answers[0].status != 400 {
		t.Errorf("got %+v", answers)
	}
}

func TestInternalHeaderReachesTheInternalListener(t *testing.T) {
	run := serve(t, Options{Public: http.HandlerFunc(echoHeaders)})
	answers, _ := raw(t, run.internal, "GET / HTTP/1.1\r\nHost: h\r\nx-user-ctx: genuine\r\n\r\n", 1)
	if len(answers) != 1 || answers[0].body != "X-User-Ctx: genuine\n" {
		t.Errorf("got %+v", answers)
	}
}

func TestOtherHeadersAreLeftAlone(t *testing.T) {
	names := newInternalNames(DefaultInternalHeaders())
	for _, name := range []string{"X-User-Ctx2", "X-User-Ct", "User-Ctx", "Xx-User-Ctx", "X--User-Ctx", "Authorization", ""} {
		if names.has(name) {
			t.Errorf("%q is taken for an internal header", name)
		}
	}
	if !slices.Equal(DefaultInternalHeaders(), []string{"X-User-Ctx"}) {
		t.Error("the contract's header is not among the internal ones")
	}
}
