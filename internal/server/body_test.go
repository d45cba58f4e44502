package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// readAll answers with the length of the body, or 413.
func readAll(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	fmt.Fprint(w, len(body))
}

func post(t *testing.T, url string, body io.Reader) answer {
	t.Helper()
	resp, err := http.Post(url, "application/octet-stream", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func TestBodyLimit(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /usual", readAll)
	mux.HandleFunc("POST /larger", func(w http.ResponseWriter, r *http.Request) {
		SetBodyLimit(w, r, 2*MaxBody)
		readAll(w, r)
	})
	run := serve(t, Options{Public: mux})
	for _, tc := range []struct {
		path   string
		bytes  int
		status int
	}{
		{"/usual", 0, 200},
		{"/usual", MaxBody, 200},
		{"/usual", MaxBody + 1, 413},
		{"/larger", 2 * MaxBody, 200},
		{"/larger", 2*MaxBody + 1, 413},
	} {
		for _, chunked := range []bool{false, true} {
			var body io.Reader = strings.NewReader(strings.Repeat("a", tc.bytes))
			if chunked {
				body = io.MultiReader(body) // hides the length
			}
			a := post(t, "http://"+run.public+tc.path, body)
			if a.status != tc.status || (a.status == 200 && a.body != fmt.Sprint(tc.bytes)) {
				t.Errorf("%s, %d bytes, chunked %v: %d %q", tc.path, tc.bytes, chunked, a.status, a.body)
			}
		}
	}
}

// A stream is answered line by line while it is sent, far beyond the limit.
func TestStreamAnswersWhileItReads(t *testing.T) {
	run := serve(t, Options{Public: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := Stream(w, r); err != nil {
			t.Errorf("stream: %v", err)
			return
		}
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			fmt.Fprintln(w, len(lines.Text()))
			w.(http.Flusher).Flush()
		}
	})})
	in, out := io.Pipe()
	line := strings.Repeat("a", 1000)
	go fmt.Fprintln(out, line)
	resp, err := http.Post("http://"+run.public, "application/x-ndjson", in)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answers := bufio.NewScanner(resp.Body)
	for i := range 200 {
		if !answers.Scan() || answers.Text() != "1000" {
			t.Fatalf("line %d: %q, %v", i, answers.Text(), answers.Err())
		}
		fmt.Fprintln(out, line)
	}
	out.Close()
}

func TestLimitOfOneRequestCanBeLiftedOutsideTheChain(t *testing.T) {
	r, err := http.NewRequest(http.MethodPost, "/", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	SetBodyLimit(nil, r, 1) // a handler tested by itself has no limit to replace
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != "abc" {
		t.Errorf("%q, %v", body, err)
	}
}
