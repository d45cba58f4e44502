package google

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

// liar is a provider that signs whatever it is told to, and its relying party.
type liar struct {
	*testing.T
	*idp.Issuer
	rp   *oidc.Issuer
	said *bytes.Buffer

	mu    sync.Mutex
	ahead time.Duration
}

func (l *liar) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(l.ahead)
}

func (l *liar) advance(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ahead += d
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	l := &liar{T: t, Issuer: idp.New(t), said: &bytes.Buffer{}}
	l.Lie("authorization_endpoint", l.URL+"/authorize")
	l.Lie("token_endpoint", l.URL+"/token")
	var err error
	l.rp, err = oidc.New(oidc.Config{
		Issuer: l.URL, ClientIDs: []string{idp.Client, "android.example.org"}, ClientSecret: secret, Trust: oidc.Google,
		Source: "google", Purpose: "sunbird", Log: slog.New(slog.NewTextHandler(l.said, nil)), Now: l.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// person is an ID token of amit's for this sign-in, changed.
func (l *liar) person(change claims) claims {
	c := l.Claims(amit, claims{"nonce": nonce, "email": "amit@gmail.com", "email_verified": true, "name": "Amit"})
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

// comesBack redeems a code for which the provider gives this ID token, and has an app
// hand on the same.
func (l *liar) comesBack(text string) (byCode, byToken signin.Proof, errCode, errToken error) {
	l.Fail("/token", func(w http.ResponseWriter, _ *http.Request) {
		idp.JSON(w, http.StatusOK, claims{"id_token": text, "access_token": "ya29.a", "token_type": "Bearer", "expires_in": 3599})
	})
	byCode, errCode = l.rp.Exchange(l.Context(), "4/0AX4XfWh", verifier, back, nonce)
	byToken, errToken = l.rp.Prove(l.Context(), text, signin.IDToken)
	return byCode, byToken, errCode, errToken
}

func (l *liar) proves(what, text string) signin.Proof {
	l.Helper()
	p, q, err, errToken := l.comesBack(text)
	if err != nil || errToken != nil || p.Once != q.Once || p.Identity.Subject != amit {
		l.Fatalf("%s: %+v, %v, %v", what, p, err, errToken)
	}
	return p
}

// refuses expects that a token proves nothing, by a code and by itself, for this
// reason.
func (l *liar) refuses(what, text, why string) {
	l.Helper()
	p, q, err, errToken := l.comesBack(text)
	for _, e := range []error{err, errToken} {
		if no, ok := errors.AsType[*signin.Unproven](e); !ok || no.Why != why {
			l.Errorf("%s: %v, want %q", what, e, why)
		}
	}
	if p.Identity != (user.IdentityKey{}) || q.Identity != (user.IdentityKey{}) {
		l.Errorf("%s: an error, and a person: %+v", what, p)
	}
}

func (l *liar) busy(what, text string) {
	l.Helper()
	_, _, err, errToken := l.comesBack(text)
	for _, e := range []error{err, errToken} {
		if no, ok := errors.AsType[*user.Refusal](e); !ok || no.Code != user.Busy {
			l.Errorf("%s: %v, want Busy", what, e)
		}
	}
}

// Given a token with the right signature, when what it says is not for this sign-in,
// then it proves nothing.
func TestWhatATokenSaysIsNotForUs(t *testing.T) {
	l := newLiar(t)
	l.proves("as it should be", l.Sign(l.person(nil)))
	now := time.Now().Unix()
	for _, c := range []struct {
		what   string
		change claims
		why    string
	}{
		{"another aud", claims{"aud": "stranger"}, "aud is not ours"},
		{"an aud that begins alike", claims{"aud": idp.Client + ".evil.example.org"}, "aud is not ours"},
		{"an aud in another case", claims{"aud": strings.ToUpper(idp.Client)}, "aud is not ours"},
		{"no aud", claims{"aud": nil}, "aud is not ours"},
		{"an empty aud", claims{"aud": []string{}}, "aud is not ours"},
		{"aud an object", claims{"aud": claims{idp.Client: 1}}, "aud is not text"},
		{"several aud and no azp", claims{"aud": []string{idp.Client, "stranger"}}, "several aud and no azp"},
		{"another azp", claims{"azp": "stranger"}, "azp is not ours"},
		{"an empty azp", claims{"azp": ""}, "azp is not ours"},
		{"several aud, another azp", claims{"aud": []string{idp.Client, "stranger"}, "azp": "stranger"}, "azp is not ours"},
		{"another iss", claims{"iss": "https://evil.example.org"}, "iss is not this verifier's"},
		{"iss and a slash", claims{"iss": l.URL + "/"}, "iss is not this verifier's"},
		{"no iss", claims{"iss": nil}, "iss is not this verifier's"},
		{"Google's old iss", claims{"iss": "accounts.google.com"}, "iss is not this verifier's"},
		{"expired", claims{"exp": now - 61}, "expired"},
		{"no exp", claims{"exp": nil}, "exp is missing"},
		{"exp as text", claims{"exp": "9999999999"}, "exp is not a time"},
		{"not yet valid", claims{"nbf": now + 120}, "nbf is in the future"},
		{"made tomorrow", claims{"iat": now + 86400}, "iat is in the future"},
		{"old, and good for long", claims{"iat": now - 86400, "exp": now + 86400}, "older than allowed"},
		{"no iat", claims{"iat": nil}, "iat is missing"},
		{"no sub", claims{"sub": nil}, "sub is missing"},
		{"an empty sub", claims{"sub": ""}, "sub is missing"},
		{"a sub of a number", claims{"sub": 7}, "sub is not text"},
		{"a logout token", claims{"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}}}, "it is a logout token"},
		{"an access token", claims{"typ": "Bearer"}, "the claim typ is not that of an ID token"},
	} {
		l.refuses(c.what, l.Sign(l.person(c.change)), c.why)
	}
	for what, change := range map[string]claims{
		"azp is ours": {"azp": idp.Client}, "several aud, azp ours": {"aud": []string{"api", idp.Client}, "azp": idp.Client},
		"azp our app's": {"azp": "android.example.org"},
	} {
		l.proves(what, l.Sign(l.person(change)))
	}
}

// Only at the redirect that usher began is there a nonce.
func TestANonceIsWanted(t *testing.T) {
	l := newLiar(t)
	for what, value := range map[string]any{"none": nil, "another": "x", "empty": "", "a list": []string{nonce}, "with more": nonce + " "} {
		_, byToken, err, errToken := l.comesBack(l.Sign(l.person(claims{"nonce": value})))
		if no, ok := errors.AsType[*signin.Unproven](err); !ok || no.Why != "nonce is not ours" {
			t.Errorf("%s: %v", what, err)
		}
		if errToken != nil || byToken.Identity.Subject != amit {
			t.Errorf("%s, by an app: %v", what, errToken)
		}
	}
	// An app's token is not what usher asked for.
	_, _, err, errToken := l.comesBack(l.Sign(l.person(claims{"aud": "android.example.org"})))
	if no, ok := errors.AsType[*signin.Unproven](err); !ok || no.Why != "aud is another client of ours" || errToken != nil {
		t.Errorf("%v, %v", err, errToken)
	}
}

// A token chooses neither how it is checked nor by which key.
func TestATokenThatChooses(t *testing.T) {
	l := newLiar(t)
	key := l.Key()
	private, ok := key.Key.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("the key is no RSA key")
	}
	spki, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(l.person(nil))
	if err != nil {
		t.Fatal(err)
	}
	good := l.Sign(l.person(nil))
	unsigned := func(header string) string {
		text := idp.Reheaded(good, header)
		return text[:strings.LastIndexByte(text, '.')+1]
	}
	by := func(alg jose.SignatureAlgorithm, key any, kid string) string {
		return idp.Sign(t, alg, jose.JSONWebKey{Key: key, KeyID: kid}, "JWT", string(payload))
	}
	evil := newLiar(t)
	evil.Rotate()
	const alg, gone, wrong = "alg is not this verifier's", "no key of that kid and alg", "signature does not verify"
	for _, c := range []struct{ what, text, why string }{
		{"alg none", unsigned(`{"alg":"none"}`), alg},
		{"alg NONE", unsigned(`{"alg":"NONE","typ":"JWT"}`), alg},
		{"no alg", unsigned(`{"typ":"JWT"}`), alg},
		{"HS256 by the public key", by(jose.HS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), key.KeyID), alg},
		{"HS256 by the key's DER", by(jose.HS256, spki, key.KeyID), alg},
		{"HS256 by the modulus", by(jose.HS256, private.N.Bytes(), key.KeyID), alg},
		{"RS512 by the key itself", by(jose.RS512, private, key.KeyID), alg},
		{"another's key under the kid", by(jose.RS256, evil.Key().Key, key.KeyID), wrong},
		{"another's key, no kid", by(jose.RS256, evil.Key().Key, ""), wrong},
		{"a kid that is a path", by(jose.RS256, private, "../../"+key.KeyID), gone},
		{"a kid that is an address", by(jose.RS256, evil.Key().Key, evil.URL+idp.KeySet), gone},
		{"a kid that is a query", by(jose.RS256, private, key.KeyID+"' OR '1'='1"), gone},
		{"an endless kid", by(jose.RS256, private, strings.Repeat("k", 129)), "header: kid is too long"},
		{"jku", idp.Reheaded(good, `{"alg":"RS256","jku":"`+evil.URL+idp.KeySet+`"}`), `header: member "jku" is not allowed`},
		{"kid no text", idp.Reheaded(good, `{"alg":"RS256","kid":["a"]}`), "header: kid is not a string"},
		{"an ID token of another kind", l.SignAs("at+jwt", l.person(nil)), "typ is not this verifier's"},
	} {
		l.refuses(c.what, c.text, c.why)
	}
	if n := evil.Asked(idp.KeySet); n != 0 {
		t.Errorf("a token led to another's keys %d times", n)
	}
}

// email_verified is JSON true or nothing.
func TestWhatVerifies(t *testing.T) {
	l := newLiar(t)
	for _, c := range []struct {
		what   string
		change claims
		want   user.Assurance
	}{
		{"true", nil, user.Proven},
		{"text", claims{"email_verified": "true"}, user.Asserted},
		{"a number", claims{"email_verified": 1}, user.Asserted},
		{"a list", claims{"email_verified": []bool{true}}, user.Asserted},
		{"missing", claims{"email_verified": nil}, user.Asserted},
		{"false", claims{"email_verified": false}, user.Asserted},
		{"in another case", claims{"email_verified": nil, "Email_Verified": true}, user.Asserted},
		{"true of a domain that is not Google's", claims{"email": "amit@example.org"}, user.Attested},
		{"true of one that looks like Google's", claims{"email": "amit@gmail.com.evil.example.org"}, user.Attested},
	} {
		p := l.proves(c.what, l.Sign(l.person(c.change)))
		if len(p.Addresses) != 1 || p.Addresses[0].Assurance != c.want {
			t.Errorf("%s: %+v", c.what, p.Addresses)
		}
	}
}

// Keys that are known go on working while the provider is down; what is not known
// waits.
func TestKeysThatAreNotToBeHad(t *testing.T) {
	l := newLiar(t)
	down := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusServiceUnavailable) }
	l.Fail(idp.KeySet, down)
	l.busy("no keys from the start", l.Sign(l.person(nil)))
	l.Fail(idp.KeySet, nil)
	l.advance(11 * time.Second)
	l.proves("keys at last", l.Sign(l.person(nil)))
	l.Fail(idp.KeySet, down)
	l.advance(6 * time.Minute)
	l.proves("keys that were known", l.Sign(l.person(nil)))

	// Then it signs with another key.
	old := l.Key()
	l.Rotate()
	l.advance(time.Minute)
	fresh := l.Sign(l.person(claims{"iat": l.now().Unix(), "exp": l.now().Unix() + 600}))
	l.busy("a key that cannot be fetched", fresh)
	l.Fail(idp.KeySet, nil)
	l.advance(11 * time.Second)
	l.proves("the new key is found", fresh)
	payload, err := json.Marshal(l.person(claims{"iat": l.now().Unix(), "exp": l.now().Unix() + 600}))
	if err != nil {
		t.Fatal(err)
	}
	l.refuses("the old key is gone", idp.Sign(t, jose.RS256, old, "JWT", string(payload)), "no key of that kid and alg")
}

// A code is the provider's to redeem once, and usher believes it about that.
func TestACodeReplayed(t *testing.T) {
	l := newLiar(t)
	text := l.Sign(l.person(nil))
	used := false
	l.Fail("/token", func(w http.ResponseWriter, r *http.Request) {
		if used || r.PostFormValue("code") != "4/0AX4XfWh" {
			idp.JSON(w, http.StatusBadRequest, claims{"error": "invalid_grant", "error_description": "Bad Request"})
			return
		}
		used = true
		idp.JSON(w, http.StatusOK, claims{"id_token": text})
	})
	first, err := l.rp.Exchange(t.Context(), "4/0AX4XfWh", verifier, back, nonce)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.rp.Exchange(t.Context(), "4/0AX4XfWh", verifier, back, nonce)
	if no, ok := errors.AsType[*signin.Unproven](err); !ok || no.Why != "the code is not taken" {
		t.Errorf("%v", err)
	}
	// A provider that redeems a code twice brings the token twice, which has one name.
	used = false
	second, err := l.rp.Exchange(t.Context(), "4/0AX4XfWh", verifier, back, nonce)
	if err != nil || second.Once != first.Once {
		t.Errorf("one token has two names: %v", err)
	}
	for _, told := range []string{text, secret, verifier, "4/0AX4XfWh"} {
		if strings.Contains(l.said.String(), told) {
			t.Errorf("the log holds %q", told)
		}
	}
}
