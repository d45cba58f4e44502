package mail

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/job"
)

// linked are the mails whose link carries a token, with the page that it opens.
var linked = map[string]string{
	"activate": "activate", "activate-renew": "activate", "activate-second": "activate",
	"password-reset": "password-reset", "password-set": "password-set",
}

func compose(t *testing.T, s *Sender, name, lang string, changes map[string]string, without ...string) Message {
	t.Helper()
	data := sample()
	maps.Copy(data, changes)
	for _, key := range without {
		delete(data, key)
	}
	m, err := s.Compose(job.Mail{To: "ada@example.org", Template: name, Lang: lang, Data: data})
	if err != nil {
		t.Fatalf("%s %s: %v", lang, name, err)
	}
	return m
}

// Programs take the token out of either part by its path (contract gqlauth.md,
// sections 8 and 9; decision 10).
func TestTokensAreReadFromEitherPart(t *testing.T) {
	s := newSender(t, &kept{})
	const token = "eyJ1c2VybmFtZSI6ImxpcyIsImFjdGlvbiI6ImFjdGl2YXRpb24ifQ:1mCmVk:hY2SBpfdWB-_mX0vNEl0bqjoWnHTE1ZcFaKqbUZCEhM"
	for name, path := range linked {
		reading := regexp.MustCompile("/" + path + `/([^\s"<]+)`)
		for _, base := range []string{"https://id.example.org", "http://127.0.0.1:8080", "https://example.org/id"} {
			link := base + "/" + path + "/" + token
			for lang := range languages {
				m := compose(t, s, name, lang, map[string]string{"link": link})
				for part, c := range map[string]struct {
					text  string
					times int
				}{"text": {m.Text, 1}, "html": {m.HTML, 2}} {
					found := reading.FindAllStringSubmatch(c.text, -1)
					if len(found) != c.times || slices.ContainsFunc(found, func(f []string) bool { return f[1] != token }) {
						t.Errorf("%s %s: from the %s part a program reads %q", lang, name, part, found)
					}
				}
				if !slices.Contains(strings.Split(m.Text, "\n"), link) {
					t.Errorf("%s %s: the link is not on a line of its own:\n%s", lang, name, m.Text)
				}
				if !strings.Contains(m.HTML, `href="`+link+`"`) {
					t.Errorf("%s %s: the button leads elsewhere than to %s:\n%s", lang, name, link, m.HTML)
				}
			}
		}
	}
}

func TestSubjectsOfTheAccountMails(t *testing.T) {
	s := newSender(t, &kept{})
	for name, want := range map[string][2]string{
		"activate":        {"Activate your account on id.example.org", "Aktivieren Sie Ihr Konto auf id.example.org"},
		"activate-renew":  {"Activate your account on id.example.org", "Aktivieren Sie Ihr Konto auf id.example.org"},
		"activate-second": {"Activate your account on id.example.org", "Aktivieren Sie Ihr Konto auf id.example.org"},
		"password-reset":  {"Reset your password on id.example.org", "Neues Passwort für id.example.org"},
		"password-set":    {"Set your password on id.example.org", "Ihr Passwort für id.example.org"},
	} {
		for i, lang := range []string{"en", "de"} {
			if m := compose(t, s, name, lang, nil); m.Subject != want[i] {
				t.Errorf("%s %s: the subject is %q, want %q", lang, name, m.Subject, want[i])
			}
		}
	}
}

func TestWhoeverHasNoNameIsGreetedToo(t *testing.T) {
	s := newSender(t, &kept{})
	gap := regexp.MustCompile(`  | [.,:]|no value| (as|als)([.,:]| with | werden| registriert)`)
	for lang, greeting := range map[string]string{"en": "Hello,", "de": "Guten Tag,", "it": "Buongiorno,"} {
		for _, name := range names {
			m := compose(t, s, name, lang, nil, "name", "username")
			if !strings.HasPrefix(m.Text, greeting+"\n") || !strings.Contains(m.HTML, "<p>"+greeting+"</p>") {
				t.Errorf("%s %s: %s\n%s", lang, name, m.Text, m.HTML)
			}
			if gap.MatchString(m.Text) {
				t.Errorf("%s %s: there is a gap where the username was:\n%s", lang, name, m.Text)
			}
		}
	}
}

