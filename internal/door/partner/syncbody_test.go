package partner_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/user"
)

func TestSyncPassesOnWhatWasSent(t *testing.T) {
	yes, no := feed.Some(true), feed.Some(false)
	none := map[user.Attr]*string{}
	for body, want := range map[string]feed.Sync{
		one: {
			Username: feed.Some("cersei.lannister"), Email: feed.Some("cersei@example.com"), Password: feed.Some("C3rs3i#L4nnist3r"), Verified: yes, Facts: none,
		},
		`{"id":"` + cersei + `","unknown":[1]}`:                     {Number: feed.Some(cersei), Facts: none},
		`{"_guid":"` + cerseiGUID + `"}`:                            {Number: feed.Some(cersei), Facts: none},
		`{"_guid":"` + cerseiGUID + `","id":"` + cersei + `"}`:      {Number: feed.Some(cersei), Facts: none},
		`{"username":"c","emailVerified":false,"isActive":false}`:   {Username: feed.Some("c"), Verified: no, Active: no, Facts: none},
		`{"email":"a@b.c","emailVerified":null,"isActive":null}`:    {Email: feed.Some("a@b.c"), Verified: feed.Null[bool](), Active: feed.Null[bool](), Facts: none},
		`{"email":"a@b.c","username":null,"password":null}`:         {Email: feed.Some("a@b.c"), Username: feed.Null[string](), Password: feed.Null[string](), Facts: none},
		`{"email":"a@b.c","roles":null,"id":null}`:                  {Email: feed.Some("a@b.c"), Roles: feed.Null[[]string](), Facts: none},
		`{"email":"a@b.c","roles":[]}`:                              {Email: feed.Some("a@b.c"), Roles: feed.Some([]string{}), Facts: none},
		`{"email":"a@b.c","roles":["x","y"],"passwordHash":"$2b$"}`: {Email: feed.Some("a@b.c"), Roles: feed.Some([]string{"x", "y"}), PasswordHash: feed.Some("$2b$"), Facts: none},
		`{"email":"a@b.c","firstName":"","lastName":null,"locale":"zh-Hant-TW","phoneNumber":"+1 (202) 555-0100","avatar":"https://a.example/b","birthday":"2000-02-29","gender":"x"}`: {
			Email: feed.Some("a@b.c"), Facts: map[user.Attr]*string{
				user.GivenName: user.Text(""), user.FamilyName: nil, user.Locale: user.Text("zh-Hant-TW"), user.PhoneNumber: user.Text("+1 (202) 555-0100"),
				user.Picture: user.Text("https://a.example/b"), user.Birthdate: user.Text("2000-02-29"), user.Gender: user.Text("x"),
			},
		},
		`{"identities":[{"issuer":"https://orcid.org/","subject":"0000-0002-1825-0097"},{"issuer":"https://sso.example/realms/a","subject":"7f"}]}`: {
			Facts: none, Identities: []user.IdentityKey{{Issuer: "https://orcid.org", Subject: "0000-0002-1825-0097"}, {Issuer: "https://sso.example/realms/a", Subject: "7f"}},
		},
	} {
		w := newWorld()
		if got := call(w.internal(), "PUT", users, body, systemCtx); got.Code != 200 {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
			continue
		}
		if !reflect.DeepEqual(w.syncs[0], want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", body, w.syncs[0], want)
		}
	}
}

