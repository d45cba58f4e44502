package order

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// graphql sends a document and gives the data of its answer.
func (w *world) graphql(jwt, document string, into any) {
	w.t.Helper()
	ask := harness.Ask{Method: http.MethodPost, URL: w.Public + "/graphql", Body: map[string]string{"query": document}}
	if jwt != "" {
		ask.Header = http.Header{"Authorization": {"JWT " + jwt}}
	}
	answer := struct{ Data any }{into}
	harness.Send(w.t, ask).JSON(w.t, http.StatusOK, &answer)
}

// form is what every mutation answers.
type form struct {
	Success bool
	Errors  map[string][]struct{ Message, Code string }
}

func (w *world) mutate(field string) form {
	w.t.Helper()
	return w.mutateAs("", field)
}

// mutateAs is mutate for whoever a login token opens.
func (w *world) mutateAs(jwt, field string) form {
	w.t.Helper()
	var data map[string]form
	w.graphql(jwt, "mutation { it: "+field+" { success errors } }", &data)
	return data["it"]
}

func (w *world) register(email, username, password string) {
	w.t.Helper()
	got := w.mutate(fmt.Sprintf(`register(email: %q, username: %q, password1: %q, password2: %[3]q)`, email, username, password))
	if !got.Success {
		w.t.Fatalf("registering %s: %+v", email, got.Errors)
	}
}

var linked = regexp.MustCompile(`/(?:activate|password-reset)/(\S+)`)

// links gives the tokens of the links that were mailed to an address, once there
// are n.
func (w *world) links(email string, n int) (tokens []string) {
	w.t.Helper()
	for range 100 {
		var inbox struct{ Messages []struct{ Text string } }
		harness.Send(w.t, harness.Ask{Method: http.MethodGet, URL: w.Public + "/dev/inbox.json?to=" + url.QueryEscape(email)}).
			JSON(w.t, http.StatusOK, &inbox)
		tokens = nil
		for _, m := range inbox.Messages {
			if found := linked.FindStringSubmatch(m.Text); found != nil {
				tokens = append(tokens, found[1])
			}
		}
		if len(tokens) >= n {
			return tokens
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("%d links were mailed to %s, wanted %d", len(tokens), email, n)
	return nil
}

func (w *world) activate(token string) form {
	w.t.Helper()
	return w.mutate(fmt.Sprintf("verifyAccount(token: %q)", token))
}

func (w *world) reset(token, password string) form {
	w.t.Helper()
	return w.mutate(fmt.Sprintf("passwordReset(token: %q, newPassword1: %q, newPassword2: %[2]q)", token, password))
}

// member is what tokenAuth gives.
type member struct {
	form
	Token        string
	RefreshToken string
	User         struct {
		PK       int
		Username string
		Verified bool
	}
}

func (w *world) tokenAuth(email, password string) member {
	w.t.Helper()
	var data struct{ TokenAuth member }
	w.graphql("", fmt.Sprintf(`mutation { tokenAuth(email: %q, password: %q) { success errors token refreshToken user { pk username verified } } }`, email, password), &data)
	return data.TokenAuth
}

// me is the username that a login token opens; empty for nobody's.
func (w *world) me(jwt string) string {
	w.t.Helper()
	var data struct{ Me *struct{ Username string } }
	w.graphql(jwt, "{ me { username } }", &data)
	if data.Me == nil {
		return ""
	}
	return data.Me.Username
}

// says asserts that a form failed for one reason.
func (w *world) says(got form, code string) {
	w.t.Helper()
	for _, errs := range got.Errors {
		if got.Success || len(errs) != 1 || errs[0].Code != code {
			break
		}
		return
	}
	w.t.Errorf("%+v, wanted %s", got, code)
}

// Given an intruder's sign-up with the victim's address, which it never proves,
// when the victim comes, by whatever doors and in whatever order, then the victim
// is in sole control: the intruder's password, links and tokens open nothing.
func TestTheIntruderSignsUpBeforeTheVictimComes(t *testing.T) {
	doors := []struct {
		name string
		come func(w *world)
	}{
		{"partner", func(w *world) {
			w.sync(map[string]any{"username": "victor.victim", "email": victimsEmail, "emailVerified": true, "password": victimsPassword})
		}},
		{"gqlauth", func(w *world) {
			w.register(victimsEmail, "victim", victimsPassword)
			tokens := w.links(victimsEmail, 2)
			if got := w.activate(tokens[len(tokens)-1]); !got.Success {
				w.t.Fatalf("the victim's link: %+v", got.Errors)
			}
		}},
		{"edi", func(w *world) { w.CLI("group", "add", "Vetted", w.reserve(victimsEmail)) }},
	}
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		for _, order := range permutations(doors) {
			name := ""
			for _, d := range order {
				name += d.name + " "
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, store)
				w.register(victimsEmail, "intruder", intrudersWord)
				theirs := w.links(victimsEmail, 1)[0]
				for _, d := range order {
					d.come(w)
				}
				victim := w.tokenAuth(victimsEmail, victimsPassword)
				if !victim.Success || !victim.User.Verified || victim.User.Username == "intruder" || w.me(victim.Token) != victim.User.Username {
					t.Fatalf("the victim signs in as %+v", victim)
				}
				if in := w.signIn(victimsEmail, victimsPassword); w.show(in.UserID).ID != w.show(victimsEmail).ID {
					t.Error("the partner door lets the victim in as somebody else")
				}
				w.says(w.tokenAuth(victimsEmail, intrudersWord).form, "invalid_credentials")
				w.keptOut(victimsEmail, intrudersWord)
				w.says(w.activate(theirs), "invalid_token")
				if got := w.mutate(fmt.Sprintf("sendPasswordResetEmail(email: %q)", victimsEmail)); !got.Success {
					t.Errorf("%+v", got)
				}
				reset := w.links(victimsEmail, 3)[2] // whoever asks, it goes to the victim
				if got := w.reset(reset, "osmium-and-iridium"); !got.Success {
					t.Errorf("%+v", got)
				}
				// A reservation by address takes a proof made after it: this is one.
				if !slices.Contains(w.show(victimsEmail).Groups, "Vetted") {
					t.Error("what was granted to the address is not the victim's")
				}
				if w.me(victim.Token) != "" {
					t.Error("a token of before the reset opens")
				}
				if again := w.tokenAuth(victimsEmail, "osmium-and-iridium"); again.User.PK != victim.User.PK {
					t.Errorf("after the reset the victim is %+v", again.User)
				}
			})
		}
	})
}
