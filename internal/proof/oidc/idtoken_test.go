package oidc_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

type claims = map[string]any

// Given an ID token as it should be, then it proves the person, once.
func TestWhatAnIDTokenProves(t *testing.T) {
	w := newWorld(t)
	text := w.idp.ID("ada-1", claims{
		"email": "Ada@Example.org", "email_verified": true, "given_name": "Ada", "family_name": "Lovelace", "name": "Ada L.",
		"locale": "en-GB", "picture": "https://img.example.org/ada.png", "birthdate": "1815-12-10", "gender": "female",
		"phone_number": "+44 7911 123456", "nonce": "n", "groups": []string{"sysadmin"}, "roles": []string{"sysadmin"},
	})
	p := w.proves(text, signin.IDToken)
	if p.Source != "oidc:test" || p.Identity != (user.IdentityKey{Issuer: w.idp.URL, Subject: "ada-1"}) {
		t.Errorf("proves %+v from %s", p.Identity, p.Source)
	}
	want := admission.Address{Kind: user.Email, Key: "ada@example.org", Display: "Ada@Example.org", Assurance: user.Proven}
	if len(p.Addresses) != 1 || p.Addresses[0] != want {
		t.Errorf("addresses %+v", p.Addresses)
	}
	got := map[user.Attr]string{}
	for a, v := range p.Facts {
		got[a] = *v
	}
	if facts := map[user.Attr]string{
		user.GivenName: "Ada", user.FamilyName: "Lovelace", user.Name: "Ada L.", user.Locale: "en-GB", user.Gender: "female",
		user.Picture: "https://img.example.org/ada.png", user.Birthdate: "1815-12-10", user.PhoneNumber: "+447911123456",
	}; !maps.Equal(got, facts) {
		t.Errorf("facts %v", got)
	}
	if left := p.Until.Sub(w.now()); left < 10*time.Minute || left > 20*time.Minute {
		t.Errorf("remembered for %v", left)
	}
	if again := w.proves(text, signin.IDToken); again.Once != p.Once {
		t.Error("the same token has two names")
	}
	if other := w.proves(w.idp.ID("ada-1", nil), signin.IDToken); other.Once == p.Once {
		t.Error("two tokens have one name")
	}
	w.asked(1, 1)
}

// The name of a token is made of what its signature covers, with and without
// jti, and of what it is good for.
func TestWhatNamesAToken(t *testing.T) {
	w := newWorld(t)
	elsewhere := newWorld(t)
	elsewhere.idp = w.idp
	c := w.config()
	c.Purpose = "sunbird"
	var err error
	if elsewhere.issuer, err = oidc.New(c); err != nil {
		t.Fatal(err)
	}
	fixed := w.idp.Claims("ada", claims{"jti": nil})
	one, two := w.idp.Sign(fixed), w.idp.Sign(maps.Collect(maps.All(fixed)))
	names := map[[32]byte]bool{
		w.proves(one, signin.IDToken).Once: true, w.proves(two, signin.IDToken).Once: true,
	}
	if len(names) != 1 {
		t.Error("one token without jti has two names")
	}
	names[elsewhere.proves(one, signin.IDToken).Once] = true
	names[w.proves(w.idp.ID("ada", claims{"jti": "1"}), signin.IDToken).Once] = true
	names[w.proves(w.idp.ID("eve", claims{"jti": "2"}), signin.IDToken).Once] = true
	if len(names) != 4 {
		t.Errorf("%d names, want 4", len(names))
	}
}

func TestIDTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	now := time.Now().Unix()
	for _, c := range []struct {
		what   string
		change claims
		why    string
	}{
		{"another audience", claims{"aud": "stranger"}, "aud is not ours"},
		{"no audience", claims{"aud": nil}, "aud is not ours"},
		{"an audience that is a number", claims{"aud": 7}, "aud is not text"},
		{"an audience that begins like ours", claims{"aud": idp.Client + ".evil"}, "aud is not ours"},
		{"ours among several, without azp", claims{"aud": []string{idp.Client, "api"}}, "several aud and no azp"},
		{"made by another client", claims{"azp": "stranger"}, "azp is not ours"},
		{"ours among several, by another client", claims{"aud": []string{idp.Client, "stranger"}, "azp": "stranger"}, "azp is not ours"},
		{"an azp that is no text", claims{"azp": []string{idp.Client}}, "azp is not text"},
		{"an empty azp", claims{"azp": ""}, "azp is not ours"},
		{"another issuer", claims{"iss": "https://evil.example.org"}, "iss is not this verifier's"},
		{"the issuer with a slash", claims{"iss": w.idp.URL + "/"}, "iss is not this verifier's"},
		{"the issuer in capitals", claims{"iss": strings.ToUpper(w.idp.URL)}, "iss is not this verifier's"},
		{"no issuer", claims{"iss": nil}, "iss is not this verifier's"},
		{"expired", claims{"exp": now - 61}, "expired"},
		{"no end", claims{"exp": nil}, "exp is missing"},
		{"an end that is text", claims{"exp": "9999999999"}, "exp is not a time"},
		{"made in the future", claims{"iat": now + 120}, "iat is in the future"},
		{"good from the future on", claims{"nbf": now + 120}, "nbf is in the future"},
		{"no time of making", claims{"iat": nil}, "iat is missing"},
		{"made long ago", claims{"iat": now - 12*60}, "older than allowed"},
		{"no subject", claims{"sub": nil}, "sub is missing"},
		{"an empty subject", claims{"sub": ""}, "sub is missing"},
		{"a subject that is a list", claims{"sub": []string{"ada"}}, "sub is not text"},
		{"a subject with a line break", claims{"sub": "ada\neve"}, "sub has control characters"},
		{"an endless subject", claims{"sub": strings.Repeat("x", 300)}, "sub is not one of this issuer's"},
		{"Keycloak's access token", claims{"typ": "Bearer"}, "the claim typ is not that of an ID token"},
		{"Keycloak's refresh token", claims{"typ": "Refresh"}, "the claim typ is not that of an ID token"},
		{"a logout token", claims{"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}}}, "it is a logout token"},
	} {
		w.refuses(c.what, w.idp.ID("ada", c.change), signin.IDToken, c.why)
	}
	w.refuses("an access token", w.idp.SignAs("at+jwt", w.idp.Claims("ada", nil)), signin.IDToken, "typ is not this verifier's")
	w.refuses("a logout token by its header", w.idp.SignAs("logout+jwt", w.idp.Claims("ada", nil)), signin.IDToken, "typ is not this verifier's")
	for _, ok := range []claims{
		{"aud": []string{idp.Client}},
		{"aud": []string{"api", idp.Client}, "azp": idp.Client},
		{"azp": "other.example.org"},
		{"typ": "ID"},
		{"exp": now - 30},
		{"iat": now + 30, "nbf": now + 30},
	} {
		w.proves(w.idp.ID("ada", ok), signin.IDToken)
	}
	w.asked(1, 1)
}

// A token chooses neither its algorithm nor its key (security T1, T2, T6).
func TestTokensThatChooseTheirKey(t *testing.T) {
	w := newWorld(t)
	key := w.idp.Key()
	private, _ := key.Key.(*rsa.PrivateKey)
	spki, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(w.idp.Claims("ada", nil))
	if err != nil {
		t.Fatal(err)
	}
	payload, good := string(text), w.idp.ID("ada", nil)
	_, unsigned, _ := strings.Cut(good, ".")
	unsigned = unsigned[:strings.LastIndexByte(unsigned, '.')+1]
	const none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." // {"alg":"none","typ":"JWT"}
	hmacBy := func(secret []byte) string {
		return idp.Sign(t, jose.HS256, jose.JSONWebKey{Key: secret, KeyID: key.KeyID}, "JWT", payload)
	}
	stranger := newWorld(t)
	stranger.idp.Rotate() // the other of the two keys
	foreign := stranger.idp.Key()
	foreign.KeyID = key.KeyID
	const alg = "alg is not this verifier's"
	for _, c := range []struct{ what, text, why string }{
		{"alg none", none + unsigned, alg},
		{"alg none with a signature", none + strings.SplitN(good, ".", 2)[1], alg},
		{"HS256 by the public key", hmacBy(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})), alg},
		{"HS256 by the key's DER", hmacBy(spki), alg},
		{"HS256 by an empty-looking secret", hmacBy(make([]byte, 32)), alg},
		{"PS256", idp.Sign(t, jose.PS256, jose.JSONWebKey{Key: private, KeyID: key.KeyID}, "JWT", payload), alg},
		{"a key of its own under our kid", idp.Sign(t, jose.RS256, foreign, "JWT", payload), "signature does not verify"},
		{"no kid, a key of its own", idp.Sign(t, jose.RS256, foreign.Key, "JWT", payload), "signature does not verify"},
		{"jwk", idp.Reheaded(good, `{"alg":"RS256","typ":"JWT","jwk":{}}`), `header: member "jwk" is not allowed`},
		{"jku", idp.Reheaded(good, `{"alg":"RS256","typ":"JWT","jku":"`+stranger.idp.URL+`"}`), `header: member "jku" is not allowed`},
		{"x5u", idp.Reheaded(good, `{"alg":"RS256","typ":"JWT","x5u":"`+stranger.idp.URL+`"}`), `header: member "x5u" is not allowed`},
		{"x5c", idp.Reheaded(good, `{"alg":"RS256","typ":"JWT","x5c":[]}`), `header: member "x5c" is not allowed`},
		{"crit", idp.Reheaded(good, `{"alg":"RS256","typ":"JWT","crit":["exp"]}`), `header: member "crit" is not allowed`},
		{"alg twice", idp.Reheaded(good, `{"alg":"RS256","alg":"none","typ":"JWT"}`), "header: JSON object with a member twice"},
		{"a changed payload", good[:strings.IndexByte(good, '.')+1] + strings.SplitN(w.idp.ID("eve", nil), ".", 3)[1] + good[strings.LastIndexByte(good, '.'):], "signature does not verify"},
		{"a claim twice", w.idp.SignText("JWT", strings.Replace(payload, `"sub":`, `"sub":"eve","sub":`, 1)), "payload: JSON object with a member twice"},
		{"padding", good + "=", "signature: not canonical base64url"},
		{"a line break", good[:40] + "\n" + good[40:], "header: not canonical base64url"},
		{"four parts", good + ".x", "not three parts"},
		{"an endless claim", w.idp.ID("ada", claims{"name": strings.Repeat("x", 9000)}), "longer than 8 KB"},
		{"nothing", "", "not three parts"},
	} {
		w.refuses(c.what, c.text, signin.IDToken, c.why)
	}
	if n := stranger.idp.Asked(idp.KeySet); n != 0 {
		t.Errorf("a token made usher ask %d times elsewhere", n)
	}
	w.asked(1, 1)
	w.proves(idp.Sign(t, jose.RS256, private, "", payload), signin.IDToken) // neither kid nor typ
}

