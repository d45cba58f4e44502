package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPanicBecomesA500(t *testing.T) {
	for _, tc := range []struct {
		name  string
		value any
	}{
		{"text", "boom"}, {"error", errors.New("boom")}, {"number", 7}, {"nil", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run := serve(t, Options{Public: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Set-Cookie", "half=done")
				w.Header().Set("Content-Length", "3")
				panic(tc.value)
			})})
			a := get(t, "http://"+run.public)
			if a.status != 500 || a.header.Get("Content-Type") != "application/problem+json" || a.header.Get("Set-Cookie") != "" {
				t.Errorf("got %+v", a)
			}
			if strings.Contains(a.body, "boom") {
				t.Errorf("the cause is told: %s", a.body)
			}
			mustContain(t, run.log.String(), "level=ERROR msg=panic", "recover_test.go", "request_id="+a.header.Get("X-Request-Id"))
			eventually(t, "access line with 500", func() bool { return strings.Contains(run.log.String(), "status=500") })
		})
	}
}

func TestPanicAfterTheAnswerBeganCutsTheConnection(t *testing.T) {
	run := serve(t, Options{Public: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic("boom")
	})})
	resp, err := http.Get("http://" + run.public)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("half an answer looks like a whole one")
	}
	mustContain(t, run.log.String(), "msg=panic")
}

func TestAbortPasses(t *testing.T) {
	var log logBuffer
	h := recovering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(fmt.Errorf("gone: %w", http.ErrAbortHandler))
	}), log.logger())
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("got %v", v)
		}
		if log.String() != "" {
			t.Errorf("logged %s", log.String())
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}
