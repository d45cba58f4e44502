package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

var tooShort = user.Refuse(user.WeakPassword, "password2", "why", "too_short", "min", "8")

// beside gives what is said at a field, by what describes it.
func beside(t *testing.T, w *httptest.ResponseRecorder, name string) (said []string) {
	t.Helper()
	f := field(t, w, name)
	if f == nil {
		t.Fatalf("there is no %s: %s", name, w.Body)
	}
	if attr(f, "value") != "" {
		t.Errorf("%s was echoed", name)
	}
	for _, e := range parse(t, w.Body.String()) {
		if id := attr(e, "id"); id == "" || !strings.HasPrefix(id, "wrong") || !slices.Contains(strings.Fields(attr(f, "aria-describedby")), id) {
			continue
		}
		for _, li := range named(parse(t, w.Body.String()), "li") {
			if li.Parent != nil && attr(li.Parent, "id") == attr(e, "id") {
				said = append(said, text(li))
			}
		}
	}
	if marked := attr(f, "aria-invalid") == "true"; marked != (len(said) > 0) {
		t.Errorf("%s is marked as wrong: %t, and %q is said", name, marked, said)
	}
	return said
}

func TestRefusedPasswordsAreExplainedBesideTheirField(t *testing.T) {
	weak := func(why string, params ...string) error {
		return user.Refuse(user.WeakPassword, "password2", append([]string{"why", why}, params...)...)
	}
	for name, c := range map[string]struct {
		err           error
		lang          string
		first, second []string
	}{
		"nothing typed": {
			errors.Join(user.Refuse(user.Missing, "password1"), user.Refuse(user.Missing, "password2")), "en",
			[]string{"Nothing was typed here."},
			[]string{"Nothing was typed here."},
		},
		"second missing": {user.Refuse(user.Missing, "password2"), "de", nil, []string{"Hier steht noch nichts."}},
		"not the same":   {weak("mismatch"), "en", nil, []string{"This is not the same as the password above."}},
		"several, joined and wrapped": {
			fmt.Errorf("setting it: %w", errors.Join(weak("too_similar", "to", "last name"), tooShort, weak("too_common"))), "en",
			[]string{"This password is too much like your last name.", "This password is too short: it needs at least 8 characters.", "Too many people use this password: it is among the first that are tried."},
			nil,
		},
		"digits":       {weak("entirely_numeric"), "de", []string{"Dieses Passwort besteht nur aus Ziffern."}, nil},
		"like a name":  {weak("too_similar", "to", "username"), "de", []string{"Dieses Passwort ist Ihrem Benutzernamen zu ähnlich."}, nil},
		"like a mail":  {weak("too_similar", "to", "email"), "en", []string{"This password is too much like your e-mail address."}, nil},
		"short":        {tooShort, "de", []string{"Dieses Passwort ist zu kurz: es braucht mindestens 8 Zeichen."}, nil},
		"long":         {user.Refuse(user.TooLarge, "password2", "max", "128"), "en", []string{"This password is too long: it may have 128 characters at most."}, nil},
		"a new reason": {weak("haunted"), "en", []string{"This password cannot be used. Choose another one."}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			box := &postbox{link: web.Link{State: web.Fresh, AsksPassword: true}, noUse: c.err}
			w := send(linkPages(t, box), "/password-reset/"+aToken, url.Values{"password1": {"x"}, "password2": {"y"}}, "Accept-Language", c.lang)
			if w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%d", w.Code)
			}
			if got := beside(t, w, "password1"); !slices.Equal(got, c.first) {
				t.Errorf("at the first: %q, want %q", got, c.first)
			}
			if got := beside(t, w, "password2"); !slices.Equal(got, c.second) {
				t.Errorf("at the second: %q, want %q", got, c.second)
			}
			contains(t, "the page", w.Body.String(), `role="alert"`, map[string]string{"en": "<title>Error: ", "de": "<title>Fehler: "}[c.lang])
			// The first field that is wrong has the focus, and only that one.
			if strings.Count(w.Body.String(), " autofocus") != 1 {
				t.Error("the focus is not led to one field")
			}
			canBeRead(t, w, c.lang)
			keepsToPolicy(t, w, c.lang)
		})
	}
}

func TestPasswordsThatAreTooMuch(t *testing.T) {
	fits := strings.Repeat("ü", 512) // 1024 bytes
	for _, c := range []struct {
		name, typed string
		status      int
	}{
		{"1024 bytes", fits, http.StatusSeeOther},
		{"1025 bytes", fits + "x", http.StatusUnprocessableEntity},
		{"more than the form may have", strings.Repeat(fits, 64), http.StatusRequestEntityTooLarge},
	} {
		box := &postbox{link: web.Link{State: web.Fresh, AsksPassword: true}}
		w := send(linkPages(t, box), "/password-set/"+aToken, url.Values{"password1": {c.typed}, "password2": {c.typed}})
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.status)
		}
		if c.status == http.StatusSeeOther {
			if len(box.used) != 1 || box.used[0].first != c.typed || box.used[0].second != c.typed {
				t.Errorf("%s: not as typed", c.name)
			}
			continue
		}
		if got := beside(t, w, "password1"); len(box.used) != 0 || !slices.Equal(got, []string{"This password is too long."}) {
			t.Errorf("%s: %q, used %d times", c.name, got, len(box.used))
		}
	}

	box := &postbox{link: web.Link{State: web.Fresh, AsksPassword: true}}
	r := httptest.NewRequest(http.MethodPost, "/password-set/"+aToken, strings.NewReader("password1=%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	linkPages(t, box).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || len(box.used) != 0 {
		t.Errorf("torn: %d, used %d times", w.Code, len(box.used))
	}
	lacks(t, "the answer", w.Body.String(), "%zz")
}

