package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

const (
	// envScreenshots names a folder to keep pictures of the pages in.
	envScreenshots = "USHER_TEST_SCREENSHOTS"

	narrow, high = 360, 640 // a small phone's window
	patience     = 2 * time.Minute
)

// sight is what a page is in a browser.
type sight struct {
	Heading string `json:"heading"`
	Lang    string `json:"lang"`
	Wide    int    `json:"wide"`
	Small   string `json:"small"`   // what is too small for a thumb
	Button  string `json:"button"`  // of the second form
	Waits   bool   `json:"waits"`   // that button
	Focused string `json:"focused"` // the field
}

const lookAround = `({
	heading: document.querySelector("main h1").innerText,
	lang: document.documentElement.lang,
	wide: document.documentElement.scrollWidth,
	small: [...document.querySelectorAll("main input, main button, main .langs a")].filter(e => e.getBoundingClientRect().height < 40).map(e => e.outerHTML).join(),
	button: document.querySelector("form.second button")?.innerText ?? "",
	waits: document.querySelector("form.second button")?.disabled ?? false,
	focused: document.activeElement?.id ?? "",
})`

// Given a small phone, every page fits it, can be hit with a thumb, and puts the
// cursor where the answer goes; a second text is counted down to in the page's
// language.
func TestStatePagesFitAPhone(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed (Debian's package: chromium)")
	}
	limited, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	allocated, stop := chromedp.NewExecAllocator(limited, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(narrow, high),
		chromedp.NoSandbox, // root has none; what is opened here is usher's own
		chromedp.Flag("disable-dev-shm-usage", true))...)
	defer stop()
	ctx, stop := chromedp.NewContext(allocated)
	defer stop()
	defer func() { _ = chromedp.Cancel(ctx) }()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(narrow, high, chromedp.EmulateScale(1), chromedp.EmulateMobile)); err != nil {
		t.Fatal(err)
	}

	d := &desk{}
	pages := statePages(t, d)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Add("Cookie", hasVisit)
		if form := r.URL.Query().Get("press"); form != "" { // a refused form, as a page to open
			r.Method, r.Body = http.MethodPost, http.NoBody
			r.PostForm, _ = url.ParseQuery(form)
			r.Form = r.PostForm
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		pages.ServeHTTP(w, r)
	}))
	defer server.Close()

	refused := []struct {
		name, path, press string
		step              web.StateStep
		no                error
	}{
		{"no-phone", contactPath, "phone=98765432109876543210", web.StateContact, user.Refuse(user.Invalid, "phone")},
		{"many", contactPath, "phone=9876507001", web.StateContact, throttled(user.Throttled, 3600)},
		{"wrong", codePath, "code=123456", web.StateCode, user.Refuse(user.BadCredential, "OTP", "remaining", "1")},
	}
	look := func(t *testing.T, name, path string) sight {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+path), chromedp.WaitVisible(chromedp.CSS("main h1"))); err != nil {
			t.Fatal(err)
		}
		got, err := chromedp.Run(ctx, chromedp.Evaluate[sight](lookAround))
		if err != nil {
			t.Fatal(err)
		}
		if got.Wide > narrow || got.Small != "" {
			t.Errorf("%d wide, too small: %s", got.Wide, got.Small)
		}
		if folder := os.Getenv(envScreenshots); folder != "" {
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil { //nolint:gosec // for everybody to read
				t.Fatal(err)
			}
		}
		return got
	}
	for lang, counting := range map[string][2]string{
		"en": {"Send the code again in ", " s"}, "hi": {"कोड फिर भेजें: ", " सेकंड बाद"},
	} {
		for _, c := range statePageCases {
			t.Run(c.name+", "+lang, func(t *testing.T) {
				*d = *at(c.step)
				d.visit.Name, d.visit.Organisation = strings.Repeat("Venkatanarasimharajuvaripeta ", 3), "gj"
				if c.with != nil {
					c.with(&d.visit)
				}
				p, query, _ := strings.Cut(c.path, "?")
				got := look(t, "state-"+strings.ReplaceAll(c.name, " ", "-")+"-"+lang, p+"?lang="+lang+"&"+query)
				if want := map[string]string{"en": c.en, "hi": c.hi}[lang]; got.Heading != want || got.Lang != lang {
					t.Errorf("%q in %q, want %q", got.Heading, got.Lang, want)
				}
				want := map[string]string{"Type the code": "code", "Confirm your phone number": "phone"}[c.en]
				if got.Focused != want {
					t.Errorf("the cursor is in %q, want %q", got.Focused, want)
				}
				if c.en == "Type the code" && (!got.Waits || !strings.HasPrefix(got.Button, counting[0]) || !strings.HasSuffix(got.Button, counting[1])) {
					t.Errorf("the second button is %q, waits: %t", got.Button, got.Waits)
				}
			})
		}
		for _, c := range refused {
			t.Run(c.name+", "+lang, func(t *testing.T) {
				*d = *at(c.step)
				d.noText, d.noEnter = c.no, c.no
				look(t, "state-"+c.name+"-"+lang, c.path+"?lang="+lang+"&press="+url.QueryEscape(c.press))
			})
		}
	}

	// When the time is up, then the button says again what it does, and can be pressed.
	*d = *at(web.StateCode)
	d.visit.Resend = noon.Add(time.Second)
	const ready = `form.second button:enabled`
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+codePath+"?lang=en"), chromedp.WaitVisible(chromedp.CSS(ready))); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[sight](lookAround))
	if err != nil || got.Button != "Send the code again" || got.Waits {
		t.Errorf("the second button is %q, waits: %t (%v)", got.Button, got.Waits, err)
	}
}
