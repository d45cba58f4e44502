package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// PortalPeople is what the portal's pages do; registrant.Browsers does. Refusals are
// *user.Refusal; any other error is a fault and becomes a 503.
type PortalPeople interface {
	Start(ctx context.Context, cookie, next string, register bool) (to, secret string, err error)
	Back(ctx context.Context, a roundtrip.Answer) (registrant.Entered, error)
	Who(ctx context.Context, cookie string) (here registrant.Here, in bool, err error)
	Look(h registrant.Here) registrant.Account
	Change(ctx context.Context, h registrant.Here, ch registrant.Change) (registrant.Account, error)
	SignOut(ctx context.Context, h registrant.Here) error
	Erase(ctx context.Context, h registrant.Here) error
	Keeps(ctx context.Context, h registrant.Here) (registrant.Kept, error)
	Facts(ctx context.Context, h registrant.Here) ([]registrant.Fact, error)
	Groups(ctx context.Context, h registrant.Here) ([]string, error)
	Role(ctx context.Context, h registrant.Here, name string) (bool, error)
	Requests(ctx context.Context) ([]registrant.Request, error)
	Request(ctx context.Context, strand user.ID) (registrant.Request, error)
	Decide(ctx context.Context, strand user.ID, verdict store.Verdict, reason, by string) error
}

// Portal says how the portal's pages are served.
type Portal struct {
	People PortalPeople
	Rules  func() policy.Channel
	// Cookies by their names: of a browser's session, and of one that is at the realm.
	Session, Trip string
	Secure        bool
	Site          func() string
	// Realm is its origin: signing out ends there. SignedOut is where the realm ends its own session, given where to come back to.
	Realm     string
	SignedOut func(back string) string
	// Avatar is the address of somebody's picture.
	Avatar func(a registrant.Account) string
}

// PortalCallback is where the realm sends browsers back to.
const PortalCallback = "/portal/callback"

// PortalPaths are where the portal's pages are, on a host of its own.
func PortalPaths() []string { return []string{"/en/", "/it/", "/console/", "/portal/", "/assets/"} }

// portalLangs are the languages of the portal's pages.
var portalLangs = []langLink{{Tag: "en", Name: "English"}, {Tag: "it", Name: "Italiano"}}

var portalTags = language.NewMatcher([]language.Tag{language.English, language.Italian})

// portalPages serves the portal's pages: they work without a script, and only POST
// does anything.
type portalPages struct {
	*Pages
	Portal
}

// visitor is who asks for a page.
type visitor struct {
	in   bool
	here registrant.Here
	acct registrant.Account
	lang string
}

// portalPage answers one method of a page.
type portalPage func(w http.ResponseWriter, r *http.Request, v visitor)

func (p *Pages) servePortal(o Options) {
	s := &portalPages{p, *o.Portal}
	for _, l := range portalLangs {
		at := "/" + l.Tag
		s.mount(at+"/{$}", l.Tag, s.gated(s.home, false), nil)
		s.mount(at+"/sign-in", l.Tag, s.start(false), nil)
		s.mount(at+"/register", l.Tag, s.start(true), nil)
		s.mount(at+"/sign-out", l.Tag, s.toHome, s.signOut)
		s.mount(at+"/privacy", l.Tag, s.privacy, nil)
		s.mount(at+"/profile/create", l.Tag, s.signedIn(s.createForm), s.signedIn(s.create))
		s.mount(at+"/profile", l.Tag, s.gated(s.profile, true), nil)
		s.mount(at+"/profile/edit", l.Tag, s.gated(s.editForm, true), s.gated(s.edit, true))
		s.mount(at+"/profile/data", l.Tag, s.signedIn(s.data), nil)
		s.mount(at+"/profile/delete", l.Tag, s.signedIn(s.deleteForm), s.signedIn(s.erase))
	}
	s.mount(PortalCallback, "", s.back, nil)
	s.mount("/console/requests", "", s.operators(s.requests), nil)
	s.mount("/console/requests/{id}", "", s.operators(s.request), s.operators(s.decide))
}

// mount gives GET the page and POST the work, if there is any. Without a language of
// its own a page is in the one that the browser asks for.
func (s *portalPages) mount(path, lang string, show, press portalPage) {
	allow := "GET, HEAD"
	if press != nil {
		allow = "GET, HEAD, POST"
	}
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := cmpLang(lang, r)
		s.message(w, r, http.StatusForbidden, visitor{lang: l}, "foreign", "/"+l+"/")
	}))
	work := func(page portalPage) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			l := cmpLang(lang, r)
			v, err := s.visitor(r, l)
			if err != nil {
				s.faulty(w, r, err)
				return
			}
			page(w, r, v)
		})
	}
	s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		switch {
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			work(show).ServeHTTP(w, r)
		case r.Method == http.MethodPost && press != nil:
			protection.Handler(work(press)).ServeHTTP(w, r)
		default:
			w.Header().Set("Allow", allow)
			problem(w, http.StatusMethodNotAllowed, "This page takes these methods: "+allow+".")
		}
	})
}

// cmpLang is a page's language, else the one that a browser asks for.
func cmpLang(lang string, r *http.Request) string {
	if lang != "" {
		return lang
	}
	tags, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, i, _ := portalTags.Match(tags...)
	return portalLangs[i].Tag
}

