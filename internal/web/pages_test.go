package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/web"
)

// everyPage gives each page in each of its states.
func everyPage(t *testing.T) map[string]*httptest.ResponseRecorder {
	dev, empty := newPages(t, someMail(), devStart()), newPages(t, &mailbox{}, devStart())
	down := newPages(t, &mailbox{down: store.ErrUnavailable}, devStart())
	closed := newPages(t, someMail(), web.Start{Version: "1.2.3", Public: "https://id.example.org", Internal: "http://10.0.0.1:8081", Doors: devStart().Doors})
	return map[string]*httptest.ResponseRecorder{
		"start":         get(dev, "/"),
		"closed":        get(closed, "/"),
		"inbox":         get(dev, "/dev/inbox"),
		"inbox, live":   get(dev, "/dev/inbox?live=1&to=ada@example.org"),
		"inbox, empty":  get(empty, "/dev/inbox"),
		"nothing found": get(dev, "/dev/inbox?to=nobody&channel=sms"),
		"mail":          get(dev, "/dev/inbox/m0"),
		"sms":           get(dev, "/dev/inbox/m2"),
		"missing":       get(dev, "/nowhere"),
		"fault":         get(down, "/dev/inbox"),
	}
}

func TestPagesCanBeReadByEverybody(t *testing.T) {
	for name, w := range everyPage(t) {
		t.Run(name, func(t *testing.T) { canBeRead(t, w, "en") })
	}
}

// canBeRead looks at what a page owes to people who do not see it.
func canBeRead(t *testing.T, w *httptest.ResponseRecorder, lang string) {
	t.Helper()
	all := parse(t, w.Body.String())
	if got := attr(named(all, "html")[0], "lang"); got != lang {
		t.Errorf("the language is %q, want %q", got, lang)
	}
	if titles := named(named(all, "head"), "title"); len(titles) > 1 {
		t.Error("more than one title")
	}
	if title := named(all, "title"); len(title) == 0 || text(title[0]) == "" {
		t.Error("no title")
	}
	for _, tag := range []string{"h1", "main", "header"} {
		if n := len(named(all, tag)); n != 1 {
			t.Errorf("%d of <%s>, want one", n, tag)
		}
	}

	ids, level := map[string]bool{}, 0
	for _, e := range all {
		if id := attr(e, "id"); id != "" {
			if ids[id] {
				t.Errorf("the id %q is there twice", id)
			}
			ids[id] = true
		}
		if len(e.Data) == 2 && e.Data[0] == 'h' && e.Data[1] >= '1' && e.Data[1] <= '6' {
			next := int(e.Data[1] - '0')
			if next > level+1 {
				t.Errorf("the heading %q leaps from level %d to %d", text(e), level, next)
			}
			level = next
		}
	}
	labelled := map[string]bool{}
	for _, l := range named(all, "label") {
		labelled[attr(l, "for")] = text(l) != ""
	}
	for _, e := range slices.Concat(named(all, "input"), named(all, "select")) {
		if attr(e, "type") != "hidden" && !labelled[attr(e, "id")] {
			t.Errorf("the field %q has no label", attr(e, "name"))
		}
	}
	for _, e := range all {
		for _, ref := range []string{strings.TrimPrefix(attr(e, "href"), "#"), attr(e, "aria-labelledby")} {
			isRef := ref != "" && ref != attr(e, "href")
			if isRef && !ids[ref] {
				t.Errorf("%q is pointed at and not there", ref)
			}
		}
		if e.Data == "a" && strings.TrimSpace(text(e)) == "" {
			t.Errorf("the link to %q has no words", attr(e, "href"))
		}
		if e.Data == "iframe" && attr(e, "title") == "" {
			t.Error("a frame has no title")
		}
	}
}

func TestPagesKeepToTheirPolicy(t *testing.T) {
	for name, w := range everyPage(t) {
		t.Run(name, func(t *testing.T) { keepsToPolicy(t, w, "en") })
	}
}

// keepsToPolicy looks at a page's headers, and for what they would not let work.
func keepsToPolicy(t *testing.T, w *httptest.ResponseRecorder, lang string) {
	t.Helper()
	h := w.Result().Header
	policy := h.Get("Content-Security-Policy")
	contains(t, "the policy", policy, "default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'")
	lacks(t, "the policy", policy, "unsafe", "script-src", "*", "http")
	for key, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Content-Type": "text/html; charset=utf-8", "Content-Language": lang,
	} {
		if h.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, h.Get(key), want)
		}
	}
	for _, e := range parse(t, w.Body.String()) {
		if e.Data == "script" || e.Data == "style" {
			t.Errorf("<%s> on the page", e.Data)
		}
		for _, a := range e.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s> on the page", e.Data, a.Key)
			}
			if a.Key == "src" && !strings.HasPrefix(a.Val, "/") {
				t.Errorf("<%s> loads %q from elsewhere", e.Data, a.Val)
			}
		}
	}
}

func TestAssetsAreKeptByTheirHash(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	links := regexp.MustCompile(`/assets/[a-z.]+\?v=[\w-]+`).FindAllString(get(p, "/").Body.String(), -1)
	if len(links) != 2 {
		t.Fatalf("the page refers to %v, want a style sheet and an icon", links)
	}
	for _, link := range links {
		w := get(p, link)
		if w.Code != http.StatusOK || w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, kept as %q", link, w.Code, w.Header().Get("Cache-Control"))
		}
		bare, _, _ := strings.Cut(link, "?")
		w = get(p, bare)
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d, kept as %q", bare, w.Code, w.Header().Get("Cache-Control"))
		}
		if w = get(p, bare, "If-None-Match", w.Header().Get("ETag")); w.Code != http.StatusNotModified {
			t.Errorf("%s asked again: %d", bare, w.Code)
		}
	}
	if got := get(p, "/assets/usher.css").Header().Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("the style sheet is %q", got)
	}
}

func TestNotFound(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	for accept, page := range map[string]bool{
		"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8": true,
		"application/json, Text/HTML;q=0.1":               true,
		"*/*":                                             false,
		"":                                                false,
		"application/json":                                false,
		"text/html;q=0, application/json":                 false,
	} {
		w := get(p, "/nowhere/<b>", "Accept", accept)
		if w.Code != http.StatusNotFound {
			t.Errorf("Accept %q: %d", accept, w.Code)
		}
		want := "application/problem+json"
		if page {
			want = "text/html; charset=utf-8"
		} else {
			contains(t, "the problem", w.Body.String(), `"status":404`, `"title":"Not Found"`, `"type":"about:blank"`)
		}
		if got := w.Header().Get("Content-Type"); got != want {
			t.Errorf("Accept %q: answered in %q, want %q", accept, got, want)
		}
		contains(t, "Vary", strings.Join(w.Header().Values("Vary"), ","), "Accept")
		lacks(t, "the answer", w.Body.String(), "<b>")
	}
}

func TestPagesCanOnlyBeRead(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	for _, path := range []string{"/", "/dev/inbox", "/dev/inbox.json", "/dev/inbox/m0", "/assets/usher.css"} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d, Allow %q", path, w.Code, w.Header().Get("Allow"))
		}
		w = httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodHead, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
	}
}
