package member_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/member"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

func change(old, next string) member.PasswordChange {
	return member.PasswordChange{Old: old, First: next, Second: next}
}

func (w *world) noRefresh() session.Refresh { return session.Refresh{} }

// second gives somebody another address and leaves the link's token.
func (w *world) second(in member.In, email string) string {
	w.Helper()
	w.ok(w.member.SendSecond(w.Context(), w.caller(in), email, good))
	return w.token("activate-second")
}

func (w *world) me(in member.In) store.AccountSession {
	w.Helper()
	var st store.AccountSession
	w.view(func(r store.Reader) error {
		var err error
		st, err = r.AccountBySession(in.Session.ID)
		return err
	})
	return st
}

func members() []scenario {
	return []scenario{
		{"names are changed, kept and cleared", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			w.ok(w.member.Rename(w.Context(), w.caller(in), member.Names{First: new("Ada"), Last: new("Lovelace")}))
			w.ok(w.member.Rename(w.Context(), w.caller(in), member.Names{Last: new("")}))
			p := w.user(in.Live.User.ID).Profile
			if p.Text(user.GivenName) != "Ada" || p.Text(user.FamilyName) != "" {
				w.Errorf("profile %v", p)
			}
			err := w.member.Rename(w.Context(), w.caller(in), member.Names{First: new(strings.Repeat("ä", 26)), Last: new("x")})
			w.refused(err, user.TooLarge, "firstName", "")
			if w.user(in.Live.User.ID).Profile.Text(user.FamilyName) != "" {
				w.Error("half of a refused change was made")
			}
		}},
		{"a password is changed: every session but the new one ends", func(w *world) {
			w.proven("ada")
			in, refresh := w.in(w.email("ada"), good)
			jwt := w.jwt(in)
			_, err := w.member.ChangePassword(w.Context(), w.caller(in), change(other, other), w.noRefresh())
			w.refused(err, user.BadCredential, "oldPassword", "")
			_, err = w.member.ChangePassword(w.Context(), w.caller(in), change(good, "x"), w.noRefresh())
			w.refused(err, user.WeakPassword, "newPassword2", "too_short")
			next, err := w.sessions.NewRefresh()
			w.ok(err)
			m, err := w.member.ChangePassword(w.Context(), w.caller(in), change(good, other), next)
			w.ok(err)
			if w.opens(jwt) || w.renews(refresh) || !w.renews(next) {
				w.Error("the wrong tokens are good")
			}
			if text, _, err := w.sessions.SignLogin(m.Session, w.email("ada")); err != nil || !w.opens(text) {
				w.Error("the session that goes on does not")
			}
			_, err = w.member.ChangePassword(w.Context(), w.caller(in), change(other, good), w.noRefresh())
			w.refused(err, user.BadToken, "", "")
		}},
		{"a feed does not write over a password that its person chose", func(w *world) {
			rec := w.vouched("ada")
			in, _ := w.in(w.email("ada"), other)
			_, err := w.member.ChangePassword(w.Context(), w.caller(in), change(other, good), w.noRefresh())
			w.ok(err)
			w.synced(feed.Sync{Number: feed.Some(rec.Number), Password: feed.Some(other)})
			w.keptOut(w.email("ada"), other)
			w.in(w.email("ada"), good)
		}},
		{"archived: login tokens live on, the rest ends, and only the right password reopens", func(w *world) {
			w.proven("ada")
			in, refresh := w.in(w.email("ada"), good)
			elsewhere, err := w.atPartner(w.email("ada"), good)
			w.ok(err)
			jwt := w.jwt(in)
			w.refused(w.member.Archive(w.Context(), w.caller(in), other), user.BadCredential, "password", "")
			for range 2 {
				w.ok(w.member.Archive(w.Context(), w.caller(in), good))
			}
			if !w.opens(jwt) || w.renews(refresh) || w.user(in.Live.User.ID).Status != user.Archived {
				w.Error("not archived as the original does it")
			}
			if _, err := w.sessions.Access(w.Context(), elsewhere.AccessToken); err == nil {
				w.Error("a session at the partner door is alive")
			}
			w.ok(w.member.Rename(w.Context(), w.caller(in), member.Names{First: new("Ada")}))
			w.keptOut(w.email("ada"), other)
			if w.user(in.Live.User.ID).Status != user.Archived {
				w.Error("a wrong password reopened it")
			}
			if again, _ := w.in(w.email("ada"), good); !again.Reopened {
				w.Error("it was not said to be open again")
			}
			if w.renews(refresh) {
				w.Error("a refresh token of before came back")
			}
		}},
		{"deleted here, and nowhere else: all of the person's content goes", func(w *world) {
			w.proven("ada")
			in, refresh := w.in(w.email("ada"), good)
			jwt, pk := w.jwt(in), in.Account.PK
			w.refused(w.member.Delete(w.Context(), w.caller(in), other), user.BadCredential, "password", "")
			w.ok(w.member.Delete(w.Context(), w.caller(in), good))
			if w.opens(jwt) || w.renews(refresh) || w.owner(w.email("ada")) != "" || w.user(in.Live.User.ID).Status != user.Deleted {
				w.Error("something is left")
			}
			w.keptOut(w.email("ada"), good)
			w.view(func(r store.Reader) error {
				found, err := r.AccountsByPK([]int32{pk})
				if len(found) > 0 {
					w.Errorf("account %+v", found)
				}
				return err
			})
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("ada"), "ada2")))
			_, err := w.enrol.Activate(w.Context(), w.token("activate"))
			w.ok(err)
			if again, _ := w.in(w.email("ada"), good); again.Account.PK == pk || again.Live.User.ID == in.Live.User.ID {
				w.Error("who comes back is somebody new")
			}
		}},
		{"a second address: nothing before the link, everything with it", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			w.refused(w.member.SendSecond(w.Context(), w.caller(in), w.email("b"), other), user.BadCredential, "password", "")
			w.refused(w.member.SendSecond(w.Context(), w.caller(in), "nope", good), user.Invalid, "email", "")
			w.refused(w.member.SendSecond(w.Context(), w.caller(in), w.email("ada"), good), user.InUse, "email", "secondary")
			w.refused(w.member.SwapEmails(w.Context(), w.caller(in), good), user.Missing, "", "secondary_email_required")
			w.refused(w.member.RemoveSecond(w.Context(), w.caller(in), good), user.Missing, "", "secondary_email_required")
			token := w.second(in, w.email("b"))
			if !w.me(in).Account.Second.None() || w.owner(w.email("b")) != "" {
				w.Error("it is kept before it is proven")
			}
			w.ok(w.member.VerifySecond(w.Context(), token))
			w.refused(w.member.VerifySecond(w.Context(), token), user.InUse, "", "")
			if w.me(in).Account.Second.Display != w.email("b") || w.owner(w.email("b")) != in.Live.User.ID {
				w.Errorf("account %+v", w.me(in).Account)
			}
			if m := w.mail("addresses-changed"); m.To != w.email("ada") {
				w.Errorf("the notice went to %s", m.To)
			}
			if by, _ := w.in(w.email("b"), good); by.Live.User.ID != in.Live.User.ID {
				w.Error("the second address signs in somebody else")
			}
			w.refused(w.enrol.Register(w.Context(), w.form(w.email("b"), "b")), user.InUse, "email", "secondary")
			w.ok(w.renew(w.reset(w.email("b")), other))
			w.in(w.email("ada"), other)
		}},
		{"swapped: login tokens that name the old address are dead, refresh tokens are not", func(w *world) {
			w.proven("ada")
			in, refresh := w.in(w.email("ada"), good)
			jwt := w.jwt(in)
			w.ok(w.member.VerifySecond(w.Context(), w.second(in, w.email("b"))))
			w.mails()
			w.ok(w.member.SwapEmails(w.Context(), w.caller(in), good))
			if m := w.mail("addresses-changed"); m.To != w.email("ada") {
				w.Errorf("the notice went to %s", m.To)
			}
			if w.opens(jwt) || !w.renews(refresh) {
				w.Error("the wrong tokens are good")
			}
			again, _ := w.in(w.email("b"), good)
			if !w.opens(w.jwt(again)) {
				w.Error("a token that names the new address does not open")
			}
			w.ok(w.member.RemoveSecond(w.Context(), w.caller(again), good))
			if w.owner(w.email("ada")) != "" || !w.me(again).Account.Second.None() {
				w.Error("the removed address is not free")
			}
			w.keptOut(w.email("ada"), good)
			w.proven("ada2")
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("ada"), "next")))
		}},
		{"an address that is somebody's by now", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			token := w.second(in, w.email("b"))
			w.proven("b")
			w.refused(w.member.VerifySecond(w.Context(), token), user.InUse, "", "")
			w.refused(w.member.SendSecond(w.Context(), w.caller(in), w.email("b"), good), user.InUse, "email", "secondary")
			// Somebody's at another door only.
			token = w.second(in, w.email("c"))
			w.vouched("c")
			_, err := w.enrol.Activate(w.Context(), w.pending("c"))
			w.ok(err)
			w.refused(w.member.VerifySecond(w.Context(), token), user.InUse, "", "")
		}},
		{"an address that a sign-up only claims is its prover's", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			token := w.second(in, w.email("b"))
			squatter := w.pending("b")
			w.ok(w.member.VerifySecond(w.Context(), token))
			_, err := w.enrol.Activate(w.Context(), squatter)
			w.refused(err, user.BadToken, "", "")
			if in, _ := w.in(w.email("b"), good); in.Account.Username != w.of("ada") {
				w.Errorf("signed in as %s", in.Account.Username)
			}
		}},
		{"links of a second address that are old, torn or for another", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			token := w.second(in, w.email("b"))
			w.refused(w.member.VerifySecond(w.Context(), token+"x"), user.BadToken, "", "")
			w.refused(w.member.VerifySecond(w.Context(), w.original(django.Activation, w.email("ada"), "")), user.BadToken, "", "")
			seen, err := w.member.LookSecond(w.Context(), token)
			if err != nil || !seen.Fresh || seen.Address != w.email("b") {
				w.Errorf("%+v, %v", seen, err)
			}
			w.clock.Advance(time.Hour + time.Second)
			w.refused(w.member.VerifySecond(w.Context(), token), user.BadToken, "", "expired")
			if seen, _ := w.member.LookSecond(w.Context(), token); !seen.Expired {
				w.Errorf("%+v", seen)
			}
			w.ok(w.member.AgainSecond(w.Context(), token))
			w.ok(w.member.VerifySecond(w.Context(), w.token("activate-second")))
		}},
		{"an account that hangs on another source's strand takes a second address on one of its own", func(w *world) {
			rec := w.vouched("ada")
			in, _ := w.in(w.email("ada"), other)
			w.ok(w.member.SendSecond(w.Context(), w.caller(in), w.email("b"), other))
			w.ok(w.member.VerifySecond(w.Context(), w.token("activate-second")))
			st := w.me(in)
			if st.Account.Strand == rec.Strand.ID || st.Account.First.Display != w.email("ada") || st.Account.Second.Display != w.email("b") {
				w.Errorf("account %+v", st.Account)
			}
			w.synced(feed.Sync{Number: feed.Some(rec.Number), Facts: map[user.Attr]*string{user.GivenName: new("Ada")}})
			if w.owner(w.email("b")) != rec.User.ID {
				w.Error("the feed took the address away")
			}
		}},
		{"whoever holds a token guesses the password no faster than a stranger", func(w *world) {
			w.pol.Limits.AccountFailures = 3
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			for range 3 {
				w.refused(w.member.SwapEmails(w.Context(), w.caller(in), other), user.Missing, "", "secondary_email_required")
				w.refused(w.member.Archive(w.Context(), w.caller(in), other), user.BadCredential, "password", "")
			}
			w.refused(w.member.Archive(w.Context(), w.caller(in), good), user.BadCredential, "password", "")
			w.keptOut(w.email("ada"), good)
			if _, err := w.atPartner(w.email("ada"), good); err == nil {
				w.Error("the partner door counts apart")
			}
		}},
		{"an unproven sign-up has no session to do anything with", func(w *world) {
			w.pending("ada")
			st := w.accounts(w.email("ada"))[0]
			m, err := w.sessions.Login(w.Context(), w.byHand(w.email("ada")))
			w.ok(err)
			if m.Account.PK != st.Account.PK {
				w.Fatalf("it is %+v", m.Account)
			}
			c := member.Caller{Live: m.Live, Network: w.network()}
			w.refused(w.member.Rename(w.Context(), c, member.Names{First: new("x")}), user.Forbidden, "", "not_verified")
			w.refused(w.member.Archive(w.Context(), c, good), user.Forbidden, "", "not_verified")
			_, err = w.member.ChangePassword(w.Context(), c, change(good, other), w.noRefresh())
			w.refused(err, user.Forbidden, "", "not_verified")
		}},
		{"login tokens of the service before usher", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			text := w.byHand(w.email("ada"))
			if m, err := w.sessions.Login(w.Context(), text); err != nil || m.Live.User.ID != in.Live.User.ID {
				w.Fatalf("%+v, %v", m, err)
			}
			w.clock.Advance(2 * time.Second)
			_, err := w.member.ChangePassword(w.Context(), w.caller(in), change(good, other), w.noRefresh())
			w.ok(err)
			if w.opens(text) {
				w.Error("it outlived the password")
			}
			for _, who := range []string{w.email("ghost"), "nope", ""} {
				if w.opens(w.byHand(who)) {
					w.Errorf("a token for %q opens", who)
				}
			}
			if _, err := w.sessions.Login(w.Context(), "x.y.z"); !isRefusal(err) {
				w.Errorf("garbage: %v", err)
			}
		}},
	}
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*user.Refusal](err)
	return ok
}

// byHand signs a login token as the service before usher did: no session, no
// epoch.
func (w *world) byHand(subject string) string {
	now := w.clock.Now().Unix()
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." +
		b64.EncodeToString(fmt.Appendf(nil, `{"email":%q,"exp":%d,"origIat":%d}`, subject, now+300, now))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + b64.EncodeToString(mac.Sum(nil))
}
