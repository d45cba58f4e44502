package policy

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Sunbird is what an organisation decides about the Sunbird door (contract
// sunbird.md, its decisions).
type Sunbird struct {
	// OTPMismatch is the code for a wrong one-time code: "ERROR_INVALID_OTP" or
	// "OTP_VERIFICATION_FAILED", which tells how many tries are left.
	OTPMismatch string `yaml:"otp_mismatch"`
	// UserGet says who may ask whether an address is somebody's: "public" or
	// "callers".
	UserGet string `yaml:"user_get"`
	// Custodian is the channel of users who name none; empty: none.
	Custodian string `yaml:"custodian_channel"`
	// Redirects are the origins, as https://portal.example.org, that a sign-in may
	// end at besides usher's own address; and com.example.app:// of apps.
	Redirects []string `yaml:"redirects"`
	// SessionClients are the clients, by the id they are registered with, that get
	// tokens for somebody who signed in elsewhere; each must have a secret.
	SessionClients []string `yaml:"session_clients"`
	// StateWindow is the longest that a state's token may live; 0: as it says.
	StateWindow Duration `yaml:"state_token_max_age"`
	// Site is what messages call the service; empty: the host of public_url.
	Site string `yaml:"site"`
}

// Codes bounds one-time codes.
type Codes struct {
	// Life is how long a code is good; asked for again, the same is sent.
	Life Duration `yaml:"life"`
	// Wrong tries end a code.
	Wrong int `yaml:"wrong_tries"`
	// PerHour and PerDay are sends to one address (contract, B.7).
	PerHour int `yaml:"per_hour"`
	PerDay  int `yaml:"per_day"`
	// NetworkPerHour are sends asked for by one network, PrefixPerHour those to
	// numbers that begin alike, AllPerHour all text messages: what keeps others
	// from being paid for texts (security 1.5). Not kept in development mode.
	NetworkPerHour int `yaml:"network_per_hour"`
	PrefixPerHour  int `yaml:"prefix_per_hour"`
	AllPerHour     int `yaml:"texts_per_hour"`
	// Countries that are texted, as ISO 3166-1 alpha-2.
	Countries []string `yaml:"countries"`
	// ResendAfter is how long pages ask somebody to wait for a text.
	ResendAfter Duration `yaml:"resend_after"`
}

// The values of otp_mismatch.
const (
	InvalidOTP      = "ERROR_INVALID_OTP"
	OTPVerification = "OTP_VERIFICATION_FAILED"
)

func defaultSunbird() Sunbird {
	return Sunbird{OTPMismatch: InvalidOTP, UserGet: "public", Redirects: []string{}, SessionClients: []string{}}
}

func defaultCodes() Codes {
	return Codes{
		Life: Duration(30 * time.Minute), Wrong: 2, PerHour: 5, PerDay: 20,
		NetworkPerHour: 60, PrefixPerHour: 200, AllPerHour: 5000,
		Countries: []string{"IN"}, ResendAfter: Duration(30 * time.Second),
	}
}

func (s Sunbird) check() error {
	switch s.OTPMismatch {
	case InvalidOTP, OTPVerification:
	default:
		return fmt.Errorf("policy: sunbird.otp_mismatch is %q; it can be %s or %s", s.OTPMismatch, InvalidOTP, OTPVerification)
	}
	switch s.UserGet {
	case "public", "callers":
	default:
		return fmt.Errorf("policy: sunbird.user_get is %q; it can be public or callers", s.UserGet)
	}
	for _, r := range s.Redirects {
		if err := checkOrigin(r); err != nil {
			return fmt.Errorf("policy: sunbird.redirects: %q: %w", r, err)
		}
	}
	return nil
}

var appScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)

// checkOrigin takes https://host[:port], http:// to this machine, and an app's own
// scheme with a dot in it (RFC 8252, section 7.1).
func checkOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("not a URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" {
		return errors.New("an origin has neither path nor query")
	}
	switch {
	case u.Scheme == "https" && u.Host != "":
	case u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.")):
	case appScheme.MatchString(u.Scheme):
	default:
		return errors.New("must be https://host, or an app's scheme as com.example.app://")
	}
	return nil
}

var country = regexp.MustCompile(`^[A-Z]{2}$`)

func (c Codes) check() error {
	if c.Life < Duration(time.Minute) || c.Life > Duration(24*time.Hour) {
		return fmt.Errorf("policy: codes.life is %s; it can be 1m to 24h", c.Life)
	}
	for _, n := range []struct {
		key   string
		value int
	}{
		{"wrong_tries", c.Wrong},
		{"per_hour", c.PerHour},
		{"per_day", c.PerDay},
		{"network_per_hour", c.NetworkPerHour},
		{"prefix_per_hour", c.PrefixPerHour},
		{"texts_per_hour", c.AllPerHour},
	} {
		if n.value < 1 {
			return fmt.Errorf("policy: codes.%s is %d; it must be at least 1", n.key, n.value)
		}
	}
	for _, x := range c.Countries {
		if !country.MatchString(x) {
			return fmt.Errorf("policy: codes.countries: %q is not an ISO 3166-1 alpha-2 code such as IN", x)
		}
	}
	return nil
}
