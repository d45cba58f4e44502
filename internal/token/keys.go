package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// State is where a signing key stands in its life.
type State string

const (
	Next     State = "next"     // published, so that others know it before it signs
	Active   State = "active"   // signs
	Retiring State = "retiring" // signs no more, its tokens are still good
	Retired  State = "retired"  // its tokens are dead
)

// Alg is a JWS algorithm (RFC 7518, section 3.1; RFC 8037, section 3.1).
type Alg string

const (
	ES256 Alg = "ES256"
	RS256 Alg = "RS256"
	EdDSA Alg = "EdDSA" // with Ed25519
	HS256 Alg = "HS256"
)

// Key is a signing key of a realm, opened.
type Key struct {
	KID     string
	State   State
	Alg     Alg // ES256
	Private *ecdsa.PrivateKey

	CreatedAt   time.Time
	ActivatedAt time.Time // zero before it was active
	RetiresAt   time.Time // when a retiring key becomes retired
}

// KeyRecord is a Key as the database keeps it.
type KeyRecord struct {
	KID       string
	State     State
	Alg       Alg
	PublicJWK []byte // JSON object, as the JWKS shows it
	Wrapped   []byte // PKCS#8 DER, sealed for this realm and kid

	CreatedAt   time.Time
	ActivatedAt time.Time
	RetiresAt   time.Time
}

// GenerateKey makes an ES256 key with a random kid.
func GenerateKey(state State, now time.Time) (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("generate a signing key: %w", err)
	}
	k := Key{KID: hex.EncodeToString(randomBytes(12)), State: state, Alg: ES256, Private: private, CreatedAt: now}
	if state == Active {
		k.ActivatedAt = now
	}
	return k, nil
}

func keyContext(realm, kid string) []string { return []string{"signing key", realm, kid} }

// Record seals a key for the database.
func (k Key) Record(kek *KEK, realm string) (KeyRecord, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return KeyRecord{}, fmt.Errorf("encode signing key %s: %w", k.KID, err)
	}
	public, err := publicJWK(k.KID, &k.Private.PublicKey)
	if err != nil {
		return KeyRecord{}, err
	}
	text, err := json.Marshal(public)
	if err != nil {
		return KeyRecord{}, fmt.Errorf("encode signing key %s: %w", k.KID, err)
	}
	return KeyRecord{
		KID: k.KID, State: k.State, Alg: k.Alg, PublicJWK: text,
		Wrapped:   kek.Seal(der, keyContext(realm, k.KID)...),
		CreatedAt: k.CreatedAt, ActivatedAt: k.ActivatedAt, RetiresAt: k.RetiresAt,
	}, nil
}

// Open unseals a record. It fails with ErrWrongKEK, and with ErrTampered
// where the record's parts do not belong together.
func (r KeyRecord) Open(kek *KEK, realm string) (Key, error) {
	fail := func(err error) (Key, error) { return Key{}, fmt.Errorf("open signing key %q: %w", r.KID, err) }
	if r.Alg != ES256 {
		return fail(fmt.Errorf("algorithm %q: %w", r.Alg, ErrTampered))
	}
	switch r.State {
	case Next, Active, Retiring, Retired:
	default:
		return fail(fmt.Errorf("state %q: %w", r.State, ErrTampered))
	}
	der, err := kek.Open(r.Wrapped, keyContext(realm, r.KID)...)
	if err != nil {
		return fail(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return fail(ErrTampered)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return fail(ErrTampered)
	}
	want, err := publicJWK(r.KID, &private.PublicKey)
	if err != nil {
		return fail(err)
	}
	var got jwk
	if err := json.Unmarshal(r.PublicJWK, &got); err != nil || got != want {
		return fail(ErrTampered)
	}
	return Key{
		KID: r.KID, State: r.State, Alg: r.Alg, Private: private,
		CreatedAt: r.CreatedAt, ActivatedAt: r.ActivatedAt, RetiresAt: r.RetiresAt,
	}, nil
}

// jwk is a P-256 public key (RFC 7517; RFC 7518, section 6.2.1).
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	KID string `json:"kid"`
	Use string `json:"use"`
	Alg Alg    `json:"alg"`
}

func publicJWK(kid string, key *ecdsa.PublicKey) (jwk, error) {
	point, err := key.Bytes() // 0x04, x, y
	if err != nil || len(point) != 65 {
		return jwk{}, errors.Join(errors.New("signing key is not a P-256 point"), err)
	}
	return jwk{
		Kty: "EC", Crv: "P-256", KID: kid, Use: "sig", Alg: ES256,
		X: b64.EncodeToString(point[1:33]), Y: b64.EncodeToString(point[33:]),
	}, nil
}
