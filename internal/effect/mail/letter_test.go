package mail

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/job"
)

func TestAddressesAreReadStrictly(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.org": "ada@example.org", "Ada.L+x@Example.ORG": "Ada.L+x@example.org", "ada@exämple.org": "ada@xn--exmple-cua.org",
		"a@b": "", "a@b@example.org": "", `"a@b"@example.org`: "", "a@example.org,b@example.org": "", "a@example.org\n": "", "ä@example.org": "",
	} {
		if got, err := recipient(address); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", address, got, err, want)
		}
	}
	s := newSender(t, &kept{})
	if m, err := s.Compose(job.Mail{To: "ada@exämple.org", Template: "verify", Data: sample()}); err != nil || m.To != "ada@xn--exmple-cua.org" {
		t.Errorf("to %q, %v", m.To, err)
	}
}

func TestMailboxes(t *testing.T) {
	for text, want := range map[string]string{
		"a@example.org": "<a@example.org>", "Team <a@example.org>": `"Team" <a@example.org>`, "<a@example.org>": "<a@example.org>",
		"Zugänge <a@exämple.org>": "=?utf-8?q?Zug=C3=A4nge?= <a@xn--exmple-cua.org>", `"A, B" <a@example.org>`: `"A, B" <a@example.org>`,
		"a@example.org, b@example.org": "", "g: a@example.org;": "", "a@example.org (c)": "", "A\n <a@example.org>": "", "A <a@localhost>": "",
		"=?utf-8?q?A=0D=0ABcc:_b?= <a@example.org>": "",
	} {
		a, _, err := mailbox(text)
		if (err == nil) != (want != "") || err == nil && a.String() != want {
			t.Errorf("%q: %v, %v; want %q", text, a, err, want)
		}
	}
}

func TestAnswersAreFitToBeKept(t *testing.T) {
	for text, want := range map[string]string{
		"550 no such user":                        "550 no such user",
		"550 <ada.l@example.org>: unknown":        "550 <(address)>: unknown",
		"550 user ADA.L, unknown; ada.longer":     "550 user (address), unknown; ada.longer",
		"550 to=ada.l@example.org":                "550 to=(address)",
		"550 see http://h.example/x?e=a%40b.test": "550 see http://h.example/…",
		"550 e=a%40b.test":                        "550 e=(address)",
		"550 https://id.example/verify/T0KEN.":    "550 https://id.example/…",
		"535 pa55word is wrong":                   "535 (secret) is wrong",
		"550 a\r\nb\tc\x00\x1b\u202e\xff":         "550 a b c ?",
		strings.Repeat("ä", 300):                  strings.Repeat("ä", maxReply) + "…",
	} {
		if got := tidy(text, "ada.l@example.org", "pa55word"); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
	if got := tidy("no user a", "a@example.org", ""); got != "no user a" {
		t.Errorf("a short local part is no word to hide: %q", got)
	}
}

var (
	headOrTag = regexp.MustCompile(`(?s)<head>.*</head>|<[^>]*>`)
	paragraph = regexp.MustCompile(`(?s)<p[ >].*?</p>`)
)

// words is text without its markup and with single spaces.
func words(s string) string {
	return strings.Join(strings.Fields(html.UnescapeString(headOrTag.ReplaceAllString(s, " "))), " ")
}

// Who reads one part misses nothing of the other; only the button and the hint
// to copy its link are the HTML part's own.
func TestBothPartsSayTheSame(t *testing.T) {
	s := newSender(t, &kept{})
	tight := func(s string) string { return strings.ReplaceAll(s, " ", "") } // markup leaves spaces
	for lang := range languages {
		for _, name := range names {
			m, err := s.Compose(job.Mail{To: "ada@example.org", Template: name, Lang: lang, Data: sample()})
			if err != nil {
				t.Fatal(err)
			}
			all := tight(words(m.HTML))
			for p := range strings.SplitSeq(m.Text, "\n\n") {
				if !strings.Contains(all, tight(words(p))) {
					t.Errorf("%s %s: only the text says %q", lang, name, p)
				}
			}
			for _, p := range paragraph.FindAllString(m.HTML, -1) {
				if w := words(p); !strings.Contains(tight(words(m.Text)), tight(w)) && !strings.Contains(p, html.EscapeString(sample()["link"])) {
					t.Errorf("%s %s: only the HTML says %q", lang, name, w)
				}
			}
		}
	}
}

func TestLanguageOfAMail(t *testing.T) {
	for tag, want := range map[string]string{
		"": "en", "en": "en", "en-GB": "en", "de": "de", "de-CH": "de", "DE_at": "de", "de-Latn-DE-1996": "de",
		"fr": "en", "deu": "en", "x": "en", "-de": "en", "de\x00": "en",
	} {
		if got := pick(tag); got != want {
			t.Errorf("%q: %s, want %s", tag, got, want)
		}
	}
}
