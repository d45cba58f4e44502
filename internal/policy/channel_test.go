package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

func profile(of map[user.Attr]string) user.Profile {
	p := user.Profile{}
	for a, v := range of {
		p[a] = user.Shown{Value: &v}
	}
	return p
}

// What a profile lacks, in policy's order; an unknown kind lacks what the default does.
func TestMissingFields(t *testing.T) {
	c := policy.Default().Portal
	for what, want := range map[string]struct {
		kind    string
		profile map[user.Attr]string
		missing []string
	}{
		"nothing is there":             {"enduserprofile", nil, []string{"age", "accepted_terms_of_service", "occupation"}},
		"everything is":                {"enduserprofile", map[user.Attr]string{"age": "65+", "terms_portal": "1", "occupation": "artist"}, nil},
		"empty is not there":           {"enduserprofile", map[user.Attr]string{"age": "", "terms_portal": "1", "occupation": "artist"}, []string{"age"}},
		"terms of another version":     {"enduserprofile", map[user.Attr]string{"age": "65+", "terms_portal": "0", "occupation": "artist"}, []string{"accepted_terms_of_service"}},
		"a special profile":            {"analystprofile", nil, []string{"accepted_terms_of_service"}},
		"a special profile, accepted":  {"analystprofile", map[user.Attr]string{"terms_portal": "1"}, nil},
		"no profile yet":               {"", map[user.Attr]string{"occupation": "artist"}, []string{"age", "accepted_terms_of_service"}},
		"a profile that went":          {"emperorprofile", map[user.Attr]string{"terms_portal": "1"}, []string{"age", "occupation"}},
		"gender, bio and phone are no": {"enduserprofile", map[user.Attr]string{"gender": "male", "bio": "x", "phone_number": "+12345678"}, []string{"age", "accepted_terms_of_service", "occupation"}},
	} {
		got := c.Missing(user.DoorPortal, want.kind, profile(want.profile))
		if got == nil || !slices.Equal(got, want.missing) {
			t.Errorf("%s: %#v, want %v", what, got, want.missing)
		}
	}
	p := c.Profiles["enduserprofile"]
	p.Required = []string{policy.LanguageField, policy.NicknameField}
	c.Profiles = map[string]policy.ProfileType{"enduserprofile": p}
	if got := c.Missing(user.DoorPortal, "enduserprofile", profile(map[user.Attr]string{user.Locale: "it"})); !slices.Equal(got, []string{"nickname"}) {
		t.Errorf("language and nickname: %v", got)
	}
}

