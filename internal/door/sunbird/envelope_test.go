package sunbird

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

// TestNames: contract B.2, with its odd ones.
func TestNames(t *testing.T) {
	for path, want := range map[string][2]string{
		"/v1/user/create":                 {"api.user.create", "v1"},
		"/v2/user/create":                 {"api.user.create", "v2"},
		"/v1/otp/generate":                {"api.otp.generate", "v1"},
		"/v1/user/get/phone/9876543210":   {"api.user.get.phone", "v1"},
		"/v1/user/get/email/invalidEmail": {"api.user.get.email.invalidEmail", "v1"},
		"/v1/user/exists/userName/a1":     {"api.user.exists.userName", "v1"},
		"/private/user/v1/read/x":         {"", "private"},
	} {
		if id, ver := names(path); id != want[0] || ver != want[1] {
			t.Errorf("%s is %q %q", path, id, ver)
		}
	}
}

func TestStamp(t *testing.T) {
	at := time.Date(2018, 11, 28, 16, 42, 31, 53_999_999, time.FixedZone("IST", 19800))
	if got := stamp(at); got != "2018-11-28 11:12:31:053+0000" {
		t.Error(got)
	}
}

func TestMsgID(t *testing.T) {
	for sent, kept := range map[string]bool{"8e27cbf5": true, "": false, "a\tb": false, "ü": false, strings.Repeat("x", 129): false} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.Header["X-Msgid"] = []string{sent}
		if got := msgID(r); got == "" || (got == sent) != kept {
			t.Errorf("%q is told as %q", sent, got)
		}
	}
}

func TestServicePath(t *testing.T) {
	for path, want := range map[string]string{
		"/api/user/v2/create":  "/v2/user/create",
		"/api/otp/v1/generate": "/v1/otp/generate",
		"/api/user/v1/get/a/b": "/v1/user/get/a/b",
		"/v1/user/create":      "/v1/user/create",
		"/api/user/create":     "/api/user/create",
		"/api/user":            "/api/user",
		"/api/":                "/api/",
	} {
		if got, _ := servicePath(path); got != want {
			t.Errorf("%s is %s", path, got)
		}
	}
}

// TestEveryCodeIsTold: no refusal of the domain is left to chance.
func TestEveryCodeIsTold(t *testing.T) {
	for _, c := range user.Codes() {
		f := told(user.Refuse(c, ""), policy.Default())
		if f.err == "" || f.msg == "" || f.code.http < 400 || f.code.http > 503 {
			t.Errorf("%s: %+v", c, f)
		}
		if !errors.As(error(f), new(failure)) {
			t.Errorf("%s is no failure", c)
		}
	}
}

func TestAWrongCodeByPolicy(t *testing.T) {
	pol := policy.Default()
	no := user.Refuse(user.BadCredential, "OTP", "remaining", "1", "allowed", "2")
	if f := told(no, pol); f.err != "ERROR_INVALID_OTP" || f.result != nil {
		t.Errorf("%+v", f)
	}
	pol.Sunbird.OTPMismatch = policy.OTPVerification
	if f := told(no, pol); f.err != "OTP_VERIFICATION_FAILED" || f.msg != "OTP verification failed. Remaining attempt count is 1." || f.result["remainingAttempt"] != 1 || f.result["maxAllowedAttempt"] != 2 {
		t.Errorf("%+v", f)
	}
	if f := told(user.Refuse(user.BadCredential, "OTP"), pol); f.err != "ERROR_INVALID_OTP" {
		t.Errorf("none is alive: %+v", f)
	}
}
