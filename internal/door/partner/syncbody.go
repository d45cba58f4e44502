package partner

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/user"
)

const (
	maxAvatar     = 2048
	maxLocale     = 35
	maxPhone      = 32
	maxGender     = 64
	maxHash       = 1024
	maxRoles      = 64
	maxRole       = 128
	maxIdentities = 16
	maxSubject    = 256
)

var (
	localeShape = regexp.MustCompile(`^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$`)
	phoneShape  = regexp.MustCompile(`^\+?[0-9(][0-9 ()./-]*$`)
)

// MemberKind is what the value of a member is in JSON.
type MemberKind int

// The kinds of members.
const (
	TextMember MemberKind = iota
	FlagMember            // true or false
	ListMember
)

// Member is one member of the body of PUT /api/users.
type Member struct {
	Name string
	Kind MemberKind
}

// Members are those that say anything about a user, in the order of the
// contract.
func Members() []Member {
	return []Member{
		{"id", TextMember},
		{"_guid", TextMember},
		{"identities", ListMember},
		{"username", TextMember},
		{"email", TextMember},
		{"emailVerified", FlagMember},
		{"password", TextMember},
		{"passwordHash", TextMember},
		{"isActive", FlagMember},
		{"firstName", TextMember},
		{"lastName", TextMember},
		{"locale", TextMember},
		{"roles", ListMember},
		{"phoneNumber", TextMember},
		{"avatar", TextMember},
		{"birthday", TextMember},
		{"gender", TextMember},
	}
}

// readSync reads a user as a partner describes it; members that are not known
// are not looked at. The error is a badRequest with all that is wrong.
func readSync(m map[string]json.RawMessage) (feed.Sync, error) {
	f := &fields{members: m}
	in := feed.Sync{
		Number:   f.number(),
		Username: f.line("username", maxText),
		Email:    f.line("email", maxLogin),
		Verified: f.flag("emailVerified"),
		Password: f.text("password", maxPassword),
		Active:   f.flag("isActive"),
		Facts:    map[user.Attr]*string{},
	}
	if in.Email.Sent && in.Email.Value == nil {
		f.wrong("email", "must be an email")
	}
	if in.Password.Value != nil && *in.Password.Value == "" {
		f.wrong("password", "should not be empty")
	}
	in.PasswordHash = f.line("passwordHash", maxHash)
	if in.Password.Value != nil && in.PasswordHash.Value != nil {
		f.wrong("passwordHash", "cannot be sent together with password")
	}
	for _, fact := range []struct {
		name  string
		attr  user.Attr
		limit int
		check func(string) string
	}{
		{"firstName", user.GivenName, maxText, nil},
		{"lastName", user.FamilyName, maxText, nil},
		{"locale", user.Locale, maxLocale, checkLocale},
		{"phoneNumber", user.PhoneNumber, maxPhone, checkPhone},
		{"avatar", user.Picture, maxAvatar, checkAvatar},
		{"birthday", user.Birthdate, len(time.DateOnly), checkBirthday},
		{"gender", user.Gender, maxGender, nil},
	} {
		before := len(f.problems)
		v := f.line(fact.name, fact.limit)
		if !v.Sent || len(f.problems) > before {
			continue
		}
		if v.Value != nil && fact.check != nil {
			if wrong := fact.check(*v.Value); wrong != "" {
				f.wrong(fact.name, wrong)
				continue
			}
		}
		in.Facts[fact.attr] = v.Value
	}
	in.Roles = f.roles()
	in.Identities = f.identities()
	if len(f.problems) > 0 {
		return feed.Sync{}, badRequest{f.problems}
	}
	return in, nil
}

// addressed says whether a sync names anybody.
func addressed(in feed.Sync) bool {
	return in.Number.Value != nil || in.Email.Value != nil || in.Username.Value != nil || len(in.Identities) > 0
}

// number reads id and _guid, which must agree where both are sent.
func (f *fields) number() feed.Opt[string] {
	var found feed.Opt[string]
	for _, name := range []string{"id", "_guid"} {
		v := f.text(name, maxID)
		if v.Value == nil {
			continue
		}
		number, ok := reference(*v.Value)
		switch {
		case !ok || strings.HasPrefix(*v.Value, resource) != (name == "_guid"):
			f.wrong(name, "must be the "+name+" of a user")
		case found.Value != nil && *found.Value != number:
			f.wrong(name, "is of another user than id")
		default:
			found = feed.Some(number)
		}
	}
	return found
}

func (f *fields) roles() feed.Opt[[]string] {
	if raw, sent := f.members["roles"]; sent && string(raw) == "null" {
		return feed.Null[[]string]()
	}
	items, ok := f.list("roles", maxRoles)
	if !ok {
		return feed.Opt[[]string]{}
	}
	roles := make([]string, 0, len(items))
	for _, item := range items {
		each := &fields{members: map[string]json.RawMessage{"each value in roles": item}}
		role := each.required("each value in roles", maxRole)
		if len(each.problems) > 0 {
			f.problems = append(f.problems, each.problems...)
			return feed.Opt[[]string]{}
		}
		roles = append(roles, role)
	}
	return feed.Some(roles)
}

// identities reads who the user is at providers.
func (f *fields) identities() []user.IdentityKey {
	items, _ := f.list("identities", maxIdentities)
	var keys []user.IdentityKey
	for _, item := range items {
		each := &fields{prefix: "identities."}
		if item[0] != '{' || json.Unmarshal(item, &each.members) != nil {
			f.wrong("identities", "must be a list of objects")
			return nil
		}
		issuer, subject := each.required("issuer", maxSubject), each.required("subject", maxSubject)
		if len(each.problems) > 0 {
			f.problems = append(f.problems, each.problems...)
			return nil
		}
		id, err := normal.NewIdentity(issuer, subject)
		if err != nil {
			f.wrong("identities", "has an issuer or subject that nobody can vouch for")
			return nil
		}
		keys = append(keys, user.IdentityKey{Issuer: id.Issuer, Subject: id.Subject})
	}
	return keys
}

func checkLocale(s string) string {
	if localeShape.MatchString(s) {
		return ""
	}
	return "must be a language tag"
}

// checkPhone looks at the shape alone: the number is shown, it signs nobody in.
func checkPhone(s string) string {
	digits := 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if phoneShape.MatchString(s) && digits >= 4 && digits <= 15 {
		return ""
	}
	return "must be a phone number"
}

func checkAvatar(s string) string {
	u, err := url.Parse(s)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil {
		return ""
	}
	return "must be an http or https URL"
}

func checkBirthday(s string) string {
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return ""
	}
	return "must be a date as YYYY-MM-DD"
}
