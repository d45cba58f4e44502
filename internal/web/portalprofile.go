package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/user"
)

// labelled is a line of a list of facts.
type labelled struct{ Label, Value string }

type portalHome struct {
	portalBase
	In       bool
	Name     string
	Groups   []string
	Operator bool
}

func (s *portalPages) home(w http.ResponseWriter, r *http.Request, v visitor) {
	d := portalHome{portalBase: s.base(r, v), In: v.in, Name: called(v.acct)}
	if v.in {
		groups, err := s.People.Groups(r.Context(), v.here)
		if err != nil {
			s.faulty(w, r, err)
			return
		}
		for _, path := range groups {
			d.Groups = append(d.Groups, strings.TrimPrefix(path, "/"))
		}
		if d.Operator, err = s.People.Role(r.Context(), v.here, user.RoleOperator); err != nil {
			s.faulty(w, r, err)
			return
		}
	}
	s.showIn(w, r, http.StatusOK, v, "portal-home", d)
}

// called is how a page speaks of somebody.
func called(a registrant.Account) string {
	if a.Nickname != "" {
		return a.Nickname
	}
	if n := strings.TrimSpace(a.First + " " + a.Last); n != "" {
		return n
	}
	return a.Username
}

func (s *portalPages) privacy(w http.ResponseWriter, r *http.Request, v visitor) {
	to := "/" + v.lang + "/"
	if v.in && !v.acct.Complete() {
		to += "profile/create"
	}
	s.message(w, r, http.StatusOK, v, "privacy", to, s.Site())
}

type portalProfile struct {
	portalBase
	Avatar string
	Rows   []labelled
	Facts  []portalFact
}

// portalFact is what the profile shows, and who vouches for it.
type portalFact struct {
	Label, Value, Who string
	Since             string // RFC 3339; empty: not known
}

func (s *portalPages) profile(w http.ResponseWriter, r *http.Request, v visitor) {
	facts, err := s.People.Facts(r.Context(), v.here)
	if err != nil {
		s.faulty(w, r, err)
		return
	}
	d := portalProfile{portalBase: s.base(r, v), Avatar: s.Avatar(v.acct)}
	d.Rows = d.rows(v.acct)
	slices.SortFunc(facts, func(a, b registrant.Fact) int { return strings.Compare(string(a.Attribute), string(b.Attribute)) })
	for _, f := range facts {
		one := portalFact{Label: d.label(f.Attribute), Value: d.shown(string(f.Attribute), f.Value), Who: d.who(f)}
		if !f.Since.IsZero() {
			one.Since = f.Since.UTC().Format(time.RFC3339)
		}
		d.Facts = append(d.Facts, one)
	}
	s.showIn(w, r, http.StatusOK, v, "portal-profile", d)
}

// rows are what an account says, in words.
func (b portalBase) rows(a registrant.Account) []labelled {
	out := []labelled{
		{b.T("field.name"), strings.TrimSpace(a.First + " " + a.Last)},
		{b.T("field.email"), a.Email},
		{b.T("field.nickname"), a.Nickname},
		{b.T("field.language"), a.Language},
		{b.T("field.profile"), b.titleOf(a.Type)},
	}
	for _, name := range b.rules.Profiles[a.Type].Form {
		out = append(out, labelled{policy.Label(b.rules.Attributes[name].Labels, b.Lang, name), b.shown(name, a.Values[name])})
	}
	return slices.DeleteFunc(out, func(l labelled) bool { return l.Value == "" })
}

func (b portalBase) titleOf(kind string) string {
	if kind == "" {
		return ""
	}
	return b.Title(kind)
}

// shown writes a value as people say it.
func (b portalBase) shown(name, value string) string {
	a := b.rules.Attributes[name]
	if a.Type == policy.YesNo && value != "" {
		return b.T("value." + value)
	}
	if texts, ok := a.ValueLabels[value]; ok {
		return policy.Label(texts, b.Lang, value)
	}
	return value
}

// label says what an attribute is.
func (b portalBase) label(a user.Attr) string {
	if own, ok := b.rules.Attributes[string(a)]; ok {
		return policy.Label(own.Labels, b.Lang, string(a))
	}
	if a == policy.TermsAttr(user.DoorPortal) {
		return b.T("field.terms-version")
	}
	if key := "attr." + string(a); hasPortalText(key) {
		return b.T(key)
	}
	return strings.ReplaceAll(string(a), "_", " ")
}

