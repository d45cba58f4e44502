package config

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Provider is an OpenID Connect provider that people sign in with in a browser.
type Provider struct {
	Issuer       string // exactly as it stands in iss
	ClientID     string
	ClientSecret string
	Scope        []string // openid is always part
	// Authoritative says that its email_verified is a proof. Google has a rule of its
	// own.
	Authoritative bool
}

// providersKey begins the keys of providers: behind it stand a provider's name and
// the key's own.
const providersKey = "doors.edi.providers"

// anyName stands for a provider's name where keys are described.
const anyName = "NAME"

// providerName is what stands in addresses and in variables, where - and _ would
// not tell where it ends.
var providerName = regexp.MustCompile(`^[a-z][a-z0-9]{0,31}$`)

// providerSettings are the keys of one provider.
func providerSettings(name string, p *Provider) []setting {
	all := []setting{
		{name: "issuer", into: issuer{&p.Issuer}, doc: "OpenID Connect provider that people [sign in with](edi.md#signing-in) at `/auth/login/NAME`, exactly as `iss` in its tokens. NAME is yours: up to 32 small letters and digits; there can be several"},
		{name: "client_id", into: text{&p.ClientID}, doc: "usher's client there; `/auth/callback/NAME` under `public_url`, or under the door's host, is its redirect URI"},
		{name: "client_secret", secret: true, into: text{&p.ClientSecret}, doc: "its secret"},
		{name: "scope", def: "openid,email,profile", into: list{&p.Scope}, doc: "what it is asked for; openid is always part"},
		{name: "authoritative", def: "false", into: boolean{&p.Authoritative}, doc: "whether its email_verified counts as proven, so that it signs in to accounts made elsewhere; not for Google, which has [a rule of its own](providers.md#what-an-e-mail-counts-as)"},
	}
	for i := range all {
		all[i].name = providersKey + "." + name + "." + all[i].name
	}
	return all
}

// providersOf are the settings of all providers there are; without any, those that
// one would have.
func providersOf(e *EDIDoor) (all []setting) {
	if len(e.Providers) == 0 {
		return providerSettings(anyName, &Provider{})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Providers)) {
		all = append(all, providerSettings(name, e.Providers[name])...)
	}
	return all
}

// Generic gives a key as Keys describes it: with NAME for a provider's name.
func Generic(key string) string {
	if _, own, ok := cutProvider(key); ok {
		return providersKey + "." + anyName + "." + own
	}
	return key
}

// cutProvider cuts the key of a provider into the provider's name and the rest.
func cutProvider(key string) (name, own string, ok bool) {
	rest, ok := strings.CutPrefix(key, providersKey+".")
	if !ok {
		return "", "", false
	}
	name, own, ok = strings.Cut(rest, ".")
	return name, own, ok
}

// providerOfVariable is cutProvider for a variable, which says what it ends with and
// so what is the name.
func providerOfVariable(variable string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(variable, setting{name: providersKey + "."}.env())
	if !ok {
		return "", false
	}
	for _, s := range providerSettings(anyName, &Provider{}) {
		_, own, _ := strings.Cut(s.env(), "_"+anyName)
		for _, end := range []string{own, own + fileSuffix} {
			if name, ok := strings.CutSuffix(rest, end); ok && (end == own || s.secret) {
				return strings.ToLower(name), true
			}
		}
	}
	return "", false
}

// addProviders makes a place for each provider that the sources name, so that it has
// settings. What is no name is told with the key that has it.
func (c *Config) addProviders(keys, variables []string) []error {
	c.Doors.EDI.Providers = map[string]*Provider{}
	var errs []error
	add := func(name, origin string) {
		if !providerName.MatchString(name) {
			errs = append(errs, fmt.Errorf("%s: %q is no name of a provider: want up to 32 small letters and digits, a letter first", origin, name))
			return
		}
		c.Doors.EDI.Providers[name] = &Provider{}
	}
	for _, k := range keys {
		if name, _, ok := cutProvider(k); ok {
			add(name, k)
		}
	}
	for _, v := range variables {
		if name, ok := providerOfVariable(v); ok {
			add(name, v)
		}
	}
	return sorted(errs)
}

// validate holds the keys of providers against one another. As with OIDC, a plain
// connection is for this machine alone in development mode too.
func (e *EDIDoor) validateProviders(refuse func(key, given, want string)) {
	names := slices.Sorted(maps.Keys(e.Providers))
	for i, name := range names {
		p, at := e.Providers[name], providersKey+"."+name+"."
		for _, k := range []struct{ key, value string }{{"issuer", p.Issuer}, {"client_id", p.ClientID}, {"client_secret", p.ClientSecret}} {
			if k.value == "" {
				refuse(at+k.key, "empty", "what the provider "+name+" needs beside its other keys")
			}
		}
		if !isSafe(p.Issuer) {
			refuse(at+"issuer", fmt.Sprintf("%q", p.Issuer), "https; http only for a loopback host")
		}
		refuseGoogle(at, p.Issuer, p.Authoritative, refuse)
		for _, other := range names[:i] {
			if p.Issuer != "" && e.Providers[other].Issuer == p.Issuer {
				refuse(at+"issuer", fmt.Sprintf("%q", p.Issuer), "another than "+providersKey+"."+other+".issuer")
			}
		}
	}
}

// refuseGoogle keeps what only looks like Google out, and Google from being taken
// for what it is not.
func refuseGoogle(at, issuer string, authoritative bool, refuse func(key, given, want string)) {
	u, err := url.Parse(issuer)
	google := err == nil && strings.EqualFold(strings.TrimPrefix(u.Hostname(), "www."), "accounts.google.com")
	if google && issuer != GoogleIssuer {
		refuse(at+"issuer", fmt.Sprintf("%q", issuer), GoogleIssuer)
	}
	if google && authoritative {
		refuse(at+"authoritative", "true", "false for Google: it keeps only gmail.com and the domains of its customers")
	}
}
