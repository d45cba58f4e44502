package user

import "time"

// Session is a signed-in state. Every wire token resolves to one.
type Session struct {
	ID     ID
	User   ID
	Strand ID
	Door   Door
	// Client is the id of the client that signed the person in, if any.
	Client string
	// Subject is the name the door shows for this session's user: the EDI
	// number, the snowflake.
	Subject string
	Epoch   int64
	Methods []string // RFC 8176 names, as "pwd"
	// Proven is when the person last proved to be there.
	Proven  time.Time
	Created time.Time
	Expires time.Time
	Revoked time.Time // zero while alive
}

// TokenKind says what a kept token is good for.
type TokenKind string

const (
	AccessToken  TokenKind = "access"
	RefreshToken TokenKind = "refresh"
	// BrowserToken is what the cookie of a browser session holds.
	BrowserToken TokenKind = "browser"
	// RealmToken stands for the session of an outside realm's, by which its access
	// tokens are known.
	RealmToken TokenKind = "realm"
	// RedeemedProof is no token of usher's: the hash of another's that was used
	// once and has no session.
	RedeemedProof TokenKind = "redeemed"
)

// Token is the kept form of an opaque token: its SHA-256, never its text.
type Token struct {
	Hash    []byte
	Kind    TokenKind
	Session ID
	Expires time.Time
	Used    time.Time // a refresh token is used once
	Created time.Time
}

// Client is a program that signs people in at the partner door.
type Client struct {
	ID       string // snowflake
	ClientID string
	// SecretHash is the SHA-256 of the secret, or nil for a public client.
	SecretHash []byte
	Name       string
	// DistinctErrors lets a confidential client learn why a sign-in failed.
	DistinctErrors bool
	Created        time.Time
}
