package edi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

const refresh = "/auth/v1/token/refresh"

// A token is exchanged for a fresh one of the same person, until the person
// deletes their profile.
func TestRefreshAndDownload(t *testing.T) {
	inTown(t, func(w town) {
		ann := w.person("Ann", "ann@example.org")
		body := func(p person) string { return `{"pasta-token":null,"edi-token":"` + p.token + `"}` }
		fresh := w.asks(person{}, "POST", refresh, body(ann))
		w.is("refresh", fresh, 200, `"msg":"PASTA and EDI tokens refreshed successfully","pasta-token":null,"edi-token":"`)
		again := ann
		again.token, _ = fresh.body["edi-token"].(string)
		if before, after := claims(w.T, ann.token), claims(w.T, again.token); after["sub"] != ann.edi || after["exp"].(float64) < after["iat"].(float64)+8*3600 || before["jti"] != after["jti"] {
			w.Errorf("claims %v, then %v", before, after)
		}
		file := w.asks(again, "GET", "/auth/ui/api/token/download", "")
		w.is("download", file, 200, "")
		if got := file.Header.Get("Content-Disposition"); got != `attachment; filename="token-`+ann.edi+`.jwt"` || claims(w.T, file.Text)["sub"] != ann.edi {
			w.Errorf("%q: %s", got, file.Text)
		}
		for _, p := range []person{ann, again, {token: file.Text}} {
			w.is("each of them", w.asks(p, "GET", "/auth/v1/profile/"+ann.edi, ""), 200, `"email":"ann@example.org"`)
		}
		w.is("download as nobody", w.asks(person{}, "GET", "/auth/ui/api/token/download", ""), 401, "Unauthorized")
		w.is("a token by a key, where no key is set", w.asks(person{}, "POST", "/auth/v1/token/"+ann.edi, `{"key":""}`), 403, "Access denied: Invalid request")
		w.is("leave", w.asks(again, "DELETE", "/auth/v1/profile/"+ann.edi, ""), 200, "deleted")
		w.is("refresh after that", w.asks(person{}, "POST", refresh, body(again)), 401, "Attempted to refresh invalid edi-token: ")
		w.is("download after that", w.asks(again, "GET", "/auth/ui/api/token/download", ""), 401, "Unauthorized")
	})
}

// Who shows the configured key has a token for any profile, and one for nobody
// who may not sign in.
func TestTokenByKey(t *testing.T) {
	const key = "0123456789-0123456789-0123456789"
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) {
		o := s.Empty(t)
		o.Env = []string{"USHER_DOORS_EDI_TOKEN_KEY=" + key}
		w := town{t, harness.Start(t, o)}
		ann := w.person("Ann", "ann@example.org", "Vetted")
		byKey := func(key string) answer {
			return w.asks(person{}, "POST", "/auth/v1/token/"+ann.edi, `{"key":"`+key+`"}`)
		}
		w.is("another key", byKey("0123456789-0123456789-012345678"), 403, "Access denied: Invalid request")
		got := byKey(key)
		w.is("the key", got, 200, `"msg":"Token created successfully"`)
		other := ann
		other.token, _ = got.body["edi-token"].(string)
		if c := claims(w.T, other.token); c["sub"] != ann.edi || c["exp"].(float64) != c["iat"].(float64)+8*3600 {
			w.Errorf("claims %v", c)
		}
		w.is("the profile by it", w.asks(other, "GET", "/auth/v1/profile/"+ann.edi, ""), 200, `"email":"ann@example.org"`)
		w.CLI("user", "lock", ann.id)
		w.is("of somebody locked", byKey(key), 403, "Access denied: ")
		w.is("the token after that", w.asks(other, "GET", "/auth/v1/profile/"+ann.edi, ""), 401, "Unauthorized")
	})
}

