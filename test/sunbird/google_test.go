package sunbird

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/oidc/idp"
)

// withGoogle is inTown with a provider in Google's place.
func withGoogle(t *testing.T, fn func(town, *idp.Issuer)) {
	t.Helper()
	google := idp.New(t)
	inTown(t, func(w town) { fn(w, google) },
		"--doors.sunbird.google.issuer", google.URL, "--doors.sunbird.google.client_ids", "other.example.org,"+idp.Client)
}

func mine(email string, more claims) claims {
	c := claims{"email": email, "email_verified": true, "name": "Amit Kumar"}
	for k, v := range more {
		c[k] = v
	}
	return c
}

// android signs an app in.
func (w town) android(token, email string) (status int, answer map[string]string) {
	w.Helper()
	a := harness.Send(w.T, harness.Ask{
		Method: http.MethodPost, URL: w.Public + "/google/auth/android", Header: http.Header{"X-Google-Id-Token": {token}, "Content-Type": {"application/json"}},
		Body: map[string]string{"emailId": email, "platform": "android"},
	})
	harness.Read(w.T, a.Text, &answer)
	return a.Status, answer
}

// Given Google's word for a mailbox of its own, then the user of that address who
// proved it at another door is who comes, here, from an app, and at the partner
// door.
func TestGoogleAndTheOtherDoorsAreOneUser(t *testing.T) {
	withGoogle(t, func(w town, google *idp.Issuer) {
		w.CLI("user", "create", "--email", "amit@gmail.com", "--name", "Amit", "--verified")
		before := w.show("amit@gmail.com")
		create := func(token string) map[string]any {
			return map[string]any{"firstName": "Amit", "email": "amit@gmail.com", "verificationSource": "google", "verificationCode": token}
		}
		token := google.ID("77", mine("amit@gmail.com", nil))
		id := w.does("/api/user/v1/verifyAndCreate", "", create(token))
		if w.show("amit@gmail.com").ID != before.ID || w.show(id).ID != before.ID {
			w.Error("not the same user")
		}
		if s, _ := w.get("email", "amit@gmail.com"); s.ID != id || s.FirstName != "Amit" {
			w.Errorf("shown as %+v", s)
		}
		w.no("/v1/user/verifyAndCreate", "", create(token), "EMAIL_IN_USE")
		w.no("/v1/user/verifyAndCreate", "", create(google.ID("77", mine("amit@gmail.com", nil))), "EMAIL_IN_USE")

		status, in := w.android(google.ID("77", mine("amit@gmail.com", claims{"iat": nil})), "amit@gmail.com")
		if status != http.StatusBadRequest {
			w.Errorf("a token without iat: %d %v", status, in)
		}
		fresh := google.ID("77", mine("Amit@gmail.com", nil))
		if status, in = w.android(fresh, "amit@GMAIL.com"); status != http.StatusOK || in["access_token"] == "" || in["refresh_token"] == "" {
			w.Errorf("%d %v", status, in)
		}
		if status, _ := w.android(fresh, "amit@gmail.com"); status != http.StatusBadRequest {
			w.Errorf("a token twice: %d", status)
		}
		if status, in := w.android(google.ID("77", mine("amit@gmail.com", nil)), "other@gmail.com"); status != http.StatusBadRequest || in["msg"] != "emailId donot match" {
			w.Errorf("another's address: %d %v", status, in)
		}
		var signedIn struct{ UserID string }
		harness.Send(w.T, harness.Ask{Method: http.MethodPost, URL: w.Public + "/api/auth/login", Body: map[string]any{
			"type": "oauth-provider", "clientId": "client-app-id", "clientSecret": "client-app-secret",
			"withOAuth": map[string]any{"providerName": "google", "providerToken": google.ID("77", mine("amit@gmail.com", nil)), "providerTokenType": "idtoken"},
		}}).JSON(w.T, http.StatusOK, &signedIn)
		if w.show(signedIn.UserID).ID != before.ID {
			w.Errorf("the partner door has another user: %+v", signedIn)
		}
	})
}

