package sunbird

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/stateportal"
)

const (
	toContact   = `^/sign-in/sso/update/contact$`
	toCode      = `^/sign-in/sso/verify/code$`
	toChallenge = `^/sign-in/sso/challenge$`
	toSuccess   = `^/sso/sign-in/success\?id=`
	toInvalid   = `^/sso/sign-in/error\?error_message=.*invalid\+credentials`
	toBlocked   = `^/sso/sign-in/error\?error_message=User\+account\+is\+blocked`
	toSchool    = `^/sso/sign-in/error\?error_message=Login\+failed`
)

// confirms types a phone and its code on usher's pages, and gives where that leads.
func (b *browser) confirms(phone string) string {
	b.Helper()
	if status, to := b.presses("/sign-in/sso/update/contact", url.Values{"phone": {phone}}); status != http.StatusSeeOther {
		b.Fatalf("the phone: %d %s", status, to)
	}
	status, to := b.presses("/sign-in/sso/verify/code", url.Values{"code": {b.text(phone)}})
	if status != http.StatusSeeOther {
		b.Fatalf("the code: %d %s", status, to)
	}
	return to
}

// Given a state's token, when its person confirms a phone on usher's pages, then
// there is one user with the state's name, in its channel and school, who comes
// straight in the next time; and nobody before the code.
func TestAStateSendsSomebody(t *testing.T) {
	inTown(t, func(w town) {
		b := w.browser()
		b.leads(visit(w.token("100", nil)), toContact)
		if _, code := w.get("phone", "9876502000"); code != "USER_NOT_FOUND" {
			w.Errorf("before the code: %s", code)
		}
		success := b.confirms("9876502000")
		if !regexp.MustCompile(toSuccess).MatchString(success) {
			w.Fatalf("the code leads to %s", success)
		}
		b.leads(success, "^/resources$")
		if status, _ := b.goes("/resources"); status != http.StatusOK {
			w.Errorf("nobody is signed in: %d", status)
		}
		b.leads(success, toInvalid) // once
		if status, _ := w.browser().goes("/resources"); status != http.StatusUnauthorized {
			w.Errorf("another browser: %d", status)
		}
		s, _ := w.get("phone", "9876502000")
		if s.FirstName != "Ramesh Kumar" || s.Channel != "gj" || !s.PhoneVerified || !regexp.MustCompile(`^rameshkumar\d{4}$`).MatchString(s.UserName) {
			w.Errorf("shown as %+v", s)
		}
		if p := w.show(s.ID); len(p.Groups) != 3 || len(p.Identities) != 1 || p.Identities[0].Issuer != "state:gj" {
			w.Errorf("is %+v", p)
		}

		again := w.token("100", claims{"name": "Ramesh K."})
		straight := w.browser().leads(visit(again), toSuccess)
		w.browser().leads(visit(again), toInvalid)
		w.browser().leads(straight, `/resources$`)
		if again, _ := w.get("phone", "9876502000"); again.ID != s.ID || again.UserName != s.UserName {
			w.Errorf("came back as %+v", again)
		}
		if status, to := b.presses("/sso/sign-out", nil); status != http.StatusSeeOther {
			w.Errorf("sign out: %d %s", status, to)
		}
		if status, _ := b.goes("/resources"); status != http.StatusUnauthorized {
			w.Errorf("signed out, and still in: %d", status)
		}

		w.CLI("user", "lock", s.ID)
		w.browser().leads(visit(w.token("100", nil)), toBlocked)
	})
}

// Given tokens that are not what a state would send, then nobody is asked for
// anything; a school that is not known is said so, and the token stays good.
func TestTokensThatAreRefused(t *testing.T) {
	inTown(t, func(w town) {
		for name, c := range map[string]claims{
			"another channel": {"state_id": "ap"},
			"no school":       {"school_id": nil},
			"no subject":      {"sub": ""},
			"expired":         {"exp": 1},
			"ahead":           {"iat": 99999999999},
			"not yet":         {"nbf": 99999999999},
			"another issuer":  {"iss": "ap"},
			"no id":           {"jti": nil},
		} {
			if _, to := w.browser().goes(visit(w.token("1", c))); !regexp.MustCompile(toInvalid).MatchString(to) {
				w.Errorf("%s leads to %s", name, to)
			}
		}
		w.browser().leads("/v2/user/session/create", toInvalid)
		w.browser().leads(visit("x.y.z"), toInvalid)
		early := w.token("2", claims{"school_id": "999"})
		w.browser().leads(visit(early), toSchool)
		w.CLI("group", "create", "--kind", "organisation", "--parent", "gj", "--external-id", "999", "new school")
		w.browser().leads(visit(early), toContact)
		w.browser().leads(visit(early), toInvalid)
		// HEAD redeems nothing.
		head := w.token("3", nil)
		if r := harness.Send(w.T, harness.Ask{Method: http.MethodHead, URL: w.Public + visit(head)}); r.Status != http.StatusMethodNotAllowed {
			w.Errorf("HEAD: %d", r.Status)
		}
		w.browser().leads(visit(head), toContact)
	})
}

