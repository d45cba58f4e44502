package web_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

// mailbox is a store of messages alone.
type mailbox struct {
	store.Tx
	messages []store.Message
	down     error
}

func (m *mailbox) View(_ context.Context, fn func(store.Reader) error) error {
	if m.down != nil {
		return m.down
	}
	return fn(m)
}

func (m *mailbox) Update(context.Context, store.Lane, func(store.Tx) error) error {
	panic("pages only read")
}

func (m *mailbox) Messages(f store.MessageFilter) ([]store.Message, error) {
	var out []store.Message
	for _, msg := range m.messages {
		if (f.To == "" || f.To == msg.To) && (f.Channel == "" || f.Channel == msg.Channel) && !msg.Sent.Before(f.Since) {
			out = append(out, msg)
		}
	}
	slices.SortFunc(out, func(a, b store.Message) int { return cmp.Compare(b.ID, a.ID) }) // no order is promised
	return out, nil
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 123456000, time.UTC)

// someMail is three mails and an SMS, a minute apart.
func someMail() *mailbox {
	m := &mailbox{}
	for i, to := range []string{"ada@example.org", "grace@example.org", "+4930901820", "ada@example.org"} {
		msg := store.Message{
			ID: user.ID(fmt.Sprintf("m%d", i)), Channel: "email", To: to, Subject: fmt.Sprintf("Subject %d", i),
			Text: "See https://id.example.org/verify?token=t&x=1.\n", HTML: `<html><head></head><body style="color:red">Hi</body></html>`,
			Sent: noon.Add(time.Duration(i) * time.Minute),
		}
		if to[0] == '+' {
			msg.Channel, msg.Subject, msg.HTML, msg.Text = "sms", "", "", "482913 is your code"
		}
		m.messages = append(m.messages, msg)
	}
	return m
}

func devStart() web.Start {
	return web.Start{
		Version: "1.2.3", Public: "http://public.test:8080", Internal: "http://internal.test:8081", Dev: true,
		Doors: []web.DoorCard{
			{Door: user.DoorPortal, State: web.NeedsConfig, Needs: []string{"doors.portal.issuer", "doors.portal.client_id"}},
			{Door: user.DoorPartner, State: web.Open},
			{Door: user.DoorSunbird, State: web.Off},
			{Door: user.DoorEDI, State: web.Open},
			{Door: user.DoorGQLAuth, State: web.Later},
		},
	}
}

func newPages(t *testing.T, s store.Store, start web.Start) *web.Pages {
	t.Helper()
	p, err := web.New(web.Options{Store: s, Start: start, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// get asks as a browser does.
func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// parse gives the document and all its elements.
func parse(t *testing.T, body string) (elements []*html.Node) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			elements = append(elements, n)
		}
	}
	return elements
}

func named(elements []*html.Node, tag string) (out []*html.Node) {
	for _, e := range elements {
		if e.Data == tag {
			out = append(out, e)
		}
	}
	return out
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func contains(t *testing.T, what, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %q:\n%s", what, want, body)
		}
	}
}

func lacks(t *testing.T, what, body string, bad ...string) {
	t.Helper()
	for _, b := range bad {
		if strings.Contains(body, b) {
			t.Errorf("%s has %q:\n%s", what, b, body)
		}
	}
}
