package mailed_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

func newPost(t *testing.T, publicURL string) (*mailed.Post, *django.Signer) {
	t.Helper()
	signer, err := django.NewSigner([]byte("a-django-secret-key-of-some-length"), django.Email)
	if err != nil {
		t.Fatal(err)
	}
	p, err := mailed.New(signer, publicURL)
	if err != nil {
		t.Fatal(err)
	}
	return p, signer
}

func mailbox(at string) user.Mailbox { return user.Mailbox{Display: at, Key: strings.ToLower(at)} }

func letter(act django.Action, at string) mailed.Letter {
	return mailed.Letter{
		Template: mailed.Activate, Action: act, User: "u", Strand: "s", Subject: at, To: mailbox(at), Username: "ada", Lang: "de",
	}
}

func send(t *testing.T, s store.Store, p *mailed.Post, ls ...mailed.Letter) (at time.Time) {
	t.Helper()
	err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		at = tx.Now()
		for _, l := range ls {
			if err := p.Send(tx, policy.Default(), l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// waiting gives the mails that are queued, oldest first.
func waiting(t *testing.T, s store.Store) (out []job.Mail) {
	t.Helper()
	err := s.View(t.Context(), func(r store.Reader) error {
		out = nil
		due, err := r.Jobs(store.JobDue, 100)
		for _, j := range due {
			var m job.Mail
			if err := json.Unmarshal(j.Payload, &m); err != nil {
				return err
			}
			out = append(out, m)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func token(m job.Mail) string { return m.Data["link"][strings.LastIndex(m.Data["link"], "/")+1:] }

func open(t *testing.T, s store.Store, p *mailed.Post, text string, act django.Action, now time.Time) (tok mailed.Token, err error) {
	t.Helper()
	return tok, s.View(t.Context(), func(r store.Reader) error {
		tok, err = p.Open(r, text, act, now)
		return err
	})
}

func refused(t *testing.T, err error, why string) {
	t.Helper()
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok || no.Code != user.BadToken || no.Params["why"] != why {
		t.Fatalf("got %v, want a refusal of the token, %q", err, why)
	}
}

func TestLinksNeedAnAbsoluteURL(t *testing.T) {
	for _, bad := range []string{"", "id.example.org", "/activate", "http://", "http://[", "mailto:ada@example.org"} {
		if _, err := mailed.New(nil, bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestTheLinkIsOfTheActionAndOfPublicURL(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, signer := newPost(t, "https://id.example.org:8443/usher/")
		tests := []struct {
			act  django.Action
			path string
			life time.Duration
		}{
			{django.Activation, "activate", 7 * 24 * time.Hour},
			{django.SecondaryActivation, "activate", time.Hour},
			{django.PasswordReset, "password-reset", time.Hour},
			{django.PasswordSet, "password-set", time.Hour},
		}
		for i, tt := range tests {
			at := string(rune('a'+i)) + "da@Example.org"
			now := send(t, s, p, letter(tt.act, at))
			all := waiting(t, s)
			m := all[len(all)-1]
			text, ok := strings.CutPrefix(m.Data["link"], "https://id.example.org:8443/usher/"+tt.path+"/")
			if !ok || m.To != at || m.Template != "activate" || m.Lang != "de" || m.Data["site"] != "id.example.org:8443" || m.Data["username"] != "ada" {
				t.Errorf("%s: mail %+v", tt.act, m)
			}
			read, err := signer.Read(text, now, tt.life, tt.act)
			if err != nil || read.Subject != at || (read.SecondaryEmail == at) != (tt.act == django.SecondaryActivation) {
				t.Errorf("%s: it says %+v, %v", tt.act, read, err)
			}
			if until, err := time.Parse(time.RFC3339, m.Data["until"]); err != nil || !until.Equal(read.At.Add(tt.life)) {
				t.Errorf("%s: until %s, %v", tt.act, m.Data["until"], err)
			}
			// Good in its last second, and not after.
			if _, err := open(t, s, p, text, tt.act, read.At.Add(tt.life)); err != nil {
				t.Errorf("%s: %v", tt.act, err)
			}
			_, err = open(t, s, p, text, tt.act, read.At.Add(tt.life+time.Second))
			refused(t, err, mailed.WhyExpired)
			for _, other := range tests {
				if other.act != tt.act {
					_, err := open(t, s, p, text, other.act, now)
					refused(t, err, "")
				}
			}
		}
	})
}

func TestWhatIsKeptIsNotTheToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, _ := newPost(t, "https://id.example.org")
		l := letter(django.PasswordReset, "Ada@example.org")
		l.Renew = true
		now := send(t, s, p, l)
		tok, err := open(t, s, p, token(waiting(t, s)[0]), django.PasswordReset, now)
		row := tok.Row
		if err != nil || tok.Original || tok.Used() || row.User != "u" || row.Strand != "s" || row.To != l.To || !row.Renew || row.Action != string(l.Action) {
			t.Errorf("%+v, %v", tok, err)
		}
		if len(row.Record) != 32 || !row.Sent.Equal(tok.At) || !row.Until.Equal(tok.At.Add(time.Hour)) {
			t.Errorf("kept %+v", row)
		}
	})
}

func TestSignUpsWithOneAddressInOneSecondHaveATokenEach(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, _ := newPost(t, "https://id.example.org")
		a, b := letter(django.Activation, "ada@example.org"), letter(django.Activation, "ada@example.org")
		a.Strand, b.Strand = "a", "b"
		now := send(t, s, p, a, b)
		strands := map[user.ID]bool{}
		for _, m := range waiting(t, s) {
			tok, err := open(t, s, p, token(m), django.Activation, now)
			if err != nil || tok.At.After(now.Add(time.Second)) {
				t.Fatalf("%+v, %v", tok, err)
			}
			strands[tok.Row.Strand] = true
		}
		if len(strands) != 2 {
			t.Errorf("the tokens are of %v", strands)
		}
	})
}

func TestATokenIsUsedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, signer := newPost(t, "https://id.example.org")
		now := send(t, s, p, letter(django.PasswordReset, "ada@example.org"))
		before, _, err := signer.Sign(django.Payload{Subject: "old@example.org", Action: django.PasswordReset}, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{token(waiting(t, s)[0]), before} {
			use := func() error {
				return s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
					tok, err := p.Open(tx, text, django.PasswordReset, now)
					if err != nil {
						return err
					}
					return tok.Use(tx, "whose", "strand")
				})
			}
			tok, err := open(t, s, p, text, django.PasswordReset, now)
			if err != nil || tok.Used() || tok.Original != (text == before) {
				t.Fatalf("%+v, %v", tok, err)
			}
			if err := use(); err != nil {
				t.Fatal(err)
			}
			refused(t, use(), "")
			tok, err = open(t, s, p, text, django.PasswordReset, now)
			if err != nil || !tok.Used() || tok.Original || tok.Row.User != "whose" || tok.Row.Strand != "strand" {
				t.Errorf("%+v, %v", tok, err)
			}
		}
	})
}

func TestTextsThatAreNoToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, _ := newPost(t, "https://id.example.org")
		now := send(t, s, p, letter(django.Activation, "ada@example.org"))
		good := token(waiting(t, s)[0])
		data, rest, _ := strings.Cut(good, ":")
		for _, bad := range []string{
			"", ":", "::", good[1:], good[:len(good)-1], good + "=", " " + good, data + "A:" + rest, strings.ReplaceAll(good, ":", "%3A"),
			strings.Repeat("a", 1<<16), "\x00:\xff:\n",
		} {
			_, err := open(t, s, p, bad, django.Activation, now)
			refused(t, err, "")
		}
	})
}

func TestRecallReadsWhatOpenCallsExpired(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, _ := newPost(t, "https://id.example.org")
		now := send(t, s, p, letter(django.PasswordReset, "ada@example.org"))
		text := token(waiting(t, s)[0])
		later := now.AddDate(3, 0, 0)
		_, err := open(t, s, p, text, django.PasswordReset, later)
		refused(t, err, mailed.WhyExpired)
		err = s.View(t.Context(), func(r store.Reader) error {
			tok, err := p.Recall(r, text, django.PasswordReset, later)
			if err == nil && tok.Row.Strand != "s" {
				t.Errorf("%+v", tok)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		err = s.View(t.Context(), func(r store.Reader) error {
			_, err := p.Recall(r, text+"x", django.PasswordReset, later)
			return err
		})
		refused(t, err, "")
	})
}