// who says who vouches for something, and how surely.
func (b portalBase) who(f registrant.Fact) string {
	if f.Own {
		return b.T("who.you")
	}
	if f.Source == "" {
		return b.T("who.usher")
	}
	sure := "who.asserted"
	switch f.Assurance {
	case user.Proven:
		sure = "who.proven"
	case user.Attested:
		sure = "who.attested"
	}
	return b.T(sure, string(f.Source))
}

// data gives somebody all that is kept of them, as JSON.
func (s *portalPages) data(w http.ResponseWriter, r *http.Request, v visitor) {
	kept, err := s.People.Keeps(r.Context(), v.here)
	if err != nil {
		s.faulty(w, r, err)
		return
	}
	doc, err := json.MarshalIndent(readable(kept), "", "  ")
	if err != nil {
		s.faulty(w, r, err)
		return
	}
	secure(w.Header(), dataPolicy)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="my-data.json"`)
	_, _ = w.Write(doc)
}

// readable writes what is kept with the names that people and programs know.
func readable(k registrant.Kept) map[string]any {
	var strands, identities, addresses, groups, sessions, history []map[string]any
	for _, st := range k.Strands {
		strands = append(strands, map[string]any{
			"source": st.Source, "since": st.Created, "state": st.State, "says": st.Document, "you_changed": st.Edits,
		})
	}
	for _, i := range k.Identities {
		identities = append(identities, map[string]any{"issuer": i.Issuer, "subject": i.Subject, "since": i.Created})
	}
	for _, c := range k.Claims {
		addresses = append(addresses, map[string]any{"kind": c.Kind, "address": c.Display, "source": c.Source, "assurance": c.Assurance, "since": c.Since})
	}
	for _, g := range k.Groups {
		groups = append(groups, map[string]any{"kind": g.Kind, "name": g.Name})
	}
	for _, one := range k.Sessions {
		sessions = append(sessions, map[string]any{"door": one.Door, "began": one.Created, "until": one.Expires})
	}
	for _, e := range k.Events {
		one := map[string]any{"at": e.At, "kind": e.Kind, "by": e.Actor}
		if json.Valid(e.Body) {
			one["what"] = json.RawMessage(e.Body)
		}
		history = append(history, one)
	}
	return map[string]any{
		"id": k.User.ID, "status": k.User.Status, "created": k.User.Created, "profile": k.User.Profile, "portal": map[string]any{
			"profile_type": k.Profile.Type, "asked": k.Profile.Asked, "verdict": k.Profile.Verdict, "reason": k.Profile.Reason,
		},
		"sources": strands, "identities": identities, "addresses": addresses, "groups": groups, "sessions": sessions, "history": history,
	}
}

type portalDelete struct {
	portalBase
	Wrong bool
}

func (s *portalPages) deleteForm(w http.ResponseWriter, r *http.Request, v visitor) {
	s.showIn(w, r, http.StatusOK, v, "portal-delete", portalDelete{portalBase: s.base(r, v)})
}

// erase forgets somebody who has typed their address, so that no slip does it.
func (s *portalPages) erase(w http.ResponseWriter, r *http.Request, v visitor) {
	if typed := strings.TrimSpace(r.PostFormValue("confirm")); typed == "" || !strings.EqualFold(typed, v.acct.Email) && !strings.EqualFold(typed, v.acct.Username) {
		s.showIn(w, r, http.StatusBadRequest, v, "portal-delete", portalDelete{s.base(r, v), true})
		return
	}
	err := s.People.Erase(r.Context(), v.here)
	if no, ok := errors.AsType[*user.Refusal](err); ok && no.Code == user.BadToken {
		s.see(w, "/"+v.lang+"/sign-in?"+url.Values{saysNext: {r.URL.Path}}.Encode())
		return
	}
	if err != nil {
		s.faulty(w, r, err)
		return
	}
	s.setCookie(w, s.Session, "", -time.Second)
	s.message(w, r, http.StatusOK, visitor{lang: v.lang}, "deleted", "/"+v.lang+"/", s.Site())
}
