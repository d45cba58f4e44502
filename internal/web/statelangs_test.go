package web_test

import (
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	xhtml "golang.org/x/net/html"

	"github.com/usher-id/usher/internal/web"
)

var latin = regexp.MustCompile(`[A-Za-z]+`)

// isHindi fails if a page has words that nobody translated.
func isHindi(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	names := strings.NewReplacer("usher", "", "English", "", "Google", "", "Ramesh <b>Kumar", "", `gj"><b>`, "", "{n}", "")
	check := func(where, words string) {
		if found := latin.FindString(names.Replace(words)); found != "" {
			t.Errorf("%s has %q: %q", where, found, words)
		}
	}
	doc, err := xhtml.ParseWithOptions(strings.NewReader(w.Body.String()), xhtml.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		switch n.Type {
		case xhtml.TextNode:
			check("the page", n.Data)
		case xhtml.ElementNode:
			for _, key := range []string{"title", "data-words", "aria-label", "placeholder", "alt"} {
				check(key, attr(n, key))
			}
		}
	}
}

// langLinks gives the addresses of a page's languages.
func langLinks(t *testing.T, w *httptest.ResponseRecorder) map[string]string {
	t.Helper()
	links := map[string]string{}
	for _, a := range named(parse(t, w.Body.String()), "a") {
		if lang := attr(a, "hreflang"); lang != "" {
			if links[lang] = attr(a, "href"); (attr(a, "aria-current") == "true") != (lang == w.Header().Get("Content-Language")) {
				t.Errorf("%s is marked as current: %q", lang, attr(a, "aria-current"))
			}
		}
	}
	return links
}

// browser keeps the cookies that it is given.
type browser struct {
	t       *testing.T
	pages   *web.Pages
	cookies map[string]string
	accepts string
}

func (b *browser) keeps(w *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c.Value
		if c.Name == "usher_lang" && (!c.HttpOnly || c.Path != "/" || c.MaxAge < 24*3600) {
			b.t.Errorf("the cookie is %v", c)
		}
	}
	return w
}

func (b *browser) headers() []string {
	var all []string
	for name, value := range b.cookies {
		all = append(all, name+"="+value)
	}
	return []string{"Accept-Language", b.accepts, "Cookie", strings.Join(all, "; ")}
}

func (b *browser) goes(path string) *httptest.ResponseRecorder {
	return b.keeps(get(b.pages, path, b.headers()...))
}

func (b *browser) presses(path string, form url.Values) *httptest.ResponseRecorder {
	return b.keeps(send(b.pages, path, form, b.headers()...))
}

func TestLanguageIsKeptThroughTheSignIn(t *testing.T) {
	for _, c := range []struct{ accepts, first, chosen string }{
		{"en-GB,en;q=0.9", "en", "hi"},
		{"hi-IN,hi;q=0.9,en;q=0.8", "hi", "en"},
		{"ta-IN, te;q=0.8", "en", "hi"},
		{"ta-IN, hi;q=0.8, en;q=0.5", "hi", "en"},
		{"", "en", "hi"},
		{"de", "en", "hi"}, // a language of other pages
		{"not, a;list;;", "en", "hi"},
	} {
		t.Run(c.accepts, func(t *testing.T) {
			// Given a browser that asks for a language,
			d := at(web.StateContact)
			b := &browser{t, statePages(t, d), map[string]string{"usher_state": aVisit}, c.accepts}
			w := b.goes(contactPath)
			isStatePage(t, w, c.first)
			if len(b.cookies) > 1 {
				t.Errorf("cookies %v though nothing was chosen", b.cookies)
			}
			// when the person chooses the other,
			w = b.goes(langLinks(t, w)[c.chosen])
			isStatePage(t, w, c.chosen)
			// then the next pages keep it,
			b.presses(contactPath, url.Values{"phone": {"98765 07001"}})
			if len(d.deeds) != 1 || d.deeds[0].by.Lang != c.chosen {
				t.Errorf("did %v: the message is in another language than the page", d.deeds)
			}
			d.visit = at(web.StateCode).visit
			isStatePage(t, b.goes(codePath), c.chosen)
			isStatePage(t, b.presses(codePath, url.Values{"code": {"1"}}), c.chosen)
			isStatePage(t, b.presses(againPath, nil), c.chosen)
			d.visit = at(web.StateChallenge).visit
			isStatePage(t, b.goes(challengePath), c.chosen)
			isStatePage(t, b.goes(homePath), c.chosen)
			// whatever else the address asks for, and until they choose again.
			isStatePage(t, b.goes(homePath+"?lang=de"), c.chosen)
			isStatePage(t, b.goes(homePath+"?lang=%3Cb%3E"), c.chosen)
			isStatePage(t, b.goes(homePath+"?lang="+c.first), c.first)
			isStatePage(t, b.goes(homePath), c.first)
		})
	}
}

