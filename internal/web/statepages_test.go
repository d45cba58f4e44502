package web_test

import (
	"bytes"
	"errors"
	"html"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

var (
	codeDead    = func(v *web.StateVisit) { v.Remaining = 0 }
	codeExpired = func(v *web.StateVisit) { v.Until = noon }
	oneTry      = func(v *web.StateVisit) { v.Remaining = 1 }
)

// statePageCases is every page that is looked at, in both languages.
var statePageCases = []struct {
	name   string
	step   web.StateStep
	with   func(*web.StateVisit)
	path   string
	status int
	en, hi string // the headings
}{
	{"the phone is asked for", web.StateContact, nil, contactPath, 200, "Confirm your phone number", "अपना फ़ोन नंबर सत्यापित करें"},
	{"another phone", web.StateCode, nil, contactPath + "?change", 200, "Confirm your phone number", "अपना फ़ोन नंबर सत्यापित करें"},
	{"the code is asked for", web.StateCode, nil, codePath, 200, "Type the code", "कोड लिखें"},
	{"one try is left", web.StateCode, oneTry, codePath, 200, "Type the code", "कोड लिखें"},
	{"sent again", web.StateCode, nil, codePath + "?sent", 200, "Type the code", "कोड लिखें"},
	{"the code is dead", web.StateCode, codeDead, codePath, 200, "Ask for a new code", "नया कोड माँगें"},
	{"the code's time is over", web.StateCode, codeExpired, codePath, 200, "Ask for a new code", "नया कोड माँगें"},
	{"over whatever was sent", web.StateCode, codeExpired, codePath + "?sent", 200, "Ask for a new code", "नया कोड माँगें"},
	{"the challenge", web.StateChallenge, nil, challengePath, 200, "Is this your account?", "क्या यह आपका खाता है?"},
	{"an error", web.StateContact, nil, errorPath, 200, "You could not be signed in", "आपको साइन इन नहीं किया जा सका"},
	{"nobody is in", web.StateContact, nil, homePath, 401, "Nobody is signed in", "कोई साइन इन नहीं है"},
}

func TestPageOfEveryStateSignIn(t *testing.T) {
	d := &desk{}
	pages := statePages(t, d)
	for _, c := range statePageCases {
		for lang, want := range map[string]string{"en": c.en, "hi": c.hi} {
			t.Run(c.name+", "+lang, func(t *testing.T) {
				// Given a visit that stands there, of somebody with a hostile name,
				*d = *at(c.step)
				if c.with != nil {
					c.with(&d.visit)
				}
				// when its page is opened,
				w := opens(pages, c.path, lang+"-IN, fr;q=0.5")
				// then it says what there is to do, in the browser's language,
				if w.Code != c.status || heading(t, w) != want {
					t.Errorf("%d %q, want %d %q", w.Code, heading(t, w), c.status, want)
				}
				isStatePage(t, w, lang)
				// its forms are sent with POST, to this server,
				for _, f := range named(parse(t, w.Body.String()), "form") {
					if attr(f, "method") != "post" || !strings.HasPrefix(attr(f, "action"), "/s") {
						t.Errorf("a form is sent by %q to %q", attr(f, "method"), attr(f, "action"))
					}
				}
				// and nothing was done.
				if len(d.deeds) > 0 {
					t.Errorf("looking did %v", d.deeds)
				}
			})
		}
	}
}

func TestFormForAPhone(t *testing.T) {
	d := at(web.StateContact)
	d.visit.Name, d.visit.Organisation, d.visit.Typed = "Ramesh Kumar", "gj", "+91 98765 07001"
	w := opens(statePages(t, d), contactPath, "en")
	contains(t, "the page", w.Body.String(), "Ramesh Kumar", "<dd>gj</dd>", "+91)")
	lacks(t, "the page", w.Body.String(), `role="alert"`, "aria-invalid")
	f := field(t, w, "phone")
	for key, want := range map[string]string{
		"type": "tel", "autocomplete": "tel", "inputmode": "tel", "value": "+91 98765 07001", "aria-describedby": "rules",
	} {
		if attr(f, key) != want {
			t.Errorf("%s is %q, want %q", key, attr(f, key), want)
		}
	}
	contains(t, "the page", w.Body.String(), " required autofocus ")
}

func TestFormForACode(t *testing.T) {
	w := opens(statePages(t, at(web.StateCode)), codePath, "en")
	f := field(t, w, "code")
	for key, want := range map[string]string{"type": "text", "autocomplete": "one-time-code", "inputmode": "numeric", "value": ""} {
		if attr(f, key) != want {
			t.Errorf("%s is %q, want %q", key, attr(f, key), want)
		}
	}
	contains(t, "the page", html.UnescapeString(w.Body.String()), "+91•••••••001", " required autofocus ", `href="/sign-in/sso/update/contact?change"`)
	lacks(t, "the page", w.Body.String(), `role="alert"`, "aria-invalid", "left.", "98765")

	// One wrong try later it says what is left, and a dead code cannot be typed.
	d := at(web.StateCode)
	d.visit.Remaining = 1
	contains(t, "with one try", opens(statePages(t, d), codePath, "en").Body.String(), "You have 1 try left.")
	contains(t, "with one try", opens(statePages(t, d), codePath, "hi").Body.String(), "आपके पास 1 मौका बचा है।")
	d.visit.Remaining = 0
	if w := opens(statePages(t, d), codePath, "en"); field(t, w, "code") != nil {
		t.Error("a dead code is asked for")
	} else {
		contains(t, "the page", w.Body.String(), "it was typed wrong too often. Ask for a new one.", "Send a new code")
	}
	d = at(web.StateCode)
	d.visit.Until = noon.Add(-time.Second)
	contains(t, "after its time", opens(statePages(t, d), codePath, "en").Body.String(), "The time of this code is over. Ask for a new one.")
}

func TestStateSignInDoesItsWorkByPostAlone(t *testing.T) {
	for _, c := range []struct {
		name, path string
		step       web.StateStep
		form       url.Values
		want       deed
		to         string
	}{
		{"a phone", contactPath, web.StateContact, url.Values{"phone": {" 98765 07001 "}}, deed{what: "text", typed: "98765 07001"}, codePath},
		{"another phone", contactPath, web.StateCode, url.Values{"phone": {"98765 07002"}}, deed{what: "text", typed: "98765 07002"}, codePath},
		{"a code", codePath, web.StateCode, url.Values{"code": {"123456"}}, deed{what: "enter", typed: "123456"}, "/sso/sign-in/success?id=h4ndle"},
		{"a code, twice", codePath, web.StateDone, url.Values{"code": {"123456"}}, deed{what: "enter", typed: "123456"}, "/sso/sign-in/success?id=h4ndle"},
		{"mine", challengePath, web.StateChallenge, url.Values{"mine": {"yes"}}, deed{what: "link", typed: "yes"}, "/sso/sign-in/success?id=h4ndle"},
		{"not mine", challengePath, web.StateChallenge, url.Values{"mine": {"no"}}, deed{what: "link", typed: "no"}, "/sso/sign-in/success?id=h4ndle"},
		{"out", signOutPath, web.StateDone, nil, deed{what: "sign out"}, homePath},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := at(c.step)
			pages := statePages(t, d)
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				r := httptest.NewRequest(method, c.path+"?"+c.form.Encode(), nil)
				r.Header.Set("Cookie", hasVisit)
				pages.ServeHTTP(httptest.NewRecorder(), r)
			}
			if len(d.deeds) > 0 {
				t.Fatalf("looking did %v", d.deeds)
			}
			w := presses(pages, c.path+"?phone=1&code=1&mine=yes", "en", c.form)
			leads(t, c.path, w, c.to)
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q", w.Header().Get("Cache-Control"))
			}
			if len(d.deeds) == 1 {
				d.deeds[0].by = web.StateAsking{}
			}
			if len(d.deeds) != 1 || d.deeds[0] != c.want {
				t.Errorf("did %v, want %v", d.deeds, c.want)
			}
		})
	}
}

