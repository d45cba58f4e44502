package mail

import (
	"context"
	"encoding/json"
	"errors"
	html "html/template"
	"io/fs"
	"strings"
	"testing"
	text "text/template"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
)

// kept is a transport that keeps what it is given.
type kept struct {
	messages []Message
	err      error
}

func (k *kept) Send(_ context.Context, m Message) error {
	k.messages = append(k.messages, m)
	return k.err
}

func newSender(t *testing.T, tr Transport) *Sender {
	t.Helper()
	s, err := NewSender(tr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sample is data that every template can be written from.
func sample() map[string]string {
	return map[string]string{
		"name": "Ada", "source": "EDI", "at": "2026-03-02T10:00:00Z", "until": "2026-03-02T11:30:00+01:00",
		"link": "https://id.example.org/activate/eyJhIjoxfQ:1mCmVk:hY2SBpfdWB-_?x=1&y=2",
		"site": "id.example.org", "username": "adal", "code": "123456", "minutes": "30",
		"email": "ada@example.org", "what": "Analyst", "reason": "We do not know you.",
	}
}

func TestEveryMailInEveryLanguage(t *testing.T) {
	s := newSender(t, &kept{})
	subjects := map[string]bool{}
	for lang, layout := range languages {
		for _, name := range names {
			m, err := s.Compose(job.Mail{To: "ada@example.org", Template: name, Lang: lang, Data: sample()})
			if err != nil {
				t.Fatalf("%s %s: %v", lang, name, err)
			}
			// The original's three activations have one subject (contract gqlauth.md,
			// section 9).
			// The portal's are fixed (contract portal.md, Portal pages).
			fixed := name == "portal-created" || name == "portal-request"
			if subjects[m.Subject] && !strings.HasPrefix(name, "activate-") && !fixed {
				t.Errorf("%s %s: the subject %q is another mail's too", lang, name, m.Subject)
			}
			subjects[m.Subject] = true
			for part, text := range map[string]string{"text": m.Text, "html": m.HTML} {
				if !strings.Contains(text, " Ada") || strings.Contains(text, "no value") || strings.Contains(text, "{{") {
					t.Errorf("%s %s: the %s part is %s", lang, name, part, text)
				}
			}
			if !strings.Contains(m.HTML, `<html lang="`+lang+`">`) || !strings.Contains(m.HTML, "<title>"+m.Subject+"</title>") {
				t.Errorf("%s %s: language or title is missing in %s", lang, name, m.HTML)
			}
			if strings.Contains(m.Text, "<") || strings.HasPrefix(m.Text, "\n") {
				t.Errorf("%s %s: the text part is %q", lang, name, m.Text)
			}
		}
		if layout == "" {
			t.Errorf("%s cannot write a time", lang)
		}
	}
}

func TestLanguagesHaveTheSameFiles(t *testing.T) {
	for lang := range languages {
		found, err := fs.Glob(files, "templates/"+lang+"/*")
		if err != nil || len(found) != 2*len(names) {
			t.Errorf("%s has %v, want a text and an HTML file for each of %v", lang, found, names)
		}
	}
}

func TestMailsTellWhatHappened(t *testing.T) {
	s := newSender(t, &kept{})
	for _, c := range []struct {
		name, lang string
		want       []string
	}{
		{"linked", "en", []string{"EDI was connected", "2 March 2026 at 10:00 UTC", "If it was not you"}},
		{"linked", "de-AT", []string{"EDI wurde am", "02.03.2026 um 10:00 Uhr (UTC)", "Wenn nicht"}},
		{"locked-out", "en", []string{"wrong password", "refused until 2 March 2026 at 10:30 UTC"}},
		{"locked-out", "DE_de", []string{"falsches Passwort", "bis 02.03.2026 um 10:30 Uhr"}},
		{"verify", "", []string{"\nhttps://id.example.org/activate/eyJhIjoxfQ:1mCmVk:hY2SBpfdWB-_?x=1&y=2\n", "works once"}},
		{"verify", "fr", []string{"Hello Ada,"}},
	} {
		m, err := s.Compose(job.Mail{To: "ada@example.org", Template: c.name, Lang: c.lang, Data: sample()})
		if err != nil {
			t.Fatalf("%s %s: %v", c.name, c.lang, err)
		}
		for _, want := range c.want {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%s in %q lacks %q:\n%s", c.name, c.lang, want, m.Text)
			}
		}
	}
}

func TestNamesCarryNeitherMarkupNorBait(t *testing.T) {
	s := newSender(t, &kept{})
	for _, c := range []struct{ name, want string }{
		{"Ada", "Hello Ada,"},
		{"J.R.R. Tolkien", "Hello J.R.R. Tolkien,"},
		{"Łukasz O’Brien-Müller", "Hello Łukasz O’Brien-Müller,"},
		{"  Ada\r\nBcc: x\tLovelace ", "Hello Ada Bcc: x Lovelace,"},
		{"Ada\u202egnp", "Hello Ada gnp,"},
		{"", "Hello,"},
		{"win at evil.example", "Hello,"},
		{"evil.example/x", "Hello,"},
		{"https://evil", "Hello,"},
		{"WWW evil", "Hello WWW evil,"},
		{"www.evil", "Hello,"},
		{"a@evil", "Hello,"},
		{strings.Repeat("ä", 300), "Hello " + strings.Repeat("ä", 100) + "…,"},
	} {
		d := sample()
		d["name"] = c.name
		m, err := s.Compose(job.Mail{To: "ada@example.org", Template: "linked", Data: d})
		if err != nil {
			t.Fatalf("%q: %v", c.name, err)
		}
		if first, _, _ := strings.Cut(m.Text, "\n"); first != c.want {
			t.Errorf("%q is greeted %q, want %q", c.name, first, c.want)
		}
	}

	d := sample()
	d["name"], d["source"] = `<script>alert(1)<script>`, `<img src=x onerror=y>`
	m, err := s.Compose(job.Mail{To: "ada@example.org", Template: "linked", Data: d})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, "<img") || !strings.Contains(m.HTML, "&lt;img src=x") {
		t.Errorf("markup came through: %s", m.HTML)
	}
}

