package web_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/web"
)

// statesOfLinks is every page of a link that is looked at, in both languages.
var statesOfLinks = []struct {
	name   string
	kind   web.LinkKind
	link   web.Link
	query  string
	status int
	en, de string // the headings
}{
	{"a sign-up", web.Activate, web.Link{State: web.Fresh}, "", 200, "Confirm your address", "Adresse bestätigen"},
	{"a sign-up anew", web.Activate, web.Link{State: web.Fresh, AsksPassword: true}, "", 200, "Confirm your address and choose a password", "Adresse bestätigen und Passwort wählen"},
	{"a second address", web.Activate, web.Link{State: web.Fresh, Second: true}, "", 200, "Confirm your second address", "Zweite Adresse bestätigen"},
	{"a reset", web.Reset, web.Link{State: web.Fresh, AsksPassword: true}, "", 200, "Choose a new password", "Neues Passwort wählen"},
	{"a first password", web.Set, web.Link{State: web.Fresh, AsksPassword: true, MinLength: 8}, "", 200, "Choose a password", "Passwort wählen"},

	{"confirmed", web.Activate, web.Link{State: web.Done}, "?done", 200, "Your address is confirmed", "Ihre Adresse ist bestätigt"},
	{"confirmed, says Used", web.Activate, web.Link{State: web.Used}, "?done", 200, "Your address is confirmed", "Ihre Adresse ist bestätigt"},
	{"second confirmed", web.Activate, web.Link{State: web.Done, Second: true}, "?done", 200, "Your second address is confirmed", "Ihre zweite Adresse ist bestätigt"},
	{"reset done", web.Reset, web.Link{State: web.Used}, "?done", 200, "Your new password is set", "Ihr neues Passwort gilt"},
	{"set done", web.Set, web.Link{State: web.Done}, "?done", 200, "Your password is set", "Ihr Passwort gilt"},

	{"confirmed before", web.Activate, web.Link{State: web.Done}, "", 200, "Already confirmed", "Schon bestätigt"},
	{"confirmed otherwise", web.Activate, web.Link{State: web.Used}, "?done=before", 200, "Already confirmed", "Schon bestätigt"},
	{"second before", web.Activate, web.Link{State: web.Used, Second: true}, "", 200, "Already confirmed", "Schon bestätigt"},
	{"reset before", web.Reset, web.Link{State: web.Done}, "", 200, "This link was used already", "Dieser Link wurde schon benutzt"},
	{"reset used", web.Reset, web.Link{State: web.Used}, "", 200, "This link was used already", "Dieser Link wurde schon benutzt"},
	{"set before", web.Set, web.Link{State: web.Done}, "", 200, "There is a password already", "Es gibt schon ein Passwort"},
	{"set used", web.Set, web.Link{State: web.Used}, "", 200, "There is a password already", "Es gibt schon ein Passwort"},

	{"old sign-up", web.Activate, web.Link{State: web.Expired}, "", 410, "This link has expired", "Dieser Link ist abgelaufen"},
	{"old second", web.Activate, web.Link{State: web.Expired, Second: true}, "", 410, "This link has expired", "Dieser Link ist abgelaufen"},
	{"old reset", web.Reset, web.Link{State: web.Expired}, "", 410, "This link has expired", "Dieser Link ist abgelaufen"},
	{"old set", web.Set, web.Link{State: web.Expired}, "", 410, "This link has expired", "Dieser Link ist abgelaufen"},
	{"sent anew", web.Activate, web.Link{State: web.Expired}, "?sent", 200, "Look into your mailbox", "Sehen Sie in Ihr Postfach"},
	{"second sent anew", web.Activate, web.Link{State: web.Expired, Second: true}, "?sent", 200, "Look into your mailbox", "Sehen Sie in Ihr Postfach"},
	{"reset sent anew", web.Reset, web.Link{State: web.Dead}, "?sent", 200, "Look into your mailbox", "Sehen Sie in Ihr Postfach"},
	{"set sent anew", web.Set, web.Link{State: web.Expired}, "?sent", 200, "Look into your mailbox", "Sehen Sie in Ihr Postfach"},

	{"torn sign-up", web.Activate, web.Link{State: web.Dead}, "", 404, "This link does not work", "Dieser Link funktioniert nicht"},
	{"torn reset", web.Reset, web.Link{State: web.Dead}, "", 404, "This link does not work", "Dieser Link funktioniert nicht"},
	{"torn set", web.Set, web.Link{State: web.Dead}, "", 404, "This link does not work", "Dieser Link funktioniert nicht"},
	{"taken", web.Activate, web.Link{State: web.Taken}, "", 409, "This address belongs to another account", "Diese Adresse gehört zu einem anderen Konto"},
	{"reset taken", web.Reset, web.Link{State: web.Taken}, "", 409, "This address belongs to another account", "Diese Adresse gehört zu einem anderen Konto"},
	{"set taken", web.Set, web.Link{State: web.Taken}, "", 409, "This address belongs to another account", "Diese Adresse gehört zu einem anderen Konto"},

	// What the query claims is believed of no link whose state says otherwise.
	{"not done", web.Reset, web.Link{State: web.Fresh, AsksPassword: true}, "?done", 200, "Choose a new password", "Neues Passwort wählen"},
	{"not kept", web.Activate, web.Link{State: web.Dead}, "?done=kept", 404, "This link does not work", "Dieser Link funktioniert nicht"},
	{"not sent", web.Activate, web.Link{State: web.Used}, "?sent", 200, "Already confirmed", "Schon bestätigt"},
}

