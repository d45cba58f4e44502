package oidc_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

// A key set at an address of its own is fetched without the discovery document, which
// is asked for where its other addresses are needed.
func TestAConfiguredKeySet(t *testing.T) {
	w := newCodeWorld(t, nil)
	c := w.config()
	c.ClientIDs, c.ClientSecret, c.JWKSURL = []string{idp.Client}, secret, w.idp.URL+"/certs"
	w.idp.Fail("/certs", func(rw http.ResponseWriter, _ *http.Request) {
		key := w.idp.Key()
		idp.JSON(rw, http.StatusOK, claims{"keys": []any{key.Public()}})
	})
	var err error
	if w.issuer, err = oidc.New(c); err != nil {
		t.Fatal(err)
	}
	w.idp.Lie("jwks_uri", "https://elsewhere.example.org/")
	w.proves(w.idp.ID("ada", nil), signin.IDToken)
	w.asked(0, 0)
	w.idp.Rotate()
	w.advance(11 * time.Second)
	w.proves(w.idp.ID("ada", nil), signin.IDToken)
	w.asked(0, 0)
	if n := w.idp.Asked("/certs"); n != 2 {
		t.Errorf("the keys were asked for %d times", n)
	}
	w.proves(w.idp.Access("ada", nil, nil), signin.AccessToken)
	w.brings(w.idp.ID("ada", claims{"nonce": ours}), "")
	w.exchanges()
	w.asked(1, 0)
	w.idp.Down()
	w.idp.Fail("/certs", nil)
	w.advance(25 * time.Hour)
	w.busy("no keys to be had", w.idp.ID("ada", nil), signin.IDToken)

	// Google's tokens, by keys on this machine: nothing else is asked.
	c.Issuer, c.Trust, c.TokenInfo = idp.GoogleURL, oidc.Google, ""
	w.idp.Up()
	w.idp.Fail("/certs", func(rw http.ResponseWriter, _ *http.Request) {
		key := w.idp.Key()
		idp.JSON(rw, http.StatusOK, claims{"keys": []any{key.Public()}})
	})
	if w.issuer, err = oidc.New(c); err != nil {
		t.Fatal(err)
	}
	now := w.now().Unix()
	google := claims{"iss": idp.GoogleURL, "iat": now, "exp": now + 600, "email": "amit@gmail.com", "email_verified": true}
	if p := w.proves(w.idp.ID("103547991597142817347", google), signin.IDToken); p.Addresses[0].Assurance != user.Proven {
		t.Errorf("%+v", p)
	}

	for address, good := range map[string]bool{
		"https://www.googleapis.com/oauth2/v3/certs": true, "http://127.0.0.1:9/certs": true, "http://localhost:9/certs": true,
		"http://keys.example.org/": false, "file:///etc/passwd": false, "keys": false, "https://a:b@keys.example.org/": false, "https://": false,
		"https://keys.example.org/#a": false,
	} {
		c.JWKSURL = address
		if _, err := oidc.New(c); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}