func TestUsernamesCarryNeitherMarkupNorBait(t *testing.T) {
	s := newSender(t, &kept{})
	for _, c := range []struct{ username, text, html string }{
		{"adal", " as adal", " as adal"},
		{"Łukasz O’Brien", " as Łukasz O’Brien", " as Łukasz O’Brien"},
		{"<b>ada", " as <b>ada", " as &lt;b&gt;ada"},
		{`"><img src=x>`, ` as "><img src=x>`, " as &#34;&gt;&lt;img src=x&gt;"},
		{"ada\u202e\u2066gnp", " as ada gnp", " as ada gnp"},
		{"ada\r\n\r\nClick", " as ada Click", " as ada Click"},
		{"{{.Data.link}}", "", ""},
		{"ada@evil.example", "", ""},
		{"https://evil", "", ""},
		{"win.evil.example now", "", ""},
		{"", "", ""},
	} {
		for _, name := range []string{"activate", "activate-second"} {
			m := compose(t, s, name, "en", map[string]string{"username": c.username})
			after := map[string]string{"activate": " with this address.", "activate-second": ". Open this link"}[name]
			if !strings.Contains(m.Text, " on id.example.org"+c.text+after) || !strings.Contains(m.HTML, " on id.example.org"+c.html+after) {
				t.Errorf("%s: the username %q is shown so:\n%s\n%s", name, c.username, m.Text, m.HTML)
			}
		}
	}
}

func TestAccountMailsTellWhatHappened(t *testing.T) {
	s := newSender(t, &kept{})
	for _, c := range []struct {
		name, lang string
		want       []string
	}{
		{"activate", "en", []string{"signed up on id.example.org as adal", "once, until 2 March 2026 at 10:30 UTC", "without it nobody can use your address"}},
		{"activate", "de", []string{"auf id.example.org als adal registriert", "einmal, bis 02.03.2026 um 10:30 Uhr (UTC)", "ohne ihn kann niemand Ihre Adresse"}},
		{"activate-renew", "en", []string{"asked for a new password", "was never confirmed", "a password of your own", "until 2 March"}},
		{"activate-renew", "de", []string{"um ein neues Passwort gebeten", "Registrierung mit dieser Adresse wurde nie bestätigt", "bis 02.03.2026"}},
		{"activate-second", "en", []string{"the second one of an account on id.example.org as adal", "until 2 March"}},
		{"activate-second", "de", []string{"die zweite eines Kontos auf id.example.org als adal", "bis 02.03.2026"}},
		{"password-reset", "en", []string{"asked for a new password for your account on id.example.org", "until 2 March", "stays as it is"}},
		{"password-reset", "de", []string{"für Ihr Konto auf id.example.org", "bis 02.03.2026", "bleibt, wie es ist"}},
		{"password-set", "en", []string{"has no password yet", "until 2 March"}},
		{"password-set", "de", []string{"hat noch kein Passwort", "bis 02.03.2026"}},
		{"already-registered", "en", []string{"tried to sign up on id.example.org", "It has an account already", "sign in with your password"}},
		{"already-registered", "de", []string{"wollte sich jemand auf id.example.org registrieren", "Es gibt schon ein Konto"}},
		{"password-changed", "en", []string{"was changed on 2 March 2026 at 10:00 UTC", "If it was not you"}},
		{"password-changed", "de", []string{"am 02.03.2026 um 10:00 Uhr (UTC) geändert", "Wenn nicht"}},
	} {
		m := compose(t, s, c.name, c.lang, nil)
		for _, want := range c.want {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%s in %q lacks %q:\n%s", c.name, c.lang, want, m.Text)
			}
		}
	}
}

func TestTheLinkToANewPasswordIsOptional(t *testing.T) {
	s := newSender(t, &kept{})
	link := sample()["link"]
	escaped := strings.ReplaceAll(link, "&", "&amp;")
	for lang, without := range map[string]string{"en": "any more.", "de": "mehr wissen."} {
		with := strings.TrimSuffix(without, ".") + ":"
		m := compose(t, s, "already-registered", lang, nil)
		if !strings.Contains(m.Text, with+"\n\n"+link+"\n\n") || !strings.Contains(m.HTML, with+"</p>") || strings.Count(m.HTML, escaped) != 2 {
			t.Errorf("%s: with a link:\n%s\n%s", lang, m.Text, m.HTML)
		}
		m = compose(t, s, "already-registered", lang, nil, "link")
		if !strings.Contains(m.Text, without+"\n\n") || !strings.Contains(m.HTML, without+"</p>") || strings.Contains(m.HTML, "<a ") || strings.Contains(m.HTML, "</p>:") {
			t.Errorf("%s: without a link:\n%s\n%s", lang, m.Text, m.HTML)
		}
	}
	_, err := s.Compose(job.Mail{To: "ada@example.org", Template: "already-registered", Data: map[string]string{
		"site": "id.example.org", "link": "javascript:alert(1)",
	}})
	if err == nil {
		t.Error("a script passed for a link")
	}
}