func TestPageOfEveryLink(t *testing.T) {
	for _, c := range statesOfLinks {
		for lang, want := range map[string]string{"en": c.en, "de": c.de} {
			t.Run(c.name+", "+lang, func(t *testing.T) {
				// Given a link in that state, of somebody with a hostile name,
				box := &postbox{link: c.link}
				box.link.Username, box.link.Address = "<b>ada", "a•••@example.org"
				pages := linkPages(t, box)
				// when it is opened,
				w := get(pages, "/"+string(c.kind)+"/"+aToken+c.query, "Accept-Language", lang+"-CH, fr;q=0.5")
				// then its page says what it is,
				if w.Code != c.status || heading(t, w) != want {
					t.Errorf("%d %q, want %d %q", w.Code, heading(t, w), c.status, want)
				}
				all := parse(t, w.Body.String())
				if title := text(named(all, "title")[0]); title != want+" – usher" {
					t.Errorf("the title is %q", title)
				}
				canBeRead(t, w, lang)
				keepsToPolicy(t, w, lang)
				lacks(t, "the page", w.Body.String(), "<b>")
				if got := w.Header().Get("X-Robots-Tag"); got != "noindex, nofollow" {
					t.Errorf("X-Robots-Tag is %q", got)
				}
				// and has one button at most, which leads nowhere else,
				if forms := named(all, "form"); len(forms) > 0 {
					action := "/" + string(c.kind) + "/" + aToken
					if c.link.State == web.Expired {
						action += "/again"
					}
					if len(forms) > 1 || attr(forms[0], "action") != action || attr(forms[0], "method") != "post" || len(named(all, "button")) != 1 {
						t.Errorf("%d forms, the first to %s %q", len(forms), attr(forms[0], "method"), attr(forms[0], "action"))
					}
				} else if c.link.State == web.Fresh || c.link.State == web.Expired && c.query == "" {
					t.Error("there is no form")
				}
				if asks := field(t, w, "password1") != nil; asks != (c.link.AsksPassword && c.link.State == web.Fresh) {
					t.Errorf("asks for a password: %t", asks)
				}
				// and nothing was done.
				if len(box.used)+len(box.asked) > 0 || len(box.looked) != 1 || box.looked[0] != (press{kind: c.kind, token: aToken}) {
					t.Errorf("looked %v, used %v, asked %v", box.looked, box.used, box.asked)
				}
			})
		}
	}
}

func TestFormForAPassword(t *testing.T) {
	box := &postbox{link: web.Link{State: web.Fresh, AsksPassword: true, MinLength: 11, Username: "ada"}}
	w := get(linkPages(t, box), "/password-reset/"+aToken)
	contains(t, "the page", w.Body.String(), "11 characters or more")
	for _, name := range []string{"password1", "password2"} {
		f := field(t, w, name)
		if f == nil || attr(f, "type") != "password" || attr(f, "autocomplete") != "new-password" || attr(f, "value") != "" {
			t.Errorf("%s is %v", name, f)
		}
	}
	if f := field(t, w, "username"); f == nil || attr(f, "value") != "ada" || attr(f, "autocomplete") != "username" {
		t.Error("a password manager is not told whose password it is")
	}
	lacks(t, "the page", w.Body.String(), `role="alert"`, "aria-invalid", "autofocus")
}