func TestChoosingALanguageStaysOnThePage(t *testing.T) {
	for _, c := range []struct {
		step web.StateStep
		path string
	}{
		{web.StateContact, contactPath},
		{web.StateCode, contactPath + "?change"},
		{web.StateCode, codePath},
		{web.StateChallenge, challengePath},
		{web.StateDone, homePath},
		{web.StateDone, errorPath + "?error_message=" + url.QueryEscape(errorTexts[1])},
	} {
		pages := statePages(t, at(c.step))
		w := opens(pages, c.path, "en")
		for lang, to := range langLinks(t, w) {
			other := get(pages, to, "Cookie", hasVisit)
			english := get(pages, langLinks(t, other)["en"], "Cookie", hasVisit)
			if other.Code != w.Code || other.Header().Get("Content-Language") != lang || english.Body.String() != w.Body.String() {
				t.Errorf("%s: %s leads to another page: %d %q", c.path, to, other.Code, heading(t, other))
			}
		}
	}
	// Nor is the language lost where an address leads on, or a form was refused.
	w := get(statePages(t, at(web.StateCode)), againPath+"?lang=hi", "Cookie", hasVisit)
	leads(t, againPath, w, codePath)
	if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].Value != "hi" {
		t.Errorf("cookies %v", cookies)
	}
}

func TestErrorPageSaysWhatItKnowsAlone(t *testing.T) {
	said := map[string]map[string]string{
		"invalid": {"en": "is not valid, or was used already", "hi": "मान्य नहीं है"},
		"school":  {"en": "the school is not known here", "hi": "विद्यालय यहाँ नहीं मिलता"},
		"blocked": {"en": "This user account is blocked", "hi": "खाता बंद कर दिया गया है"},
		"trouble": {"en": "There was a technical problem", "hi": "तकनीकी समस्या हुई"},
		"google":  {"en": "because of your Google security settings", "hi": "Google सुरक्षा सेटिंग्स"},
	}
	known := statePages(t, at(web.StateContact))
	for message, kind := range map[string]string{
		"Your account is not valid for SUNBIRD.":   "invalid",
		"Your account is not valid for {site}.":    "invalid",
		errorTexts[1]:                              "school",
		errorTexts[2]:                              "blocked",
		"Trouble at DIKSHA, try again":             "trouble",
		"Google kept the name from State & Co":     "google",
		"":                                         "trouble",
		"Call 1800-EVIL and tell them your code":   "trouble",
		"The account is blocked. Call 1800-EVIL":   "trouble",
		"<script>alert(1)</script>":                "trouble",
		"The account is blocked\x00":               "trouble",
		"Google kept the name from <b>EVIL</b>":    "google",
		"Your account is not valid for 1800-EVIL.": "invalid",
	} {
		for _, lang := range []string{"en", "hi"} {
			w := opens(known, errorPath+"?error_message="+url.QueryEscape(message), lang)
			contains(t, message, w.Body.String(), said[kind][lang])
			for other, words := range said {
				if other != kind {
					lacks(t, message, w.Body.String(), words[lang])
				}
			}
			lacks(t, message, html.UnescapeString(w.Body.String()), "EVIL", "alert(1)", "DIKSHA", "State & Co")
			canBeRead(t, w, lang)
		}
	}
	// Neither the order nor the number of texts can break it.
	for _, texts := range [][]string{nil, {"one"}, append(errorTexts[:len(errorTexts):len(errorTexts)], "six", "seven")} {
		pages := statePages(t, at(web.StateContact), func(o *web.Options) { o.States.Texts = texts })
		contains(t, "the page", opens(pages, errorPath+"?error_message=seven", "en").Body.String(), "There was a technical problem")
	}
}

func TestTimeOfAVisitIsAsked(t *testing.T) {
	now := noon
	d := at(web.StateCode)
	pages := statePages(t, d, func(o *web.Options) { o.States.Now = func() time.Time { return now } })
	for after, want := range map[time.Duration]string{0: "Type the code", 29 * time.Minute: "Type the code", 30 * time.Minute: "Ask for a new code", time.Hour: "Ask for a new code"} {
		now = noon.Add(after)
		if got := heading(t, opens(pages, codePath, "en")); got != want {
			t.Errorf("after %v: %q", after, got)
		}
	}
}