// Tokens of the service that usher took over from work where its public key is
// trusted: read, renewed and refreshed like others, and no more forgiving.
func TestTokensOfTheOriginal(t *testing.T) {
	key, other := newKey(t), newKey(t)
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) {
		o := s.Empty(t)
		o.Env = []string{"USHER_DOORS_EDI_TRUSTED_PUBLIC_KEY=" + publicPEM(t, &key.PublicKey), "USHER_DOORS_EDI_ISSUER=https://auth.edirepository.org", "USHER_DOORS_EDI_HD=edirepository.org"}
		w := town{t, harness.Start(t, o)}
		ann := w.person("Ann", "ann@example.org")
		now := time.Now().Unix()
		// What the original put into a token, and what its later versions add.
		whole := map[string]any{
			"sub": ann.edi, "cn": "Somebody Else", "email": "else@example.org", "principals": []string{ann.edi, "EDI-bdae74972ed710c56b1e0df18ccb6e23c31f60f6"},
			"links": []any{}, "isEmailEnabled": false, "isEmailVerified": false, "idpCommonName": "ann", "idpName": "ldap", "idpUid": "uid=ann,o=EDI",
			"iss": "https://auth.edirepository.org", "hd": "edirepository.org", "iat": now - 60, "nbf": now - 60, "exp": now + 3600, "avatarUrl": "https://x.example/a",
		}
		but := func(name string, v any) map[string]any {
			c := maps.Clone(whole)
			if c[name] = v; v == nil {
				delete(c, name)
			}
			return c
		}
		as := func(k *ecdsa.PrivateKey, header string, claims map[string]any) person {
			return person{token: sign(t, k, header, claims)}
		}
		const es256 = `{"alg":"ES256","typ":"JWT"}`
		own := "/auth/v1/profile/" + ann.edi
		good := as(key, es256, whole)
		w.is("a token of the original", w.asks(good, "GET", own, ""), 200, `"email":"ann@example.org"`)
		w.is("with the fewest claims, and no typ", w.asks(as(key, `{"alg":"ES256"}`, map[string]any{
			"sub": ann.edi, "iss": "https://auth.edirepository.org", "hd": "edirepository.org", "iat": now, "exp": now + 60,
		}), "GET", own, ""), 200, `"email":"ann@example.org"`)
		w.is("what it says of groups is not asked", w.asks(good, "POST", "/auth/v1/profile", `{"idp_uid":"x"}`), 403, "Vetted")
		w.is("it writes", w.asks(good, "PUT", own, `{"common_name":"Ann Again"}`), 200, "Ann Again")
		made := w.asks(good, "POST", group, `{"title":"Birds","description":""}`)
		w.is("and makes groups", made, 200, "EDI-")
		aged := w.asks(as(key, es256, but("iat", now-2*3600)), "GET", own, "")
		w.is("aged", aged, 200, "")
		cookie, _, _ := strings.Cut(strings.TrimPrefix(aged.Header.Get("Set-Cookie"), "edi-token="), ";")
		w.is("renewed as usher's own", w.asks(person{token: cookie}, "GET", own, ""), 200, `"email":"ann@example.org"`)
		fresh := w.asks(person{}, "POST", refresh, `{"edi-token":"`+good.token+`"}`)
		w.is("refreshed as usher's own", fresh, 200, "edi-token")

		dead := map[string]person{
			"signed by another":      as(other, es256, whole),
			"unsigned":               {token: part(`{"alg":"none","typ":"JWT"}`) + "." + part(jsonOf(t, whole)) + "."},
			"with the key as secret": as(key, `{"alg":"HS256","typ":"JWT"}`, whole),
			"without exp":            as(key, es256, but("exp", nil)),
			"expired":                as(key, es256, but("exp", now-1)),
			"not yet":                as(key, es256, but("nbf", now+600)),
			"of another issuer":      as(key, es256, but("iss", "https://evil.example")),
			"without an issuer":      as(key, es256, but("iss", nil)),
			"of another domain":      as(key, es256, but("hd", "evil.example")),
			"without a domain":       as(key, es256, but("hd", nil)),
			"for somebody's service": as(key, es256, but("aud", "x")),
			"of nobody":              as(key, es256, but("sub", "EDI-00000000000000000000000000000000")),
			"without a subject":      as(key, es256, but("sub", nil)),
		}
		for name, p := range dead {
			w.is(name, w.asks(p, "GET", own, ""), 401, "Unauthorized: Authentication token is missing or invalid")
			w.is(name+", refreshed", w.asks(person{}, "POST", refresh, `{"edi-token":"`+p.token+`"}`), 401, "Attempted to refresh invalid edi-token")
		}
		w.is("leave", w.asks(good, "DELETE", own, ""), 200, "deleted")
		w.is("afterwards", w.asks(good, "GET", own, ""), 401, "Unauthorized")
		w.is("another of the same person", w.asks(as(key, es256, but("iat", now-30)), "GET", own, ""), 401, "Unauthorized")
	})
}

// Without the key, nobody's tokens but usher's are good.
func TestTheOriginalMustBeTrusted(t *testing.T) {
	w := town{t, harness.Start(t, harness.Options{})}
	ann := w.person("Ann", "ann@example.org")
	c := claims(t, ann.token)
	w.is("an own token", w.asks(ann, "GET", "/auth/v1/profile/"+ann.edi, ""), 200, "email")
	forged := person{token: sign(t, newKey(t), `{"alg":"ES256","typ":"JWT"}`, c)}
	w.is("the same claims by another key", w.asks(forged, "GET", "/auth/v1/profile/"+ann.edi, ""), 401, "Unauthorized")
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicPEM(t *testing.T, k *ecdsa.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sign makes a JWS (RFC 7515) whatever its header says.
func sign(t *testing.T, k *ecdsa.PrivateKey, header string, claims map[string]any) string {
	t.Helper()
	text := part(header) + "." + part(jsonOf(t, claims))
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + part(string(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)))
}

// claims reads a token without checking it.
func claims(t *testing.T, token string) (c map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %q", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(fmt.Errorf("%w in %s", err, text))
	}
	return c
}
