package enrol_test

import (
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// partner is a trusted source that speaks about the absent.
var partner = feed.Caller{Source: "partner:__system", By: "__system"}

// costs counts the hashes of a sign-up that may be refused.
func (w *world) costs(in enrol.SignUp) (hashes int64, err error) {
	before := w.hasher.hashed.Load()
	err = w.enrol.Register(w.Context(), in)
	return w.hasher.hashed.Load() - before, err
}

// free says whether a username of this door is nobody's.
func (w *world) free(name string) (free bool) {
	w.Helper()
	w.view(func(r store.Reader) error {
		names, err := r.TakenNames(user.SpaceGQLAuthUN, []string{strings.ToLower(name)})
		free = len(names) == 0
		return err
	})
	return free
}

// addSecond gives somebody another address, proven.
func (w *world) addSecond(name, email string) {
	w.Helper()
	in, _ := w.in(w.email(name), good)
	w.ok(w.member.SendSecond(w.Context(), w.caller(in), email, good))
	w.ok(w.member.VerifySecond(w.Context(), w.token("activate-second")))
	w.mails()
}

func refusing() []scenario {
	return []scenario{
		{"a field that is refused is refused alone, and nothing is kept", func(w *world) {
			name := w.of("p")
			for _, c := range []struct {
				want   string
				change func(*enrol.SignUp)
			}{
				{"email missing", func(in *enrol.SignUp) { in.Email = "" }},
				{"email invalid", func(in *enrol.SignUp) { in.Email = "p@localhost@x" }},
				{"email invalid", func(in *enrol.SignUp) { in.Email = "Ada <" + w.email("p") + ">" }},
				{"email invalid", func(in *enrol.SignUp) { in.Email = "ä@example.org" }},
				{"email too_large", func(in *enrol.SignUp) { in.Email = strings.Repeat("a", 250) + "@b.org" }},
				{"username missing", func(in *enrol.SignUp) { in.Username = "" }},
				{"username invalid", func(in *enrol.SignUp) { in.Username = "p\u202ep" }},
				{"username too_large", func(in *enrol.SignUp) { in.Username = strings.Repeat("p", 101) }},
				{"password1 missing", func(in *enrol.SignUp) { in.Password1 = "" }},
				{"password2 missing", func(in *enrol.SignUp) { in.Password2 = "" }},
				{"password2 weak_password mismatch", func(in *enrol.SignUp) { in.Password2 += " " }},
				{"password2 weak_password too_short", func(in *enrol.SignUp) { in.Password1, in.Password2 = "x7#", "x7#" }},
				{"password2 weak_password too_similar", func(in *enrol.SignUp) { in.Password1, in.Password2 = in.Email, in.Email }},
			} {
				in := w.form(w.email("p"), "p")
				c.change(&in)
				hashes, err := w.costs(in)
				if got := strings.Join(said(err), "; "); got != c.want || hashes != 0 {
					w.Errorf("said %q at %d hashes, want %q at none", got, hashes, c.want)
				}
			}
			if len(w.accounts(w.email("p"))) > 0 || !w.free(name) || len(w.mails()) > 0 {
				w.Error("something was kept or mailed")
			}
		}},
		{"usher's own rules for names are the stricter ones, and say so as the contract can", func(w *world) {
			for n, want := range map[int]string{64: "", 65: "username invalid", 100: "username invalid", 101: "username too_large"} {
				in := w.form(w.email("long"), "long")
				in.Username = w.of(strings.Repeat("u", 50))
				in.Username += strings.Repeat("v", n-len(in.Username))
				if got := strings.Join(said(w.enrol.Register(w.Context(), in)), "; "); got != want {
					w.Errorf("%d characters: said %q, want %q", n, got, want)
				}
			}
		}},
		{"whatever an address is known for, a sign-up with it costs one hash", func(w *world) {
			w.proven("known")
			w.pending("claimed")
			w.vouched("vouched")
			w.elsewhere("owned", other)
			w.proven("locked")
			w.lock(w.owner(w.email("locked")))
			w.mails()
			for _, compat := range []bool{false, true} {
				w.pol.GQLAuth.CompatEnumeration = compat
				for _, who := range []string{"nobody", "known", "claimed", "vouched", "owned", "locked"} {
					in := w.form(w.email(who), who+"x")
					if compat {
						in.Username += "y"
					}
					if n, err := w.costs(in); n != 1 || err != nil && !isRefusal(err) {
						w.Errorf("%s, compat %t: %d hashes, %v", who, compat, n, err)
					}
				}
			}
		}},
		{"a refused address leaves the username free only where policy tells of it", func(w *world) {
			w.proven("ada")
			for _, compat := range []bool{true, false} {
				w.pol.GQLAuth.CompatEnumeration = compat
				w.refused(w.enrol.Register(w.Context(), w.form(w.email("ada"), "eve")), user.InUse, "email", "")
				if w.free(w.of("eve")) != compat {
					w.Errorf("compat %t: the username is free: %t", compat, !compat)
				}
			}
		}},
		{"a username is taken in whatever case, and the address is not told of", func(w *world) {
			w.proven("ada")
			w.mails()
			in := w.form(w.email("tom"), "ada")
			in.Username = strings.ToUpper(in.Username)
			hashes, err := w.costs(in)
			w.refused(err, user.InUse, "username", "")
			if hashes != 0 || len(w.mails()) > 0 || len(w.accounts(w.email("tom"))) > 0 {
				w.Error("it costs, mails or leaves something")
			}
		}},
		{"a username whose account was deleted stays taken", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			w.ok(w.member.Delete(w.Context(), w.caller(in), good))
			w.refused(w.enrol.Register(w.Context(), w.form(w.email("new"), "ada")), user.InUse, "username", "")
		}},
		{"somebody known is told where they are known, not where the form says", func(w *world) {
			in := w.form("Ada."+w.email("x"), "ada")
			w.ok(w.enrol.Register(w.Context(), in))
			_, err := w.enrol.Activate(w.Context(), w.token("activate"))
			w.ok(err)
			w.refused(w.enrol.Register(w.Context(), w.form("aDA."+w.email("X"), "eve")), user.InUse, "email", "")
			if m := w.mail("already-registered"); m.To != in.Email {
				w.Errorf("it went to %s, want %s", m.To, in.Email)
			}
		}},
		{"somebody's second address is refused, with a notice to it", func(w *world) {
			w.proven("ada")
			w.addSecond("ada", "Second."+w.email("b"))
			n, err := w.costs(w.form("second."+w.email("b"), "eve"))
			w.refused(err, user.InUse, "email", "secondary")
			if m := w.mail("already-registered"); n != 1 || m.To != "Second."+w.email("b") {
				w.Errorf("%d hashes, mail %+v", n, m)
			}
		}},
		{"a pending sign-up that policy refuses is told nothing by mail", func(w *world) {
			w.pending("ada")
			w.pol.GQLAuth.CompatEnumeration = true
			n, err := w.costs(w.form(w.email("ada"), "eve"))
			w.refused(err, user.InUse, "email", "")
			if n != 1 || len(w.mails()) > 0 {
				w.Errorf("%d hashes, or a mail", n)
			}
		}},
		{"whoever is locked as a partner's record gets no second chance here", func(w *world) {
			rec := w.vouched("ada")
			_, err := w.feed.Lock(w.Context(), partner, rec.Number)
			w.ok(err)
			w.barred("ada")
		}},
		{"nor whoever a partner deleted", func(w *world) {
			rec := w.vouched("ada")
			_, err := w.feed.Delete(w.Context(), partner, rec.Number)
			w.ok(err)
			w.barred("ada")
		}},
		{"a mail that is asked for is refused like a form", func(w *world) {
			long := strings.Repeat("a", 255) + "@b.org"
			for _, ask := range []func(enrol.Asked) error{
				func(a enrol.Asked) error { return w.enrol.Resend(w.Context(), a) },
				func(a enrol.Asked) error { return w.enrol.SendReset(w.Context(), a) },
			} {
				for in, want := range map[string]string{"": "email missing", "nope": "email invalid", long: "email too_large"} {
					if got := said(ask(enrol.Asked{Email: in})); !slices.Equal(got, []string{want}) {
						w.Errorf("said %q, want %q", got, want)
					}
				}
			}
		}},
	}
}

// barred expects that a sign-up with somebody's address comes to nothing: it is
// refused, or its link is.
func (w *world) barred(name string) {
	w.Helper()
	err := w.enrol.Register(w.Context(), w.form(w.email(name), name+"z"))
	if err != nil {
		w.refused(err, user.InUse, "email", "")
		return
	}
	_, err = w.enrol.Activate(w.Context(), w.token("activate"))
	w.refused(err, user.InUse, "", "")
	w.keptOutOrUnproven(w.email(name), good)
}

func (w *world) keptOutOrUnproven(login, plain string) {
	w.Helper()
	if _, _, err := w.try(login, plain); !isRefusal(err) {
		w.Errorf("let in: %v", err)
	}
}
