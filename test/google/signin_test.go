package google

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
)

// amit has a mailbox of Google's; others do not, in one way or another.
const amit = "103547991597142817347"

var people = map[string]claims{
	amit:     {"email": "Amit.Kumar@gmail.com", "email_verified": true, "name": "Amit Kumar", "given_name": "Amit", "family_name": "Kumar"},
	"hosted": {"email": "amit@school.example.org", "email_verified": true, "hd": "school.example.org", "name": "Amit"},
	"own":    {"email": "amit@example.org", "email_verified": true, "name": "Amit"},
	"new":    {"email": "new@gmail.com", "email_verified": false, "name": "New"},
	"text":   {"email": "text@gmail.com", "email_verified": "true", "name": "Text"},
	"silent": {"email": "silent@gmail.com", "name": "Silent"},
	"nobody": {},
}

// Given a provider, whichever way it wants the secret and wherever it puts e-mail and
// name, when a person comes back with a code, then it proves who they are.
func TestACodeProvesAPerson(t *testing.T) {
	for _, s := range []settings{
		{"client_secret_basic", false, people},
		{"client_secret_post", false, people},
		{"client_secret_basic", true, people},
		{"client_secret_post", true, people},
	} {
		p := start(t, s)
		i := p.issuer()
		for sub, want := range map[string]struct {
			email, given string
			assure       user.Assurance
		}{
			amit:     {"amit.kumar@gmail.com", "Amit", user.Proven},
			"hosted": {"amit@school.example.org", "Amit", user.Proven},
			"own":    {"amit@example.org", "Amit", user.Attested},
			"new":    {"new@gmail.com", "New", user.Asserted},
			"text":   {"text@gmail.com", "Text", user.Asserted},
			"silent": {"silent@gmail.com", "Silent", user.Asserted},
		} {
			got, err := i.Exchange(t.Context(), p.code(i, sub), verifier, back, nonce)
			if err != nil {
				t.Fatalf("%+v: %s: %v", s.secretBy, sub, err)
			}
			if got.Identity != (user.IdentityKey{Issuer: p.URL, Subject: sub}) || len(got.Addresses) != 1 ||
				got.Addresses[0].Key != want.email || got.Addresses[0].Assurance != want.assure || *got.Facts[user.GivenName] != want.given {
				t.Errorf("%s, conforming %v: %s: %+v", s.secretBy, s.conform, sub, got)
			}
		}
		got, err := i.Exchange(t.Context(), p.code(i, "nobody"), verifier, back, nonce)
		if err != nil || len(got.Addresses) != 0 || len(got.Facts) != 0 {
			t.Errorf("somebody without e-mail and name: %+v, %v", got, err)
		}
	}
}

// Given a code, when anything about it is not as it was when it was asked for, then it
// proves nothing; and no code does twice.
func TestCodesThatAreNotOurs(t *testing.T) {
	p := start(t, settings{"client_secret_basic", false, people})
	i := p.issuer()
	other := strings.Repeat("v", 43)
	for _, c := range []struct{ what, verifier, back, nonce, why string }{
		{"another's verifier", other, back, nonce, "the code is not taken"},
		{"another way back", verifier, back + "/", nonce, "the code is not taken"},
		{"another's nonce", verifier, back, "another", "nonce is not ours"},
	} {
		_, err := i.Exchange(t.Context(), p.code(i, amit), c.verifier, c.back, c.nonce)
		if no, ok := errors.AsType[*signin.Unproven](err); !ok || no.Why != c.why {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	code := p.code(i, amit)
	if _, err := i.Exchange(t.Context(), code, verifier, back, nonce); err != nil {
		t.Fatal(err)
	}
	for what, code := range map[string]string{"a code twice": code, "a made-up code": "4/0AX4XfWh", "a changed code": code[:len(code)-1] + "!"} {
		_, err := i.Exchange(t.Context(), code, verifier, back, nonce)
		if no, ok := errors.AsType[*signin.Unproven](err); !ok || no.Why != "the code is not taken" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A wrong secret is the operator's fault: the log says so, and the person is asked to
// come again.
func TestAWrongSecret(t *testing.T) {
	p := start(t, settings{"client_secret_basic", false, people})
	var said bytes.Buffer
	c := p.config(&said)
	c.ClientSecret = "another"
	i, err := oidc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.Exchange(t.Context(), p.code(i, amit), verifier, back, nonce)
	if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Busy {
		t.Errorf("%v", err)
	}
	if !strings.Contains(said.String(), "status 401 invalid_client") || strings.Contains(said.String(), "another") {
		t.Errorf("the log says %q", &said)
	}
}

// An app hands on the token it got: the same person, and the same token.
func TestTokensOfAnApp(t *testing.T) {
	p := start(t, settings{"client_secret_basic", false, people})
	i := p.issuer()
	id, access := p.tokens(i, amit)
	got, err := i.Prove(t.Context(), id, signin.IDToken)
	if err != nil {
		t.Fatal(err)
	}
	if got.Identity.Subject != amit || len(got.Addresses) != 1 || got.Addresses[0].Assurance != user.Proven {
		t.Errorf("%+v", got)
	}
	again, err := i.Prove(t.Context(), id, signin.IDToken)
	if err != nil || again.Once != got.Once {
		t.Errorf("one token has two names: %v", err)
	}
	next, _ := p.tokens(i, amit)
	if other, err := i.Prove(t.Context(), next, signin.IDToken); err != nil || other.Once == got.Once {
		t.Errorf("two tokens have one name: %v", err)
	}
	// Verified by the keys alone, where they are configured.
	byKeys := p.issuer(func(c *oidc.Config) { c.JWKSURL = p.URL + "/jwks" })
	if same, err := byKeys.Prove(t.Context(), id, signin.IDToken); err != nil || same.Identity != got.Identity {
		t.Errorf("by a configured key set: %+v, %v", same, err)
	}
	for what, c := range map[string]struct {
		text string
		kind signin.TokenKind
		by   *oidc.Issuer
	}{
		"the access token for an ID token": {access, signin.IDToken, i},
		"the access token, opaque":         {access, signin.AccessToken, i},
		"the ID token for an access token": {id, signin.AccessToken, i},
		"made for another client":          {id, signin.IDToken, p.issuer(func(c *oidc.Config) { c.ClientIDs = []string{"another"} })},
	} {
		_, err := c.by.Prove(t.Context(), c.text, c.kind)
		if _, ok := errors.AsType[*signin.Unproven](err); !ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := p.issuer(func(c *oidc.Config) { c.Issuer += "/" }).Prove(t.Context(), id, signin.IDToken); err == nil {
		t.Error("an issuer of another name took the token")
	}
	// The provider's own word is that the client is registered for one way back.
	to, err := i.AuthURL(t.Context(), state, nonce, challenge, "https://evil.example.org/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("another way back: %s", res.Status)
	}
}