func TestRecipientsThatAreNotOnePlainAddress(t *testing.T) {
	k := &kept{}
	s := newSender(t, k)
	for _, to := range []string{
		"", "ada", "@example.org", "ada@", "a@b@example.org", "ada@example.org\r\nBcc: eve@example.org", "ada@example.org\n",
		"ada@example.org,eve@example.org", "ada@example.org;eve@example.org", "Ada <ada@example.org>", `"a b"@example.org`,
		"ada @example.org", "ada@localhost", "ada..l@example.org", "=?utf-8?q?a?=@example.org", "аda@example.org", "ada\x00@example.org", "(x)ada@example.org", "ada@[127.0.0.1]",
		strings.Repeat("a", 243) + "@example.org",
	} {
		err := s.Handle(t.Context(), mailJob(t, job.Mail{To: to, Template: "verify", Data: sample()}))
		if err == nil || len(k.messages) > 0 {
			t.Fatalf("%q: error %v, %d messages; want an error and none", to, err, len(k.messages))
		}
		if to != "" && strings.Contains(err.Error(), to) {
			t.Errorf("the error names the recipient: %v", err)
		}
	}
}

func TestMailsThatCannotBeWrittenAreNotTriedAgain(t *testing.T) {
	k := &kept{}
	s := newSender(t, k)
	without := func(key string) map[string]string { d := sample(); delete(d, key); return d }
	with := func(key, v string) map[string]string { d := sample(); d[key] = v; return d }
	for name, p := range map[string]job.Mail{
		"unknown template":   {To: "ada@example.org", Template: "../layout"},
		"no data":            {To: "ada@example.org", Template: "verify"},
		"no link":            {To: "ada@example.org", Template: "verify", Data: without("link")},
		"a script for link":  {To: "ada@example.org", Template: "verify", Data: with("link", "javascript:alert(1)")},
		"a relative link":    {To: "ada@example.org", Template: "verify", Data: with("link", "/verify")},
		"a link with a line": {To: "ada@example.org", Template: "verify", Data: with("link", "https://a.example/\nhttps://b.example/")},
		"a time in words":    {To: "ada@example.org", Template: "linked", Data: with("at", "yesterday")},
	} {
		err := s.Handle(t.Context(), mailJob(t, p))
		if !job.IsPermanent(err) || len(k.messages) > 0 {
			t.Errorf("%s: %v with %d messages, want a permanent error and none", name, err, len(k.messages))
		}
	}
	if err := s.Handle(t.Context(), store.Job{ID: "j", Payload: []byte("[")}); !job.IsPermanent(err) {
		t.Errorf("an unreadable payload: %v", err)
	}
}

func TestSubjectsStayOnTheirLine(t *testing.T) {
	for _, c := range []struct {
		subject string
		ok      bool
	}{{"News", true}, {"", false}, {"News\r\nBcc: eve@example.org", false}, {"News\n", false}, {"Ne\u0085ws", false}, {"Ne\x00ws", false}} {
		pg := page{
			text: text.Must(text.New("x").Parse(`{{define "subject"}}` + c.subject + `{{end}}body`)),
			html: html.Must(html.New("x").Parse("body")),
		}
		s := &Sender{transport: &kept{}, pages: templates{"en": {"x": pg}}}
		if _, err := s.Compose(job.Mail{To: "ada@example.org", Template: "x"}); (err == nil) != c.ok {
			t.Errorf("subject %q: %v", c.subject, err)
		}
	}
}

func TestTransportFaultsAreTriedAgain(t *testing.T) {
	k := &kept{err: errors.New("greylisted")}
	err := newSender(t, k).Handle(t.Context(), mailJob(t, job.Mail{To: "ada@example.org", Template: "verify", Data: sample()}))
	if !errors.Is(err, k.err) || job.IsPermanent(err) {
		t.Fatalf("got %v, want the transport's error, not permanent", err)
	}
	if k.messages[0].ID != "job-1" {
		t.Errorf("the message is called %q, want the job's id", k.messages[0].ID)
	}
}

func mailJob(t *testing.T, p job.Mail) store.Job {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return store.Job{ID: "job-1", Kind: job.KindMail, Payload: b}
}