func TestStateSignInLeadsToWhereItStands(t *testing.T) {
	d := &desk{}
	pages := statePages(t, d)
	own := map[web.StateStep]string{
		web.StateContact: contactPath, web.StateCode: codePath, web.StateChallenge: challengePath, web.StateDone: homePath,
	}
	for step, to := range own {
		*d = *at(step)
		for _, path := range []string{contactPath, codePath, againPath, challengePath} {
			if path == to {
				continue
			}
			leads(t, string(step)+" at "+path, opens(pages, path, "en"), to)
		}
		// The address asks to change the phone, and only a visit with a code listens.
		if step != web.StateCode && step != web.StateContact {
			leads(t, string(step)+" changes", opens(pages, contactPath+"?change", "en"), to)
		}
	}
	// What is pressed in an old tab is refused by the domain, and leads on.
	for path, step := range map[string]web.StateStep{againPath: web.StateDone, codePath: web.StateContact, challengePath: web.StateCode} {
		*d = *at(step)
		d.noEnter, d.noLink = user.Refuse(user.Forbidden, "step"), user.Refuse(user.Forbidden, "step")
		leads(t, "pressed "+path, presses(pages, path, "en", url.Values{"code": {"123456"}, "mine": {"yes"}}), own[step])
	}
	// So is a code of a visit whose phone another tab is changing.
	for step, to := range own {
		if step == web.StateCode {
			continue
		}
		*d = *at(step)
		d.noEnter = user.Refuse(user.BadCredential, "OTP")
		leads(t, "a code at "+string(step), presses(pages, codePath, "en", url.Values{"code": {"123456"}}), to)
		leads(t, "half a code at "+string(step), presses(pages, codePath, "en", url.Values{"code": {"123"}}), to)
	}
	*d = *at(web.StateChallenge)
	leads(t, "a button that is not there", presses(pages, challengePath, "en", url.Values{"mine": {"perhaps"}}), challengePath)
	if len(d.deeds) > 0 {
		t.Errorf("did %v", d.deeds)
	}
}

