package sunbird

import (
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/user"
)

// create makes a user (contract B.5).
func (d *Door) create(w http.ResponseWriter, r *http.Request) error {
	f, err := readBody(w, r)
	if err != nil {
		return err
	}
	by, known, err := d.caller(r)
	if err != nil {
		return err
	}
	form, err := reading{f: f, by: by, known: known, needName: strings.HasPrefix(r.URL.Path, "/v1/")}.form()
	if err != nil {
		return err
	}
	return d.made(w, r, func() (onboarding.Made, error) { return d.People.Create(r.Context(), form) })
}

func (d *Door) made(w http.ResponseWriter, r *http.Request, create func() (onboarding.Made, error)) error {
	made, err := create()
	if err != nil {
		return err
	}
	d.good(w, r, r.URL.Path, map[string]any{"response": "SUCCESS", "userId": made.ID, "errors": []string{}})
	return nil
}

// verifyAndCreate makes a user with a proof in the same call (contract B.1): a
// one-time code, or Google's ID token.
func (d *Door) verifyAndCreate(w http.ResponseWriter, r *http.Request) error {
	f, err := readBody(w, r)
	if err != nil {
		return err
	}
	by, known, err := d.caller(r)
	if err != nil {
		return err
	}
	source, err := f.first("verificationSource", "loginType")
	if err != nil {
		return err
	}
	proof, err := longText(f, "verificationCode", "verificationKey")
	if err != nil {
		return err
	}
	switch {
	case source == "":
		return missing("verificationSource")
	case proof == "":
		return missing("verificationCode")
	}
	rd := reading{f: f, by: by, known: known}
	switch strings.ToLower(source) {
	case "otp":
		// The code is the phone's where there is one.
		rd.proven = user.Email
		if f.sent("phone") {
			rd.proven = user.Phone
		}
		form, err := rd.form()
		if err != nil {
			return err
		}
		form.Code, form.CodeFor = proof, rd.proven
		return d.made(w, r, func() (onboarding.Made, error) { return d.People.Create(r.Context(), form) })
	case "google":
		rd.proven = user.Email
		form, err := rd.form()
		if err != nil {
			return err
		}
		return d.made(w, r, func() (onboarding.Made, error) { return d.People.CreateProven(r.Context(), form, proof) })
	default:
		return invalidKey("verificationSource", shorten(source), "google", "otp")
	}
}

// get reads a user by key (contract B.6).
func (d *Door) get(w http.ResponseWriter, r *http.Request) error {
	if err := d.mayAsk(r); err != nil {
		return err
	}
	key, err := readKey(r.PathValue("key"), r.PathValue("value"), "loginId")
	if err != nil {
		return err
	}
	s, err := d.People.Show(r.Context(), key)
	if err != nil {
		return err
	}
	d.good(w, r, r.URL.Path, map[string]any{"response": shownUser(s)})
	return nil
}

// exists says whether somebody is known by a key.
func (d *Door) exists(w http.ResponseWriter, r *http.Request) error {
	if err := d.mayAsk(r); err != nil {
		return err
	}
	key, err := readKey(r.PathValue("key"), r.PathValue("value"), "userName")
	if err != nil {
		return err
	}
	s, known, err := d.People.Exists(r.Context(), key)
	if err != nil {
		return err
	}
	result := map[string]any{"exists": known}
	if known && s.ID != "" && strings.HasPrefix(r.URL.Path, "/v2/") {
		result["id"], result["name"] = s.ID, strings.TrimSpace(s.First+" "+s.Last)
	}
	d.good(w, r, r.URL.Path, result)
	return nil
}

// mayAsk keeps policy's user_get.
func (d *Door) mayAsk(r *http.Request) error {
	if d.Policies.Current().Sunbird.UserGet == "public" {
		return nil
	}
	_, known, err := d.caller(r)
	if err == nil && !known {
		err = notAuthorised
	}
	return err
}

// readKey reads what somebody is looked for by; named is what the route calls a
// username.
func readKey(kind, value, named string) (onboarding.Key, error) {
	value = strings.TrimSpace(value)
	switch kind {
	case "email":
		e, ok := readEmail(value)
		if !ok {
			return onboarding.Key{}, badEmail
		}
		return onboarding.Key{Kind: onboarding.ByEmail, Value: e.Key()}, nil
	case "phone":
		p, ok := readAnyPhone(value)
		if !ok {
			return onboarding.Key{}, badPhone
		}
		return onboarding.Key{Kind: onboarding.ByPhone, Value: p.Key()}, nil
	case named:
		// A loginId is a userName and may name the channel behind an @.
		name, _, _ := strings.Cut(value, "@")
		return onboarding.Key{Kind: onboarding.ByUsername, Value: name}, nil
	default:
		return onboarding.Key{}, invalidKey("key", shorten(kind), "email", "phone", named)
	}
}

// shorten keeps what an answer repeats in bounds.
func shorten(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}

const (
	active   = 1
	userType = "OTHER"
)

func shownUser(s onboarding.Shown) map[string]any {
	out := map[string]any{
		"id": s.ID, "userId": s.ID, "firstName": s.First, "lastName": nil, "channel": nil, "rootOrgId": nil, "rootOrg": nil,
		"roles": s.Roles, "status": active, "emailVerified": s.EmailVerified, "phoneVerified": s.PhoneVerified,
		"userName": s.Username, "loginId": s.Username, "userType": userType, "isDeleted": false, "organisations": []any{},
	}
	if s.Last != "" {
		out["lastName"] = s.Last
	}
	var orgs []any
	if c := s.Channel; c.ID != "" {
		out["channel"], out["rootOrgId"], out["rootOrg"] = c.Name, c.ID, map[string]any{"id": c.ID, "channel": c.Name, "orgName": c.Name}
		orgs = append(orgs, map[string]any{"organisationId": c.ID, "orgName": c.Name})
	}
	for _, o := range s.Organisations {
		orgs = append(orgs, map[string]any{"organisationId": o.ID, "orgName": o.Name, "externalId": o.ExternalID})
	}
	if orgs != nil {
		out["organisations"] = orgs
	}
	return out
}

// block and unblock ask for {"request":{"userId":…}}.
func (d *Door) block(w http.ResponseWriter, r *http.Request) error {
	return d.administer(w, r, func(id, by string) error {
		err := d.People.Block(r.Context(), id, by)
		if refused(err, user.UserLocked) {
			return alreadyBlocked
		}
		return err
	})
}

func (d *Door) unblock(w http.ResponseWriter, r *http.Request) error {
	return d.administer(w, r, func(id, by string) error { return d.People.Unblock(r.Context(), id, by) })
}

func (d *Door) administer(w http.ResponseWriter, r *http.Request, do func(id, by string) error) error {
	by, err := d.administrator(r)
	if err != nil {
		return err
	}
	f, err := readBody(w, r)
	if err != nil {
		return err
	}
	id, err := f.text("userId")
	if err == nil && id == "" {
		err = missing("userId")
	}
	if err != nil {
		return err
	}
	if err := do(id, by); err != nil {
		return err
	}
	d.good(w, r, r.URL.Path, map[string]any{"response": "SUCCESS"})
	return nil
}
