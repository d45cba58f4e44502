package mail

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/effect/mail"
	"github.com/usher-id/usher/internal/job"
)

// patient is more time than any server here needs that means to answer.
const patient = 20 * time.Second

func options(s *server) mail.SMTPOptions {
	return mail.SMTPOptions{
		From: "Zugänge <accounts@example.org>", Host: "127.0.0.1", Port: s.port(), Security: mail.StartTLS,
		Timeout: patient, RootCAs: s.roots,
	}
}

func transport(t *testing.T, o mail.SMTPOptions) *mail.SMTP {
	t.Helper()
	s, err := mail.NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func message() mail.Message {
	return mail.Message{
		ID: "0199-job", To: "Ada.L@example.org", Subject: "Bestätigen Sie Ihre E-Mail-Adresse, die Sie bei uns hinterlegt haben",
		Text: "Grüße\n.\n" + strings.Repeat("lang ", 300) + "\n", HTML: "<p>Grüße</p>",
	}
}

func TestAMailArrivesAsItIs(t *testing.T) {
	s := start(t, &server{starttls: true, auth: "CRAM-MD5 PLAIN LOGIN"})
	o := options(s)
	o.ReplyTo, o.Username, o.Password = "help@exämple.org", "usher", "geheim"
	before := time.Now().Add(-2 * time.Second)
	if err := transport(t, o).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	mails := s.mails()
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	m := mails[0]
	if !strings.HasPrefix(m.from, "FROM:<accounts@example.org>") || m.to != "TO:<Ada.L@example.org>" || strings.Contains(m.from, "UTF8") {
		t.Errorf("the envelope is %s, %s", m.from, m.to)
	}
	if !m.encrypted || m.login != "usher geheim" || s.seen("QUIT") != 1 {
		t.Errorf("encrypted %v, signed in as %q, %d goodbyes", m.encrypted, m.login, s.seen("QUIT"))
	}

	head, _, _ := strings.Cut(m.text, "\n\n")
	for line := range strings.Lines(m.text) {
		if len(line) > 79 || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("a line that not every server takes: %q", line)
		}
	}
	msg, err := netmail.ReadMessage(strings.NewReader(m.text))
	if err != nil {
		t.Fatal(err)
	}
	var words mime.WordDecoder
	for field, want := range map[string]string{
		"From": "Zugänge <accounts@example.org>", "To": "<Ada.L@example.org>", "Reply-To": "<help@xn--exmple-cua.org>",
		"Subject": message().Subject, "Message-Id": "<0199-job@example.org>", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0",
	} {
		if got, err := words.DecodeHeader(msg.Header.Get(field)); err != nil || got != want || len(msg.Header[field]) != 1 {
			t.Errorf("%s: %q, %v, %d times; want %q", field, got, err, len(msg.Header[field]), want)
		}
	}
	if when, err := msg.Header.Date(); err != nil || when.Before(before) || when.After(time.Now().Add(time.Second)) {
		t.Errorf("Date: %v, %v", when, err)
	}
	if len(msg.Header) != 9 {
		t.Errorf("more fields than are known:\n%s", head)
	}
	parts(t, msg, message())
}

// parts checks that the text and then the HTML are all there is.
func parts(t *testing.T, msg *netmail.Message, want mail.Message) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	r := multipart.NewReader(msg.Body, params["boundary"])
	for _, part := range []struct{ kind, text string }{{"text/plain", want.Text}, {"text/html", want.HTML}} {
		p, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if k := p.Header.Get("Content-Type"); err != nil || k != part.kind+"; charset=UTF-8" || text != part.text {
			t.Errorf("%s with %q, %v", k, text, err)
		}
	}
	if _, err := r.NextRawPart(); !errors.Is(err, io.EOF) {
		t.Errorf("after the parts: %v", err)
	}
}

func TestWaysToTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		server *server
		with   func(*mail.SMTPOptions)
		want   taken
	}{
		"implicit":                     {&server{implicit: true}, func(o *mail.SMTPOptions) { o.Security = mail.ImplicitTLS }, taken{encrypted: true}},
		"implicit, signed in":          {&server{implicit: true, auth: "PLAIN"}, func(o *mail.SMTPOptions) { o.Security, o.Username, o.Password = mail.ImplicitTLS, "u", "p" }, taken{encrypted: true, login: "u p"}},
		"LOGIN":                        {&server{starttls: true, auth: "LOGIN"}, func(o *mail.SMTPOptions) { o.Username, o.Password = "u", "p" }, taken{encrypted: true, login: "u p"}},
		"opportunistic with STARTTLS":  {&server{starttls: true}, func(o *mail.SMTPOptions) { o.Security = mail.Opportunistic }, taken{encrypted: true}},
		"opportunistic without":        {&server{}, func(o *mail.SMTPOptions) { o.Security = mail.Opportunistic }, taken{}},
		"none":                         {&server{starttls: true}, func(o *mail.SMTPOptions) { o.Security = mail.Plain }, taken{}},
		"a goodbye without an answer":  {&server{starttls: true, script: script{"QUIT": {silence}}}, func(*mail.SMTPOptions) {}, taken{encrypted: true}},
		"a goodbye that is refused":    {&server{starttls: true, script: script{"QUIT": {"500 stay"}}}, func(*mail.SMTPOptions) {}, taken{encrypted: true}},
		"another success than usual":   {&server{starttls: true, script: script{".": {"251 queued elsewhere"}}}, func(*mail.SMTPOptions) {}, taken{encrypted: true}},
		"a recipient who is forwarded": {&server{starttls: true, script: script{"RCPT": {"251 will forward"}}}, func(*mail.SMTPOptions) {}, taken{encrypted: true}},
		"an answer of many lines":      {&server{starttls: true, script: script{"RCPT": {"250-a\r\n250-b\r\n250 c"}}}, func(*mail.SMTPOptions) {}, taken{encrypted: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c.server)
			o := options(s)
			c.with(&o)
			if err := transport(t, o).Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			mails := s.mails()
			if len(mails) != 1 || mails[0].encrypted != c.want.encrypted || mails[0].login != c.want.login {
				t.Errorf("got %+v", mails)
			}
		})
	}
}

