package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

const (
	contactPath   = "/sign-in/sso/update/contact"
	codePath      = "/sign-in/sso/verify/code"
	againPath     = "/sign-in/sso/resend/code"
	challengePath = "/sign-in/sso/challenge"
	errorPath     = "/sso/sign-in/error"
	homePath      = "/resources"
	signOutPath   = "/sso/sign-out"

	aVisit   = "cm9vbS13aXRoLWEtdmlldw"
	hasVisit = "usher_state=" + aVisit
)

// errorTexts are of the five kinds that the error page knows.
var errorTexts = []string{
	"Your account is not valid for {site}.", "The school is not known", "The account is blocked",
	"Trouble at {site}, try again", "Google kept the name from {site}",
}

// desk is a domain with one visit.
type desk struct {
	visit web.StateVisit
	next  string // where Enter and Link lead
	who   string // signed in, if not empty
	// refusals of each method.
	noLook, noText, noAgain, noEnter, noLink, noWho, noOut error

	deeds []deed
}

// deed is one call that does something.
type deed struct {
	what, typed string
	by          web.StateAsking
}

func (d *desk) Look(_ context.Context, cookie string) (web.StateVisit, error) {
	if cookie != aVisit {
		return web.StateVisit{}, user.Refuse(user.BadToken, "visit")
	}
	return d.visit, d.noLook
}

func (d *desk) does(ctx context.Context, cookie string, one deed, no error) error {
	if _, err := d.Look(ctx, cookie); err != nil {
		return err
	}
	d.deeds = append(d.deeds, one)
	return no
}

func (d *desk) Text(ctx context.Context, cookie, phone string, by web.StateAsking) error {
	return d.does(ctx, cookie, deed{"text", phone, by}, d.noText)
}

func (d *desk) Again(ctx context.Context, cookie string, by web.StateAsking) error {
	return d.does(ctx, cookie, deed{"again", "", by}, d.noAgain)
}

func (d *desk) Enter(ctx context.Context, cookie, code string) (string, error) {
	return d.next, d.does(ctx, cookie, deed{what: "enter", typed: code}, d.noEnter)
}

func (d *desk) Link(ctx context.Context, cookie string, yes bool) (string, error) {
	answer := map[bool]string{true: "yes", false: "no"}[yes]
	return d.next, d.does(ctx, cookie, deed{what: "link", typed: answer}, d.noLink)
}

func (d *desk) Who(context.Context, *http.Request) (string, bool, error) {
	return d.who, d.who != "", d.noWho
}

func (d *desk) SignOut(context.Context, *http.Request) error {
	d.deeds = append(d.deeds, deed{what: "sign out"})
	return d.noOut
}

// at is a desk whose visit stands at a step: its code was sent ten seconds ago.
func at(step web.StateStep) *desk {
	v := web.StateVisit{Step: step, Name: "Ramesh <b>Kumar", Organisation: `gj"><b>`, Remaining: -1}
	if step != web.StateContact {
		v.Typed, v.Phone = "98765 07001", "+91•••••••001"
		v.Resend, v.Until = noon.Add(20*time.Second), noon.Add(30*time.Minute)
	}
	return &desk{visit: v, next: "/sso/sign-in/success?id=h4ndle"}
}

func statePages(t *testing.T, d *desk, how ...func(*web.Options)) *web.Pages {
	t.Helper()
	o := web.Options{Log: slog.New(slog.DiscardHandler), States: &web.States{
		Visits: d, Cookie: "usher_state", Session: "usher_session", Texts: errorTexts, Now: func() time.Time { return noon },
	}}
	for _, f := range how {
		f(&o)
	}
	p, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// opens and presses are get and send with the visit's cookie, in a language.
func opens(h http.Handler, path, lang string) *httptest.ResponseRecorder {
	return get(h, path, "Cookie", hasVisit, "Accept-Language", lang)
}

func presses(h http.Handler, path, lang string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	return send(h, path, form, append([]string{"Cookie", hasVisit, "Accept-Language", lang}, headers...)...)
}

// isStatePage looks at what every page of a state sign-in owes.
func isStatePage(t *testing.T, w *httptest.ResponseRecorder, lang string) {
	t.Helper()
	canBeRead(t, w, lang)
	lacks(t, "the page", w.Body.String(), "<b>", "{{", "{site}")
	policy := w.Header().Get("Content-Security-Policy")
	contains(t, "the policy", policy, "default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "style-src 'self'")
	lacks(t, "the policy", policy, "unsafe", "*", "data:")
	for key, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		"Content-Type": "text/html; charset=utf-8", "Content-Language": lang, "X-Robots-Tag": "noindex, nofollow",
	} {
		if got := w.Header().Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	all := parse(t, w.Body.String())
	if title := text(named(all, "title")[0]); !strings.HasSuffix(title, " – usher") {
		t.Errorf("the title is %q", title)
	}
	scripts := named(all, "script")
	if runs := strings.Contains(policy, "script-src 'self'"); runs != (len(scripts) > 0) {
		t.Errorf("%d scripts, and the policy is %s", len(scripts), policy)
	}
	for _, s := range scripts {
		if !strings.HasPrefix(attr(s, "src"), "/assets/countdown.js?v=") || text(s) != "" {
			t.Errorf("the script %q %q", attr(s, "src"), text(s))
		}
	}
	for _, e := range all {
		for _, a := range e.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s> on the page", e.Data, a.Key)
			}
		}
	}
	if n := len(named(all, "style")); n > 0 {
		t.Errorf("%d <style> on the page", n)
	}
	if lang == "hi" {
		isHindi(t, w)
	}
}

// leads fails unless an answer leads to a path.
func leads(t *testing.T, what string, w *httptest.ResponseRecorder, to string) {
	t.Helper()
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != to {
		t.Errorf("%s: %d to %q, want 303 to %q", what, w.Code, got, to)
	}
}
