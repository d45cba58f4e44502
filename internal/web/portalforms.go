package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/user"
)

// portalForm is the page that makes or changes a profile.
type portalForm struct {
	portalBase
	Heading, Lead, Action, Button string
	Gate                          bool // somebody was led here
	Wrong                         bool
	Fields                        []portalField
	Others                        []langLink // profiles to ask for
}

// portalField is a field of it: Kind is choice, long, check, or an input's type.
type portalField struct {
	Name, Kind, Label, Help, Value, Wrong string
	Optional, Choose, Link, LinkText      string
	Autocomplete                          string
	Most                                  int
	Required                              bool
	Choices                               []choice
}

// choice is a value of a list.
type choice struct{ Value, Label string }

// Described lists what describes a field to who does not see it.
func (f portalField) Described() string {
	var ids []string
	if f.Wrong != "" {
		ids = append(ids, "w-"+f.Name)
	}
	if f.Help != "" {
		ids = append(ids, "h-"+f.Name)
	}
	return strings.Join(ids, " ")
}

// saysType, in the query of the page that completes, is another profile than the
// default one.
const saysType = "type"

func (s *portalPages) createForm(w http.ResponseWriter, r *http.Request, v visitor) {
	if v.acct.Complete() {
		s.message(w, r, http.StatusForbidden, v, "complete", "/"+v.lang+"/profile")
		return
	}
	s.showIn(w, r, http.StatusOK, v, "portal-form", s.form(r, v, s.kind(r, v), nil, nil))
}

// kind is the profile that a form is of: the one they have, else the one they ask
// for, else everybody's.
func (s *portalPages) kind(r *http.Request, v visitor) string {
	rules, asked := s.Rules(), r.URL.Query().Get(saysType)
	switch _, known := rules.Profiles[asked]; {
	case v.acct.Type != "":
		return v.acct.Type
	case known:
		return asked
	default:
		return rules.Default
	}
}

// form makes a form: filled with what was typed, else with what is known.
func (s *portalPages) form(r *http.Request, v visitor, kind string, typed map[string]string, wrong map[string]string) portalForm {
	f := portalForm{portalBase: s.base(r, v), Gate: typed == nil && r.URL.Query().Has(saysNext), Wrong: len(wrong) > 0}
	f.Heading, f.Lead, f.Button = f.T("form.title"), f.T("form.lead", f.Site), f.T("form.save")
	f.Action = r.URL.Path
	if q := r.URL.Query(); q.Has(saysNext) || q.Has(saysType) {
		f.Action += "?" + q.Encode()
	}
	t := f.rules.Profiles[kind]
	if t.Approval && v.acct.Type == "" {
		f.Heading, f.Lead, f.Button = f.T("form.ask", f.Title(kind)), f.T("form.ask-lead"), f.T("form.ask-button")
	} else if v.acct.Complete() {
		f.Heading, f.Lead = f.T("form.edit"), f.T("form.edit-lead")
	}
	value := func(name, known string) string {
		if typed != nil {
			return typed[name]
		}
		return known
	}
	accepted := ""
	if v.acct.Accepted {
		accepted = "yes"
	}
	f.add(portalField{Name: policy.NicknameField, Kind: "text", Label: f.T("field.nickname"), Help: f.T("help.nickname"), Value: value(policy.NicknameField, v.acct.Nickname), Most: policy.NicknameLength, Autocomplete: "nickname"}, t, wrong)
	f.add(portalField{Name: policy.LanguageField, Kind: "choice", Label: f.T("field.language"), Value: value(policy.LanguageField, v.acct.Language), Choices: []choice{{"en", "English"}, {"it", "Italiano"}}}, t, wrong)
	for _, name := range t.Form {
		a := f.rules.Attributes[name]
		one := portalField{
			Name: name, Kind: "text", Label: policy.Label(a.Labels, f.Lang, name), Help: help(a, f.Lang), Most: a.Length(),
			Value: value(name, v.acct.User.Profile.Text(policy.AttrOf(user.DoorPortal, name))),
		}
		switch {
		case a.Choices() != nil && a.Type != policy.Free && a.Type != policy.Tel:
			one.Kind = "choice"
			for _, c := range a.Choices() {
				one.Choices = append(one.Choices, choice{c, f.shown(name, c)})
			}
		case a.Type == policy.Tel:
			one.Kind, one.Autocomplete = "tel", "tel"
		case a.Length() > 200:
			one.Kind = "long"
		}
		f.add(one, t, wrong)
	}
	f.add(portalField{
		Name: policy.TermsField, Kind: "check", Label: f.T("field.terms"), Value: value(policy.TermsField, accepted),
		Link: f.rules.Terms.URL, LinkText: f.T("field.terms-link"),
	}, t, wrong)
	f.others(v, kind)
	return f
}