func TestLinksWhenThereIsTooMuchToDo(t *testing.T) {
	late := func(c user.Code, seconds int) error { return &user.Refusal{Code: c, RetryAfter: seconds} }
	for name, c := range map[string]struct {
		err    error
		status int
		after  string
		en, de string
	}{
		"a second":   {late(user.Throttled, 1), 429, "1", "Try again in 1 second", "Versuchen Sie es in 1 Sekunde noch einmal"},
		"seconds":    {late(user.Throttled, 40), 429, "40", "Try again in 40 seconds", "Versuchen Sie es in 40 Sekunden noch einmal"},
		"minutes":    {late(user.Throttled, 121), 429, "121", "Try again in 3 minutes", "Versuchen Sie es in 3 Minuten noch einmal"},
		"hours":      {late(user.Throttled, 7201), 429, "7201", "Try again in 3 hours", "Versuchen Sie es in 3 Stunden noch einmal"},
		"not said":   {late(user.Busy, 0), 503, "1", "Try again in a moment", "Versuchen Sie es gleich noch einmal"},
		"busy":       {late(user.Busy, 2), 503, "2", "Try again in 2 seconds", "Versuchen Sie es in 2 Sekunden noch einmal"},
		"both":       {errors.Join(tooShort, late(user.Busy, 2), late(user.Throttled, 3)), 429, "3", "Try again in 3 seconds", "Versuchen Sie es in 3 Sekunden noch einmal"},
		"both, late": {errors.Join(late(user.Throttled, 3), late(user.Busy, 5)), 429, "5", "Try again in 5 seconds", "Versuchen Sie es in 5 Sekunden noch einmal"},
	} {
		for lang, want := range map[string]string{"en": c.en, "de": c.de} {
			for _, box := range []*postbox{
				{link: web.Link{State: web.Fresh, AsksPassword: true}, noUse: c.err, noAgain: c.err},
				{noLook: c.err, noAgain: c.err},
			} {
				pages := linkPages(t, box)
				for _, path := range []string{"/password-reset/" + aToken, "/password-reset/" + aToken + "/again"} {
					w := send(pages, path, url.Values{"password1": {"x"}, "password2": {"x"}}, "Accept-Language", lang)
					if w.Code != c.status || w.Header().Get("Retry-After") != c.after || heading(t, w) != want {
						t.Errorf("%s: %d, Retry-After %q, %q", name, w.Code, w.Header().Get("Retry-After"), heading(t, w))
					}
					contains(t, name, w.Body.String(), `href="/password-reset/`+aToken+`"`)
					canBeRead(t, w, lang)
					keepsToPolicy(t, w, lang)
				}
			}
		}
	}
}

func TestFaultsOfLinks(t *testing.T) {
	for name, err := range map[string]error{
		"the store":          store.ErrUnavailable,
		"anything":           errors.New("disk on fire"),
		"given up":           context.DeadlineExceeded,
		"with a refusal":     errors.Join(tooShort, errors.New("disk on fire")),
		"an unknown refusal": user.Refuse(user.UserLocked, ""),
	} {
		for lang, want := range map[string]string{"en": "The database does not answer.", "de": "Die Datenbank antwortet nicht."} {
			blind, lame := linkPages(t, &postbox{noLook: err}), linkPages(t, &postbox{link: web.Link{State: web.Fresh}, noUse: err, noAgain: err})
			path := "/activate/" + aToken
			for _, w := range []*httptest.ResponseRecorder{
				get(blind, path, "Accept-Language", lang, "Accept", "*/*"), send(blind, path, nil, "Accept-Language", lang),
				send(lame, path, nil, "Accept-Language", lang), send(lame, path+"/again", nil, "Accept-Language", lang),
			} {
				if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || heading(t, w) != want {
					t.Errorf("%s: %d %q", name, w.Code, heading(t, w))
				}
				lacks(t, name, w.Body.String(), "fire")
				canBeRead(t, w, lang)
				keepsToPolicy(t, w, lang)
			}
		}
	}
	// A link without a password form whose password is refused, and one in a state
	// that nobody has heard of, are faults too.
	for _, box := range []*postbox{{link: web.Link{State: web.Fresh}, noUse: tooShort}, {link: web.Link{State: "odd"}}} {
		if w := send(linkPages(t, box), "/activate/"+aToken, nil); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%d %q", w.Code, heading(t, w))
		}
	}
}

func TestLanguages(t *testing.T) {
	p := newPages(t, someMail(), devStart())
	for _, c := range []struct{ path, accept, lang string }{
		{"/nowhere", "", "en"},
		{"/nowhere", "de", "de"},
		{"/nowhere", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"/nowhere", "en,de;q=0.9", "en"},
		{"/nowhere", "fr,de;q=0.5", "de"},
		{"/nowhere", "fr, ja", "en"},
		{"/nowhere", "\x00;;q=x", "en"},
		// A page that German lacks is English from head to foot.
		{"/dev/inbox", "de", "en"},
		{"/", "de", "en"},
	} {
		w := get(p, c.path, "Accept-Language", c.accept)
		canBeRead(t, w, c.lang)
		keepsToPolicy(t, w, c.lang)
		skip := map[string]string{"en": "Skip to the content", "de": "Zum Inhalt springen"}[c.lang]
		contains(t, c.path+" "+c.accept, w.Body.String(), skip)
	}
}
