package mail

import (
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"net/url"
	"strings"
	text "text/template"
	"time"
	"unicode"

	"github.com/usher-id/usher/internal/job"
)

//go:embed templates
var files embed.FS

// page is one mail in one language.
type page struct {
	text *text.Template // defines "subject" too
	html *html.Template
}

// templates holds pages by language and name.
type templates map[string]map[string]page

const defaultLang = "en"

// languages give each language its way to write a time, which is always UTC
// and says so.
var languages = map[string]string{
	"en": "2 January 2006 at 15:04 UTC",
	"de": "02.01.2006 um 15:04 Uhr (UTC)",
	"it": "02/01/2006 alle 15:04 UTC",
}

var names = []string{
	"linked", "locked-out", "verify", "activate", "activate-renew", "activate-second", "password-reset", "password-set",
	"already-registered", "password-changed", "addresses-changed", "otp",
	"portal-created", "portal-request", "portal-approved", "portal-refused",
}

func load() (templates, error) {
	all := templates{}
	for lang, layout := range languages {
		all[lang] = map[string]page{}
		when := func(s string) (string, error) {
			t, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return "", errors.New("not an RFC 3339 time")
			}
			return t.UTC().Format(layout), nil
		}
		funcs := map[string]any{"when": when, "name": showName, "link": checkLink}
		for _, n := range names {
			file := "templates/" + lang + "/" + n
			t, err := text.New(n+".txt").Funcs(funcs).Option("missingkey=error").ParseFS(files, file+".txt")
			if err != nil {
				return nil, err
			}
			h, err := html.New("layout.html").Funcs(funcs).Option("missingkey=error").
				ParseFS(files, "templates/layout.html", file+".html")
			if err != nil {
				return nil, err
			}
			all[lang][n] = page{t, h}
		}
	}
	return all, nil
}

// shown is what a template sees.
type shown struct {
	Lang    string
	Subject string
	Data    map[string]string
}

func (t templates) render(p job.Mail) (Message, error) {
	lang := pick(p.Lang)
	pg, ok := t[lang][p.Template]
	if !ok {
		return Message{}, fmt.Errorf("there is no mail %q", p.Template)
	}
	data := shown{Lang: lang, Data: p.Data}
	if data.Data == nil {
		data.Data = map[string]string{}
	}
	// A template's own errors quote the data; only the mail's name is told.
	broken := fmt.Errorf("the mail %q cannot be written from its data", p.Template)
	var subject, plain, rich strings.Builder
	if pg.text.ExecuteTemplate(&subject, "subject", data) != nil {
		return Message{}, broken
	}
	data.Subject = subject.String()
	if pg.text.Execute(&plain, data) != nil || pg.html.Execute(&rich, data) != nil {
		return Message{}, broken
	}
	return Message{Subject: data.Subject, Text: strings.TrimSpace(plain.String()) + "\n", HTML: rich.String()}, nil
}

// pick chooses the language of a mail from a language tag such as "de-AT".
func pick(tag string) string {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(tag), "_", "-"), "-")
	if _, ok := languages[base]; ok {
		return base
	}
	return defaultLang
}

// maxName is how many characters of a name a mail shows.
const maxName = 100

// showName makes what somebody calls itself fit for a mail. A name that mail
// programs would turn into a link is not shown at all: it is how a stranger
// signs others up in order to have their bait delivered.
func showName(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " ")
	if strings.ContainsAny(s, "/\\@") || strings.Contains(strings.ToLower(s), "www.") || dotted(s) {
		return ""
	}
	if r := []rune(s); len(r) > maxName {
		s = strings.TrimSpace(string(r[:maxName])) + "…"
	}
	return s
}

// dotted says whether a dot is followed by two letters, as in a host name but
// not in "J.R.".
func dotted(s string) bool {
	r := []rune(s)
	for i := 1; i+2 < len(r); i++ {
		if r[i] == '.' && unicode.IsLetter(r[i+1]) && unicode.IsLetter(r[i+2]) && !unicode.IsSpace(r[i-1]) {
			return true
		}
	}
	return false
}

// checkLink lets through an absolute web address without spaces or line ends.
func checkLink(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsFunc(s, unicode.IsSpace) {
		return "", errors.New("not a web address")
	}
	return s, nil
}
