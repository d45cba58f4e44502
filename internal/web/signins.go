package web

import "net/http"

// SignIn is what a person sees of a sign-in at the EDI door.
type SignIn struct {
	// Says names what the page tells; the template edi-signin has the words for home,
	// link, unknown, target, cancelled, over, failed, unverified, locked, deleted,
	// challenge, taken, sign-in, down and trouble.
	Says string
	// Provider is whom it is about, if anybody; Ways are with whom one can sign in.
	Provider string
	Ways     []SignInWay
	In       bool   // somebody is signed in
	Number   string // their EDI number
	Name     string
	Again    string // where to begin anew; empty: nowhere
	Go       string // of link: the provider's address
	Link     bool   // the provider was to be added to who is in
}

// SignInWay is a provider: where a sign-in with it begins, and where it is added to
// who is in.
type SignInWay struct{ Provider, Start, Link string }

// SignIn shows what becomes of a sign-in.
func (p *Pages) SignIn(w http.ResponseWriter, r *http.Request, status int, s SignIn) {
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	p.renderAs(w, r, status, "edi-signin", view{Guest: true, Data: s})
}

// providerTitles are how providers are written that are known by their names.
var providerTitles = map[string]string{
	"google": "Google", "github": "GitHub", "keycloak": "Keycloak", "microsoft": "Microsoft", "orcid": "ORCID",
}

// providerTitle is how a provider is written; others are as they were named.
func providerTitle(name string) string {
	if title, ok := providerTitles[name]; ok {
		return title
	}
	return name
}
