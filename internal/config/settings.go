package config

import (
	"strings"
	"time"
)

// envPrefix begins every variable that usher reads.
const envPrefix = "USHER_"

// testPrefix begins variables that only usher's own tests read.
const testPrefix = "USHER_TEST_"

// configKey names the file itself, and so cannot be set in it.
const configKey = "config"

// setting is one key: its name, what it means, and the field it fills.
type setting struct {
	name   string
	def    string
	secret bool // never shown in errors
	doc    string
	into   value
}

func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, ".", "_"))
}

// settings lists every key, bound to the fields of c.
func settings(c *Config) []setting {
	all := []setting{
		{name: "listen", def: "127.0.0.1:8080", into: address{&c.Listen}, doc: "public listener"},
		{name: "internal_listen", def: "127.0.0.1:8081", into: address{&c.InternalListen}, doc: "internal listener: the only one where `x-user-ctx` means anything; empty: none. Off loopback it needs `doors.partner.internal_secret`"},
		{name: "public_url", into: webAddress{&c.PublicURL}, doc: "base of links in mails and of absolute URLs in answers, never taken from a request; empty: from `listen`"},
		{name: "data", def: "./usher-data", into: required{&c.Data}, doc: "folder of the embedded database and of the key file"},
		{name: "database_url", secret: true, into: database{&c.DatabaseURL}, doc: "PostgreSQL; empty: SQLite in `data`"},
		{name: "dev", def: "false", into: boolean{&c.Dev}, doc: "development mode: mail and SMS go to /dev/inbox, no external service is needed"},
		{name: configKey, into: text{&c.File}, doc: "configuration file; empty: `usher.yaml` if present"},
		{name: "policy", into: text{&c.PolicyFile}, doc: "policy file to apply at start; empty: what the database holds"},
		{name: "key_file", into: text{&c.KeyFile}, doc: "file of the key that wraps stored secrets, made on first start; empty: `usher.key` in `data`"},
		{name: "key", secret: true, into: wrappingKey{&c.Key}, doc: "that key itself, instead of a file"},
		{name: "node", def: "-1", into: integer{&c.Node, -1, 1023}, doc: "node number in snowflake ids, unlike that of any other process on the same database; -1: chosen"},
		{name: "hosts", into: hostNames{&c.Hosts}, doc: "the only host names that the public listener answers at, besides those of `public_url` and of doors; others get 421. Empty: any"},
		{name: "trusted_proxies", into: networks{&c.TrustedProxies}, doc: "networks whose X-Forwarded-For is believed; empty: nobody's"},
		{name: "log_level", def: "info", into: level{&c.LogLevel}, doc: "least level that is logged"},
		{name: "log_format", def: "text", into: logFormat{&c.LogFormat}, doc: "how log lines are written"},
		{name: "drain_delay", def: "0s", into: duration{&c.DrainDelay, 0, time.Minute}, doc: "how long usher still takes requests once it was told to stop and `/health/ready` says 503: until whoever sends them has noticed"},
		{name: "drain_timeout", def: "10s", into: duration{&c.DrainTimeout, 0, 10 * time.Minute}, doc: "how long requests under way may take when usher stops"},
	}
	m, smtp, sms := &c.Mail, &c.Mail.SMTP, &c.SMS
	all = append(all,
		setting{name: "mail.from", into: mailbox{&m.From}, doc: "whom mails are from, and where what cannot be delivered goes back to; needed with `mail.smtp.host`"},
		setting{name: "mail.reply_to", into: mailbox{&m.ReplyTo}, doc: "where answers to mails go; empty: `mail.from`"},
		setting{name: "mail.smtp.host", into: hostName{&smtp.Host}, doc: "mail server that takes all mails; empty: they wait until there is one. Not used with `dev`"},
		setting{name: "mail.smtp.port", def: "0", into: integer{&smtp.Port, 0, 65535}, doc: "its port; 0: by `mail.smtp.tls` 587, 465 for implicit, 25 for opportunistic and none"},
		setting{name: "mail.smtp.username", into: text{&smtp.Username}, doc: "account to sign in with there; empty: none"},
		setting{name: "mail.smtp.password", secret: true, into: text{&smtp.Password}, doc: "its password"},
		setting{name: "mail.smtp.tls", def: "starttls", into: smtpSecurity{&smtp.TLS}, doc: "starttls: STARTTLS or no mail; implicit: encrypted from the first byte; opportunistic: STARTTLS where offered; none: only for a loopback host. Certificates are always verified"},
		setting{name: "mail.smtp.timeout", def: "20s", into: duration{&smtp.Timeout, time.Second, 30 * time.Second}, doc: "how long handing over one mail may take until the server has all of it"},
		setting{name: "mail.smtp.helo", into: hostName{&smtp.Helo}, doc: "name that usher gives itself there; empty: the domain of `mail.from`"},
		setting{name: "sms.gateway.url", into: text{&sms.URL}, doc: "HTTP service that sends text messages, https or on this machine; empty: they wait until there is one. Not used with `dev`"},
		setting{name: "sms.gateway.method", def: "POST", into: text{&sms.Method}, doc: "POST, or GET with a template in the query of the URL"},
		setting{name: "sms.gateway.headers", secret: true, into: list{&sms.Headers}, doc: "headers of each request, as `Authorization: Bearer …`"},
		setting{name: "sms.gateway.content_type", def: "application/json", into: text{&sms.ContentType}, doc: "what the body is"},
		setting{name: "sms.gateway.body", secret: true, into: text{&sms.Body}, doc: "[template](sunbird.md#text-messages) of the body"},
		setting{name: "sms.gateway.success", into: text{&sms.Success}, doc: "regular expression that the answer must match besides a status of 2xx"},
		setting{name: "sms.gateway.timeout", def: "10s", into: duration{&sms.Timeout, time.Second, 30 * time.Second}, doc: "how long an answer may take"},
	)
	p := &c.Doors.Portal
	all = append(all, doorSettings("portal", &p.Door,
		setting{name: "issuer", into: webAddress{&p.Issuer}, doc: "URL of the Keycloak realm; empty: the door answers 501"},
		setting{name: "client_id", into: text{&p.ClientID}, doc: "client that the portal signs people in with"},
		setting{name: "admin_client_id", into: text{&p.AdminClientID}, doc: "service account client for groups and users of the realm"},
		setting{name: "admin_client_secret", secret: true, into: text{&p.AdminClientSecret}, doc: "its secret"},
		setting{name: "authoritative", def: "false", into: boolean{&p.Authoritative}, doc: "whether the realm's email_verified counts as proven"},
	)...)
	o := &c.Doors.Partner.OIDC
	all = append(all, doorSettings("partner", &c.Doors.Partner.Door,
		setting{name: "internal_secret", secret: true, into: text{&c.Doors.Partner.InternalSecret}, doc: "what a caller on the internal listener must send as `X-Usher-Internal-Secret` besides `x-user-ctx`; empty: nothing, and loopback only"},
		setting{name: "oidc.name", def: "google", into: word{&o.Name}, doc: "what clients send as `providerName` to sign in with a token of the provider below"},
		setting{name: "oidc.issuer", into: issuer{&o.Issuer}, doc: "OpenID Connect provider, exactly as `iss` in its tokens; empty: sign-in with a provider is off"},
		setting{name: "oidc.client_ids", into: list{&o.ClientIDs}, doc: "clients that its tokens may have been made for; needed with `doors.partner.oidc.issuer`"},
		setting{name: "oidc.authoritative", def: "false", into: boolean{&o.Authoritative}, doc: "whether its email_verified counts as proven, so that it signs in to accounts made elsewhere; not for Google, which has [a rule of its own](providers.md#what-an-e-mail-counts-as)"},
		setting{name: "oidc.tokeninfo_url", into: webAddress{&o.TokenInfoURL}, doc: "what says whom an opaque access token was made for; empty: Google's for Google, else such tokens are refused"},
	)...)
	g := &c.Doors.Sunbird.Google
	all = append(all, doorSettings("sunbird", &c.Doors.Sunbird.Door,
		setting{name: "google.client_ids", into: list{&g.ClientIDs}, doc: "audiences accepted in Google's ID tokens; empty: Google sign-in is refused"},
		setting{name: "google.client_secret", secret: true, into: text{&g.ClientSecret}, doc: "secret of the first of them, for `/google/auth`, which sends browsers to Google and takes them back; empty: only ID tokens are taken"},
		setting{name: "google.issuer", def: GoogleIssuer, into: webAddress{&g.Issuer}, doc: "issuer of those tokens"},
		setting{name: "google.jwks_url", def: GoogleJWKSURL, into: webAddress{&g.JWKSURL}, doc: "where its keys are"},
		setting{name: "google.tokeninfo_url", into: webAddress{&g.TokenInfoURL}, doc: "what is asked about each ID token as well, after it was verified here; empty: tokens are sent to nobody"},
	)...)
	e := &c.Doors.EDI
	all = append(all, doorSettings("edi", &e.Door,
		setting{name: "issuer", into: text{&e.Issuer}, doc: "`iss` of edi-token; empty: `public_url`"},
		setting{name: "hd", into: text{&e.HD}, doc: "`hd` of edi-token; empty: the domain of `public_url`"},
		setting{name: "token_key", secret: true, into: text{&e.TokenKey}, doc: "lets a service that sends it as `key` to /auth/v1/token/ID have a token for any profile, as the original's TOKEN_KEY does; at least 32 characters. Empty: nobody"},
		setting{name: "trusted_public_key", into: publicKey{&e.TrustedPublicKey}, doc: "the original service's public key, whose tokens keep working"},
	)...)
	all = append(all, providersOf(e)...)
	return append(all, doorSettings("gqlauth", &c.Doors.GQLAuth.Door,
		setting{name: "secret_key", secret: true, into: text{&c.Doors.GQLAuth.SecretKey}, doc: "key of login tokens and mailed tokens: a Django SECRET_KEY takes over its tokens; empty: random, kept in the database"},
	)...)
}

// doorSettings puts a door's own keys, named without their path, beside those
// that every door has.
func doorSettings(door string, d *Door, own ...setting) []setting {
	prefix := "doors." + door + "."
	all := []setting{
		{name: prefix + "enabled", def: "true", into: boolean{&d.Enabled}, doc: "whether this door is open"},
		{name: prefix + "host", into: hostName{&d.Host}, doc: "the only host name that this door answers at; empty: any"},
	}
	for _, s := range own {
		s.name = prefix + s.name
		all = append(all, s)
	}
	return all
}
