package sunbird

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/usher-id/usher/internal/store"
)

func formOf(t testing.TB, doc string, by *store.Caller) error {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v2/user/create", bytes.NewReader([]byte(`{"request":`+doc+`}`)))
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	f, err := readBody(httptest.NewRecorder(), r)
	if err != nil {
		return err
	}
	rd := reading{f: f}
	if by != nil {
		rd.by, rd.known = *by, true
	}
	_, err = rd.form()
	return err
}

// TestTheOrderOfChecks: contract B.5, each form with what the rows below it would
// refuse as well.
func TestTheOrderOfChecks(t *testing.T) {
	portal := &store.Caller{Name: "portal", MayAttest: true}
	for doc, want := range map[string]string{
		`{"rootOrgId":"x","email":"nope"}`:                                                       "INVALID_REQUEST_PARAMETER",
		`{"lastName":"x","email":"nope"}`:                                                        "MANDATORY_PARAMETER_MISSING",
		`{"firstName":"  ","email":"nope"}`:                                                      "MANDATORY_PARAMETER_MISSING",
		`{"firstName":"A","email":" ","dob":"x"}`:                                                "EMAIL_OR_PHONE_MISSING",
		`{"firstName":"A","email":"nope","dob":"2000-13-01"}`:                                    "DATE_FORMAT_ERRROR",
		`{"firstName":"A","email":"nope","roles":"x"}`:                                           "EMAIL_FORMAT_ERROR",
		`{"firstName":"A","email":"a@b.org","roles":"x"}`:                                        "EMAIL_VERIFY_ERROR",
		`{"firstName":"A","email":"a@b.org","emailVerified":true,"roles":"x","countryCode":"z"}`: "DATA_TYPE_ERROR",
		`{"firstName":"A","phone":"+9198","countryCode":"z"}`:                                    "INVALID_COUNTRY_CODE",
		`{"firstName":"A","phone":"+919876543210"}`:                                              "INVALID_PHONE_NUMBER",
		`{"firstName":"A","phone":"12"}`:                                                         "INVALID_PHONE_NO_FORMAT",
		`{"firstName":"A","phone":"9876543210"}`:                                                 "PHONE_VERIFY_ERROR",
		`{"firstName":"A","phone":9876543210,"phoneVerified":true,"userName":"-"}`:               "USERNAME_FORMAT_ERROR",
		`{"firstName":"A","phone":9876543210,"phoneVerified":true}`:                              "",
		`{"firstName":{"a":1},"phone":"9876543210"}`:                                             "DATA_TYPE_ERROR",
		`{"firstName":"A\u0000","phone":"9876543210"}`:                                           "INVALID_PARAMETER_VALUE",
		`[]`:                                "INVALID_REQUESTED_DATA",
		`null`:                              "MANDATORY_PARAMETER_MISSING",
		`{"firstName":"A","firstName":"B"}`: "INVALID_REQUESTED_DATA",
	} {
		err := formOf(t, doc, portal)
		f, _ := errors.AsType[failure](err)
		if f.err != want {
			t.Errorf("%s: %q %v, wanted %q", doc, f.err, err, want)
		}
	}
}

// Given anything at all as a form, then it is read or refused in the contract's
// words, and nothing breaks.
func FuzzForm(f *testing.F) {
	for _, doc := range []string{
		`{"firstName":"A","phone":"9876543210","OTP":"123456","channel":"gj","organisationId":""}`,
		`{"firstName":"A","email":"a@b.org","emailVerified":true,"externalIds":[{"id":"1","provider":"gj","idType":"gj"}]}`,
		`{"firstName":"A","phone":1e9}`, `{"dob":"2000-02-30","gender":null,"roles":{}}`, `{"externalIds":[1,null,{}]}`, `{"userName":"\ud800"}`,
	} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if !json.Valid([]byte(doc)) {
			return
		}
		err := formOf(t, doc, &store.Caller{Name: "portal", MayAttest: true})
		if no, ok := errors.AsType[failure](err); err != nil && (!ok || no.err == "" || no.code.http >= 500) {
			t.Errorf("%s: %v", doc, err)
		}
	})
}