func (s *portalPages) visitor(r *http.Request, lang string) (v visitor, err error) {
	v.lang = lang
	c, err := r.Cookie(s.Session)
	if err != nil {
		return v, nil //nolint:nilerr // nobody is signed in
	}
	if v.here, v.in, err = s.People.Who(r.Context(), c.Value); err != nil {
		return v, err
	}
	if v.in {
		v.acct = s.People.Look(v.here)
	}
	return v, nil
}

// signedIn leads whoever is not signed in to the realm, and back here.
func (s *portalPages) signedIn(page portalPage) portalPage {
	return func(w http.ResponseWriter, r *http.Request, v visitor) {
		if !v.in {
			s.see(w, "/"+v.lang+"/sign-in?"+url.Values{saysNext: {nextOf(r)}}.Encode())
			return
		}
		page(w, r, v)
	}
}

// saysNext, in a query, is where to go afterwards.
const saysNext = "next"

// nextOf is where somebody wanted to go; what was sent is not sent again.
func nextOf(r *http.Request) string {
	if r.Method == http.MethodPost {
		return r.URL.Path
	}
	return r.URL.RequestURI()
}

// gated leads whoever has no complete profile to the page that completes it, whatever
// they asked for (contract portal.md, Portal pages).
func (s *portalPages) gated(page portalPage, must bool) portalPage {
	gate := func(w http.ResponseWriter, r *http.Request, v visitor) {
		if v.in && !v.acct.Complete() {
			s.see(w, "/"+v.lang+"/profile/create?"+url.Values{saysNext: {nextOf(r)}}.Encode())
			return
		}
		page(w, r, v)
	}
	if must {
		return s.signedIn(gate)
	}
	return gate
}

// operators keeps out who is none.
func (s *portalPages) operators(page portalPage) portalPage {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, v visitor) {
		in, err := s.People.Role(r.Context(), v.here, user.RoleOperator)
		switch {
		case err != nil:
			s.faulty(w, r, err)
		case !in:
			s.message(w, r, http.StatusForbidden, v, "operators", "/"+v.lang+"/")
		default:
			page(w, r, v)
		}
	})
}

// portalBase is what every page of the portal sees.
type portalBase struct {
	Lang    string
	Site    string
	Account registrant.Account
	Saved   bool
	Langs   []langLink
	rules   policy.Channel
}

// T gives a text of the page's language.
func (b portalBase) T(key string, with ...string) string { return portalText(b.Lang, key, with...) }

// Title is what a profile is called.
func (b portalBase) Title(kind string) string {
	return policy.Label(b.rules.Profiles[kind].Title, b.Lang, kind)
}

// Day writes a day, of a time or of the text of one.
func (b portalBase) Day(at any) string {
	t, ok := at.(time.Time)
	if text, isText := at.(string); isText {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return ""
		}
		t, ok = parsed, true
	}
	if !ok || t.IsZero() {
		return ""
	}
	if b.Lang == "it" {
		return t.UTC().Format("02/01/2006 15:04 UTC")
	}
	return t.UTC().Format("2 Jan 2006, 15:04 UTC")
}

func (s *portalPages) base(r *http.Request, v visitor) portalBase {
	b := portalBase{Lang: v.lang, Site: s.Site(), Account: v.acct, Saved: r.URL.Query().Has(saysSaved), rules: s.Rules()}
	for _, l := range portalLangs {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/"+v.lang+"/"); ok && r.Method != http.MethodPost {
			l.Path, l.Current = "/"+l.Tag+"/"+rest, l.Tag == v.lang
			if r.URL.RawQuery != "" {
				l.Path += "?" + r.URL.Query().Encode()
			}
			b.Langs = append(b.Langs, l)
		}
	}
	return b
}

// saysSaved, in a query, is that something was saved a moment ago.
const saysSaved = "saved"

func (s *portalPages) showIn(w http.ResponseWriter, r *http.Request, status int, v visitor, name string, data any) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Language", v.lang)
	w.Header().Set("Cache-Control", "no-store")
	s.renderAs(w, r, status, name, view{Guest: true, OwnForms: true, FormAction: s.Realm, Data: data})
}

// portalMessage is a page that says one thing.
type portalMessage struct {
	portalBase
	Heading, Lead string
	Done          bool
	Link          struct{ Path, Name string }
}

func (s *portalPages) message(w http.ResponseWriter, r *http.Request, status int, v visitor, what, to string, with ...string) {
	m := portalMessage{portalBase: s.base(r, v), Done: what == "deleted" || what == "signed-out"}
	m.Heading, m.Lead = m.T(what+".title", with...), m.T(what+".lead", with...)
	m.Link.Path, m.Link.Name = to, m.T(what+".link")
	s.showIn(w, r, status, v, "portal-message", m)
}

// see leads to another page.
func (s *portalPages) see(w http.ResponseWriter, to string) {
	secure(w.Header(), dataPolicy)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *portalPages) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever usher is reached by https
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.Secure,
	})
}

// own gives a path of usher's that somebody may be led to, else home.
func own(next, lang string) string {
	if !registrant.OwnPath(next) || strings.Contains(next, "/sign-in") {
		return "/" + lang + "/"
	}
	return next
}

// after is own for who has completed a profile: the page that does so is over.
func after(next, lang string) string {
	if next = own(next, lang); strings.Contains(next, "/profile/create") {
		return "/" + lang + "/"
	}
	return next
}

// sortedKeys gives the names of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
