package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	maxToken = 8 << 10 // bytes of a compact JWS
	maxKID   = 128     // bytes
)

// b64 is base64url without padding and without unused bits: one text for one
// value (RFC 7515, section 2; the decoder alone would still skip newlines).
var b64 = base64.RawURLEncoding.Strict()

// parts is a compact JWS that is well formed. Nothing in it is to be believed
// yet.
type parts struct {
	alg, typ, kid string
	hasTyp        bool
	payload       []byte
	claims        members // of the payload, once it is read
	signed        string  // header.payload, what the signature covers
	signature     []byte
}

// precheck reads a compact JWT strictly (security T6) before anything looks at
// what it says: a JWS whose payload is a JSON object in turn.
func precheck(text string) (parts, error) {
	p, err := split(text)
	if err != nil {
		return p, err
	}
	if p.claims, err = parseObject(p.payload); err != nil {
		return p, fmt.Errorf("payload: %w", err)
	}
	return p, nil
}

// split takes a compact JWS apart: at most 8 KB, two dots, canonical
// base64url, a header that is a JSON object in UTF-8 without a member twice,
// and no member in it beyond alg, typ and kid. That leaves out crit, which
// changes the meaning of a token, and jku, jwk, x5u and x5c, by which a token
// would choose its own key.
func split(text string) (parts, error) {
	var p parts
	if len(text) > maxToken {
		return p, errors.New("longer than 8 KB")
	}
	if strings.Count(text, ".") != 2 {
		return p, errors.New("not three parts")
	}
	last := strings.LastIndexByte(text, '.')
	p.signed = text[:last]
	head, body, _ := strings.Cut(p.signed, ".")

	raw, err := decodePart(head)
	if err != nil {
		return p, fmt.Errorf("header: %w", err)
	}
	header, err := parseObject(raw)
	if err != nil {
		return p, fmt.Errorf("header: %w", err)
	}
	for _, m := range header {
		var into *string
		switch m.name {
		case "alg":
			into = &p.alg
		case "typ":
			into, p.hasTyp = &p.typ, true
		case "kid":
			into = &p.kid
		default:
			return p, fmt.Errorf("header: member %.32q is not allowed", m.name)
		}
		if m.value[0] != '"' || json.Unmarshal(m.value, into) != nil {
			return p, fmt.Errorf("header: %s is not a string", m.name)
		}
	}
	if len(p.kid) > maxKID {
		return p, errors.New("header: kid is too long")
	}
	if p.payload, err = decodePart(body); err != nil {
		return p, fmt.Errorf("payload: %w", err)
	}
	if p.signature, err = decodePart(text[last+1:]); err != nil {
		return p, fmt.Errorf("signature: %w", err)
	}
	return p, nil
}

func decodePart(s string) ([]byte, error) {
	raw, err := b64.DecodeString(s)
	if err != nil || b64.EncodedLen(len(raw)) != len(s) {
		return nil, errors.New("not canonical base64url")
	}
	return raw, nil
}