func help(a policy.Attribute, lang string) string {
	if len(a.Help) == 0 {
		return ""
	}
	return policy.Label(a.Help, lang, "")
}

// add completes a field with what is said of all.
func (f *portalForm) add(one portalField, t policy.ProfileType, wrong map[string]string) {
	one.Required = slices.Contains(t.Required, one.Name)
	one.Wrong, one.Optional, one.Choose = wrong[one.Name], f.T("form.optional"), f.T("form.choose")
	f.Fields = append(f.Fields, one)
}

// others lists the profiles that can be asked for instead.
func (f *portalForm) others(v visitor, kind string) {
	if v.acct.Type != "" || v.acct.Asked != "" {
		return
	}
	for _, name := range sortedKeys(f.rules.Profiles) {
		if name == kind {
			continue
		}
		path := "/" + f.Lang + "/profile/create"
		if name != f.rules.Default {
			path += "?" + url.Values{saysType: {name}}.Encode()
		}
		f.Others = append(f.Others, langLink{Name: f.Title(name), Path: path})
	}
}

// create makes a profile, or asks for one.
func (s *portalPages) create(w http.ResponseWriter, r *http.Request, v visitor) {
	if v.acct.Complete() {
		s.see(w, after(r.URL.Query().Get(saysNext), v.lang)) // a second click
		return
	}
	kind := s.kind(r, v)
	now, ok := s.save(w, r, v, kind)
	if !ok {
		return
	}
	if !now.Complete() { // asked for
		s.see(w, "/"+v.lang+"/profile/create")
		return
	}
	s.see(w, after(r.URL.Query().Get(saysNext), v.lang))
}

func (s *portalPages) editForm(w http.ResponseWriter, r *http.Request, v visitor) {
	s.showIn(w, r, http.StatusOK, v, "portal-form", s.form(r, v, v.acct.Type, nil, nil))
}

func (s *portalPages) edit(w http.ResponseWriter, r *http.Request, v visitor) {
	if _, ok := s.save(w, r, v, v.acct.Type); ok {
		s.see(w, "/"+v.lang+"/profile?"+saysSaved)
	}
}

// save takes a form over, whole or not at all; false where it was answered.
func (s *portalPages) save(w http.ResponseWriter, r *http.Request, v visitor, kind string) (registrant.Account, bool) {
	if err := r.ParseForm(); err != nil {
		problem(w, http.StatusBadRequest, "The form could not be read.")
		return registrant.Account{}, false
	}
	typed, wrong, ch := s.read(r.PostForm, v, kind)
	if len(wrong) > 0 {
		s.showIn(w, r, http.StatusBadRequest, v, "portal-form", s.form(r, v, kind, typed, wrong))
		return registrant.Account{}, false
	}
	after, err := s.People.Change(r.Context(), v.here, ch)
	no, refused := errors.AsType[*user.Refusal](err)
	switch {
	case refused && no.Code == user.BadToken:
		s.see(w, "/"+v.lang+"/sign-in?"+url.Values{saysNext: {r.URL.Path}}.Encode())
	case refused:
		s.message(w, r, http.StatusConflict, v, "asked-already", "/"+v.lang+"/profile/create")
	case err != nil:
		s.faulty(w, r, err)
	}
	return after, err == nil
}

// read judges a form by policy.
func (s *portalPages) read(form url.Values, v visitor, kind string) (typed, wrong map[string]string, ch registrant.Change) {
	rules := s.Rules()
	t := rules.Profiles[kind]
	typed, wrong = map[string]string{}, map[string]string{}
	ch = registrant.Change{Fields: map[string]*string{}, Profile: true, Type: &kind}
	say := func(name, key string, with ...string) { wrong[name] = portalText(v.lang, key, with...) }
	names := append([]string{policy.NicknameField, policy.LanguageField, policy.TermsField}, t.Form...)
	for _, name := range names {
		value := strings.TrimSpace(form.Get(name))
		typed[name] = value
		if value == "" && slices.Contains(t.Required, name) {
			say(name, map[bool]string{true: "wrong.terms", false: "wrong.missing"}[name == policy.TermsField])
			continue
		}
		if name == policy.TermsField {
			yes := value == "yes"
			ch.Accepts = &yes
			continue
		}
		if value == "" {
			ch.Fields[name] = nil
			continue
		}
		for _, f := range attributeOf(rules, name).Faults(value) {
			say(name, "wrong."+string(f))
		}
		ch.Fields[name] = &value
	}
	return typed, wrong, ch
}

// attributeOf says what a field can hold.
func attributeOf(rules policy.Channel, name string) policy.Attribute {
	switch name {
	case policy.NicknameField:
		return policy.Attribute{Type: policy.Free, MaxLength: policy.NicknameLength}
	case policy.LanguageField:
		return policy.Attribute{Type: policy.Choice, Values: policy.Languages()}
	default:
		return rules.Attributes[name]
	}
}