func TestSyncRefusesWhatItCannotRead(t *testing.T) {
	with := func(member string) string { return `{"email":"a@b.c",` + member + `}` }
	for body, want := range map[string]string{
		`{}`:                                                      "email must be an email",
		`{"password":"x"}`:                                        "email must be an email",
		`{"id":null,"identities":[]}`:                             "email must be an email",
		`{"email":null,"username":"x"}`:                           "email must be an email",
		`{"email":7}`:                                             "email must be a string",
		`{"email":"a@b.c\u0000"}`:                                 "email must not contain NUL",
		with(`"username":["x"]`):                                  "username must be a string",
		with(`"username":"a\nb"`):                                 "username must not contain control characters",
		with(`"emailVerified":"true"`):                            "emailVerified must be a boolean value",
		with(`"emailVerified":1`):                                 "emailVerified must be a boolean value",
		with(`"isActive":"no"`):                                   "isActive must be a boolean value",
		with(`"password":{}`):                                     "password must be a string",
		with(`"password":""`):                                     "password should not be empty",
		with(`"password":"a\u0000"`):                              "password must not contain NUL",
		with(`"passwordHash":true`):                               "passwordHash must be a string",
		with(`"password":"x","passwordHash":"y"`):                 "passwordHash cannot be sent together with password",
		with(`"id":755243458806280480`):                           "id must be a string",
		with(`"id":"0755243458806280480"`):                        "id must be the id of a user",
		with(`"id":"` + cerseiGUID + `"`):                         "id must be the id of a user",
		with(`"_guid":"` + cersei + `"`):                          "_guid must be the _guid of a user",
		with(`"_guid":"` + cerseiGUID + `","id":"` + jaime + `"`): "_guid is of another user than id",
		with(`"roles":"admin"`):                                   "roles must be an array",
		with(`"roles":[null]`):                                    "each value in roles must be a string",
		with(`"roles":[["a"]]`):                                   "each value in roles must be a string",
		with(`"roles":[""]`):                                      "each value in roles should not be empty",
		with(`"roles":[` + strings.Repeat(`"a",`, 64) + `"a"]`):   "roles must contain no more than 64 elements",
		with(`"firstName":{"a":1}`):                               "firstName must be a string",
		with(`"firstName":"` + strings.Repeat("é", 256) + `"`):    "firstName must be shorter than or equal to 255 characters",
		with(`"lastName":"a\u0000"`):                              "lastName must not contain NUL",
		with(`"locale":"english!"`):                               "locale must be a language tag",
		with(`"locale":""`):                                       "locale must be a language tag",
		with(`"phoneNumber":"call me"`):                           "phoneNumber must be a phone number",
		with(`"phoneNumber":"+12"`):                               "phoneNumber must be a phone number",
		with(`"phoneNumber":4420`):                                "phoneNumber must be a string",
		with(`"avatar":"javascript:alert(1)"`):                    "avatar must be an http or https URL",
		with(`"avatar":"//a.example/b"`):                          "avatar must be an http or https URL",
		with(`"avatar":"https://u:p@a.example"`):                  "avatar must be an http or https URL",
		with(`"birthday":"2001-02-29"`):                           "birthday must be a date as YYYY-MM-DD",
		with(`"birthday":"yesterday"`):                            "birthday must be a date as YYYY-MM-DD",
		with(`"gender":false`):                                    "gender must be a string",
		with(`"identities":{}`):                                   "identities must be an array",
		with(`"identities":["x"]`):                                "identities must be a list of objects",
		with(`"identities":[{"issuer":"x"}]`):                     "identities.subject must be a string",
		with(`"identities":[{"issuer":"edi","subject":"x"}]`):     "identities has an issuer or subject that nobody can vouch for",
		with(`"emailVerified":"x","roles":1`):                     "emailVerified must be a boolean value; roles must be an array",
		with(`"EMAIL":"c@d.e"`):                                   "Invalid JSON: ",
		with(`"email":"c@d.e"`):                                   "Invalid JSON: ",
		"{\"email\":\"\xff@b.c\"}":                                "Invalid JSON: ",
		`{"email":"\ud800@b.c"}`:                                  "Invalid JSON: ",
		one + one:                                                 "Invalid JSON: ",
		strings.Repeat("[", 10_000):                               "Invalid JSON: ",
		`"text"`:                                                  "The body must be a JSON object",
	} {
		w := newWorld()
		got := call(w.internal(), "PUT", users, body, systemCtx)
		msg := errorBody(t, got)
		fits := msg == want || strings.HasSuffix(want, ": ") && strings.HasPrefix(msg, want)
		if got.Code != 400 || !fits {
			t.Errorf("%.80s: %d %q, want %q", body, got.Code, msg, want)
		}
		if len(w.syncs) > 0 {
			t.Errorf("%.80s: it was carried out", body)
		}
	}
}
