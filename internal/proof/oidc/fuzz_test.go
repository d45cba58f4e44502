package oidc_test

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/test/oidc/idp"
)

// Whatever a client sends as a token, it is refused without a fault, unless it
// is one that the provider made, to the letter.
func FuzzProve(f *testing.F) {
	provider := idp.New(f)
	issuer, err := oidc.New(oidc.Config{
		Issuer: provider.URL, ClientIDs: []string{idp.Client}, Trust: oidc.Google,
		Source: "google", Purpose: "partner", Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now,
	})
	if err != nil {
		f.Fatal(err)
	}
	good := provider.ID("ada", claims{"email": "ada@gmail.com", "email_verified": true})
	f.Add(good, true)
	f.Add(good[:len(good)-1], true)
	f.Add(provider.Access("ada", nil, nil), false)
	f.Add(strings.ReplaceAll(good, ".", ".."), true)
	f.Fuzz(func(t *testing.T, text string, id bool) {
		kind := signin.AccessToken
		if id {
			kind = signin.IDToken
		}
		p, err := issuer.Prove(t.Context(), text, kind)
		if err == nil {
			if id && text != good || p.Identity.Subject != "ada" {
				t.Fatalf("%q proves %+v", text, p)
			}
			return
		}
		if _, ok := errors.AsType[*signin.Unproven](err); !ok {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