func TestLinkDoesItsWorkOnceAndByPostAlone(t *testing.T) {
	for _, c := range []struct {
		kind         web.LinkKind
		asks         bool
		done, before string
	}{
		{web.Activate, false, "Your address is confirmed", "Already confirmed"},
		{web.Activate, true, "Your address is confirmed", "Already confirmed"},
		{web.Reset, true, "Your new password is set", "This link was used already"},
		{web.Set, true, "Your password is set", "There is a password already"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			// Given a link that something else has followed already,
			box := &postbox{link: web.Link{State: web.Fresh, AsksPassword: c.asks}}
			pages := linkPages(t, box)
			path := "/" + string(c.kind) + "/" + aToken
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				pages.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
			}
			if len(box.used) != 0 {
				t.Fatal("looking at it used it")
			}
			// when its button is pressed,
			form := url.Values{"password1": {" Zwölf ☃\tPfannkuchen "}, "password2": {" Zwölf ☃\tPfannkuchen "}}
			w := send(pages, path, form)
			// then it is done, with what was typed where it was asked for,
			want := press{kind: c.kind, token: aToken, network: netip.MustParsePrefix("192.0.2.1/32")}
			if c.asks {
				want.first, want.second = form.Get("password1"), form.Get("password2")
			}
			if len(box.used) != 1 || box.used[0] != want {
				t.Fatalf("used as %+v, want %+v", box.used, want)
			}
			to, page := follow(t, pages, path, w)
			if to != path+"?done" || heading(t, page) != c.done {
				t.Errorf("led to %s: %q", to, heading(t, page))
			}
			// loading the page again changes nothing, going back says that it is done,
			if got := heading(t, get(pages, to)); got != c.done {
				t.Errorf("loaded again: %q", got)
			}
			if got := heading(t, get(pages, path)); got != c.before {
				t.Errorf("gone back: %q", got)
			}
			// and so does the button in another tab.
			if _, page = follow(t, pages, path, send(pages, path, form)); heading(t, page) != c.before || len(box.used) != 1 {
				t.Errorf("pressed in another tab: %q, used %d times", heading(t, page), len(box.used))
			}
		})
	}
}

func TestTwoTabsAtOnce(t *testing.T) {
	// Given a link that another tab uses between this one's look and use,
	box := &postbox{link: web.Link{State: web.Fresh}, after: web.Link{State: web.Used}}
	pages := linkPages(t, box)
	path := "/activate/" + aToken
	if to, page := follow(t, pages, path, send(pages, path, nil)); to != path+"?done=before" || heading(t, page) != "Already confirmed" {
		t.Errorf("%s: %q", to, heading(t, page))
	}
	// and one that became useless in the same moment.
	for state, want := range map[web.LinkState]string{
		web.Taken: "This address belongs to another account", web.Expired: "This link has expired", web.Dead: "This link does not work",
	} {
		box := &postbox{link: web.Link{State: web.Fresh}, after: web.Link{State: state}}
		if w := send(linkPages(t, box), path, nil); heading(t, w) != want || w.Code < 400 {
			t.Errorf("%s: %d %q", state, w.Code, heading(t, w))
		}
	}
}

func TestPasswordOfAnAccountThatWasThere(t *testing.T) {
	box := &postbox{link: web.Link{State: web.Fresh}, after: web.Link{State: web.Done, LeftPassword: true}}
	pages := linkPages(t, box)
	path := "/activate/" + aToken
	to, page := follow(t, pages, path, send(pages, path, nil))
	contains(t, "the page", page.Body.String(), "You had an account with this address already")
	contains(t, "the page loaded again", get(pages, to).Body.String(), "You had an account with this address already")
	contains(t, "the German page", get(pages, to, "Accept-Language", "de").Body.String(), "Sie hatten schon ein Konto mit dieser Adresse")
	lacks(t, "the link's page", get(pages, path).Body.String(), "You had an account")
}

