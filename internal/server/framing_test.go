package server

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
)

// A proxy that frames a request by its Content-Length passes on, as part of the
// first request, what a server framing by Transfer-Encoding takes for a second.
func TestSmuggledRequestIsNeverHandled(t *testing.T) {
	const second = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, tc := range []struct{ name, request string }{
		{"CL.TE", fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s", 5+len(second), second)},
		{"TE alone", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second},
		{"TE in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + second},
		{"TE and CL in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var handled atomic.Int32
			run := serve(t, Options{Public: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				handled.Add(1)
				w.WriteHeader(http.StatusNoContent)
			})})
			for _, address := range []string{run.public, run.internal} {
				handled.Store(0)
				answers, closed := raw(t, address, tc.request, 2)
				if len(answers) != 1 || answers[0].status != http.StatusNoContent || !closed || handled.Load() != 1 {
					t.Errorf("%d handled, closed %v, answers %+v", handled.Load(), closed, answers)
				}
			}
		})
	}
}

func TestConnectionIsKeptForPlainRequests(t *testing.T) {
	run := serve(t, Options{Public: http.HandlerFunc(echoHeaders)})
	one := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
	if answers, closed := raw(t, run.public, one+one, 2); len(answers) != 2 || closed {
		t.Errorf("closed %v after %+v", closed, answers)
	}
}

func TestAmbiguousFramingIsRefused(t *testing.T) {
	run := serve(t, Options{Public: http.HandlerFunc(echoHeaders)})
	for _, lines := range []string{
		"Content-Length: 1\r\nContent-Length: 2", "Content-Length: +3", "Transfer-Encoding : chunked", "Host: two",
		"Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
	} {
		answers, closed := raw(t, run.public, "POST / HTTP/1.1\r\nHost: h\r\n"+lines+"\r\n\r\n", 1)
		if len(answers) != 1 || (answers[0].status != 400 && answers[0].status != 501) || !closed {
			t.Errorf("%q: closed %v, %+v", lines, closed, answers)
		}
	}
}