// Given a key that is followed by another, then both hold for the overlap, and the
// old one not without it.
func TestKeysRotate(t *testing.T) {
	inTown(t, func(w town) {
		next := w
		next.state = stateportal.New(w.T)
		next.browser().leads(visit(next.token("1", nil)), toInvalid)
		w.CLI("issuer", "add", "--door", "sunbird", "--iss", "gj", "--channel", "gj", "--public-key", next.state.PublicKey(), "--overlap", "1h")
		next.browser().leads(visit(next.token("1", nil)), toContact)
		w.browser().leads(visit(w.token("1", nil)), toContact)
		third := w
		third.state = stateportal.New(w.T)
		w.CLI("issuer", "add", "--door", "sunbird", "--iss", "gj", "--channel", "gj", "--public-key", third.state.PublicKey(), "--overlap", "0s")
		third.browser().leads(visit(third.token("1", nil)), toContact)
		for _, old := range []town{w, next} {
			old.browser().leads(visit(old.token("1", nil)), toInvalid)
		}
	})
}

// Given a phone that is somebody's already, when the state's person has its code,
// then they are asked; yes makes it one user, no asks for another phone; and there
// is never a second user with that phone.
func TestAPhoneThatIsSomebodys(t *testing.T) {
	inTown(t, func(w town) {
		hers := w.signUp("9876503000", "Asha")
		b := w.browser()
		b.leads(visit(w.token("7", nil)), toContact)
		if to := b.confirms("9876503000"); !regexp.MustCompile(toChallenge).MatchString(to) {
			w.Fatalf("the code leads to %s", to)
		}
		b.leads("/sign-in/sso/verify/code", toChallenge) // the back button
		b.leads("/v1/sso/contact/verified?type=phone&value=9876503000", toChallenge)
		_, to := b.presses("/sign-in/sso/challenge", url.Values{"mine": {"no"}})
		if !regexp.MustCompile(toContact).MatchString(to) {
			w.Fatalf("no leads to %s", to)
		}
		if to := b.confirms("9876503001"); !regexp.MustCompile(toSuccess).MatchString(to) {
			w.Fatalf("another phone leads to %s", to)
		}
		if other, _ := w.get("phone", "9876503001"); other.ID == hers || other.ID == "" {
			w.Errorf("no was not heard: %+v", other)
		}
		if s, _ := w.get("phone", "9876503000"); s.ID != hers {
			w.Errorf("the phone moved to %+v", s)
		}

		b = w.browser()
		b.leads(visit(w.token("8", nil)), toContact)
		b.confirms("9876503000")
		if _, to = b.presses("/sign-in/sso/challenge", url.Values{"mine": {"yes"}}); !regexp.MustCompile(toSuccess).MatchString(to) {
			w.Fatalf("yes leads to %s", to)
		}
		b.leads(to, `/resources$`)
		s, _ := w.get("phone", "9876503000")
		if p := w.show(s.ID); s.ID != hers || len(p.Identities) != 1 {
			w.Errorf("not one user: %+v %+v", s, p)
		}
		w.browser().leads(visit(w.token("8", nil)), toSuccess)
	})
}

// Given a phone whose owner is blocked, then no code is sent; given codes that are
// wrong, then the page says what is left, and a new one can be had.
func TestPhonesAndCodesThatAreWrong(t *testing.T) {
	inTown(t, func(w town) {
		blocked := w.signUp("9876504000", "Asha")
		w.CLI("user", "lock", blocked)
		b := w.browser()
		b.leads(visit(w.token("1", nil)), toContact)
		for phone, want := range map[string]int{"": 422, "12": 422, "hello": 422, "9876504000": 422} {
			if status, _ := b.presses("/sign-in/sso/update/contact", url.Values{"phone": {phone}}); status != want {
				w.Errorf("the phone %q: %d", phone, status)
			}
		}
		b.presses("/sign-in/sso/update/contact", url.Values{"phone": {"98765 04001"}})
		first := w.text("9876504001")
		b.leads("/sign-in/sso/update/contact", toCode)
		if status, _ := b.presses("/sign-in/sso/resend/code", nil); status != http.StatusTooManyRequests {
			w.Errorf("asked again at once: %d", status)
		}
		for range 2 {
			if status, _ := b.presses("/sign-in/sso/verify/code", url.Values{"code": {"000000"}}); status != 422 {
				w.Errorf("a wrong code: %d", status)
			}
		}
		if status, _ := b.presses("/sign-in/sso/verify/code", url.Values{"code": {first}}); status != 422 {
			w.Errorf("the right code after two wrong ones: %d", status)
		}
		if to := b.confirms("9876504001"); !strings.HasPrefix(to, "/sso/sign-in/success") {
			w.Errorf("the next code leads to %s", to)
		}
		if status, _ := w.browser().goes("/sign-in/sso/verify/code"); status != http.StatusGone {
			w.Errorf("nobody's visit: %d", status)
		}
	})
}

