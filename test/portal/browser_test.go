package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/usher-id/usher/internal/testkeycloak"
)

// envScreenshots names a folder that the walk keeps pictures of the pages in, as
// those in docs/images.
const envScreenshots = "USHER_TEST_SCREENSHOTS"

const (
	phoneWidth, phoneHeight = 360, 640
	deskWidth, deskHeight   = 1280, 800
	patience                = 3 * time.Minute
)

// browser is a person's, with a phone's window.
type browser struct {
	world
	ctx context.Context
}

func (w world) browser() browser {
	w.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		w.Skip("chromium is not installed (Debian's package: chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(w.TempDir()), chromedp.WindowSize(phoneWidth, phoneHeight),
		chromedp.NoSandbox, // root has none; what is opened here is the test's own
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("accept-lang", "en"), chromedp.Env("LANGUAGE=en"),
	)
	limited, stop := context.WithTimeout(context.Background(), patience)
	w.Cleanup(stop)
	allocated, stop := chromedp.NewExecAllocator(limited, options...)
	w.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocated)
	w.Cleanup(stop)
	w.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	b := browser{w, ctx}
	b.does("start", chromedp.EmulateViewport(phoneWidth, phoneHeight, chromedp.EmulateScale(1), chromedp.EmulateMobile))
	return b
}

func (b browser) does(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

func (b browser) opens(path string) {
	b.Helper()
	to := path
	if strings.HasPrefix(path, "/") {
		to = b.Public + path
	}
	b.does("open "+path, chromedp.Navigate(to))
}

// shows fails unless the page has this heading, fits the phone, and loads nothing
// from elsewhere.
func (b browser) shows(heading string) {
	b.Helper()
	b.does("wait for the heading "+heading, chromedp.WaitVisible(chromedp.CSS("main h1")))
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[struct {
		Heading string `json:"heading"`
		Width   int    `json:"width"`
		Foreign int    `json:"foreign"`
		At      string `json:"at"`
	}](`({
		heading: document.querySelector("main h1").innerText, width: document.documentElement.scrollWidth, at: location.href,
		foreign: performance.getEntriesByType("resource").filter(e => !e.name.startsWith(location.origin + "/")).length,
	})`))
	if err != nil {
		b.Fatalf("look at the page: %v", err)
	}
	if got.Heading != heading || got.Width > phoneWidth || got.Foreign > 0 {
		b.Fatalf("the page shows %+v, wanted %q", got, heading)
	}
}

func (b browser) has(what, text string) {
	b.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("main").innerText`))
	if err != nil || !strings.Contains(got, text) {
		b.Fatalf("%s: the page lacks %q: %v\n%s", what, text, err, got)
	}
}

func (b browser) types(field, text string) {
	b.Helper()
	b.does("type into "+field, chromedp.SendKeys(chromedp.CSS(field), text, chromedp.NodeVisible))
}

func (b browser) sets(field, value string) {
	b.Helper()
	b.does("choose in "+field, chromedp.SetValue(chromedp.CSS(field), value, chromedp.NodeVisible))
}

// presses clicks what leads to another page.
func (b browser) presses(what string) {
	b.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(what), chromedp.NodeVisible)); err != nil {
		b.Fatalf("press %s: %v", what, err)
	}
}

// keeps takes pictures of a page: phone and desktop, light and dark.
func (b browser) keeps(name string) {
	b.Helper()
	folder := os.Getenv(envScreenshots)
	if folder == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range []struct {
			name   string
			width  int64
			height int64
		}{{"phone", phoneWidth, phoneHeight}, {"desktop", deskWidth, deskHeight}} {
			b.does("look", chromedp.EmulateViewport(size.width, size.height))
			b.does(scheme, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
				_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				return err
			}))
			picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				b.Fatalf("picture: %v", err)
			}
			if err := os.WriteFile(filepath.Join(folder, name+"-"+size.name+"-"+scheme+".png"), picture, 0o644); err != nil { //nolint:gosec // for everybody to read
				b.Fatal(err)
			}
		}
	}
	b.does("back to the phone", chromedp.EmulateViewport(phoneWidth, phoneHeight, chromedp.EmulateScale(1), chromedp.EmulateMobile))
}

// registers fills the realm's own page.
func (b browser) registers(email string) {
	b.Helper()
	b.types("#email", email)
	b.types("#firstName", "Nina")
	b.types("#lastName", "Rossi")
	b.types("#password", "a-password-of-nina")
	b.types("#password-confirm", "a-password-of-nina")
	b.presses(`form [type="submit"]`)
}

// signsIn fills the realm's page of sign-ins.
func (b browser) signsIn(p testkeycloak.Person) {
	b.Helper()
	b.types("#username", p.Email)
	b.types("#password", p.Password)
	b.presses("#kc-login")
}

// leaves signs out, here and at the realm, which asks.
func (b browser) leaves() {
	b.Helper()
	b.presses(`form[action$="/sign-out"] button`)
	b.presses("#kc-logout")
}

// Given somebody new, when they follow the register link, then they register on the
// realm's page, come back, are led to the profile page whatever they open, complete
// it, and everything opens; the realm has their group.
func TestSomebodyRegisters(t *testing.T) {
	beside(t, func(w world) {
		b := w.browser()
		b.opens("/en/")
		b.shows("Welcome to 127.0.0.1")
		b.keeps("portal-home")
		b.presses(`a[href="/en/register"]`)
		b.registers("nina@example.test")
		for _, path := range []string{"", "/en/", "/en/profile", "/en/profile/edit"} {
			if path != "" {
				b.opens(path)
			}
			b.shows("Complete your profile")
			b.has("led here", "Please complete your profile before continuing to use the portal")
		}
		b.keeps("portal-complete")
		b.opens("/en/privacy")
		b.shows("Privacy")
		b.opens("/en/profile/create?next=%2Fen%2Fprofile")
		b.types("#f-nickname", "Nina")
		b.sets("#f-age", "19 - 30")
		b.presses(`main form button[type="submit"]`)
		b.shows("Complete your profile")
		b.has("what is missing", "Please accept the terms of service to continue.")
		b.has("what is missing", "This is needed.")
		b.keeps("portal-wrong")
		b.sets("#f-occupation", "teacher")
		b.does("accept", chromedp.Click(chromedp.CSS("#f-accepted_terms_of_service"), chromedp.NodeVisible))
		b.presses(`main form button[type="submit"]`)
		b.shows("My profile")
		b.has("what was typed", "19 to 30")
		b.has("who vouches", "you")
		b.keeps("portal-profile")
		b.opens("/en/")
		b.shows("Hello Nina")
		b.opens("/en/profile/create")
		b.shows("Your profile is complete")
		nina := w.realm.Find("nina@example.test")
		w.soon("the realm has the group", 20*time.Second, func() bool { return slices.Contains(w.realm.Groups(nina), "/end_users") })
		w.soon("it is read back", 20*time.Second, func() bool {
			b.opens("/it/")
			got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("main").innerText`))
			return err == nil && strings.Contains(got, "end_users") && strings.Contains(got, "Ciao Nina")
		})
		b.leaves()
		b.shows("Benvenuto su 127.0.0.1")
		b.opens("/en/profile")
		if at, err := chromedp.Run(b.ctx, chromedp.Location()); err != nil || !strings.HasPrefix(at, w.realm.Issuer) {
			t.Errorf("signed out, and at %s, %v", at, err)
		}
	})
}

