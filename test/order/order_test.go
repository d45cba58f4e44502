package order

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

const (
	adasPassword = "tulips-in-the-engine-room"
	adasORCID    = "0000-0002-1825-0097"
	adasURL      = "https://orcid.org/" + adasORCID
	adasGoogle   = "103547991597142817347" // sub
)

// ada is how the partner's system describes her.
func ada() map[string]any {
	return map[string]any{
		"username": "ada.lovelace", "email": "Ada@Example.org", "emailVerified": true, "password": adasPassword,
		"firstName": "Ada", "lastName": "Lovelace", "locale": "en",
		"identities": []map[string]string{{"issuer": "https://orcid.org", "subject": adasORCID}},
	}
}

// came is who ada is after she was heard of at both doors.
type came struct {
	sunbirdID string
	ediID     string
	rec       record
}

// step is what one door does about ada.
type step struct {
	door string
	take func(w *world, c *came)
}

// steps are the doors ada can be heard of through. A door that opens is a line
// here, and its orders are played with those of the others.
func steps() []step {
	return []step{
		{"partner", func(w *world, c *came) { c.rec = w.sync(ada()) }},
		{"edi", func(w *world, c *came) {
			c.ediID = w.reserve(adasURL)
			// A grant to somebody who may never have been here.
			w.CLI("group", "add", "Vetted", c.ediID)
		}},
		{"gqlauth", func(w *world, _ *came) {
			w.register("Ada@Example.org", "adal", adasPassword)
			if got := w.activate(w.links("Ada@example.org", 1)[0]); !got.Success {
				w.t.Fatalf("the link: %+v", got.Errors)
			}
		}},
		{"sunbird", func(w *world, c *came) { c.sunbirdID = w.byGoogle(adasGoogle, "Ada@example.org", "Ada", "Lovelace") }},
	}
}

// Given a person whom the partner syncs and EDI reserves a profile for, both
// under the same identity, who signs up with the address that the partner vouches
// for, and for whose mailbox Google answers, when that happens in any order, then it is one user
// with the same canonical profile, who signs in with the partner's password
// and has what was granted to the reservation.
func TestOnePersonThroughTheDoorsInAnyOrder(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		profiles := map[string]map[string]*string{}
		for _, order := range permutations(steps()) {
			name := ""
			for _, s := range order {
				name += s.door + " "
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, store)
				var c came
				for _, s := range order {
					s.take(w, &c)
				}
				profiles[name] = isOneUser(w, c)
			})
		}
		names := slices.Sorted(maps.Keys(profiles))
		for _, n := range names[1:] {
			if !reflect.DeepEqual(profiles[n], profiles[names[0]]) {
				t.Errorf("the canonical profile depends on the order:\n%s: %s\n%s: %s",
					names[0], spell(profiles[names[0]]), n, spell(profiles[n]))
			}
		}
	})
}

// Given a person whom EDI reserves a profile for by nothing but their address,
// whom the partner vouches for, and who signs up with it, when that happens in any
// order, then the link claims a reservation that was there before it, and one made
// since waits for the next proof; then it is one user with the same canonical
// profile and what was granted.
func TestOnePersonReservedByAddressInAnyOrder(t *testing.T) {
	const anew = "osmium-and-iridium"
	address := []step{
		{"partner", func(w *world, c *came) {
			said := ada()
			delete(said, "identities")
			c.rec = w.sync(said)
		}},
		{"edi", func(w *world, c *came) {
			c.ediID = w.reserve("ADA@example.org")
			w.CLI("group", "add", "Vetted", c.ediID)
		}},
		steps()[2],
	}
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		var first map[string]*string
		for _, order := range permutations(address) {
			name, at := "", map[string]int{}
			for i, s := range order {
				name, at[s.door] = name+s.door+" ", i
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, store)
				var c came
				for _, s := range order {
					s.take(w, &c)
				}
				her, reserved := w.show(c.rec.ID), w.show(c.ediID)
				if claimed := reserved.ID == her.ID; claimed != (at["edi"] < at["gqlauth"]) || !claimed && reserved.Status != "reserved" {
					t.Errorf("the reservation is %s (%s), she is %s", reserved.ID, reserved.Status, her.ID)
				}
				if w.show("ada@example.org").ID != her.ID {
					t.Error("the address leads to somebody else")
				}
				pk := w.tokenAuth("ada@example.org", adasPassword).User.PK

				w.mutate(`sendPasswordResetEmail(email: "ada@example.org")`)
				if got := w.reset(w.links("Ada@example.org", 2)[1], anew); !got.Success {
					t.Fatalf("the reset: %+v", got.Errors)
				}

				her = w.show(c.rec.ID)
				for _, ref := range []string{c.ediID, "ada@example.org", "ada.lovelace", w.ediToken(c.rec.ID).EDIID} {
					if p := w.show(ref); p.ID != her.ID || p.Status != "active" {
						t.Errorf("%s leads to %s (%s), wanted %s", ref, p.ID, p.Status, her.ID)
					}
				}
				if !slices.Contains(her.Groups, "Vetted") {
					t.Errorf("groups %v, and Vetted was granted to the reservation", her.Groups)
				}
				if there := slices.DeleteFunc(w.users(), func(p person) bool { return p.Status == "merged" }); len(there) != w.before+1 {
					t.Errorf("%d users, and there were %d before her", len(there), w.before)
				}
				if in := w.signIn("ada@example.org", anew); in.UserID != c.rec.ID {
					t.Errorf("signed in as %s, wanted %s", in.UserID, c.rec.ID)
				}
				if in := w.tokenAuth("ada@example.org", anew); in.User.PK != pk || in.User.Username != "adal" {
					t.Errorf("at the GraphQL door she is %+v, and was %d", in.User, pk)
				}
				w.keptOut("ada@example.org", adasPassword)
				if first == nil {
					first = her.Profile
				}
				if !reflect.DeepEqual(her.Profile, first) {
					t.Errorf("the canonical profile depends on the order: %s, and %s", spell(her.Profile), spell(first))
				}
			})
		}
	})
}

