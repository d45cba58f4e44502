package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"
)

// LogFormat is how log lines are written.
type LogFormat string

// The log formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Config is everything that is set at start. Load fills it; the meaning of each
// field is its key's text in settings.
type Config struct {
	Listen         string // host:port or unix:/path
	InternalListen string // the same; empty: no internal listener
	PublicURL      string // without trailing slash; empty until Resolve if not set
	Data           string
	DatabaseURL    string // empty: SQLite in Data
	Dev            bool
	PolicyFile     string
	KeyFile        string // empty: KeyPath says where
	Key            []byte // 32 bytes, or nil: the key is in a file
	Node           int    // 0 to 1023, or -1: usher chooses
	// Hosts are the names that the public listener answers at; empty: any. Resolve
	// adds those of PublicURL and of the doors.
	Hosts          []string
	TrustedProxies []netip.Prefix
	LogLevel       slog.Level
	LogFormat      LogFormat
	DrainDelay     time.Duration
	DrainTimeout   time.Duration
	SMS            SMSGateway
	Mail           Mail
	Doors          Doors

	// File is the configuration file that was read; empty if there was none.
	File string
}

// Mail says whom mails are from and which server takes them. Without
// SMTP.Host they wait.
type Mail struct {
	From    string // "Name <address>" or an address
	ReplyTo string // the same; empty: none
	SMTP    SMTP
}

// SMTPSecurity is how the connection to the mail server is protected.
type SMTPSecurity string

// The ways to protect it.
const (
	SMTPStartTLS      SMTPSecurity = "starttls"
	SMTPImplicit      SMTPSecurity = "implicit"
	SMTPOpportunistic SMTPSecurity = "opportunistic"
	SMTPNone          SMTPSecurity = "none"
)

// SMTP is the mail server.
type SMTP struct {
	Host     string // lower case, no port; empty: none
	Port     int    // 0: the usual one of TLS
	Username string // empty: without signing in
	Password string
	TLS      SMTPSecurity
	Timeout  time.Duration
	Helo     string // empty: the domain of From
}

// SMSGateway is the HTTP service that sends text messages; without URL they wait.
type SMSGateway struct {
	URL, Method string
	Headers     []string // "Name: value"
	ContentType string
	Body        string // a template
	Success     string // a regular expression
	Timeout     time.Duration
}

// Doors holds what is set for each door.
type Doors struct {
	Portal  PortalDoor
	Partner PartnerDoor
	Sunbird SunbirdDoor
	EDI     EDIDoor
	GQLAuth GQLAuthDoor
}

// Door is what every door has.
type Door struct {
	Enabled bool
	Host    string // lower case, no port; empty: any
}

// PortalDoor names the Keycloak realm. While Issuer is empty the door answers
// 501 and says what it needs.
type PortalDoor struct {
	Door
	Issuer            string
	ClientID          string
	AdminClientID     string
	AdminClientSecret string
	Authoritative     bool
}

// PartnerDoor guards the internal listener, and says whose tokens sign people in
// besides passwords.
type PartnerDoor struct {
	Door
	InternalSecret string
	OIDC           OIDC
}

// GoogleIssuer is Google's own name.
const GoogleIssuer = "https://accounts.google.com"

// GoogleJWKSURL is where Google's keys are.
const GoogleJWKSURL = "https://www.googleapis.com/oauth2/v3/certs"

// OIDC names an OpenID Connect provider. Without Issuer there is none.
type OIDC struct {
	Name      string // what clients send as providerName
	Issuer    string // exactly as it stands in iss
	ClientIDs []string
	// Authoritative says that its email_verified is a proof. Google has a rule of
	// its own.
	Authoritative bool
	TokenInfoURL  string // empty: Google's for Google, else none
}

// TokenInfo is where opaque access tokens are asked about; empty: nowhere.
func (o OIDC) TokenInfo() string {
	if o.TokenInfoURL == "" && o.Issuer == GoogleIssuer {
		return "https://oauth2.googleapis.com/tokeninfo"
	}
	return o.TokenInfoURL
}

// SunbirdDoor configures Google sign-in.
type SunbirdDoor struct {
	Door
	Google Google
}

// Google says whose ID tokens are accepted. Without ClientIDs none are.
type Google struct {
	ClientIDs []string
	// ClientSecret is the first client's, for the redirect to Google and back; empty:
	// there is none.
	ClientSecret string
	Issuer       string
	JWKSURL      string
	TokenInfoURL string // empty: nobody is asked
}

// EDIDoor holds the claims of edi-token. Resolve fills Issuer and HD.
type EDIDoor struct {
	Door
	Issuer           string
	HD               string
	TrustedPublicKey string // PEM
	TokenKey         string
	Providers        map[string]*Provider // by their names
}

// GQLAuthDoor holds a Django SECRET_KEY whose tokens stay valid; empty: usher
// makes a key and keeps it in the database.
type GQLAuthDoor struct {
	Door
	SecretKey string
}

// KeyPath is the file of the key that wraps all stored secrets.
func (c *Config) KeyPath() string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	return filepath.Join(c.Data, "usher.key")
}