func TestNewLinkForAnExpiredOne(t *testing.T) {
	for _, kind := range []web.LinkKind{web.Activate, web.Reset, web.Set} {
		box := &postbox{link: web.Link{State: web.Expired}}
		pages := linkPages(t, box)
		path := "/" + string(kind) + "/" + aToken + "/again"
		// Looking at the address asks for none.
		if got := heading(t, get(pages, path)); got != "This link has expired" || len(box.asked) != 0 {
			t.Errorf("%s: %q, asked %v", kind, got, box.asked)
		}
		to, page := follow(t, pages, path, send(pages, path, nil))
		if to != path+"?sent" || heading(t, page) != "Look into your mailbox" {
			t.Errorf("%s: led to %s: %q", kind, to, heading(t, page))
		}
		want := press{kind: kind, token: aToken, network: netip.MustParsePrefix("192.0.2.1/32")}
		if len(box.asked) != 1 || box.asked[0] != want || len(box.used) != 0 {
			t.Errorf("%s: asked %v, used %v", kind, box.asked, box.used)
		}
	}
}

func TestLinksOnTheirWayThroughMail(t *testing.T) {
	long := strings.Repeat("a", 1900) + ":1mCmVk:" + strings.Repeat("b", 43)
	for path, token := range map[string]string{
		"/activate/" + aToken: aToken,
		"/activate/" + strings.ReplaceAll(aToken, ":", "%3A"): aToken,
		"/activate/" + strings.ReplaceAll(aToken, ":", "%3a"): aToken,
		"/activate/" + aToken + "/":                           aToken,
		"/activate/" + aToken + "?utm_source=mail":            aToken,
		"/activate/" + long:                                   long,
		"/activate/a%2Fb%22%3E%3Cb%3E":                        `a/b"><b>`,
	} {
		box := &postbox{link: web.Link{State: web.Fresh}}
		pages := linkPages(t, box)
		w := get(pages, path)
		if w.Code != http.StatusOK || len(box.looked) != 1 || box.looked[0].token != token {
			t.Errorf("%.80s: %d, looked for %v", path, w.Code, box.looked)
			continue
		}
		lacks(t, path, w.Body.String(), "<b>")
		// The button leads to the same token.
		send(pages, attr(named(parse(t, w.Body.String()), "form")[0], "action"), nil)
		if len(box.used) != 1 || box.used[0].token != token {
			t.Errorf("%.80s: used %v", path, box.used)
		}
	}
	for _, path := range []string{"/activate", "/activate/", "/password-reset/", "/password-set", "/activate/" + strings.Repeat("a", 5000)} {
		box := &postbox{link: web.Link{State: web.Fresh}}
		pages := linkPages(t, box)
		for _, w := range []*httptest.ResponseRecorder{get(pages, path), send(pages, path, nil)} {
			if w.Code != http.StatusNotFound || heading(t, w) != "This link does not work" || len(box.looked)+len(box.used) != 0 {
				t.Errorf("%.80s: %d %q, looked %v", path, w.Code, heading(t, w), box.looked)
			}
		}
	}
	for _, path := range []string{"/activate//" + aToken, "/activate/./" + aToken, "/activate/" + aToken + "/else", "/password/" + aToken} {
		box := &postbox{link: web.Link{State: web.Fresh}}
		if w := get(linkPages(t, box), path); w.Code != http.StatusNotFound || heading(t, w) != "There is no door here." || len(box.looked) != 0 {
			t.Errorf("%s: %d %q", path, w.Code, heading(t, w))
		}
	}
}