// isOneUser asserts all that must hold of ada whichever way she came, and gives
// her canonical profile.
func isOneUser(w *world, c came) map[string]*string {
	t := w.t
	t.Helper()
	partner, edi := w.show(c.rec.ID), w.show(c.ediID)
	if p := w.show(c.sunbirdID); p.ID != partner.ID {
		t.Errorf("at the Sunbird door she is %s, and %s at the partner's", p.ID, partner.ID)
	}
	if partner.ID != edi.ID {
		t.Fatalf("two users: %s at the partner's, %s at EDI", partner.ID, edi.ID)
	}
	if byIdentity := w.show(adasURL); byIdentity.ID != edi.ID {
		t.Errorf("the identity leads to %s, not to %s", byIdentity.ID, edi.ID)
	}
	if partner.Status != "active" {
		t.Errorf("status %s, wanted active", partner.Status)
	}
	there := slices.DeleteFunc(w.users(), func(p person) bool { return p.Status == "merged" })
	if n := len(there); n != w.before+1 {
		t.Errorf("%d users, and there were %d before her", n, w.before)
	}

	in := w.signIn("ada@example.org", adasPassword)
	if in.UserID != c.rec.ID {
		t.Errorf("signed in as %s, wanted %s", in.UserID, c.rec.ID)
	}
	if again := w.signIn("ada.lovelace", adasPassword); again.UserID != c.rec.ID {
		t.Errorf("signed in by username as %s, wanted %s", again.UserID, c.rec.ID)
	}

	if signed := w.tokenAuth("ada@example.org", adasPassword); !signed.Success || w.me(signed.Token) != "adal" {
		t.Errorf("at the GraphQL door she is %+v", signed)
	}

	minted := w.ediToken(c.rec.ID)
	if minted.EDIID != c.ediID {
		t.Errorf("the edi-token is for %s, and %s was reserved", minted.EDIID, c.ediID)
	}
	own := w.profile(c.ediID, minted.cookie())
	if text(own.CommonName) != "Ada Lovelace" || text(own.Email) != "Ada@Example.org" {
		t.Errorf("the EDI profile is %s <%s>", text(own.CommonName), text(own.Email))
	}

	if !slices.Contains(partner.Groups, "Vetted") {
		t.Errorf("groups %v, and Vetted was granted to the reservation", partner.Groups)
	}
	a := harness.Send(t, harness.Ask{
		Method: http.MethodPost, URL: w.Public + "/auth/v1/profile", Cookie: minted.cookie(),
		Body: map[string]string{"idp_uid": adasURL},
	})
	var same struct {
		EDIID string `json:"edi_id"`
	}
	if a.JSON(t, http.StatusOK, &same); same.EDIID != c.ediID {
		t.Errorf("the profile of the same identity is %s, wanted %s", same.EDIID, c.ediID)
	}
	w.sync(ada())
	if after := w.show(c.rec.ID); after.ID != partner.ID || !reflect.DeepEqual(after.Profile, partner.Profile) {
		t.Errorf("the same feed again changed %s into %s", spell(partner.Profile), spell(after.Profile))
	}
	if access, _ := w.alive(in); !access {
		t.Error("the same feed again ended a session")
	}
	return partner.Profile
}

func permutations[T any](of []T) [][]T {
	if len(of) <= 1 {
		return [][]T{of}
	}
	var all [][]T
	for i := range of {
		rest := append(slices.Clone(of[:i]), of[i+1:]...)
		for _, p := range permutations(rest) {
			all = append(all, append([]T{of[i]}, p...))
		}
	}
	return all
}

func spell(p map[string]*string) string {
	s := ""
	for _, k := range slices.Sorted(maps.Keys(p)) {
		s += fmt.Sprintf("%s=%s ", k, text(p[k]))
	}
	return s
}