func TestAcceptedTerms(t *testing.T) {
	c := policy.Default().Portal
	c.Terms.Version = "2"
	for version, want := range map[string]bool{"2": true, "1": false, "": false, "22": false} {
		if got := c.Accepted(user.DoorPortal, profile(map[user.Attr]string{"terms_portal": version})); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
	if c.Accepted(user.DoorPortal, nil) || c.Accepted(user.DoorEDI, profile(map[user.Attr]string{"terms_portal": "2"})) {
		t.Error("nobody's, or another channel's")
	}
}

// The portal alone is a channel.
func TestChannels(t *testing.T) {
	for _, d := range user.Doors() {
		if _, ok := policy.Default().Channel(d); ok != (d == user.DoorPortal) {
			t.Errorf("%s: %v", d, ok)
		}
	}
}

func TestLabels(t *testing.T) {
	both := map[string]string{"en": "Age", "it": "Età"}
	for _, c := range []struct {
		texts      map[string]string
		lang, want string
	}{
		{both, "it", "Età"},
		{both, "en", "Age"},
		{both, "de", "Age"},
		{both, "", "Age"},
		{map[string]string{"it": "Età"}, "en", "how old"},
		{nil, "en", "how old"},
	} {
		if got := policy.Label(c.texts, c.lang, "how_old"); got != c.want {
			t.Errorf("%v in %q: %q", c.texts, c.lang, got)
		}
	}
}

// Given a file with a channel that cannot be, then it is refused, and what is wrong is
// said by where it stands.
func TestChannelsThatCannotBe(t *testing.T) {
	for doc, where := range map[string]string{
		"portal: {language: de}":                                                      "portal.language",
		"portal: {terms: {version: ''}}":                                              "portal.terms.version",
		"portal: {terms: {version: '" + strings.Repeat("x", 65) + "'}}":               "portal.terms.version",
		"portal: {terms: {url: 'javascript:alert(1)'}}":                               "portal.terms.url",
		"portal: {terms: {url: 'ht tp://x'}}":                                         "portal.terms.url",
		"portal: {default_profile: emperorprofile}":                                   "portal.default_profile",
		"portal: {default_profile: analystprofile}":                                   "portal.default_profile",
		"portal: {attributes: {colour: {type: paint}}}":                               "portal.attributes.colour.type",
		"portal: {attributes: {colour: {type: choice}}}":                              "portal.attributes.colour.values",
		"portal: {attributes: {colour: {type: choice, values: [red, '']}}}":           "portal.attributes.colour.values",
		"portal: {attributes: {colour: {type: text, max_length: -1}}}":                "portal.attributes.colour.max_length",
		"portal: {attributes: {colour: {type: text, max_length: 100001}}}":            "portal.attributes.colour.max_length",
		"portal: {attributes: {Colour: {type: text}}}":                                "portal.attributes.Colour",
		"portal: {attributes: {email: {type: text}}}":                                 "portal.attributes.email",
		"portal: {attributes: {terms_portal: {type: text}}}":                          "portal.attributes.terms_portal",
		"portal: {attributes: {roles: {type: text}}}":                                 "portal.attributes.roles",
		"portal: {attributes: {nickname: {type: text}}}":                              "portal.attributes.nickname",
		"portal: {profiles: {enduserprofile: {form: [age, colour]}}}":                 "portal.profiles.enduserprofile.form",
		"portal: {profiles: {enduserprofile: {form: [age], required: [occupation]}}}": "portal.profiles.enduserprofile.required",
		"portal: {profiles: {guideprofile: {approval: true, group: guides}}}":         "portal.profiles.guideprofile.group",
		"portal: {administrators: ['Ada <ada@example.org>']}":                         "portal.administrators",
		"portal: {administrators: [ada]}":                                             "portal.administrators",
		"portal: {roles: {portal_admin: sysadmin}}":                                   "portal.roles.portal_admin",
		"portal: {roles: {portal_admin: ''}}":                                         "portal.roles.portal_admin",
	} {
		if _, err := policy.Parse([]byte(doc)); err == nil || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: %v, want it said of %s", doc, err, where)
		}
	}
}

// What a file adds to the portal stands beside what is there.
func TestAChannelThatIsAddedTo(t *testing.T) {
	got, err := policy.Parse([]byte(`portal:
  terms: {version: "2026-01", url: "https://example.org/terms"}
  administrators: [desk@example.org]
  attributes:
    colour: {type: choice, values: [red, green]}
  profiles:
    guideprofile: {approval: true, group: /guides, form: [colour], required: [colour, nickname]}
`))
	if err != nil {
		t.Fatal(err)
	}
	c := got.Portal
	if c.Terms.Version != "2026-01" || !slices.Equal(c.Administrators, []string{"desk@example.org"}) || len(c.Attributes["age"].Values) != 4 {
		t.Errorf("%+v", c)
	}
	if missing := c.Missing(user.DoorPortal, "guideprofile", nil); !slices.Equal(missing, []string{"colour", "nickname"}) {
		t.Errorf("%v", missing)
	}
	if c.Profiles["enduserprofile"].Group != "/end_users" || !c.Profiles["guideprofile"].Approval {
		t.Errorf("%+v", c.Profiles)
	}
}

// The rights that a client role of the realm gives, and the groups that are read
// back, as the contract has them.
func TestRolesAndGroupsOfTheRealm(t *testing.T) {
	c := policy.Default().Portal
	if len(c.Roles) != 2 || c.Roles["portal_admin"] != user.RoleOperator || c.Roles["portal_staff"] != user.RoleStaff {
		t.Errorf("%v", c.Roles)
	}
	want := []string{"/end_users", "/analysts", "/prize_managers", "/privileged_users", "/competition_moderators"}
	if !slices.Equal(c.Groups, want) {
		t.Errorf("%v", c.Groups)
	}
	for name, p := range c.Profiles {
		if !slices.Contains(c.Groups, p.Group) {
			t.Errorf("%s assigns %s, which is not read back", name, p.Group)
		}
		if p.Approval == (name == c.Default) {
			t.Errorf("%s: approval %v", name, p.Approval)
		}
	}
}