// What an e-mail counts as (design, section 3, defaults of trust).
func TestWhatAnEmailCountsAs(t *testing.T) {
	for _, c := range []struct {
		what   string
		trust  oidc.Trust
		said   claims
		assure user.Assurance
	}{
		{"authoritative", oidc.Authoritative, claims{"email": "a@example.org", "email_verified": true}, user.Proven},
		{"authoritative, false", oidc.Authoritative, claims{"email": "a@example.org", "email_verified": false}, user.Asserted},
		{"authoritative, the text true", oidc.Authoritative, claims{"email": "a@example.org", "email_verified": "true"}, user.Asserted},
		{"authoritative, 1", oidc.Authoritative, claims{"email": "a@example.org", "email_verified": 1}, user.Asserted},
		{"authoritative, a list", oidc.Authoritative, claims{"email": "a@example.org", "email_verified": []bool{true}}, user.Asserted},
		{"authoritative, nothing", oidc.Authoritative, claims{"email": "a@example.org"}, user.Asserted},
		{"another spelling of the claim", oidc.Authoritative, claims{"email": "a@example.org", "Email_Verified": true}, user.Asserted},
		{"attesting", oidc.Attesting, claims{"email": "a@example.org", "email_verified": true}, user.Attested},
		{"attesting, gmail.com", oidc.Attesting, claims{"email": "a@gmail.com", "email_verified": true, "hd": "gmail.com"}, user.Attested},
		{"Google, gmail.com", oidc.Google, claims{"email": "A.B@Gmail.com", "email_verified": true}, user.Proven},
		{"Google, gmail.com, the text true", oidc.Google, claims{"email": "a@gmail.com", "email_verified": "true"}, user.Asserted},
		{"Google, a customer's domain", oidc.Google, claims{"email": "a@example.org", "email_verified": true, "hd": "example.org"}, user.Proven},
		{"Google, an address kept elsewhere", oidc.Google, claims{"email": "a@example.org", "email_verified": true}, user.Attested},
		{"Google, hd that is no text", oidc.Google, claims{"email": "a@example.org", "email_verified": true, "hd": true}, user.Attested},
		{"Google, hd empty", oidc.Google, claims{"email": "a@example.org", "email_verified": true, "hd": ""}, user.Attested},
		{"Google, a domain that ends alike", oidc.Google, claims{"email": "a@notgmail.com", "email_verified": true}, user.Attested},
		{"Google, a domain below", oidc.Google, claims{"email": "a@x.gmail.com", "email_verified": true}, user.Attested},
		{"Google, unverified, hd", oidc.Google, claims{"email": "a@example.org", "hd": "example.org"}, user.Asserted},
		{"a list", oidc.Authoritative, claims{"email": []string{"a@example.org"}, "email_verified": true}, ""},
		{"an object", oidc.Authoritative, claims{"email": claims{"a": "a@example.org"}, "email_verified": true}, ""},
		{"two in one", oidc.Authoritative, claims{"email": "a@example.org,b@example.org", "email_verified": true}, ""},
		{"two @", oidc.Authoritative, claims{"email": "a@evil.org@example.org", "email_verified": true}, ""},
		{"a display name", oidc.Authoritative, claims{"email": "A <a@example.org>", "email_verified": true}, ""},
		{"full-width @", oidc.Authoritative, claims{"email": "a＠example.org", "email_verified": true}, ""},
		{"no address", oidc.Authoritative, claims{"email": "ada", "email_verified": true}, ""},
		{"none", oidc.Authoritative, claims{"email_verified": true}, ""},
	} {
		w := newWorld(t, func(o *oidc.Config) { o.Trust = c.trust })
		p := w.proves(w.idp.ID("ada", c.said), signin.IDToken)
		var got user.Assurance
		if len(p.Addresses) > 0 {
			got = p.Addresses[0].Assurance
		}
		if got != c.assure || len(p.Addresses) > 1 {
			t.Errorf("%s: %q, want %q", c.what, got, c.assure)
		}
	}
}

