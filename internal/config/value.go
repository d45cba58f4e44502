package config

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// value is a field that can be set from text.
type value interface {
	// kind is the YAML type that a file must use.
	kind() Kind
	// parse sets the field, or says that s is not allowed.
	parse(s string) error
	// allowed says what may be given, as the end of "want …".
	allowed() string
}

// errValue says that a value is not allowed; the setting's allowed says what is.
var errValue = errors.New("not allowed")

func check(ok bool) error {
	if !ok {
		return errValue
	}
	return nil
}

type text struct{ to *string }

func (text) kind() Kind             { return Text }
func (text) allowed() string        { return "text" }
func (v text) parse(s string) error { *v.to = s; return nil }

type required struct{ to *string }

func (required) kind() Kind             { return Text }
func (required) allowed() string        { return "a path" }
func (v required) parse(s string) error { *v.to = s; return check(s != "") }

type boolean struct{ to *bool }

func (boolean) kind() Kind      { return Bool }
func (boolean) allowed() string { return "true or false" }
func (v boolean) parse(s string) error {
	*v.to = s == "true"
	return check(s == "true" || s == "false")
}

type integer struct {
	to       *int
	min, max int
}

func (integer) kind() Kind { return Int }
func (v integer) allowed() string {
	return "a whole number from " + strconv.Itoa(v.min) + " to " + strconv.Itoa(v.max)
}

func (v integer) parse(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || strings.HasPrefix(s, "+") {
		return errValue
	}
	*v.to = n
	return check(n >= v.min && n <= v.max)
}

type duration struct {
	to       *time.Duration
	min, max time.Duration
}

func (duration) kind() Kind { return Duration }
func (v duration) allowed() string {
	return "a duration with its unit, such as 10s or 1m30s, from " + v.min.String() + " to " + v.max.String()
}

func (v duration) parse(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || s == "0" {
		return errValue
	}
	*v.to = d
	return check(d >= v.min && d <= v.max)
}

type list struct{ to *[]string }

func (list) kind() Kind      { return List }
func (list) allowed() string { return "a list; as text separated by commas" }
func (v list) parse(s string) error {
	*v.to = nil
	if strings.TrimSpace(s) == "" {
		return nil
	}
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item == "" {
			return errValue
		}
		*v.to = append(*v.to, item)
	}
	return nil
}

type networks struct{ to *[]netip.Prefix }

func (networks) kind() Kind { return List }
func (networks) allowed() string {
	return "a list of networks or addresses, such as 10.0.0.0/8; as text separated by commas"
}

func (v networks) parse(s string) error {
	var items []string
	if err := (list{&items}).parse(s); err != nil {
		return err
	}
	*v.to = nil
	for _, item := range items {
		p, err := netip.ParsePrefix(item)
		if err != nil {
			a, err := netip.ParseAddr(item)
			if err != nil || a.Zone() != "" {
				return errValue
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		*v.to = append(*v.to, p.Masked())
	}
	return nil
}

type level struct{ to *slog.Level }

func (level) kind() Kind      { return Text }
func (level) allowed() string { return "debug, info, warn or error" }
func (v level) parse(s string) error {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	l, ok := levels[s]
	*v.to = l
	return check(ok)
}

type logFormat struct{ to *LogFormat }

func (logFormat) kind() Kind      { return Text }
func (logFormat) allowed() string { return "text or json" }
func (v logFormat) parse(s string) error {
	*v.to = LogFormat(s)
	return check(slices.Contains([]LogFormat{LogText, LogJSON}, *v.to))
}

type address struct{ to *string }

func (address) kind() Kind      { return Text }
func (address) allowed() string { return "HOST:PORT or unix:/PATH" }
func (v address) parse(s string) error {
	*v.to = s
	if s == "" {
		return nil // whether it may be is for Validate
	}
	if path, ok := strings.CutPrefix(s, unixPrefix); ok {
		return check(path != "")
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errValue
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return check(err == nil)
}

type webAddress struct{ to *string }

func (webAddress) kind() Kind { return Text }
func (webAddress) allowed() string {
	return "an http(s) URL with a host and without user, query or fragment"
}

func (v webAddress) parse(s string) error {
	*v.to = strings.TrimRight(s, "/")
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	return check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && !strings.ContainsAny(s, "?#"))
}

// issuer is kept to the letter: with and without a slash at the end are two.
type issuer struct{ to *string }

func (issuer) kind() Kind { return Text }
func (issuer) allowed() string {
	return "an http(s) URL with a host and without user, query or fragment"
}

func (v issuer) parse(s string) error {
	err := webAddress(v).parse(s)
	*v.to = s
	return err
}

// word is a name that programs send.
type word struct{ to *string }

func (word) kind() Kind      { return Text }
func (word) allowed() string { return "up to 64 letters, digits, - and _" }
func (v word) parse(s string) error {
	*v.to = s
	return check(s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}))
}

