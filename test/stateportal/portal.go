// Package stateportal is a state's portal for tests: it has a key, and signs tokens
// for the people it sends to the Sunbird door (contract sunbird.md, B.8).
//
// Tests only. Neighbours: sunbird and order use it.
package stateportal

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Claims change those that a token usually has; a nil takes one out.
type Claims map[string]any

// Portal is the portal of the state gj, whose schools have the number 321456.
type Portal struct {
	t   testing.TB
	key *rsa.PrivateKey
}

// New makes a portal with a key of its own.
func New(t testing.TB) Portal {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return Portal{t, key}
}

// PublicKey writes the file that an operator is given.
func (p Portal) PublicKey() string {
	p.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	if err != nil {
		p.t.Fatal(err)
	}
	path := filepath.Join(p.t.TempDir(), "state.pub.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// Token is a new token for somebody, made now.
func (p Portal) Token(sub string, more Claims) string {
	p.t.Helper()
	now := time.Now().Unix()
	all := Claims{
		"jti": rand.Text(), "iss": "gj", "sub": sub, "aud": "http://127.0.0.1", "iat": now - 5, "nbf": now - 5, "exp": now + 600,
		"name": "Ramesh Kumar", "state_id": "gj", "school_id": "321456", "redirect_uri": "/resources",
	}
	maps.Copy(all, more)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: p.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		p.t.Fatal(err)
	}
	doc, err := json.Marshal(all)
	if err != nil {
		p.t.Fatal(err)
	}
	signed, err := signer.Sign(doc)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}
