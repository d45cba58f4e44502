package harness

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// System is the context header of the system, which the internal listener
// honours (contract partner.md).
const System = `{"id":"__system","user":"__system"}`

// Ask is one request of a test, in the fewest words.
type Ask struct {
	Method string
	URL    string
	Host   string // empty: URL's
	Header http.Header
	Cookie string // as "edi-token=…"
	Body   any    // nil: none; []byte and string as they are, the rest as JSON
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Text   string
}

var client = &http.Client{
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Send sends a request; a fault of the transport fails the test.
func Send(t testing.TB, a Ask) Answer {
	t.Helper()
	var body io.Reader
	typed := false
	switch b := a.Body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	case []byte:
		body = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		body, typed = bytes.NewReader(text), true
	}
	req, err := http.NewRequestWithContext(t.Context(), a.Method, a.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range a.Header {
		req.Header[k] = v
	}
	if typed && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.Host != "" {
		req.Host = a.Host
	}
	if a.Cookie != "" {
		req.Header.Set("Cookie", a.Cookie)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", a.Method, a.URL, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", a.Method, a.URL, err)
	}
	return Answer{res.StatusCode, res.Header, string(text)}
}

// JSON reads an answer that must have this status.
func (a Answer) JSON(t testing.TB, status int, into any) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, wanted %d: %s", a.Status, status, a.Text)
	}
	Read(t, a.Text, into)
}

// Read reads JSON that must be well formed.
func Read(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
