package gqlauth

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/usher-id/usher/test/harness"
)

// envScreenshots names a folder that the walks keep pictures of the pages in,
// as those in docs/images.
const envScreenshots = "USHER_TEST_SCREENSHOTS"

// A phone, in CSS pixels.
const phoneWidth, phoneHeight = 390, 560

// phone is a browser with a phone's window.
type phone struct {
	town
	ctx context.Context
}

// browserPath finds chromium, under the names that it goes by.
func browserPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func (w town) phone(language string) phone {
	w.Helper()
	path := browserPath()
	if path == "" {
		w.Skip("chromium is not installed (Debian's package: chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(w.TempDir()), chromedp.WindowSize(phoneWidth, phoneHeight),
		// Root has no sandbox; what is opened here is usher's own.
		chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("accept-lang", language), chromedp.Env("LANGUAGE="+language),
	)
	limited, stop := context.WithTimeout(context.Background(), 2*patience)
	w.Cleanup(stop)
	allocated, stop := chromedp.NewExecAllocator(limited, options...)
	w.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocated)
	w.Cleanup(stop)
	w.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // its profile can be removed then
	p := phone{w, ctx}
	p.does("start", chromedp.EmulateViewport(phoneWidth, phoneHeight, chromedp.EmulateScale(1), chromedp.EmulateMobile))
	return p
}

func (p phone) does(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.Fatalf("%s: %v", what, err)
	}
}

// seen is what a page's own JavaScript finds.
func seen[T any](p phone, script string) T {
	p.Helper()
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		p.Fatalf("look at the page: %v", err)
	}
	return found
}

// opens shows a page and fails unless its heading, its language and its width
// are right, and nothing came from elsewhere.
func (p phone) opens(url, heading, language string) {
	p.Helper()
	p.does("open "+url, chromedp.Navigate(url))
	p.shows(heading, language)
}

func (p phone) shows(heading, language string) {
	p.Helper()
	const look = `({
		heading: document.querySelector("main h1").innerText,
		lang: document.documentElement.lang,
		width: document.documentElement.scrollWidth,
		foreign: performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin + "/")),
	})`
	p.does("wait for the heading", chromedp.WaitVisible(chromedp.CSS("main h1")))
	got := seen[struct {
		Heading string   `json:"heading"`
		Lang    string   `json:"lang"`
		Width   int      `json:"width"`
		Foreign []string `json:"foreign"`
	}](p, look)
	if got.Heading != heading || got.Lang != language {
		p.Fatalf("the page says %q in %q, wanted %q in %q", got.Heading, got.Lang, heading, language)
	}
	if got.Width > phoneWidth {
		p.Errorf("%q is %d pixels wide, the phone %d", heading, got.Width, phoneWidth)
	}
	if len(got.Foreign) > 0 {
		p.Errorf("%q loads %v", heading, got.Foreign)
	}
}

// presses presses the page's one button and waits for the page that follows.
func (p phone) presses() {
	p.Helper()
	if _, err := chromedp.RunResponse(p.ctx, chromedp.Click(chromedp.CSS(`main button[type="submit"]`), chromedp.NodeVisible)); err != nil {
		p.Fatalf("press: %v", err)
	}
}

func (p phone) types(first, second string) {
	p.Helper()
	p.does("type", chromedp.SendKeys(chromedp.CSS("#password1"), first), chromedp.SendKeys(chromedp.CSS("#password2"), second))
}

// keeps saves a picture of the whole page where envScreenshots says.
func (p phone) keeps(name string) {
	p.Helper()
	folder := os.Getenv(envScreenshots)
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100)) // 100: PNG
	if err != nil {
		p.Fatalf("picture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil { //nolint:gosec // for everybody to read
		p.Fatal(err)
	}
}

// pageWords are what the pages say on the way.
type pageWords struct {
	language, ask, done, choose, set, used string
}

var (
	english = pageWords{
		language: "en", ask: "Confirm your address", done: "Your address is confirmed",
		choose: "Choose a new password", set: "Your new password is set", used: "This link was used already",
	}
	german = pageWords{
		language: "de", ask: "Adresse bestätigen", done: "Ihre Adresse ist bestätigt",
		choose: "Neues Passwort wählen", set: "Ihr neues Passwort gilt", used: "Dieser Link wurde schon benutzt",
	}
)

// walk signs up, activates, forgets the password and resets it, by the mails
// and the pages behind their links.
func (p phone) walk(s pageWords, picture func(string)) {
	p.Helper()
	p.register("lise@example.org", "lise", good)
	link := p.link("lise@example.org", "activate")
	if !strings.HasPrefix(link, p.Public+"/activate/") {
		p.Fatalf("the mail links to %s", link)
	}
	for range 2 { // to look uses nothing up
		p.opens(link, s.ask, s.language)
	}
	picture("activate")
	if got := p.tokenAuth("lise@example.org", good).code("nonFieldErrors"); got != "not_verified" {
		p.Errorf("after the page was opened, and its button not pressed: %s", got)
	}
	p.presses()
	p.shows(s.done, s.language)
	picture("activate-done")
	in := p.enter("lise@example.org", good)

	if got := p.do("", "sendPasswordResetEmail", "", "email", "lise@example.org"); !got.Success {
		p.Fatalf("asking for a reset: %+v", got)
	}
	link = p.link("lise@example.org", "password-reset")
	p.opens(link, s.choose, s.language)
	picture("password-reset")
	p.types("12345678", "12345678")
	p.presses()
	p.shows(s.choose, s.language)
	if marked := seen[[]string](p, `[...document.querySelectorAll("[aria-invalid=true]")].map(e => e.id)`); len(marked) == 0 {
		p.Error("a weak password is not marked as wrong")
	}
	p.enter("lise@example.org", good)
	p.types(other, other)
	p.presses()
	p.shows(s.set, s.language)
	if me := p.me(in.Token); me != nil {
		p.Errorf("the session of before is still %+v", me)
	}
	if got := p.tokenAuth("lise@example.org", good).code("nonFieldErrors"); got != "invalid_credentials" {
		p.Errorf("the forgotten password: %s", got)
	}
	p.enter("lise@example.org", other)
	p.partnerEnter("lise@example.org", other)
	p.opens(link, s.used, s.language)
}

// Given a phone, when somebody signs up by GraphQL and opens what they were
// mailed, then pressing the button activates the account and nothing before
// does; and a forgotten password likewise.
func TestAPhoneWalksThroughTheLinks(t *testing.T) {
	inTown(t, func(w town) {
		p := w.phone("en-GB")
		p.walk(english, p.keeps)
	})
}

// The same in German, by what the browser asks for.
func TestAGermanPhoneWalksThroughTheLinks(t *testing.T) {
	w := newTown(t, harness.Options{})
	w.phone("de-DE").walk(german, func(string) {})
}

// Given a link that is too old, when its page is opened, then it says so and
// mails another, which works.
func TestAnExpiredLinkOnAPhone(t *testing.T) {
	w := newTown(t, harness.Options{Env: []string{"USHER_DOORS_GQLAUTH_SECRET_KEY=" + djangoKey}})
	w.bring()
	p := w.phone("en-GB")
	p.opens(p.Public+"/password-reset/"+originalMailed(djangoKey, moved, "password_reset", time.Now().Unix()-2*3600), "This link has expired", "en")
	p.keeps("expired")
	p.presses()
	p.shows("Look into your mailbox", "en")
	p.opens(p.link(moved, "password-reset"), "Choose a new password", "en")
	p.types(other, other)
	p.presses()
	p.shows("Your new password is set", "en")
	p.enter(moved, other)
}
