package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/usher-id/usher/internal/web"
)

// aToken has the form of one that was mailed.
const aToken = "eyJlbWFpbCI6ImFkYUBleGFtcGxlLm9yZyIsImFjdGlvbiI6ImFjdGl2YXRpb24ifQ:1mCmVk:hY2SBpfdWBc7IKDath4Hdb6RwqfhtaXxi2tYrNd6E48"

// postbox is a domain with one link.
type postbox struct {
	link web.Link
	// after is what Use answers, and Look from then on; zero: Done.
	after web.Link
	// refusals of each method.
	noLook, noUse, noAgain error

	looked, used, asked []press
}

// press is one call.
type press struct {
	kind          web.LinkKind
	token         string
	network       netip.Prefix
	first, second string
}

func (p *postbox) Look(_ context.Context, kind web.LinkKind, token string) (web.Link, error) {
	p.looked = append(p.looked, press{kind: kind, token: token})
	return p.link, p.noLook
}

func (p *postbox) Use(_ context.Context, kind web.LinkKind, token string, network netip.Prefix, first, second string) (web.Link, error) {
	p.used = append(p.used, press{kind, token, network, first, second})
	if p.noUse != nil {
		return web.Link{}, p.noUse
	}
	if p.after.State == "" {
		p.after = p.link
		p.after.State = web.Done
	}
	p.link = p.after
	p.link.LeftPassword = false // is known at the time of use alone
	return p.after, nil
}

func (p *postbox) Again(_ context.Context, kind web.LinkKind, token string, network netip.Prefix) error {
	p.asked = append(p.asked, press{kind: kind, token: token, network: network})
	return p.noAgain
}

func linkPages(t *testing.T, links web.Links) *web.Pages {
	t.Helper()
	p, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Links: links})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// send sends a form as a browser does.
func send(h http.Handler, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// follow loads the page that an answer leads to.
func follow(t *testing.T, h http.Handler, from string, w *httptest.ResponseRecorder) (string, *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%s: %d %s", from, w.Code, w.Body)
	}
	base, err := url.Parse("http://usher.test" + from)
	if err != nil {
		t.Fatal(err)
	}
	to, err := base.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return to.RequestURI(), get(h, to.RequestURI())
}

func heading(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	for _, e := range named(parse(t, w.Body.String()), "h1") {
		return text(e)
	}
	return ""
}

func field(t *testing.T, w *httptest.ResponseRecorder, name string) *html.Node {
	t.Helper()
	for _, e := range named(parse(t, w.Body.String()), "input") {
		if attr(e, "name") == name {
			return e
		}
	}
	return nil
}