// Given a token with a phone in it, then the code is sent at once.
func TestAPhoneInTheToken(t *testing.T) {
	inTown(t, func(w town) {
		b := w.browser()
		b.leads(visit(w.token("1", claims{"phone_number": "+91 98765 05000"})), toContact)
		b.leads("/sign-in/sso/update/contact", toCode)
		_, to := b.presses("/sign-in/sso/verify/code", url.Values{"code": {w.text("9876505000")}})
		if !strings.HasPrefix(to, "/sso/sign-in/success") {
			w.Errorf("leads to %s", to)
		}
	})
}

// Given a sign-in that is done, then an app that policy names, with its secret,
// gets the tokens, once, and can renew them; nobody else does. No address that is
// not allowed is where a sign-in ends.
func TestTokensForAnApp(t *testing.T) {
	policy := policyFile(t, "sunbird: {session_clients: [app], redirects: ['https://portal.example.org', 'org.example.app://']}\n")
	inTown(t, func(w town) {
		w.CLI("client", "create", "--id", "app", "--secret", "sixteen-or-more-letters")
		w.CLI("client", "create", "--id", "other", "--secret", "sixteen-or-more-letters")
		b := w.browser()
		b.leads(visit(w.token("1", nil)), toContact)
		id, err := url.Parse(b.confirms("9876506000"))
		if err != nil {
			w.Fatal(err)
		}
		collect := func(client, secret, id string) (status int, tokens map[string]string) {
			r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.Public+"/v1/sso/create/session?id="+url.QueryEscape(id), nil)
			if err != nil {
				w.Fatal(err)
			}
			if client != "" {
				r.SetBasicAuth(client, secret)
			}
			a, err := http.DefaultClient.Do(r)
			if err != nil {
				w.Fatal(err)
			}
			defer func() { _ = a.Body.Close() }()
			var body [4096]byte
			n, _ := a.Body.Read(body[:])
			harness.Read(w.T, string(body[:n]), &tokens)
			return a.StatusCode, tokens
		}
		handle := id.Query().Get("id")
		for _, no := range [][2]string{{"", ""}, {"app", "wrong"}, {"other", "sixteen-or-more-letters"}, {"nobody", ""}} {
			if status, _ := collect(no[0], no[1], handle); status != http.StatusUnauthorized {
				w.Errorf("%v: %d", no, status)
			}
		}
		status, tokens := collect("app", "sixteen-or-more-letters", handle)
		if status != http.StatusOK || tokens["access_token"] == "" || tokens["refresh_token"] == "" {
			w.Fatalf("%d %v", status, tokens)
		}
		if status, _ := collect("app", "sixteen-or-more-letters", handle); status != http.StatusBadRequest {
			w.Errorf("a second time: %d", status)
		}
		renew := func(token string) harness.Answer {
			return harness.Send(w.T, harness.Ask{
				Method: http.MethodPost, URL: w.Public + "/v1/sso/refresh/session", Body: map[string]any{"request": map[string]any{"refresh_token": token}},
				Header: http.Header{"Authorization": {"Basic YXBwOnNpeHRlZW4tb3ItbW9yZS1sZXR0ZXJz"}, "Content-Type": {"application/json"}},
			})
		}
		var next map[string]string
		renew(tokens["refresh_token"]).JSON(w.T, http.StatusOK, &next)
		if a := renew(tokens["refresh_token"]); a.Status != http.StatusBadRequest {
			w.Errorf("a token twice: %d", a.Status)
		}
		if a := renew(next["refresh_token"]); a.Status != http.StatusBadRequest {
			w.Errorf("the session lives on: %d", a.Status)
		}
		for asked, ends := range map[string]string{
			"https://portal.example.org/learn":       "https://portal.example.org/learn",
			"https://portal.example.org.evil.test/x": "/resources",
			"https://evil.test/":                     "/resources",
			"//evil.test/":                           "/resources",
			"/explore?x=1":                           "/explore?x=1",
			`/\evil.test`:                            "/resources",
			"javascript:alert(1)":                    "/resources",
		} {
			success := w.browser().leads(visit(w.token("1", claims{"redirect_uri": asked})), toSuccess)
			if _, to := w.browser().goes(success); to != ends {
				w.Errorf("%s ends at %s", asked, to)
			}
		}
	}, "--policy", policy)
}

// Given a phone whose owner proved it longer ago than policy allows, then the number
// moves to whoever has it now, and no user with it.
func TestAPhoneThatWasSomebodysLongAgo(t *testing.T) {
	inTown(t, func(w town) {
		hers := w.signUp("9876508000", "Asha")
		b := w.browser()
		b.leads(visit(w.token("9", nil)), toContact)
		if to := b.confirms("9876508000"); !regexp.MustCompile(toSuccess).MatchString(to) {
			w.Fatalf("leads to %s", to)
		}
		s, _ := w.get("phone", "9876508000")
		if s.ID == hers || s.FirstName != "Ramesh Kumar" {
			w.Errorf("the phone is of %+v", s)
		}
		if p := w.show(hers); p.Status != "active" || len(p.Identities) != 0 {
			w.Errorf("she is %+v", p)
		}
	}, "--policy", policyFile(t, "linking: {phone_proof_max_age: 0s}\n"))
}