// Given a tokeninfo that is asked as well, then what it does not confirm is refused,
// and nobody comes in while it does not answer.
func TestATokenInfoIsAskedToo(t *testing.T) {
	google := idp.New(t)
	inTown(t, func(w town) {
		email, n := "zoe@gmail.com", 0
		create := func(info map[string]any, status int) (a said, code int) {
			google.Fail(idp.TokenInfo, func(rw http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.FormValue("id_token") == "" || r.URL.RawQuery != "" {
					w.Errorf("asked by %s %s", r.Method, r.URL)
				}
				idp.JSON(rw, status, info)
			})
			n++
			return w.call("/v1/user/verifyAndCreate", "", map[string]any{
				"firstName": "Zoe", "email": email, "verificationSource": "google",
				"verificationCode": google.ID("99", mine(email, claims{"jti": fmt.Sprint("t", n)})),
			})
		}
		good := func(change claims) map[string]any {
			c := map[string]any{"iss": google.URL, "aud": idp.Client, "sub": "99", "exp": fmt.Sprint(time.Now().Unix() + 600)}
			for k, v := range change {
				c[k] = v
			}
			return c
		}
		for name, info := range map[string]map[string]any{
			"another subject":  good(claims{"sub": "98"}),
			"another audience": good(claims{"aud": "x"}),
			"an error":         {"error": "invalid_token"},
		} {
			if a, _ := create(info, http.StatusOK); a.Params.Err != "INVALID_CREDENTIAL" {
				w.Errorf("%s: %+v", name, a.Params)
			}
		}
		if a, _ := create(nil, http.StatusBadRequest); a.Params.Err != "INVALID_CREDENTIAL" {
			w.Errorf("refused: %+v", a.Params)
		}
		if a, status := create(nil, http.StatusBadGateway); status != http.StatusServiceUnavailable {
			w.Errorf("down: %d %+v", status, a.Params)
		}
		if a, status := create(good(nil), http.StatusOK); status != http.StatusOK {
			w.Errorf("confirmed: %d %+v", status, a.Params)
		}
	}, "--doors.sunbird.google.issuer", google.URL, "--doors.sunbird.google.client_ids", idp.Client, "--doors.sunbird.google.tokeninfo_url", google.URL+idp.TokenInfo)
}

// Given tokens that Google did not make for us, or that do not say what they should,
// then nobody is made by them.
func TestGoogleTokensThatAreRefused(t *testing.T) {
	withGoogle(t, func(w town, google *idp.Issuer) {
		key := google.Key()
		payload := func(c claims) claims { return google.Claims("66", mine("eve@gmail.com", c)) }
		tokens := map[string]string{
			"no token":          "x",
			"another audience":  google.Sign(payload(claims{"aud": "somebody.else"})),
			"azp of another":    google.Sign(payload(claims{"azp": "somebody.else"})),
			"another issuer":    google.Sign(payload(claims{"iss": "https://accounts.example.org"})),
			"expired":           google.Sign(payload(claims{"exp": 1_000_000_000})),
			"not yet":           google.Sign(payload(claims{"nbf": 99_999_999_999})),
			"verified as text":  google.Sign(payload(claims{"email_verified": "true"})),
			"not verified":      google.Sign(payload(claims{"email_verified": false})),
			"nothing about it":  google.Sign(payload(claims{"email_verified": nil})),
			"another's address": google.Sign(payload(claims{"email": "ann@gmail.com"})),
			"a key of theirs":   idp.Sign(w.T, jose.RS256, newKey(w.T), "JWT", `{"iss":"`+google.URL+`","sub":"66","aud":"`+idp.Client+`"}`),
			"no algorithm":      idp.Reheaded(google.Sign(payload(nil)), `{"alg":"none","typ":"JWT"}`),
			"a kid's trick":     idp.Reheaded(google.Sign(payload(nil)), `{"alg":"`+key.Algorithm+`","kid":"../../etc/passwd","typ":"JWT"}`),
		}
		for name, token := range tokens {
			for _, fields := range [][2]string{{"verificationSource", "verificationCode"}, {"loginType", "verificationKey"}} {
				form := map[string]any{"firstName": "Eve", "email": "eve@gmail.com", fields[0]: "google", fields[1]: token}
				if a, status := w.call("/v1/user/verifyAndCreate", "", form); status != http.StatusBadRequest || a.Params.Err != "INVALID_CREDENTIAL" {
					w.Errorf("%s: %d %+v", name, status, a.Params)
				}
			}
			if status, in := w.android(token, "eve@gmail.com"); status != http.StatusBadRequest {
				w.Errorf("an app with %s: %d %v", name, status, in)
			}
		}
		if _, code := w.get("email", "eve@gmail.com"); code != "USER_NOT_FOUND" {
			w.Errorf("somebody was made: %s", code)
		}
		google.Down()
		defer google.Up()
		google.Rotate()
		form := map[string]any{"firstName": "Eve", "email": "eve@gmail.com", "verificationSource": "google", "verificationCode": google.Sign(payload(nil))}
		if a, status := w.call("/v1/user/verifyAndCreate", "", form); status == http.StatusOK {
			w.Errorf("a key that cannot be had: %d %+v", status, a.Params)
		}
	})
}
