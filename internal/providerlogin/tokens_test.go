package providerlogin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/providerlogin"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

// builtIn is the policy where none was applied.
type builtIn struct{}

func (builtIn) Current() policy.Policy { return policy.Default() }

// signed is a desk that real tokens come to, verified as Google's are.
type signed struct {
	*world
	idp *idp.Issuer
}

func newSigned(t *testing.T) signed {
	t.Helper()
	db := storetest.SQLite(t)
	if err := group.New(db).System(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := idp.New(t)
	verifier, err := oidc.New(oidc.Config{
		Issuer: p.URL, ClientIDs: []string{"web.example.org", idp.Client}, Trust: oidc.Google, Source: source, Purpose: "sunbird",
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	people := &onboarding.Service{Store: db, Policies: builtIn{}}
	w := &world{T: t, store: db, people: people, sessions: session.New(db, nil, session.EDI{}, time.Now)}
	w.google = &providerlogin.Service{Store: db, Policies: builtIn{}, Prover: verifier, People: people, Sessions: w.sessions, PublicURL: publicURL}
	return signed{w, p}
}

type claims = map[string]any

// person is what a token says of somebody whose mailbox the provider keeps.
func person(change claims) claims {
	all := claims{"email": "ada@gmail.com", "email_verified": true, "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace"}
	for k, v := range change {
		all[k] = v
	}
	return all
}

func (s signed) create(token, email string) (onboarding.Made, error) {
	return s.google.Create(s.Context(), onboarding.Form{FirstName: "Ada", Email: &onboarding.Said{Key: email, Display: email}}, token)
}

// Given tokens whose provider says this and that of an e-mail, then it is verified
// where email_verified is JSON's true, and owned where the provider keeps the mailbox
// or the domain (contract B.3; design, section 3).
func TestWhatATokenSaysOfAnEmail(t *testing.T) {
	s := newSigned(t)
	for i, c := range []struct {
		what        string
		email       string
		change      claims
		made, owned bool
	}{
		{"a mailbox of the provider's", "a@gmail.com", claims{"email_verified": true}, true, true},
		{"one of a domain that the provider runs", "b@school.example.org", claims{"email_verified": true, "hd": "school.example.org"}, true, true},
		{"one of somebody else's", "c@example.org", claims{"email_verified": true}, true, false},
		{"true in quotes", "d@gmail.com", claims{"email_verified": "true"}, false, false},
		{"a number", "e@gmail.com", claims{"email_verified": 1}, false, false},
		{"a list", "f@gmail.com", claims{"email_verified": []bool{true}}, false, false},
		{"an object", "g@gmail.com", claims{"email_verified": claims{"true": true}}, false, false},
		{"false", "h@gmail.com", claims{"email_verified": false}, false, false},
		{"null", "i@gmail.com", claims{"email_verified": json.RawMessage("null")}, false, false},
		{"nothing", "j@gmail.com", claims{"email_verified": nil}, false, false},
		{"another claim by nearly its name", "k@gmail.com", claims{"email_verified": nil, "Email_Verified": true, "emailVerified": true}, false, false},
		{"a domain without a word about the address", "l@school.example.org", claims{"email_verified": nil, "hd": "school.example.org"}, false, false},
	} {
		change := person(claims{"email": c.email})
		for k, v := range c.change {
			change[k] = v
		}
		made, err := s.create(s.idp.ID("create"+string(rune('a'+i)), change), c.email)
		if !c.made {
			s.Log(c.what)
			s.refused(err, user.Refuse(user.BadToken, "token", "why", "the provider does not vouch for the address"))
			pair, err := s.google.Token(s.Context(), s.idp.ID("in"+string(rune('a'+i)), change), c.email, "android")
			s.refused(err, unnamed)
			if _, err := s.sessions.Access(s.Context(), pair.Access); err == nil {
				s.Error("in")
			}
			continue
		}
		if err != nil || made.ID == "" || (s.owner(c.email) != "") != c.owned {
			s.Errorf("%s: made %+v, %v; owner %q", c.what, made, err, s.owner(c.email))
		}
	}
}

// Given tokens that are not what the provider made for usher just now, then nobody is
// made and nobody is in (contract B.3).
func TestTokensThatProveNothing(t *testing.T) {
	s := newSigned(t)
	strange, err := rsa.GenerateKey(rand.Reader, 2048)
	s.ok(err)
	forged := func(alg jose.SignatureAlgorithm, key any) string {
		doc, err := json.Marshal(s.idp.Claims("eve", person(nil)))
		s.ok(err)
		return idp.Sign(t, alg, key, "JWT", string(doc))
	}
	now := time.Now()
	good := s.idp.ID("eve", person(nil))
	for what, token := range map[string]string{
		"nothing":                   "",
		"no token":                  "a.b.c",
		"for another client":        s.idp.ID("eve", person(claims{"aud": "evil.example.net"})),
		"for nobody":                s.idp.ID("eve", person(claims{"aud": nil})),
		"for another, and a friend": s.idp.ID("eve", person(claims{"aud": []string{"evil.example.net", idp.Client}, "azp": "evil.example.net"})),
		"of another issuer":         s.idp.ID("eve", person(claims{"iss": "https://accounts.evil.example.net"})),
		"of no issuer":              s.idp.ID("eve", person(claims{"iss": nil})),
		"over":                      s.idp.ID("eve", person(claims{"iat": now.Add(-2 * time.Hour).Unix(), "exp": now.Add(-time.Hour).Unix()})),
		"without an end":            s.idp.ID("eve", person(claims{"exp": nil})),
		"of nobody":                 s.idp.ID("eve", person(claims{"sub": nil})),
		"of an empty subject":       s.idp.ID("", person(nil)),
		"of a number":               s.idp.ID("eve", person(claims{"sub": 7})),
		"signed by another":         forged(jose.RS256, strange),
		"signed with a secret":      forged(jose.HS256, []byte("a secret that is long enough to be one")),
		"without a signature":       idp.Reheaded(good[:strings.LastIndexByte(good, '.')+1], `{"alg":"none"}`),
		"with another header":       idp.Reheaded(good, `{"alg":"none"}`),
		"cut":                       good[:len(good)-2],
	} {
		made, err := s.create(token, "ada@gmail.com")
		if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.BadToken || no.Field != "token" || made.ID != "" {
			t.Errorf("%s: made %+v, %v", what, made, err)
		}
		_, err = s.google.Token(t.Context(), token, "ada@gmail.com", "android")
		if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.BadToken || no.Field != "token" {
			t.Errorf("%s: in by it, %v", what, err)
		}
	}
	if got := s.written(); got.users != 0 || got.sessions != 0 {
		t.Errorf("wrote %+v", got)
	}
	if _, err := s.create(good, "ada@gmail.com"); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// Given one token in two texts, or one without an id, then it is good once.
func TestATokenIsGoodOnceWhateverItsText(t *testing.T) {
	s := newSigned(t)
	in := func(token string) error {
		_, err := s.google.Token(t.Context(), token, "ada@gmail.com", "android")
		return err
	}
	c := s.idp.Claims("ada", person(claims{"jti": "one"}))
	s.ok(in(s.idp.Sign(c)))
	c["locale"] = "en" // another text, the same id
	s.refused(in(s.idp.Sign(c)), used)
	bare := s.idp.ID("ada", person(claims{"jti": nil}))
	s.ok(in(bare))
	s.refused(in(bare), used)
	s.ok(in(s.idp.ID("ada", person(nil))))
}

// Given an e-mail as its owner writes it and as the provider does, then it is one
// address.
func TestAnEmailInCapitals(t *testing.T) {
	s := newSigned(t)
	made, err := s.create(s.idp.ID("ada", person(claims{"email": "Ada@Gmail.com"})), "ada@gmail.com")
	if err != nil || made.ID == "" {
		t.Errorf("made %+v, %v", made, err)
	}
}

// Given a token that names nobody, then somebody new is refused, and made where the
// caller's form names them.
func TestATokenWithoutAName(t *testing.T) {
	s := newSigned(t)
	nameless := claims{"name": nil, "given_name": nil, "family_name": nil}
	_, err := s.google.Token(t.Context(), s.idp.ID("ada", person(nameless)), "ada@gmail.com", "android")
	s.refused(err, unnamed)
	_, err = s.google.Token(t.Context(), s.idp.ID("ada", person(claims{"name": "  ", "given_name": nil, "family_name": nil})), "ada@gmail.com", "android")
	s.refused(err, unnamed)
	if _, err := s.create(s.idp.ID("ada", person(nameless)), "ada@gmail.com"); err != nil {
		t.Error(err)
	}
}
