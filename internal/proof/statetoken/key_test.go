package statetoken_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/statetoken"
)

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func spki(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block("PUBLIC KEY", der)
}

func certificate(t testing.TB, key *rsa.PrivateKey) string {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gj"}, NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE", der)
}

func TestKeysThatAreTaken(t *testing.T) {
	w := newWorld(t)
	key := w.keys[0]
	plain := spki(t, &key.PublicKey)
	for what, text := range map[string]string{
		"PKIX": plain, "PKCS #1": block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)),
		"a certificate, long over":      certificate(t, key),
		"lines of Windows":              strings.ReplaceAll(plain, "\n", "\r\n"),
		"words before and spaces after": "Key of gj:\n" + plain + "\n \n",
	} {
		got, err := statetoken.ParsePublicKey([]byte(text))
		if err != nil || !got.Equal(&key.PublicKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	w := newWorld(t)
	key := w.keys[0]
	plain := spki(t, &key.PublicKey)
	t.Setenv("GODEBUG", "rsa1024min=0")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	for what, c := range map[string]struct{ text, why string }{
		"nothing":                {"", "not PEM"},
		"words":                  {"the key", "not PEM"},
		"an SSH key":             {"ssh-rsa AAAAB3NzaC1yc2E gj", "not PEM"},
		"a JWK":                  {`{"kty":"RSA"}`, "not PEM"},
		"a cut key":              {plain[:len(plain)/2], "not PEM"},
		"two keys":               {plain + plain, "more than one"},
		"two keys, one cut":      {plain + plain[:len(plain)/2], "more than one"},
		"another block":          {block("CERTIFICATE REQUEST", []byte{1}), "no public key and no certificate"},
		"a PEM of nothing":       {block("PUBLIC KEY", nil), "reading the block PUBLIC KEY"},
		"PKCS #1 of nothing":     {block("RSA PUBLIC KEY", []byte{1}), "reading the block RSA PUBLIC KEY"},
		"a certificate of noise": {block("CERTIFICATE", []byte("noise")), "reading the block CERTIFICATE"},
		"PKCS #1 called PKIX":    {block("PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)), "reading the block"},
		"a curve":                {spki(t, &curve.PublicKey), "an RSA key is needed"},
		"another curve":          {spki(t, edwards), "an RSA key is needed"},
		"1024 bits":              {spki(t, &small.PublicKey), "1024 bits"},
		"16384 bits":             {spki(t, &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 16383, 1), E: 65537}), "16384 bits"},
		"exponent 1":             {spki(t, &rsa.PublicKey{N: key.N, E: 1}), "weak"},
		"an even exponent":       {spki(t, &rsa.PublicKey{N: key.N, E: 65536}), "weak"},
		"an even modulus":        {spki(t, &rsa.PublicKey{N: new(big.Int).SetBit(key.N, 0, 0), E: 65537}), "weak"},
		"endless":                {plain + strings.Repeat("\n", 64<<10), "64 KB"},
	} {
		if _, err := statetoken.ParsePublicKey([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.why) || errors.Is(err, statetoken.ErrPrivateKey) {
			t.Errorf("%s: %v, want %q", what, err, c.why)
		}
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"PKCS #1": private, "PKCS #8": block("PRIVATE KEY", pkcs8), "encrypted": block("ENCRYPTED PRIVATE KEY", []byte{1}),
		"of a curve": block("EC PRIVATE KEY", []byte{1}), "of SSH": block("OPENSSH PRIVATE KEY", []byte{1}),
		"cut": private[:len(private)/2], "behind the public one": plain + private, "before it": private + plain,
	} {
		_, err := statetoken.ParsePublicKey([]byte(text))
		if !errors.Is(err, statetoken.ErrPrivateKey) || strings.Contains(err.Error(), "MII") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
