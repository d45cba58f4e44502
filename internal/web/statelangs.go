package web

import (
	"net/http"
	"net/url"
	"time"

	"golang.org/x/text/language"
)

// langLink leads to the same page in another language.
type langLink struct {
	Tag, Name string
	Path      string
	Current   bool
}

// stateLangs are the languages of the pages of state sign-ins.
var stateLangs = []langLink{{Tag: "en", Name: "English"}, {Tag: "hi", Name: "हिन्दी"}}

func stateLang(tag string) bool {
	for _, l := range stateLangs {
		if l.Tag == tag {
			return true
		}
	}
	return false
}

const (
	// langCookie holds the language that somebody chose with langQuery. It says
	// nothing else of them.
	langCookie = "usher_lang"
	langQuery  = "lang"
	langLife   = 365 * 24 * time.Hour
)

// inLanguage keeps the language that somebody chose: before what their browser
// asks for, through all pages.
func (s *statePages) inLanguage(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		chosen := r.URL.Query().Get(langQuery)
		if stateLang(chosen) {
			s.setCookie(w, langCookie, chosen, langLife)
		} else if c, err := r.Cookie(langCookie); err == nil {
			chosen = c.Value
		}
		if stateLang(chosen) {
			r = r.Clone(r.Context())
			r.Header.Set("Accept-Language", chosen)
		}
		h(w, r)
	}
}

// lang is the language that the pages are shown in, and texts are sent in.
func (s *statePages) lang(r *http.Request) string {
	tags, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	pg := s.pages["state-code"]
	_, i, _ := pg.match.Match(tags...)
	return pg.langs[i]
}

// langs are the links to a page in each language. They keep of its address what
// decides which page it is, and no word that somebody else wrote there.
func (s *statePages) langs(r *http.Request, d stateData) []langLink {
	keep := url.Values{}
	switch {
	case r.URL.Path == pathError:
		if text, _ := s.said(r); text != "" {
			keep.Set(saysError, text)
		}
	case r.URL.Path == pathContact && d.Step == StateCode:
		keep.Set(saysChange, "")
	}
	now := s.lang(r)
	links := make([]langLink, len(stateLangs))
	for i, l := range stateLangs {
		keep.Set(langQuery, l.Tag)
		l.Path, l.Current = r.URL.Path+"?"+keep.Encode(), l.Tag == now
		links[i] = l
	}
	return links
}