func TestWithoutAVisitThereIsNothingToDo(t *testing.T) {
	d := at(web.StateCode)
	pages := statePages(t, d)
	for lang, want := range map[string]string{"en": "This sign-in is over", "hi": "यह साइन-इन समाप्त हो गया है"} {
		for _, path := range []string{contactPath, codePath, againPath, challengePath} {
			for name, cookie := range map[string]string{"none": "", "of another": "usher_state=c3RyYW5nZXI", "other": "usher_session=" + aVisit} {
				form := url.Values{"phone": {"98765 07001"}, "code": {"123456"}, "mine": {"yes"}}
				for _, w := range []*httptest.ResponseRecorder{
					get(pages, path, "Cookie", cookie, "Accept-Language", lang),
					send(pages, path, form, "Cookie", cookie, "Accept-Language", lang),
					send(pages, path, nil, "Cookie", cookie, "Accept-Language", lang),
				} {
					if w.Code != http.StatusGone || heading(t, w) != want || len(d.deeds) > 0 {
						t.Errorf("%s, cookie %s: %d %q, did %v", path, name, w.Code, heading(t, w), d.deeds)
					}
					isStatePage(t, w, lang)
				}
			}
		}
	}
}

func TestStatePagesTakeTheirOwnFormsAlone(t *testing.T) {
	d := &desk{}
	pages := statePages(t, d)
	for _, c := range []struct {
		name    string
		headers []string
		passes  bool
	}{
		{"this page", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"an old browser that names its page", []string{"Sec-Fetch-Site", "", "Origin", "http://example.com"}, true},
		{"another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, false},
		{"a sibling", []string{"Sec-Fetch-Site", "same-site"}, false},
		{"another site in an old browser", []string{"Sec-Fetch-Site", "", "Origin", "https://evil.test"}, false},
		// A cookie would be sent along: unlike a mailed link's, this form needs an origin.
		{"a page that hides where it is", []string{"Sec-Fetch-Site", "", "Origin", "null"}, false},
	} {
		for lang, want := range map[string]string{"en": "This did not come from our page", "hi": "यह हमारे पृष्ठ से नहीं आया"} {
			for path, step := range map[string]web.StateStep{
				contactPath: web.StateContact, codePath: web.StateCode, challengePath: web.StateChallenge, signOutPath: web.StateDone,
			} {
				*d = *at(step)
				form := url.Values{"phone": {"98765 07001"}, "code": {"123456"}, "mine": {"yes"}}
				w := presses(pages, path, lang, form, c.headers...)
				if c.passes != (w.Code == http.StatusSeeOther) || c.passes != (len(d.deeds) == 1) {
					t.Errorf("%s, %s: %d, did %v", c.name, path, w.Code, d.deeds)
				}
				if !c.passes {
					if w.Code != http.StatusForbidden || heading(t, w) != want {
						t.Errorf("%s, %s: %d %q", c.name, path, w.Code, heading(t, w))
					}
					isStatePage(t, w, lang)
				}
			}
		}
	}
}

func TestStatePagesKnowTheirMethods(t *testing.T) {
	for path, allow := range map[string]string{
		contactPath: "GET, HEAD, POST", codePath: "GET, HEAD, POST", againPath: "GET, HEAD, POST", challengePath: "GET, HEAD, POST",
		signOutPath: "GET, HEAD, POST", homePath: "GET, HEAD", errorPath: "GET, HEAD",
	} {
		d := at(web.StateCode)
		pages := statePages(t, d)
		methods := []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, "BREW"}
		if !strings.HasSuffix(allow, "POST") {
			methods = append(methods, http.MethodPost)
		}
		for _, method := range methods {
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("Cookie", hasVisit)
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, r)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != allow || len(d.deeds) > 0 {
				t.Errorf("%s %s: %d, Allow %q, did %v", method, path, w.Code, w.Header().Get("Allow"), d.deeds)
			}
		}
	}
}