type hostName struct{ to *string }

func (hostName) kind() Kind      { return Text }
func (hostName) allowed() string { return "a host name without scheme and port" }
func (v hostName) parse(s string) error {
	*v.to = strings.ToLower(s)
	return check(!strings.ContainsFunc(*v.to, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-'
	}))
}

type hostNames struct{ to *[]string }

func (hostNames) kind() Kind { return List }
func (hostNames) allowed() string {
	return "a list of host names without scheme and port; as text separated by commas"
}

func (v hostNames) parse(s string) error {
	if err := list(v).parse(s); err != nil {
		return err
	}
	for i := range *v.to {
		name := hostName{&(*v.to)[i]}
		if err := name.parse((*v.to)[i]); err != nil {
			return err
		}
	}
	return nil
}

type database struct{ to *string }

func (database) kind() Kind      { return Text }
func (database) allowed() string { return "postgres://USER:PASSWORD@HOST/NAME" }
func (v database) parse(s string) error {
	*v.to = s
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	return check(err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql"))
}

type wrappingKey struct{ to *[]byte }

func (wrappingKey) kind() Kind      { return Text }
func (wrappingKey) allowed() string { return "32 random bytes in base64" }
func (v wrappingKey) parse(s string) error {
	*v.to = nil
	if s == "" {
		return nil
	}
	key, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(key) != 32 {
		return errValue
	}
	// A key of one repeated byte is an example that somebody copied.
	if slices.IndexFunc(key, func(b byte) bool { return b != key[0] }) < 0 {
		return errValue
	}
	*v.to = key
	return nil
}

type publicKey struct{ to *string }

func (publicKey) kind() Kind      { return Text }
func (publicKey) allowed() string { return "a public key as PEM text" }
func (v publicKey) parse(s string) error {
	*v.to = s
	if s == "" {
		return nil
	}
	// A variable often carries the line ends as \n.
	if !strings.Contains(s, "\n") {
		*v.to = strings.ReplaceAll(s, `\n`, "\n")
	}
	block, _ := pem.Decode([]byte(*v.to))
	return check(block != nil && strings.HasSuffix(block.Type, "PUBLIC KEY"))
}

type mailbox struct{ to *string }

func (mailbox) kind() Kind      { return Text }
func (mailbox) allowed() string { return "an address, or a name and an address in angle brackets" }
func (v mailbox) parse(s string) error {
	*v.to = s
	if s == "" {
		return nil
	}
	a, err := mail.ParseAddress(s)
	return check(err == nil && (s == a.Address || strings.HasSuffix(s, "<"+a.Address+">")) &&
		!strings.ContainsAny(a.Address, "\"[]()<> ") && !strings.ContainsFunc(a.Name, unicode.IsControl))
}

type smtpSecurity struct{ to *SMTPSecurity }

func (smtpSecurity) kind() Kind      { return Text }
func (smtpSecurity) allowed() string { return "starttls, implicit, opportunistic or none" }
func (v smtpSecurity) parse(s string) error {
	*v.to = SMTPSecurity(s)
	return check(slices.Contains([]SMTPSecurity{SMTPStartTLS, SMTPImplicit, SMTPOpportunistic, SMTPNone}, *v.to))
}
