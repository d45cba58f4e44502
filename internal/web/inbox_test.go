package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// listed gives the ids in an answer of inbox.json, in their order.
func listed(t *testing.T, body []byte) (ids []string) {
	t.Helper()
	var answer struct {
		Messages []struct{ ID string }
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Messages == nil {
		t.Fatalf("the answer is %s: %v", body, err)
	}
	for _, m := range answer.Messages {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestInboxJSONGivesEveryField(t *testing.T) {
	w := get(newPages(t, someMail(), devStart()), "/dev/inbox.json?channel=sms")
	want := `{"messages":[{"id":"m2","channel":"sms","to":"+4930901820","subject":"","text":"482913 is your code","html":"","sent_at":"2026-03-02T12:02:00.123456Z"}]}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("in %q", got)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("kept as %q", got)
	}
}

func TestInboxJSONFilters(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	second := noon.Add(time.Minute) // when m1 was sent
	for query, want := range map[string][]string{
		"":                                  {"m0", "m1", "m2", "m3"},
		"to=&channel=&since=":               {"m0", "m1", "m2", "m3"},
		"to=ada@example.org":                {"m0", "m3"},
		"to=nobody":                         nil,
		"channel=email":                     {"m0", "m1", "m3"},
		"channel=sms":                       {"m2"},
		"since=0":                           {"m0", "m1", "m2", "m3"},
		"since=0.5":                         {"m0", "m1", "m2", "m3"},
		"since=" + unix(second):             {"m1", "m2", "m3"},
		"since=" + unix(second) + ".2":      {"m2", "m3"},
		"since=2026-03-02T12:01:00Z":        {"m1", "m2", "m3"},
		"since=2026-03-02T12:01:00.5Z":      {"m2", "m3"},
		"since=2026-03-02T13:02:00%2B01:00": {"m2", "m3"},
		"since=2026-03-02T13:02:00+01:00":   {"m2", "m3"},
		"since=2030-01-01T00:00:00Z":        nil,
		"since=2026-03-02T12:00:00Z&to=ada@example.org&channel=email": {"m0", "m3"},
	} {
		w := get(p, "/dev/inbox.json?"+query)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
			continue
		}
		if got := listed(t, w.Body.Bytes()); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

func unix(t time.Time) string { return fmt.Sprint(t.Unix()) }

func TestInboxJSONRefusesWhatItCannotRead(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	for _, query := range []string{
		"channel=fax", "channel=EMAIL", "since=yesterday", "since=-1", "since=NaN", "since=Inf", "since=0x10", "since=1e3",
		"since=1.2.3", "since=1772452860000", "since=99999999999999999999", "since=2026-03-02", "since=2026-13-02T12:00:00Z", "since=1969-01-01T00:00:00Z",
	} {
		w := get(p, "/dev/inbox.json?"+query)
		if w.Code != http.StatusBadRequest || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d in %q", query, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

func TestInboxListsTheNewestFirst(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	order := func(query string) (ids []string) {
		for _, a := range named(parse(t, get(p, "/dev/inbox"+query).Body.String()), "a") {
			if id, ok := strings.CutPrefix(attr(a, "href"), "/dev/inbox/"); ok {
				ids = append(ids, id)
			}
		}
		return ids
	}
	for query, want := range map[string][]string{
		"":                           {"m3", "m2", "m1", "m0"},
		"?to=+ada@example.org+":      {"m3", "m0"},
		"?channel=sms":               {"m2"},
		"?channel=pigeon":            {"m3", "m2", "m1", "m0"},
		"?to=ada@example.org&live=1": {"m3", "m0"},
	} {
		if got := order(query); !slices.Equal(got, want) {
			t.Errorf("%q lists %v, want %v", query, got, want)
		}
	}
}

func TestInboxKeepsTheFilterWhileItLooksForNewOnes(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	still := get(p, "/dev/inbox?to=ada@example.org&channel=email").Body.String()
	lacks(t, "the still page", still, "http-equiv")
	contains(t, "the still page", still, `value="ada@example.org"`, `<option value="email" selected>`,
		`href="/dev/inbox?channel=email&amp;live=1&amp;to=ada%40example.org"`)
	live := get(p, "/dev/inbox?to=ada@example.org&live=1").Body.String()
	contains(t, "the live page", live, `<meta http-equiv="refresh" content="5">`, `<input type="hidden" name="live" value="1">`,
		`href="/dev/inbox?to=ada%40example.org"`)
}

func TestInboxSaysWhenThereIsNothing(t *testing.T) {
	contains(t, "the page", get(newPages(t, &mailbox{}, devStart()), "/dev/inbox").Body.String(), "Nothing has been sent yet.")
	contains(t, "the page", get(newPages(t, someMail(), devStart()), "/dev/inbox?to=x").Body.String(), "Nothing matches.", "Show everything")
}

func TestALongInboxIsCut(t *testing.T) {
	m := &mailbox{}
	for i := range 300 {
		m.messages = append(m.messages, store.Message{ID: user.ID(fmt.Sprint(i)), Channel: "sms", To: "+1", Text: "x", Sent: noon.Add(time.Duration(i))})
	}
	p := newPages(t, m, devStart())
	body := get(p, "/dev/inbox").Body.String()
	contains(t, "the page", body, "200 shown, older ones left out", `href="/dev/inbox/299"`)
	lacks(t, "the page", body, `href="/dev/inbox/99"`)
	if n := len(listed(t, get(p, "/dev/inbox.json").Body.Bytes())); n != 300 {
		t.Errorf("programs get %d of 300", n)
	}
}

func TestMessageShowsTextLinksAndAFrame(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	body := get(p, "/dev/inbox/m0").Body.String()
	contains(t, "the page", body, "<h1>Subject 0</h1>", "ada@example.org", `datetime="2026-03-02T12:00:00Z"`,
		`<a href="https://id.example.org/verify?token=t&amp;x=1">`, `src="/dev/inbox/m0/html"`)
	frame := named(parse(t, body), "iframe")[0]
	lacks(t, "the frame's sandbox", attr(frame, "sandbox"), "allow-scripts", "allow-same-origin", "allow-top-navigation", "allow-forms")

	body = get(p, "/dev/inbox/m2").Body.String()
	contains(t, "the SMS", body, "482913 is your code", "Text message")
	lacks(t, "the SMS", body, "<iframe", "Links")

	for _, path := range []string{"/dev/inbox/none", "/dev/inbox/none/html", "/dev/inbox/m2/html", "/dev/inbox/m0/else"} {
		if w := get(p, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestFramedMailIsShutIn(t *testing.T) {
	w := get(newPages(t, someMail(), devStart()), "/dev/inbox/m0/html")
	policy := w.Header().Get("Content-Security-Policy")
	contains(t, "the policy", policy, "sandbox ", "default-src 'none'", "frame-ancestors 'self'")
	lacks(t, "the policy", policy, "allow-scripts", "allow-same-origin", "script-src", "http")
	contains(t, "the mail", w.Body.String(), `<body style="color:red">Hi</body>`, `<base target="_blank">`)
}

func TestHostileMessagesAreText(t *testing.T) {
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	m := &mailbox{messages: []store.Message{{
		ID: "e", Channel: "email", To: evil, Subject: evil, Sent: noon, HTML: evil,
		Text: evil + " javascript:alert(1) https://a.example/\"onclick=x <https://b.example/>",
	}}}
	p := newPages(t, m, devStart())
	for _, path := range []string{"/dev/inbox", "/dev/inbox/e", "/dev/inbox?to=" + url.QueryEscape(evil)} {
		body := get(p, path).Body.String()
		lacks(t, path, body, "<script", "<img", `href="javascript`)
		for _, e := range parse(t, body) {
			if attr(e, "onclick") != "" || attr(e, "onerror") != "" {
				t.Errorf("%s: <%s> has a handler", path, e.Data)
			}
		}
	}
	lacks(t, "the JSON", get(p, "/dev/inbox.json").Body.String(), "<script")
}

func TestInboxDuringAFault(t *testing.T) {
	for _, down := range []error{store.ErrUnavailable, errors.New("disk on fire at /var/secret")} {
		p := newPages(t, &mailbox{down: down}, devStart())
		for _, path := range []string{"/dev/inbox", "/dev/inbox/m0", "/dev/inbox/m0/html"} {
			w := get(p, path)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: %d, Retry-After %q", path, w.Code, w.Header().Get("Retry-After"))
			}
			lacks(t, path, w.Body.String(), "secret")
		}
		w := get(p, "/dev/inbox.json", "Accept", "*/*")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("JSON: %d in %q", w.Code, w.Header().Get("Content-Type"))
		}
	}
}