func TestFormMayEndAtTheStatesSite(t *testing.T) {
	d := at(web.StateCode)
	pages := statePages(t, d)
	for origin, added := range map[string]bool{
		"https://portal.example.org": true, "http://127.0.0.1:3000": true, "https://[2001:db8::1]:8443": true,
		"": false, "https://a.test; script-src *": false, "https://a.test/path": false, "https://*": false,
		"'unsafe-inline'": false, "javascript:alert(1)": false, "https://a.test\r\nX: y": false,
	} {
		d.visit.Origin = origin
		policy := opens(pages, codePath, "en").Header().Get("Content-Security-Policy")
		if want := "form-action 'self' " + origin + ";"; added != strings.Contains(policy, want) {
			t.Errorf("%q: the policy is %s", origin, policy)
		} else if !added {
			contains(t, origin, policy, "form-action 'self';")
		}
	}
}

func TestHome(t *testing.T) {
	d := at(web.StateDone)
	d.who = "Ramesh <b>Kumar"
	pages := statePages(t, d, func(o *web.Options) { o.States.Secure = true })
	for lang, want := range map[string]string{"en": "You are signed in as Ramesh <b>Kumar", "hi": "आप साइन इन हैं नाम: Ramesh <b>Kumar"} {
		w := opens(pages, homePath, lang)
		if w.Code != http.StatusOK || heading(t, w) != want {
			t.Errorf("%d %q", w.Code, heading(t, w))
		}
		isStatePage(t, w, lang)
	}
	// To look at the way out is not to take it.
	leads(t, "looking at "+signOutPath, opens(pages, signOutPath, "en"), homePath)
	if len(d.deeds) > 0 {
		t.Fatalf("looking did %v", d.deeds)
	}
	// When they sign out, then the browser keeps neither the session nor the visit.
	w := presses(pages, signOutPath, "en", nil)
	leads(t, signOutPath, w, homePath)
	gone := map[string]bool{}
	for _, c := range w.Result().Cookies() {
		gone[c.Name] = c.MaxAge < 0 && c.Value == "" && c.Path == "/" && c.Secure && c.HttpOnly && c.SameSite == http.SameSiteLaxMode
	}
	if !maps.Equal(gone, map[string]bool{"usher_session": true, "usher_state": true}) || len(d.deeds) != 1 {
		t.Errorf("cookies %v, did %v", w.Result().Cookies(), d.deeds)
	}
}

func TestFaultsOfStateSignIns(t *testing.T) {
	fire := errors.New("disk on fire")
	form := url.Values{"phone": {"98765 07001"}, "code": {"123456"}, "mine": {"yes"}}
	for name, c := range map[string]struct {
		path string
		step web.StateStep
		no   func(*desk)
		post bool
	}{
		"look":     {contactPath, web.StateContact, func(d *desk) { d.noLook = fire }, false},
		"text":     {contactPath, web.StateContact, func(d *desk) { d.noText = fire }, true},
		"enter":    {codePath, web.StateCode, func(d *desk) { d.noEnter = fire }, true},
		"again":    {againPath, web.StateCode, func(d *desk) { d.noAgain, d.visit.Resend = fire, noon }, true},
		"link":     {challengePath, web.StateChallenge, func(d *desk) { d.noLink = fire }, true},
		"who":      {homePath, web.StateDone, func(d *desk) { d.noWho = fire }, false},
		"sign out": {signOutPath, web.StateDone, func(d *desk) { d.noOut = fire }, true},
		"a step":   {contactPath, "unheard of", func(*desk) {}, false},
		"a new no": {contactPath, web.StateContact, func(d *desk) { d.noText = user.Refuse("haunted", "phone") }, true},
	} {
		for lang, want := range map[string]string{"en": "The database does not answer.", "hi": "डेटाबेस उत्तर नहीं दे रहा है।"} {
			d := at(c.step)
			c.no(d)
			var log bytes.Buffer
			pages := statePages(t, d, func(o *web.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			w := opens(pages, c.path, lang)
			if c.post {
				w = presses(pages, c.path, lang, form)
			}
			if w.Code != http.StatusServiceUnavailable || heading(t, w) != want || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: %d %q", name, w.Code, heading(t, w))
			}
			canBeRead(t, w, lang)
			lacks(t, name, w.Body.String(), "fire", "haunted")
			lacks(t, name+": the log", log.String(), aVisit, "98765", "123456")
			if len(w.Result().Cookies()) > 0 {
				t.Errorf("%s: cookies %v", name, w.Result().Cookies())
			}
		}
	}
}

func TestWithoutStateSignInsThereAreNoPages(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	for _, path := range []string{contactPath, codePath, againPath, challengePath, errorPath, homePath, signOutPath} {
		for _, w := range []*httptest.ResponseRecorder{get(p, path), click(p, path)} {
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	}
}