func TestLinkPagesKnowThreeMethods(t *testing.T) {
	box := &postbox{link: web.Link{State: web.Fresh}}
	pages := linkPages(t, box)
	for _, path := range []string{"/activate/" + aToken, "/password-reset/" + aToken, "/password-set/" + aToken, "/activate/" + aToken + "/again"} {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, "BREW"} {
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
	if len(box.looked)+len(box.used)+len(box.asked) != 0 {
		t.Error("one of them did something")
	}
}

func TestLinkPagesTakeTheirOwnFormsAlone(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		passes  bool
	}{
		{"this page", []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, true},
		{"an old browser", []string{"Sec-Fetch-Site", ""}, true},
		{"an old browser that hides the referrer", []string{"Sec-Fetch-Site", "", "Origin", "null"}, true},
		{"an old browser that names its page", []string{"Sec-Fetch-Site", "", "Origin", "http://example.com"}, true},
		{"another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, false},
		{"another site that hides the referrer", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, false},
		{"a sibling", []string{"Sec-Fetch-Site", "same-site"}, false},
		{"another site in an old browser", []string{"Sec-Fetch-Site", "", "Origin", "https://evil.test"}, false},
	} {
		for _, lang := range []string{"en", "de"} {
			box := &postbox{link: web.Link{State: web.Fresh}}
			pages := linkPages(t, box)
			headers := append([]string{"Accept-Language", lang}, c.headers...)
			for _, w := range []*httptest.ResponseRecorder{
				send(pages, "/activate/"+aToken, nil, headers...), send(pages, "/activate/"+aToken+"/again", nil, headers...),
			} {
				if c.passes != (w.Code == http.StatusSeeOther) {
					t.Errorf("%s: %d", c.name, w.Code)
				}
				if !c.passes {
					if w.Code != http.StatusForbidden {
						t.Errorf("%s: %d", c.name, w.Code)
					}
					canBeRead(t, w, lang)
					keepsToPolicy(t, w, lang)
				}
			}
			if n := len(box.used) + len(box.asked); c.passes != (n == 2) {
				t.Errorf("%s: %d things were done", c.name, n)
			}
		}
	}
}

func TestLinkPagesSayNothingOfTokensAndPasswords(t *testing.T) {
	const secret = "tulips-in-the-engine-room"
	form := url.Values{"password1": {secret}, "password2": {secret}}
	for name, box := range map[string]*postbox{
		"used":    {link: web.Link{State: web.Fresh, AsksPassword: true}},
		"refused": {link: web.Link{State: web.Fresh, AsksPassword: true}, noUse: tooShort},
		"late":    {link: web.Link{State: web.Expired}},
		"dead":    {link: web.Link{State: web.Dead}},
		"faulty":  {link: web.Link{State: web.Fresh, AsksPassword: true}, noUse: errors.New("disk on fire")},
		"unknown": {link: web.Link{State: "unheard of"}},
	} {
		var log bytes.Buffer
		pages, err := web.New(web.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), Links: box})
		if err != nil {
			t.Fatal(err)
		}
		path := "/password-reset/" + aToken
		for _, w := range []*httptest.ResponseRecorder{
			get(pages, path), send(pages, path, form), send(pages, path+"/again", form),
			send(pages, path, form, "Sec-Fetch-Site", "cross-site"),
			send(pages, path, url.Values{"password1": {strings.Repeat(secret, 500)}}),
		} {
			for key, values := range w.Header() {
				lacks(t, name+": "+key, strings.Join(values, "\n"), aToken, aToken[:20], secret)
			}
			lacks(t, name, w.Body.String(), secret)
		}
		lacks(t, name+": the log", log.String(), aToken, aToken[:20], secret)
	}
}

func TestWithoutLinksThereAreNoPages(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	for _, path := range []string{"/activate/" + aToken, "/password-reset/" + aToken, "/password-set/" + aToken, "/activate/" + aToken + "/again", "/activate"} {
		for _, w := range []*httptest.ResponseRecorder{get(p, path), click(p, path)} {
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	}
}

func TestNetworkIsAsked(t *testing.T) {
	box := &postbox{link: web.Link{State: web.Fresh}}
	want := netip.MustParsePrefix("2001:db8:1:100::/56")
	pages, err := web.New(web.Options{
		Log: slog.New(slog.DiscardHandler), Links: box, Network: func(*http.Request) netip.Prefix { return want },
	})
	if err != nil {
		t.Fatal(err)
	}
	send(pages, "/activate/"+aToken, nil)
	send(pages, "/activate/"+aToken+"/again", nil)
	for _, presses := range [][]press{box.used, box.asked} {
		if len(presses) != 1 || presses[0].network != want {
			t.Errorf("counted as %v", presses)
		}
	}
}
