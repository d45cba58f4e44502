package statetoken

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/token"
)

// maxPEM is far more than any key or certificate has.
const maxPEM = 64 << 10

// ErrPrivateKey is the refusal of a private key in place of a public one.
var ErrPrivateKey = errors.New("this is a private key, and now more than the issuer have it: " +
	"have the issuer make a new pair and send the public key alone")

// ParsePublicKey reads the key that an issuer hands over: one PEM block that is a
// public key ("PUBLIC KEY" or "RSA PUBLIC KEY") or a certificate, of which the key
// alone counts and no date. It must be RSA with 2048 to 8192 bits, sound as far as
// token.NewPublicKey can tell. Errors are for the operator to read.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	switch {
	case len(text) > maxPEM:
		return nil, errors.New("longer than 64 KB, which is no key")
	// Before anything is read: a damaged private key is one too, and so is one
	// behind a public key.
	case bytes.Contains(text, []byte("PRIVATE KEY-----")):
		return nil, ErrPrivateKey
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errors.New("not PEM: a key begins with -----BEGIN PUBLIC KEY-----")
	}
	if bytes.Contains(rest, []byte("-----BEGIN")) {
		return nil, errors.New("more than one PEM block: give one key at a time")
	}
	key, err := publicKey(block)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, fmt.Errorf("an RSA key is needed, and this is a %T", key)
	case public.N.BitLen() < 2048, public.N.BitLen() > 8192:
		return nil, fmt.Errorf("the RSA key has %d bits: 2048 to 8192 are needed", public.N.BitLen())
	}
	if _, err := token.NewPublicKey(token.RS256, public); err != nil {
		return nil, errors.New("the RSA key is weak: its exponent is even or 1, or its factors can be found")
	}
	return public, nil
}

func publicKey(block *pem.Block) (key any, err error) {
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = c.PublicKey
		}
	default:
		return nil, fmt.Errorf("a PEM block %.40q is no public key and no certificate", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the block %s: %w", block.Type, err)
	}
	return key, nil
}
