package sms

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"unicode"

	"golang.org/x/text/language"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Message is a text ready to go.
type Message struct {
	// ID is that of the job, so that a transport can tell a repetition.
	ID   user.ID
	To   string // E.164
	Text string
}

// Transport hands a message over. It may be asked twice for one id, and must not
// deliver twice where it can tell. Its errors do not name the recipient, nor what
// the message says.
type Transport interface {
	Send(ctx context.Context, m Message) error
}

// Sender carries out jobs of kind sms.
type Sender struct {
	transport Transport
	pages     map[string]*template.Template // by language and name, as "hi/otp"
}

//go:embed templates
var files embed.FS

var (
	languages = []language.Tag{language.English, language.Hindi} // the first is the default
	matcher   = language.NewMatcher(languages)
	names     = []string{"otp"}
)

// NewSender makes a sender over a transport.
func NewSender(t Transport) (*Sender, error) {
	s := &Sender{transport: t, pages: map[string]*template.Template{}}
	for _, lang := range languages {
		for _, n := range names {
			key := lang.String() + "/" + n
			page, err := template.New(n+".txt").Funcs(template.FuncMap{"line": line}).Option("missingkey=error").ParseFS(files, "templates/"+key+".txt")
			if err != nil {
				return nil, fmt.Errorf("reading the texts: %w", err)
			}
			s.pages[key] = page
		}
	}
	return s, nil
}

// Handle is the job.Handler of job.KindSMS. What can never be sent is a permanent
// error; no error names the recipient.
func (s *Sender) Handle(ctx context.Context, j store.Job) error {
	var p job.SMS
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return job.Permanent(errors.New("the payload of the text message cannot be read"))
	}
	m, err := s.Compose(p)
	if err != nil {
		return job.Permanent(err)
	}
	m.ID = j.ID
	if err := s.transport.Send(ctx, m); err != nil {
		return fmt.Errorf("sending the text message %q: %w", p.Template, err)
	}
	return nil
}

// Compose writes the message that a payload asks for.
func (s *Sender) Compose(p job.SMS) (Message, error) {
	to, err := normal.ParsePhone(p.To, "")
	if err != nil {
		return Message{}, errors.New("the recipient is no phone number")
	}
	_, at := language.MatchStrings(matcher, p.Lang)
	page, ok := s.pages[languages[at].String()+"/"+p.Template]
	if !ok {
		return Message{}, fmt.Errorf("there is no text message %q", p.Template)
	}
	data := p.Data
	if data == nil {
		data = map[string]string{}
	}
	var b strings.Builder
	// A template's own errors quote the data; only the name is told.
	if page.Execute(&b, data) != nil {
		return Message{}, fmt.Errorf("the text message %q cannot be written from its data", p.Template)
	}
	return Message{To: to.Key(), Text: strings.TrimSpace(b.String())}, nil
}

// maxLine is how many characters a name has in a message.
const maxLine = 40

// line makes what an organisation calls itself fit for a message: one line, without
// what is not seen.
func line(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " ")
	if r := []rune(s); len(r) > maxLine {
		return string(r[:maxLine-1]) + "…"
	}
	return s
}
