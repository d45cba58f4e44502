package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/config"
)

// configuration looks at what is allowed and may not be meant. What is refused
// altogether, config says.
func (d *doctor) configuration() {
	c := d.cfg
	if c.Dev {
		d.find("mode", warn, "development mode: mails go to /dev/inbox, answers do not wait for the floor", "leave out --dev (USHER_DEV) where real people sign in")
	} else {
		d.find("mode", well, "production", "")
	}
	switch u, err := url.Parse(c.PublicURL); {
	case c.PublicURL == "":
		d.find("public_url", warn, "empty: links in mails and edi-tokens name the listener's own address", "set public_url to where people reach usher")
	case err == nil && u.Scheme != "https" && !loopback(u.Hostname()):
		d.find("public_url", warn, c.PublicURL+" is not https: cookies and passwords go in the clear", "put a proxy with TLS in front, and its address here")
	default:
		d.find("public_url", well, c.PublicURL, "")
	}
	d.proxies()
	d.internal()
	d.mail()
}

// proxies looks at who may say where a request comes from.
func (d *doctor) proxies() {
	c := d.cfg
	everybody := func(p netip.Prefix) bool { return p.Bits() == 0 }
	switch {
	case slices.ContainsFunc(c.TrustedProxies, everybody):
		d.find("proxies", ill, "trusted_proxies holds every address: anybody can send requests in another's name and go past the limits", "name the proxies alone")
	case len(c.TrustedProxies) == 0 && strings.HasPrefix(c.PublicURL, "https:"):
		d.find("proxies", warn, "public_url is https, which a proxy must end, and trusted_proxies names none: everybody counts as one address in the limits on sign-in", "set trusted_proxies to the proxy's address")
	case len(c.TrustedProxies) == 0:
		d.find("proxies", well, "none is trusted", "")
	default:
		d.find("proxies", well, fmt.Sprintf("%d ranges are trusted", len(c.TrustedProxies)), "")
	}
}

// internal looks at who can reach the listener that speaks for the system.
func (d *doctor) internal() {
	c := d.cfg
	host, _, err := net.SplitHostPort(c.InternalListen)
	switch {
	case c.InternalListen == "":
		d.find("internal", well, "there is no internal listener", "")
	case err == nil && !loopback(host):
		d.find("internal", warn, c.InternalListen+" is reached from other machines: its secret alone keeps them from speaking as the system", "listen on loopback or unix:/PATH, or see that a firewall lets only its callers through")
	case err == nil && c.Doors.Partner.InternalSecret == "":
		d.find("internal", well, c.InternalListen+", which every program of this machine reaches", "")
	default:
		d.find("internal", well, c.InternalListen, "")
	}
}

func (d *doctor) mail() {
	s := d.cfg.Mail.SMTP
	switch {
	case d.cfg.Dev:
	case s.Host == "":
		d.find("mail", warn, "no mail server: mails wait", "set mail.smtp.host and mail.from")
	case s.TLS == config.SMTPOpportunistic && !loopback(s.Host):
		d.find("mail", warn, fmt.Sprintf("through %s, encrypted only where it offers to be", s.Host), "set mail.smtp.tls to starttls or implicit")
	default:
		d.find("mail", well, fmt.Sprintf("through %s as %s", s.Host, d.cfg.Mail.From), "")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