func TestNothingIsSaidOverALineThatIsNotProtected(t *testing.T) {
	for name, c := range map[string]struct {
		server *server
		with   func(*mail.SMTPOptions)
		want   string
	}{
		"no STARTTLS":                           {&server{auth: "PLAIN"}, func(*mail.SMTPOptions) {}, "does not offer STARTTLS"},
		"STARTTLS refused":                      {&server{starttls: true, auth: "PLAIN", script: script{"STARTTLS": {"454 not now"}}}, func(*mail.SMTPOptions) {}, "454 not now"},
		"a server that knows no EHLO":           {&server{starttls: true, script: script{"EHLO": {"502 what?"}}}, func(*mail.SMTPOptions) {}, "does not offer STARTTLS"},
		"STARTTLS, unknown authority":           {&server{starttls: true, auth: "PLAIN"}, func(o *mail.SMTPOptions) { o.RootCAs = nil }, "certificate"},
		"implicit, unknown authority":           {&server{implicit: true, auth: "PLAIN"}, func(o *mail.SMTPOptions) { o.RootCAs, o.Security = nil, mail.ImplicitTLS }, "certificate"},
		"opportunistic, unknown authority":      {&server{starttls: true, auth: "PLAIN"}, func(o *mail.SMTPOptions) { o.RootCAs, o.Security = nil, mail.Opportunistic }, "certificate"},
		"a certificate for another name":        {&server{starttls: true, auth: "PLAIN"}, func(o *mail.SMTPOptions) { o.Host = "localhost" }, "certificate"},
		"implicit, to a server without any TLS": {&server{auth: "PLAIN"}, func(o *mail.SMTPOptions) { o.Security = mail.ImplicitTLS }, "tls:"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c.server)
			o := options(s)
			o.Username, o.Password = "usher", "geheim"
			c.with(&o)
			err := transport(t, o).Send(t.Context(), message())
			if err == nil || job.IsPermanent(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q and to be tried again", err, c.want)
			}
			if s.seen("AUTH")+s.seen("MAIL") != 0 {
				t.Errorf("%d passwords and %d senders were sent", s.seen("AUTH"), s.seen("MAIL"))
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	const forGood, again = true, false
	for name, c := range map[string]struct {
		script script
		final  bool
		want   string
	}{
		"busy at the door":        {script{"connect": {"421 too many connections"}}, again, "421 too many"},
		"refused at the door":     {script{"connect": {"554 not you"}}, again, "554 not you"},
		"the sign-in":             {script{"AUTH": {"535 5.7.8 no such account"}}, again, "535 5.7.8 no such account"},
		"the sender":              {script{"MAIL": {"550 5.7.1 not from here"}}, again, "550 5.7.1 not from here"},
		"the recipient for now":   {script{"RCPT": {"451 4.7.1 greylisted, come back"}}, again, "451 4.7.1 greylisted"},
		"the recipient, full":     {script{"RCPT": {"452 4.2.2 mailbox full"}}, again, "452"},
		"the recipient for good":  {script{"RCPT": {"550-5.1.1 <Ada.L@example.org>:\r\n550 5.1.1 no such user Ada.L"}}, forGood, "550 5.1.1 <(address)>: 5.1.1 no such user (address)"},
		"no mail for the domain":  {script{"RCPT": {"556 5.1.10 null MX"}}, forGood, "556"},
		"authentication required": {script{"RCPT": {"530 5.7.0 sign in first"}}, again, "530"},
		"DATA for now":            {script{"DATA": {"451 try later"}}, again, "451"},
		"DATA for good":           {script{"DATA": {"554 no valid recipients"}}, forGood, "554"},
		"DATA, not understood":    {script{"DATA": {"250 thanks"}}, again, "250"},
		"the mail for now":        {script{".": {"450 try later"}}, again, "450"},
		"the mail for good":       {script{".": {"550 spam: https://id.example.org/verify?token=abc"}}, forGood, "550 spam: https://id.example.org/…"},
		"gone at the door":        {script{"connect": {drop}}, again, "EOF"},
		"gone at EHLO":            {script{"EHLO": {drop}}, again, ""},
		"gone at STARTTLS":        {script{"STARTTLS": {drop}}, again, ""},
		"gone at AUTH":            {script{"AUTH": {drop}}, again, ""},
		"gone at MAIL":            {script{"MAIL": {drop}}, again, ""},
		"gone at RCPT":            {script{"RCPT": {drop}}, again, ""},
		"gone at DATA":            {script{"DATA": {drop}}, again, ""},
		"gone at the end":         {script{".": {drop}}, again, ""},
		"nonsense":                {script{"connect": {"HTTP/1.1 400 Bad Request"}}, again, ""},
		"endless talk":            {script{"connect": {floods}}, again, "talks without end"},
		"a recipient, NUL":        {script{"RCPT": {"550 a\x00b\x1b[31m\xff"}}, forGood, "550 a b [31m?"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, &server{starttls: true, auth: "PLAIN", script: c.script})
			o := options(s)
			o.Username, o.Password = "usher", "geheim"
			err := transport(t, o).Send(t.Context(), message())
			if err == nil || job.IsPermanent(err) != c.final || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, for good %v; want %q, %v", err, job.IsPermanent(err), c.want, c.final)
			}
			for _, secret := range []string{"Ada", "geheim", "token", "\x00", "\x1b"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("%q is told: %v", secret, err)
				}
			}
			if n := len(s.mails()); n != 0 {
				t.Errorf("%d mails were taken", n)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	s := start(t, &server{})
	_ = s.listener.Close()
	err := transport(t, options(s)).Send(t.Context(), message())
	if err == nil || job.IsPermanent(err) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

func TestServersThatAreTooSlow(t *testing.T) {
	for _, step := range []string{"connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"} {
		for _, how := range []string{silence, drips} {
			t.Run(step+how, func(t *testing.T) {
				t.Parallel()
				s := start(t, &server{starttls: true, auth: "LOGIN", script: script{step: {how}}})
				o := options(s)
				o.Username, o.Password, o.Timeout = "usher", "geheim", 300*time.Millisecond
				err := transport(t, o).Send(t.Context(), message())
				if err == nil || job.IsPermanent(err) || !strings.Contains(err.Error(), "took too long") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// Once the mail is with the server, only its word is missing.
func TestTheLastAnswerMayTakeLonger(t *testing.T) {
	t.Parallel()
	timeout := 2 * time.Second
	s := start(t, &server{starttls: true, atEnd: func() { time.Sleep(timeout + timeout/2) }})
	o := options(s)
	o.Timeout = timeout
	if err := transport(t, o).Send(t.Context(), message()); err != nil || len(s.mails()) != 1 {
		t.Errorf("got %v, %d mails", err, len(s.mails()))
	}
}

func TestTheContextEndsEveryWait(t *testing.T) {
	for _, step := range []string{"connect", "RCPT", "."} {
		t.Run(step, func(t *testing.T) {
			s := start(t, &server{starttls: true, script: script{step: {silence}}})
			why := errors.New("stopping")
			ctx, stop := context.WithCancelCause(t.Context())
			go func() {
				for s.seen(step) == 0 {
					time.Sleep(time.Millisecond)
				}
				stop(why)
			}()
			if err := transport(t, options(s)).Send(ctx, message()); !errors.Is(err, why) || job.IsPermanent(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatIsNoMailIsNeverDialled(t *testing.T) {
	s := start(t, &server{starttls: true})
	for name, change := range map[string]func(*mail.Message){
		"two recipients":           func(m *mail.Message) { m.To = "a@example.org,b@example.org" },
		"a recipient with a line":  func(m *mail.Message) { m.To = "a@example.org\r\nBcc: b@example.org" },
		"a command for recipient":  func(m *mail.Message) { m.To = "a@example.org>\r\nRCPT TO:<b@example.org" },
		"a parameter for the RCPT": func(m *mail.Message) { m.To = "a@example.org> NOTIFY=NEVER" },
		"a quoted recipient":       func(m *mail.Message) { m.To = `"e@attacker.test"@example.org` },
		"no recipient":             func(m *mail.Message) { m.To = "" },
		"a subject with a line":    func(m *mail.Message) { m.Subject = "x\r\nBcc: b@example.org" },
		"no id":                    func(m *mail.Message) { m.ID = "" },
	} {
		m := message()
		change(&m)
		if err := transport(t, options(s)).Send(t.Context(), m); !job.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.seen("connect") != 0 {
		t.Errorf("%d sessions", s.seen("connect"))
	}
}

// A field's text never becomes a field: whatever a message holds, the header
// has the fields that usher writes.
func TestTheBodyStaysInTheBody(t *testing.T) {
	s := start(t, &server{starttls: true})
	m := message()
	m.To, m.Text = "ada@exämple.org", "a\r\n.\r\nMAIL FROM:<x@example.org>\n\n--boundary--\nBcc: b@example.org\n"
	m.HTML = "<p>\n.\nQUIT</p>"
	if err := transport(t, options(s)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.mails()[0]
	if got.to != "TO:<ada@xn--exmple-cua.org>" || s.seen("MAIL") != 1 || len(s.mails()) != 1 {
		t.Errorf("to %s, %d senders, %d mails", got.to, s.seen("MAIL"), len(s.mails()))
	}
	msg, err := netmail.ReadMessage(strings.NewReader(got.text))
	if err != nil || len(msg.Header) != 8 {
		t.Fatalf("%v: %v", err, msg.Header)
	}
	m.Text = strings.ReplaceAll(m.Text, "\r\n", "\n")
	parts(t, msg, m)
}

func TestTransportsThatCannotBe(t *testing.T) {
	good := mail.SMTPOptions{From: "a@example.org", Host: "h", Security: mail.StartTLS, Timeout: time.Second}
	transport(t, good)
	for name, change := range map[string]func(*mail.SMTPOptions){
		"no sender":          func(o *mail.SMTPOptions) { o.From = "" },
		"two senders":        func(o *mail.SMTPOptions) { o.From = "a@example.org, b@example.org" },
		"a sender's line":    func(o *mail.SMTPOptions) { o.From = "A\r\nBcc: b@example.org <a@example.org>" },
		"a machine's":        func(o *mail.SMTPOptions) { o.From = "a@[127.0.0.1]" },
		"answers to nobody":  func(o *mail.SMTPOptions) { o.ReplyTo = "nobody" },
		"no host":            func(o *mail.SMTPOptions) { o.Host = "" },
		"no time":            func(o *mail.SMTPOptions) { o.Timeout = 0 },
		"no way":             func(o *mail.SMTPOptions) { o.Security = "" },
		"a way of its own":   func(o *mail.SMTPOptions) { o.Security = "ssl" },
		"a group of senders": func(o *mail.SMTPOptions) { o.From = "team: a@example.org;" },
	} {
		o := good
		change(&o)
		if _, err := mail.NewSMTP(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