// A claim that cannot be what it should is left out, and the person gets in.
func TestFactsThatAreLeftOut(t *testing.T) {
	w := newWorld(t)
	p := w.proves(w.idp.ID("ada", claims{
		"given_name": []string{"Ada"}, "family_name": strings.Repeat("x", 256), "name": "A\x00da", "locale": "english, mostly",
		"picture": "javascript:alert(1)", "birthdate": "10.12.1815", "gender": "\n", "phone_number": "call me",
	}), signin.IDToken)
	if len(p.Facts) != 0 {
		t.Errorf("facts %v", p.Facts)
	}
	for _, picture := range []string{"http://img.example.org/a", "https://a:b@img.example.org/", "//img.example.org/a", "https:///a", "https://img.example.org/" + strings.Repeat("a", 2048)} {
		if p := w.proves(w.idp.ID("ada", claims{"picture": picture}), signin.IDToken); len(p.Facts) != 0 {
			t.Errorf("%.60s is taken", picture)
		}
	}
	// A name alone is the given name.
	p = w.proves(w.idp.ID("ada", claims{"name": "Ada Lovelace"}), signin.IDToken)
	if len(p.Facts) != 1 || *p.Facts[user.GivenName] != "Ada Lovelace" {
		t.Errorf("facts %v", p.Facts)
	}
}

// Google's subjects are what EDI's 21 digits mean.
func TestGooglesSubjects(t *testing.T) {
	if _, err := oidc.New(oidc.Config{
		Issuer: idp.GoogleURL, ClientIDs: []string{"a"}, Trust: oidc.Authoritative, Source: "google", Purpose: "partner",
		Log: newWorld(t).config().Log, Now: time.Now,
	}); err == nil {
		t.Error("Google is taken for authoritative in everything")
	}
}
