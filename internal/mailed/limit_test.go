package mailed_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

func TestAnAddressGetsSoManyMailsAnHour(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, _ := newPost(t, "https://id.example.org")
		most := policy.Default().Limits.AddressMails
		// However it is spelled, whatever the mail is for.
		for i := range most + 3 {
			at := "ada@example.org"
			if i%2 == 1 {
				at = "ADA@example.org"
			}
			send(t, s, p, letter([]django.Action{django.Activation, django.PasswordReset}[i%2], at))
		}
		if n := len(waiting(t, s)); n != most {
			t.Fatalf("%d mails, want %d", n, most)
		}
		send(t, s, p, letter(django.Activation, "tom@example.org"))
		if n := len(waiting(t, s)); n != most+1 {
			t.Error("another address is counted with it")
		}
	})
}

func TestAMailThatIsNotSentLeavesNoToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, signer := newPost(t, "https://id.example.org")
		pol := policy.Default()
		pol.Limits.AddressMails = 1
		var now time.Time
		err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			now = tx.Now()
			return errors.Join(
				p.Send(tx, pol, letter(django.Activation, "ada@example.org")),
				p.Send(tx, pol, letter(django.PasswordReset, "ada@example.org")),
				p.Tell(tx, pol, letter(django.PasswordReset, "ada@example.org")),
			)
		})
		if err != nil || len(waiting(t, s)) != 1 {
			t.Fatalf("mails %+v, %v", waiting(t, s), err)
		}
		text, _, err := signer.Sign(django.Payload{Subject: "ada@example.org", Action: django.PasswordReset}, now.Truncate(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if tok, err := open(t, s, p, text, django.PasswordReset, now); err != nil || !tok.Original {
			t.Errorf("a record was kept: %+v, %v", tok, err)
		}
	})
}

func TestTheHourIsOfItsFirstMail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, _ := newPost(t, "https://id.example.org")
		pol := policy.Default()
		pol.Limits.AddressMails = 1
		tell := func(at string) {
			t.Helper()
			err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
				return p.Tell(tx, pol, mailed.Letter{Template: mailed.AlreadyRegistered, User: user.ID(at), To: mailbox(at)})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		age := func(d time.Duration) {
			t.Helper()
			err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
				for _, j := range must(tx.Jobs(store.JobDue, 10)) {
					if err := store.Delete(tx, j); err != nil {
						return err
					}
				}
				one := must(tx.Throttles(counter))[0]
				one.Since = tx.Now().Add(-d)
				return store.Put(tx, one)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		tell("ada@example.org")
		age(59 * time.Minute)
		tell("ada@example.org")
		if n := len(waiting(t, s)); n != 0 {
			t.Errorf("%d mails within the hour", n)
		}
		age(time.Hour)
		tell("ada@example.org")
		if n := len(waiting(t, s)); n != 1 {
			t.Errorf("%d mails after it", n)
		}
	})
}

// counter names the mails to ada@example.org by half a SHA-256: the table of
// counters tells nobody's address.
const counter = "mail:cfe00dde46ef942601ffafb9e2825e80"

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestNamesAreDataOfAMailAndNoPartOfItsLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, _ := newPost(t, "https://id.example.org")
		for i, name := range []string{
			"<script>alert(1)</script>", "{{.link}}", "ada\r\nBcc: eve@example.org", "https://evil.example/", `"};`, "\u202eada", strings.Repeat("x", 5000),
		} {
			l := letter(django.Activation, string(rune('a'+i))+"@example.org")
			l.Username = name
			send(t, s, p, l)
			all := waiting(t, s)
			m := all[len(all)-1]
			if m.Data["username"] != name || m.To != l.To.Display || len(m.Data) != 4 {
				t.Errorf("%q: mail %+v", name, m)
			}
			if rest, ok := strings.CutPrefix(m.Data["link"], "https://id.example.org/activate/"); !ok || strings.ContainsAny(rest, "/?#<>\r\n ") {
				t.Errorf("%q: link %q", name, m.Data["link"])
			}
		}
	})
}

func TestANoticeHasNoLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p, _ := newPost(t, "https://id.example.org")
		err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			l := letter(django.Activation, "ada@example.org")
			l.Template, l.Username = mailed.AlreadyRegistered, ""
			return p.Tell(tx, policy.Default(), l)
		})
		all := waiting(t, s)
		if err != nil || len(all) != 1 || all[0].Template != "already-registered" || len(all[0].Data) != 1 || all[0].Data["site"] != "id.example.org" {
			t.Errorf("mails %+v, %v", all, err)
		}
	})
}

func TestOutlived(t *testing.T) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	tok := mailed.Token{Mailed: django.Mailed{At: at}}
	tests := []struct {
		name  string
		user  user.User
		stale bool
	}{
		{"nothing changed yet", user.User{Epoch: 1}, false},
		{"changed before", user.User{Epoch: 2, EpochAt: at.Add(-time.Second)}, false},
		{"changed in the second it was sent in", user.User{Epoch: 2, EpochAt: at.Add(time.Second - 1)}, false},
		{"changed after", user.User{Epoch: 2, EpochAt: at.Add(time.Second)}, true},
		{"changed, nobody knows when", user.User{Epoch: 2}, true},
	}
	for _, tt := range tests {
		if got := tok.Outlived(tt.user); got != tt.stale {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
