package replay

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"time"
)

// sign makes a token, right or forged as the case wants it, and captures it. It
// uses no JOSE library, since those refuse to make what must be refused.
func (p *Player) sign(spec JWT) error {
	key, err := p.Vars.text(spec.Key)
	if err != nil {
		return err
	}
	alg := spec.Alg
	if alg == "" {
		alg = "HS256"
	}
	header := map[string]any{"alg": alg, "typ": "JWT"}
	more, err := p.Vars.members(spec.Header)
	if err != nil {
		return err
	}
	maps.Copy(header, more)
	claims, err := p.Vars.members(spec.Claims)
	if err != nil {
		return err
	}
	now := time.Now().Unix()
	for name, v := range claims {
		claims[name] = stamp(v, now)
	}
	h, err := json.Marshal(header)
	if err != nil {
		return fmt.Errorf("write a token's header: %w", err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return fmt.Errorf("write a token's claims: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	signature, err := signature(alg, key, signed)
	if err != nil {
		return fmt.Errorf("sign a token: %w", err)
	}
	name, err := p.Vars.text(spec.As)
	if err != nil {
		return err
	}
	p.Vars[name] = signed + "." + base64.RawURLEncoding.EncodeToString(signature)
	return nil
}

func signature(alg, key, signed string) ([]byte, error) {
	switch alg {
	case "none":
		return nil, nil
	case "HS256":
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(signed))
		return m.Sum(nil), nil
	case "RS256":
		private, err := rsaKey(key)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(signed))
		return rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	default:
		return nil, fmt.Errorf("algorithm %q is not known", alg)
	}
}

func rsaKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the key is not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key is a %T, not RSA", key)
	}
	return private, nil
}

var moment = regexp.MustCompile(`^<<now([+-]\d+)?>>$`)

// stamp turns <<now±N>> into Unix seconds.
func stamp(v any, now int64) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	m := moment.FindStringSubmatch(s)
	if m == nil {
		return v
	}
	if m[1] == "" {
		return now
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return v
	}
	return now + n
}