// Given a request for a special profile, when an operator approves it on the page,
// then it is theirs, the realm has the group, and they are mailed; a second request
// of another's is refused with a reason.
func TestASpecialProfileIsApproved(t *testing.T) {
	beside(t, func(w world) {
		ada := w.realm.Register("ada@example.test", "Ada", "Lovelace", true)
		eve := w.realm.Register("eve@example.test", "Eve", "Other", true)
		chief := w.realm.Register("chief@example.test", "Chief", "Operator", true)
		w.realm.Join(chief, "/portal_admins")

		b := w.browser()
		b.opens("/en/profile/create?type=analystprofile")
		b.signsIn(ada)
		b.shows("Ask for the profile “Analyst”")
		b.keeps("portal-ask")
		b.does("accept", chromedp.Click(chromedp.CSS("#f-accepted_terms_of_service"), chromedp.NodeVisible))
		b.presses(`main form button[type="submit"]`)
		b.shows("Complete your profile")
		b.has("it waits", "waits for approval")
		b.opens("/console/requests")
		b.shows("For operators only")
		b.opens("/en/profile/create")
		b.leaves()
		w.call(http.MethodPatch, w.realm.SignIn(eve).Access, map[string]any{
			"profile_type": "privilegeduserprofile", "profile": map[string]any{}, "accepted_terms_of_service": true,
		})

		b.opens("/console/requests")
		b.signsIn(chief)
		b.shows("Requests")
		b.keeps("portal-requests")
		b.presses(`.mails li:first-child a`)
		b.shows("Ada Lovelace asks for “Analyst”")
		b.keeps("portal-request")
		b.presses(`input[value="approved"] + button`)
		b.shows("Requests")
		b.presses(`.mails li:first-child a`)
		b.shows("Eve Other asks for “Privileged user”")
		b.does("say why", chromedp.SendKeys(chromedp.CSS("#reason"), "We do not know you.", chromedp.NodeVisible))
		b.presses(`form:has(#reason) button`)
		b.shows("Requests")
		b.has("the empty queue", "Nobody waits.")
		b.keeps("portal-requests-empty")

		if got := w.call(http.MethodGet, w.realm.SignIn(ada).Access, nil); got.ProfileType == nil || *got.ProfileType != "analystprofile" || len(got.Missing) > 0 {
			t.Errorf("approved: %+v", got)
		}
		w.soon("the realm has the group", 20*time.Second, func() bool { return slices.Contains(w.realm.Groups(ada), "/analysts") })
		w.soon("both were mailed", 20*time.Second, func() bool {
			return strings.Contains(w.mails("ada@example.test"), "Your request was approved") && strings.Contains(w.mails("eve@example.test"), "We do not know you.")
		})
	})
}

// mails gives what was mailed to somebody.
func (w world) mails(to string) string {
	w.Helper()
	var inbox struct {
		Messages []struct{ Subject, Text string }
	}
	answer, err := http.Get(w.Public + "/dev/inbox.json?" + url.Values{"to": {to}}.Encode()) //nolint:noctx // a test's own server
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&inbox); err != nil {
		w.Fatal(err)
	}
	var all strings.Builder
	for _, m := range inbox.Messages {
		all.WriteString(m.Subject + "\n" + m.Text + "\n")
	}
	return all.String()
}
