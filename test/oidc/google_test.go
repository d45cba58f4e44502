package oidc

import (
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/oidc/idp"
)

const googleSub = "103547991597142817347" // 21 digits

// Given a profile that EDI made for somebody's Google account, when they sign in
// with Google at the partner door, then they are that user. Google's word about
// an address counts where Google keeps the mailbox.
func TestGoogle(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) {
		w := &world{T: t}
		o := s.Empty(t)
		w.idp, o.Env = idp.Google(t)
		o.Args = []string{"--doors.partner.oidc.issuer", idp.GoogleURL, "--doors.partner.oidc.client_ids", idp.Client}
		w.Server = harness.Start(t, o)
		ediID := w.reserve(googleSub)

		in := w.in("google", "idtoken", w.idp.ID(googleSub, claims{"email": "ada@gmail.com", "email_verified": true, "name": "Ada Lovelace"}))

		p := w.show(in.UserID)
		if p.ID != w.show(ediID).ID || p.Status != "active" || p.Identities[0].Reserved || p.Identities[0].Issuer != idp.GoogleURL ||
			*p.Profile["email_verified"] != "true" || *p.Profile["given_name"] != "Ada Lovelace" {
			t.Errorf("the reservation is %+v, signed in as %+v", w.show(ediID), p)
		}
		if got := w.show("ada@gmail.com"); got.ID != p.ID {
			t.Errorf("the address leads to %s", got.ID)
		}
		// An opaque access token, as Google's are: text through and through.
		const opaque = "ya29.a0Af-opaque..."
		exp := time.Now().Add(time.Hour).Unix()
		w.idp.Issued(opaque, claims{"aud": idp.Client, "azp": idp.Client, "sub": googleSub, "exp": exp, "email": "ada@gmail.com", "email_verified": "true"})
		w.idp.Knows(opaque, claims{"sub": googleSub, "email": "ada@gmail.com", "email_verified": true})
		if got := w.in("google", "accesstoken", opaque); got.UserID != in.UserID {
			t.Errorf("the access token led to %s", got.UserID)
		}
		w.out("the same again", login("google", "accesstoken", opaque))
		const foreign = "ya29.for-another"
		w.idp.Issued(foreign, claims{"aud": "stranger", "azp": "stranger", "sub": googleSub, "exp": exp})
		w.idp.Knows(foreign, claims{"sub": googleSub})
		w.out("a token for another client", login("google", "accesstoken", foreign))
		// An address that Google does not keep leads to nobody's user.
		w.sync(claims{"username": "bob", "email": "bob@example.org", "emailVerified": true, "password": word})
		bob := claims{"email": "bob@example.org", "email_verified": true}
		w.out("an address kept elsewhere", login("google", "idtoken", w.idp.ID("1", bob)))
		bob["hd"] = "example.org"
		if got := w.in("google", "idtoken", w.idp.ID("1", bob)); w.show(got.UserID).ID != w.show("bob").ID {
			t.Error("a customer's address did not lead to its user")
		}
	})
}
