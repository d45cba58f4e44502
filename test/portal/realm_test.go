package portal

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// aMinute is how long the realm's word may take to count here (contract portal.md,
// Build this).
const aMinute = time.Minute

// Given somebody in the portal, when the realm disables them, then they are refused
// within a minute, and let in again once it lets them in; the same where it deletes
// them, for good.
func TestWhoIsDisabledAtTheRealmIsOut(t *testing.T) {
	inWorld(t, func(w world) {
		ada := w.realm.Register("ada@example.test", "Ada", "Lovelace", true)
		tokens := w.signIn(ada)
		if got := w.call(http.MethodGet, tokens.Access, nil); got.Status != http.StatusOK || got.UUID != ada.Subject {
			w.Fatalf("signed in: %+v", got)
		}
		w.realm.Enable(ada, false)
		w.soon("refused", aMinute, func() bool {
			return w.call(http.MethodGet, tokens.Access, nil).Status == http.StatusForbidden
		})
		w.realm.Enable(ada, true)
		w.soon("in again", aMinute, func() bool {
			return w.call(http.MethodGet, w.signIn(ada).Access, nil).Status == http.StatusOK
		})
		again := w.signIn(ada)
		if got := w.call(http.MethodGet, again.Access, nil); got.Status != http.StatusOK {
			w.Fatalf("in again: %+v", got)
		}
		w.realm.Delete(ada)
		w.soon("refused once deleted", aMinute, func() bool {
			return w.call(http.MethodGet, again.Access, nil).Status == http.StatusForbidden
		})
	})
}

// Given an app's session, when the realm ends it, then its token is refused at once.
func TestALogOutAtTheRealmCountsAtOnce(t *testing.T) {
	beside(t, func(w world) {
		tom := w.realm.Register("tom@example.test", "Tom", "Rider", true)
		phone, tablet := w.signIn(tom), w.signIn(tom)
		for _, tokens := range []string{phone.Access, tablet.Access} {
			if got := w.call(http.MethodGet, tokens, nil); got.Status != http.StatusOK {
				w.Fatalf("signed in: %+v", got)
			}
		}
		w.realm.LogOut(tom)
		w.soon("both are out", 5*time.Second, func() bool {
			return w.call(http.MethodGet, phone.Access, nil).Status == http.StatusForbidden &&
				w.call(http.MethodGet, tablet.Access, nil).Status == http.StatusForbidden
		})
		if got := w.call(http.MethodGet, w.signIn(tom).Access, nil); got.Status != http.StatusOK {
			w.Errorf("signed in anew: %+v", got)
		}
	})
}

// Given a completed profile, then the realm has its group, and what the realm changes
// of groups arrives here within a minute; roles make operators.
func TestGroupsGoThereAndComeBack(t *testing.T) {
	inWorld(t, func(w world) {
		eve := w.realm.Register("eve@example.test", "Eve", "Driver", true)
		tokens := w.signIn(eve)
		if got := w.call(http.MethodPatch, tokens.Access, whole); got.Status != http.StatusOK || len(got.Missing) > 0 {
			w.Fatalf("completed: %+v", got)
		}
		w.soon("the realm has the group", 20*time.Second, func() bool { return slices.Contains(w.realm.Groups(eve), "/end_users") })
		in := func(group string) bool { return slices.Contains(w.show(eve.Subject).Groups, group) }
		w.soon("it is read back", 20*time.Second, func() bool { return in("/end_users") })
		w.realm.Join(eve, "/analysts")
		w.realm.Join(eve, "/portal_admins")
		w.soon("a group that the realm gave", aMinute, func() bool { return in("/analysts") && in("operator") })
		w.realm.Leave(eve, "/analysts")
		w.realm.Leave(eve, "/portal_admins")
		w.soon("a group that the realm took", aMinute, func() bool { return !in("/analysts") && !in("operator") && in("/end_users") })
	})
}

// Given a realm that cannot be reached, or talks nonsense, then who is known goes on
// by the token's signature, who is unknown is told to come again, and a group waits.
func TestTheRealmIsAway(t *testing.T) {
	inWorld(t, func(w world) {
		known := w.realm.Register("known@example.test", "Known", "Person", true)
		stranger := w.realm.Register("stranger@example.test", "New", "Person", true)
		tokens, unseen := w.signIn(known), w.signIn(stranger)
		if got := w.call(http.MethodGet, tokens.Access, nil); got.Status != http.StatusOK {
			w.Fatalf("signed in: %+v", got)
		}
		later := w.signIn(known)
		for what, away := range map[string]interface{ Store(bool) }{"down": &w.closed, "nonsense": &w.odd} {
			away.Store(true)
			if got := w.call(http.MethodGet, tokens.Access, nil); got.Status != http.StatusOK {
				w.Errorf("%s: a token that was seen: %+v", what, got)
			}
			if got := w.call(http.MethodGet, later.Access, nil); got.Status != http.StatusOK || got.UUID != known.Subject {
				w.Errorf("%s: a token that was not seen, of who is known: %+v", what, got)
			}
			if got := w.call(http.MethodGet, unseen.Access, nil); got.Status != http.StatusServiceUnavailable || got.RetryAfter == "" {
				w.Errorf("%s: who is unknown: %+v", what, got)
			}
			away.Store(false)
		}
		w.closed.Store(true)
		if got := w.call(http.MethodPatch, tokens.Access, whole); got.Status != http.StatusOK || len(got.Missing) > 0 {
			w.Errorf("completed meanwhile: %+v", got)
		}
		w.closed.Store(false)
		w.soon("the group waited", aMinute, func() bool { return slices.Contains(w.realm.Groups(known), "/end_users") })
		w.soon("who was unknown gets in", aMinute, func() bool { return w.call(http.MethodGet, unseen.Access, nil).Status == http.StatusOK })
	})
}

// The realm is asked once for a token, however often it is shown.
func TestATokenIsAskedAboutOnce(t *testing.T) {
	inWorld(t, func(w world) {
		tokens := w.signIn(w.realm.Register("often@example.test", "Often", "Here", true))
		w.call(http.MethodGet, tokens.Access, nil)
		w.closed.Store(true)
		for range 50 {
			if got := w.call(http.MethodGet, tokens.Access, nil); got.Status != http.StatusOK {
				w.Fatalf("shown again: %+v", got)
			}
		}
	})
}
