package sunbird

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// envScreenshots names a folder that the walk keeps pictures of the pages in, as
// those in docs/images.
const envScreenshots = "USHER_TEST_SCREENSHOTS"

const (
	phoneWidth, phoneHeight = 360, 640
	patience                = time.Minute
)

// phone is a browser with a phone's window.
type phone struct {
	town
	ctx context.Context
}

func (w town) phone(language string) phone {
	w.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		w.Skip("chromium is not installed (Debian's package: chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(w.TempDir()), chromedp.WindowSize(phoneWidth, phoneHeight),
		chromedp.NoSandbox, // root has none; what is opened here is usher's own
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("accept-lang", language), chromedp.Env("LANGUAGE="+language),
	)
	limited, stop := context.WithTimeout(context.Background(), patience)
	w.Cleanup(stop)
	allocated, stop := chromedp.NewExecAllocator(limited, options...)
	w.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocated)
	w.Cleanup(stop)
	w.Cleanup(func() { _ = chromedp.Cancel(ctx) })
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

// shows fails unless the page has this heading and language, fits the phone, and
// loads nothing from elsewhere.
func (p phone) shows(heading, language string) {
	p.Helper()
	const look = `({
		heading: document.querySelector("main h1").innerText,
		lang: document.documentElement.lang,
		width: document.documentElement.scrollWidth,
		foreign: performance.getEntriesByType("resource").filter(e => !e.name.startsWith(location.origin + "/")).length,
	})`
	p.does("wait for the heading", chromedp.WaitVisible(chromedp.CSS("main h1")))
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[struct {
		Heading string `json:"heading"`
		Lang    string `json:"lang"`
		Width   int    `json:"width"`
		Foreign int    `json:"foreign"`
	}](look))
	if err != nil {
		p.Fatalf("look at the page: %v", err)
	}
	if got.Heading != heading || got.Lang != language || got.Width > phoneWidth || got.Foreign > 0 {
		p.Fatalf("the page shows %+v, wanted %q in %q", got, heading, language)
	}
}

// types fills a field and presses the page's first button.
func (p phone) types(field, text string) {
	p.Helper()
	p.does("type", chromedp.SendKeys(chromedp.CSS(field), text))
	if _, err := chromedp.RunResponse(p.ctx, chromedp.Click(chromedp.CSS(`main button[type="submit"]`), chromedp.NodeVisible)); err != nil {
		p.Fatalf("press: %v", err)
	}
}

func (p phone) keeps(name string) {
	p.Helper()
	folder := os.Getenv(envScreenshots)
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.Fatalf("picture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil { //nolint:gosec // for everybody to read
		p.Fatal(err)
	}
}

// Given somebody with a phone, whom a state's portal sends, when they type their
// number and the code of the message, then they are signed in; in English and in
// Hindi.
func TestAStateSignInOnAPhone(t *testing.T) {
	for language, words := range map[string]struct{ contact, code, in, sub, phone string }{
		"en": {"Confirm your phone number", "Type the code", "You are signed in as Ramesh Kumar", "1", "9876507001"},
		"hi": {"अपना फ़ोन नंबर सत्यापित करें", "कोड लिखें", "आप साइन इन हैं नाम: Ramesh Kumar", "2", "9876507002"},
	} {
		t.Run(language, func(t *testing.T) {
			inTown(t, func(w town) {
				p := w.phone(language)
				p.does("come from the state", chromedp.Navigate(w.Public+visit(w.token(words.sub, nil))))
				p.shows(words.contact, language)
				p.keeps("state-contact-" + language)
				p.types("#phone", "12")
				p.shows(words.contact, language) // and what is wrong
				if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.querySelector("#phone").value = ""`)); err != nil {
					p.Fatalf("correct it: %v", err)
				}
				p.types("#phone", words.phone)
				p.shows(words.code, language)
				p.keeps("state-code-" + language)
				waits, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](`document.querySelector("form.second button").disabled`))
				if err != nil || !waits {
					p.Errorf("the button to send the code again does not wait (%v)", err)
				}
				p.types("#code", w.text(words.phone))
				p.shows(words.in, language)
				p.keeps("state-in-" + language)
				p.does("open a link twice", chromedp.Navigate(w.Public+"/sign-in/sso/verify/code"))
				p.shows(words.in, language)
			})
		})
	}
}
