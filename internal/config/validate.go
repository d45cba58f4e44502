package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// unixPrefix begins the address of a Unix socket.
const unixPrefix = "unix:"

// minInternalSecret is the length that a secret needs which alone keeps a
// network from speaking as the system.
const minInternalSecret = 32

// minTokenKey is the same for the key that opens every EDI profile.
const minTokenKey = 32

// Validate holds the keys against one another: each value for itself is checked
// when it is read.
func (c *Config) Validate() error {
	var errs []error
	refuse := func(key, given, want string) {
		errs = append(errs, &KeyError{Key: key, Origin: "checked with the other keys", Given: given, Want: want})
	}
	if c.Listen == "" {
		refuse("listen", "empty", "HOST:PORT or unix:/PATH")
	}
	if c.InternalListen != "" && c.InternalListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		refuse("internal_listen", fmt.Sprintf("%q", c.InternalListen), "another address than listen has")
	}
	if c.InternalListen != "" && !isLocal(c.InternalListen) && len(c.Doors.Partner.InternalSecret) < minInternalSecret {
		refuse("internal_listen", fmt.Sprintf("%q", c.InternalListen), fmt.Sprintf(
			"a loopback address or unix:/PATH, or doors.partner.internal_secret with at least %d characters: "+
				"whoever reaches this listener may speak as the system", minInternalSecret))
	}
	if len(c.Key) > 0 && c.KeyFile != "" {
		refuse("key", "set together with key_file", "only one of the two")
	}
	if k := len(c.Doors.EDI.TokenKey); k > 0 && k < minTokenKey {
		refuse("doors.edi.token_key", fmt.Sprintf("%d characters", k), fmt.Sprintf("at least %d: it opens every profile", minTokenKey))
	}
	if !c.Dev {
		for _, u := range []struct{ key, url string }{
			{"doors.portal.issuer", c.Doors.Portal.Issuer},
			{"doors.sunbird.google.issuer", c.Doors.Sunbird.Google.Issuer},
			{"doors.sunbird.google.jwks_url", c.Doors.Sunbird.Google.JWKSURL},
			{"doors.sunbird.google.tokeninfo_url", c.Doors.Sunbird.Google.TokenInfoURL},
		} {
			if !isSafe(u.url) {
				refuse(u.key, fmt.Sprintf("%q", u.url), "https; http only for a loopback host or in development mode")
			}
		}
	}
	c.Doors.Partner.OIDC.validate(refuse)
	c.Doors.EDI.validateProviders(refuse)
	c.Mail.validate(refuse)
	return errors.Join(errs...)
}

// validate holds the keys of the provider against one another. A plain connection
// is for this machine alone in development mode too: a token that somebody put
// in on the way is a sign-in.
func (o OIDC) validate(refuse func(key, given, want string)) {
	const at = "doors.partner.oidc."
	if o.Issuer == "" {
		for _, k := range []struct {
			key string
			set bool
		}{{"client_ids", len(o.ClientIDs) > 0}, {"authoritative", o.Authoritative}, {"tokeninfo_url", o.TokenInfoURL != ""}} {
			if k.set {
				refuse(at+k.key, "set", at+"issuer beside it")
			}
		}
		return
	}
	for _, u := range []struct{ key, url string }{{"issuer", o.Issuer}, {"tokeninfo_url", o.TokenInfoURL}} {
		if !isSafe(u.url) {
			refuse(at+u.key, fmt.Sprintf("%q", u.url), "https; http only for a loopback host")
		}
	}
	if len(o.ClientIDs) == 0 {
		refuse(at+"client_ids", "empty", "the clients whose tokens are taken: a token for any other would sign its user in here")
	}
	refuseGoogle(at, o.Issuer, o.Authoritative, refuse)
}

// validate holds the keys of mail against one another.
func (m *Mail) validate(refuse func(key, given, want string)) {
	s := m.SMTP
	if s.Host == "" {
		return
	}
	if m.From == "" {
		refuse("mail.from", "empty", "an address that mails are from, for mail.smtp.host is set")
	}
	if (s.Username == "") != (s.Password == "") {
		refuse("mail.smtp.username", "set without mail.smtp.password, or that without it", "both or neither")
	}
	given := fmt.Sprintf("%q", s.TLS)
	switch {
	case isLoopback(s.Host):
	case s.TLS == SMTPNone:
		refuse("mail.smtp.tls", given, "starttls or implicit; none is for a loopback host alone: mails carry links that sign people in")
	case s.TLS == SMTPOpportunistic && s.Username != "":
		refuse("mail.smtp.tls", given, "starttls or implicit with mail.smtp.username: a password is sent over an encrypted connection only")
	}
}

// isLocal: only processes of this machine can connect to the address.
func isLocal(listen string) bool {
	if strings.HasPrefix(listen, unixPrefix) {
		return true
	}
	host, _, err := net.SplitHostPort(listen)
	return err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// isSafe: keys fetched from there cannot be replaced on the way.
func isSafe(address string) bool {
	if address == "" {
		return true
	}
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || isLoopback(u.Hostname()))
}

// Resolve fills what depends on the bound public listener: PublicURL, and the
// EDI claims and host names that follow from it. The port of a listener on port 0 is known only
// after binding.
func (c *Config) Resolve(bound net.Addr) {
	if c.PublicURL == "" {
		c.PublicURL = urlOf(bound)
	}
	if c.Doors.EDI.Issuer == "" {
		c.Doors.EDI.Issuer = c.PublicURL
	}
	if c.Doors.EDI.HD == "" {
		c.Doors.EDI.HD = c.publicHost()
	}
	if len(c.Hosts) > 0 {
		c.Hosts = c.Names()
	}
}

// Names are the host names that are usher's own: Hosts, and those of PublicURL
// and of the doors.
func (c *Config) Names() []string {
	names, d := slices.Clone(c.Hosts), c.Doors
	for _, name := range []string{c.publicHost(), d.Portal.Host, d.Partner.Host, d.Sunbird.Host, d.EDI.Host, d.GQLAuth.Host} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (c *Config) publicHost() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// urlOf is where this machine reaches the listener: a wildcard is bound
// everywhere, but nobody can dial it.
func urlOf(bound net.Addr) string {
	a, ok := bound.(*net.TCPAddr)
	if !ok {
		return "http://localhost"
	}
	ip := a.AddrPort().Addr().Unmap()
	if !ip.IsValid() || ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return "http://" + netip.AddrPortFrom(ip, a.AddrPort().Port()).String()
}
