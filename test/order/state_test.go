package order

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/stateportal"
)

const (
	savitrisPhone = "9876512345"
	savitrisSub   = "10012189"
)

// sunbird makes a user at the Sunbird door, as a caller whose token it is.
func (w *world) sunbird(token string, request map[string]any) harness.Answer {
	w.t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return harness.Send(w.t, harness.Ask{Method: http.MethodPost, URL: w.Public + "/v2/user/create", Header: h, Body: map[string]any{"request": request}})
}

var sixDigits = regexp.MustCompile(`\b[1-9][0-9]{5}\b`)

// code asks for a code to a phone and reads the newest message.
func (w *world) code(phone string) string {
	w.t.Helper()
	box := w.Public + "/dev/inbox.json?to=%2B91" + phone
	var had, has struct{ Messages []struct{ Text string } }
	harness.Send(w.t, harness.Ask{Method: http.MethodGet, URL: box}).JSON(w.t, http.StatusOK, &had)
	harness.Send(w.t, harness.Ask{
		Method: http.MethodPost, URL: w.Public + "/v1/otp/generate", Header: http.Header{"Content-Type": {"application/json"}},
		Body: map[string]any{"request": map[string]string{"key": phone, "type": "phone"}},
	}).JSON(w.t, http.StatusOK, new(any))
	for range 200 {
		harness.Send(w.t, harness.Ask{Method: http.MethodGet, URL: box}).JSON(w.t, http.StatusOK, &has)
		if n := len(has.Messages); n > len(had.Messages) {
			return sixDigits.FindString(has.Messages[n-1].Text)
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatal("no code came")
	return ""
}

// byState goes the way of somebody whom their state sends: the code to their phone,
// and yes where an account has it already.
func (w *world) byState(token, phone string) {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	browser := http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	goes := func(method, path string, form url.Values) string {
		r, err := http.NewRequestWithContext(w.t.Context(), method, w.Public+path, strings.NewReader(form.Encode()))
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		a, err := browser.Do(r)
		if err != nil {
			w.t.Fatal(err)
		}
		_ = a.Body.Close()
		return a.Header.Get("Location")
	}
	to := goes(http.MethodGet, "/v2/user/session/create?token="+token, nil)
	if to == "/sign-in/sso/update/contact" {
		code := w.code(phone)
		// As the portal's own page does: the code is checked by the API.
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.Public+"/v1/otp/verify",
			strings.NewReader(`{"request":{"key":"`+phone+`","type":"phone","otp":"`+code+`"}}`))
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		a, err := browser.Do(r)
		if err != nil || a.StatusCode != http.StatusOK {
			w.t.Fatalf("the code: %v %v", a, err)
		}
		_ = a.Body.Close()
		to = goes(http.MethodGet, "/v1/sso/contact/verified?type=phone&value="+phone, nil)
	}
	if to == "/sign-in/sso/challenge" {
		to = goes(http.MethodPost, to, url.Values{"mine": {"yes"}})
	}
	if !strings.HasPrefix(to, "/sso/sign-in/success?id=") {
		w.t.Fatalf("the state's sign-in leads to %s", to)
	}
}

// Given a person who signs up with a code, whom a caller who may attest brings with
// what their state calls them, and whom the state sends, when that happens in any
// order, then it is one user, with the phone and the state's identity.
func TestOnePersonOfAStateInAnyOrder(t *testing.T) {
	state := stateportal.New(t)
	known := func(w *world, what string, a harness.Answer) {
		// Whoever came before is known here, and is the same.
		if a.Status != http.StatusOK && !strings.Contains(a.Text, "PHONE_ALREADY_IN_USE") && !strings.Contains(a.Text, "USER_ALREADY_EXISTS") {
			w.t.Fatalf("%s: %d %s", what, a.Status, a.Text)
		}
	}
	steps := []step{
		{"code", func(w *world, _ *came) {
			known(w, "sign-up", w.sunbird("", map[string]any{"firstName": "Savitri", "phone": savitrisPhone, "OTP": w.code(savitrisPhone)}))
		}},
		{"caller", func(w *world, _ *came) {
			var minted struct{ Token string }
			harness.Read(w.t, w.CLI("token", "mint", "--door", "sunbird", "--caller", "portal", "--json"), &minted)
			known(w, "the caller", w.sunbird(minted.Token, map[string]any{
				"firstName": "Savitri", "phone": savitrisPhone, "phoneVerified": true,
				"externalIds": []map[string]string{{"id": savitrisSub, "provider": "gj", "idType": "gj"}},
			}))
		}},
		{"state", func(w *world, _ *came) { w.byState(state.Token(savitrisSub, nil), savitrisPhone) }},
	}
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		for _, order := range permutations(steps) {
			name := ""
			for _, s := range order {
				name += s.door + " "
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, store)
				w.CLI("group", "create", "--kind", "channel", "gj")
				w.CLI("group", "create", "--kind", "organisation", "--parent", "gj", "--external-id", "321456", "school")
				w.CLI("issuer", "add", "--door", "sunbird", "--iss", "gj", "--channel", "gj", "--public-key", state.PublicKey())
				for _, s := range order {
					s.take(w, new(came))
				}
				w.byState(state.Token(savitrisSub, nil), savitrisPhone) // and comes again
				her, by := w.show("+91"+savitrisPhone), w.show("state:gj "+savitrisSub)
				if her.ID != by.ID || her.Status != "active" {
					t.Errorf("the phone leads to %s (%s), the state's identity to %s", her.ID, her.Status, by.ID)
				}
				there := 0
				for _, p := range w.users() {
					if p.Status != "merged" {
						there++
					}
				}
				if there != w.before+1 {
					t.Errorf("%d users, and there were %d before her", there, w.before)
				}
			})
		}
	})
}
