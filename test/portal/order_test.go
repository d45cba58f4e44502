package portal

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/testkeycloak"
	"github.com/usher-id/usher/test/harness"
)

const password = "osmium-and-iridium-9"

// way is how a person comes through a door; each time they carry the same proven
// e-mail.
type way struct {
	name string
	come func(w world, who testkeycloak.Person)
}

var (
	byPortal = way{"portal", func(w world, who testkeycloak.Person) {
		if got := w.call(http.MethodGet, w.signIn(who).Access, nil); got.Status != http.StatusOK || got.LinkPending {
			w.Fatalf("at the portal: %+v", got)
		}
	}}
	byPartner = way{"partner", func(w world, who testkeycloak.Person) { w.synced(who.Email, true) }}
	bySignUp  = way{"graphql", func(w world, who testkeycloak.Person) {
		w.signsUp(who.Email)
		var link []string
		w.soon("the link is mailed", 20*time.Second, func() bool {
			link = regexp.MustCompile(`/activate/(\S+)`).FindStringSubmatch(w.mails(who.Email))
			return link != nil
		})
		if !w.mutates(fmt.Sprintf(`verifyAccount(token: %q)`, link[1])) {
			w.Fatal("the link does not work")
		}
	}}
	byOperator = way{"operator", func(w world, who testkeycloak.Person) {
		w.CLI("user", "create", "--email", who.Email, "--verified", "--reason", "known to us")
	}}
)

func (w world) signsUp(email string) {
	w.Helper()
	if !w.mutates(fmt.Sprintf(`register(email: %q, username: "ada", password1: %q, password2: %q)`, email, password, password)) {
		w.Fatalf("signing up %s", email)
	}
}

// mutates runs a mutation and says whether it succeeded.
func (w world) mutates(call string) bool {
	w.Helper()
	var got struct {
		Data map[string]struct{ Success bool }
	}
	a := harness.Send(w.T, harness.Ask{Method: http.MethodPost, URL: w.Public + "/graphql", Body: map[string]any{"query": "mutation { " + call + " { success errors } }"}})
	a.JSON(w.T, http.StatusOK, &got)
	for _, o := range got.Data {
		return o.Success
	}
	return false
}

// Given a realm that is authoritative, when a person comes through its portal and one
// other door, in either order, then they are one user, and their profile does not
// depend on the order.
func TestOneUserWhicheverDoorComesFirst(t *testing.T) {
	for _, other := range []way{byPartner, bySignUp, byOperator} {
		profiles := map[string][]string{}
		for _, order := range [][]way{{byPortal, other}, {other, byPortal}} {
			t.Run(order[0].name+" then "+order[1].name, func(t *testing.T) {
				inWorld(t, func(w world) {
					ada := w.realm.Register("ada@example.test", "Ada", "Lovelace", true)
					for _, way := range order {
						way.come(w, ada)
					}
					one := w.show(ada.Subject)
					if by := w.show(ada.Email); by.ID != one.ID || by.Status != "active" {
						w.Errorf("%s by the realm, %+v by the address", one.ID, by)
					}
					profiles[other.name] = append(profiles[other.name], fmt.Sprint(one.Name, " ", one.Email))
				}, "USHER_DOORS_PORTAL_AUTHORITATIVE=true")
			})
		}
		for _, p := range profiles[other.name] {
			if p != profiles[other.name][0] {
				t.Errorf("with %s the profile depends on the order: %q", other.name, profiles[other.name])
			}
		}
	}
}

// Given somebody who signs up with another's address and cannot prove it, when its
// owner comes through the portal, then the account is the owner's alone: the password
// of the sign-up opens nothing.
func TestASquatterIsOut(t *testing.T) {
	inWorld(t, func(w world) {
		w.signsUp("ada@example.test")
		ada := w.realm.Register("ada@example.test", "Ada", "Lovelace", true)
		byPortal.come(w, ada)
		if w.mutates(fmt.Sprintf(`tokenAuth(email: "ada@example.test", password: %q)`, password)) {
			w.Error("the squatter's password signs in")
		}
		if one := w.show(ada.Subject); one.ID != w.show("ada@example.test").ID || one.Status != "active" {
			w.Errorf("the owner is %+v", one)
		}
	}, "USHER_DOORS_PORTAL_AUTHORITATIVE=true")
}

// The reverse: somebody who registers at the realm with another's address, which the
// realm has not verified, gets nothing of theirs.
func TestASquatterAtTheRealm(t *testing.T) {
	inWorld(t, func(w world) {
		bySignUp.come(w, testkeycloak.Person{Email: "ada@example.test"})
		owner := w.show("ada@example.test").ID
		eve := w.realm.Register("ada@example.test", "Eve", "Other", false)
		if got := w.call(http.MethodGet, w.signIn(eve).Access, nil); got.Status != http.StatusOK {
			w.Fatalf("at the portal: %+v", got)
		}
		if w.show(eve.Subject).ID == owner || w.show("ada@example.test").ID != owner {
			w.Error("the address changed hands")
		}
		if !w.mutates(fmt.Sprintf(`tokenAuth(email: "ada@example.test", password: %q)`, password)) {
			w.Error("the owner is out")
		}
	}, "USHER_DOORS_PORTAL_AUTHORITATIVE=true")
}
