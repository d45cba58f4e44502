package edi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

const (
	// found is how many profiles and groups one search shows (contract edi.md,
	// section 6).
	found = 5
	// minSearch and maxSearch are in characters. Below the minimum, which is the
	// document's, a few requests would list everybody; the code of 2025-12 has
	// none.
	minSearch = 3
	maxSearch = 256
)

// search finds profiles, then groups, by the beginning of what is typed
// (contract edi.md, section 6): 401, then 400, then 200, for nothing too.
func (d *Door) search(ctx context.Context, _ session.Live, r *http.Request) answer {
	const method = "searchPrincipals"
	query := r.URL.Query()
	typed, sent := last(query, "s")
	if !sent {
		return invalidURL("Missing query parameter: s (search string)")
	}
	profiles, why := yes(query, "profiles")
	if why == "" {
		var groups bool
		if groups, why = yes(query, "groups"); why == "" {
			return d.searchFor(ctx, method, typed, profiles, groups)
		}
	}
	return invalidURL(why)
}

func (d *Door) searchFor(ctx context.Context, method, typed string, profiles, groups bool) answer {
	switch n := utf8.RuneCountInString(strings.TrimSpace(typed)); {
	case !profiles && !groups:
		return invalidURL("Must include profiles and/or groups")
	case n < minSearch && !d.StrictReference():
		return invalidURL(fmt.Sprintf("Search string must be at least %d characters", minSearch))
	case n > maxSearch:
		return invalidURL(fmt.Sprintf("Search string must be at most %d characters", maxSearch))
	}
	people, circles := rows{item: "profile"}, rows{item: "group"}
	if profiles {
		hits, err := d.Profiles.SearchEDI(ctx, typed, found)
		if err != nil {
			return d.failed(ctx, method, err)
		}
		for _, h := range hits {
			p := h.User.Profile
			people.each = append(people.each, []field{
				{"edi_id", h.Number},
				{"common_name", p.Get(user.Name)},
				{"email", directory.ShownEmail(p)},
				{"avatar_url", d.avatarURL(p)},
			})
		}
	}
	if left := found - len(people.each); groups && left > 0 {
		hits, err := d.Groups.SearchOwn(ctx, typed, left)
		if err != nil {
			return d.failed(ctx, method, err)
		}
		for _, g := range hits {
			description := ""
			if g.Description != nil {
				description = *g.Description
			}
			circles.each = append(circles.each, []field{
				{"edi_id", g.Number},
				{"name", g.Title},
				{"description", description},
				{"avatar_url", d.initialsURL(g.Title)},
			})
		}
	}
	return ok("Profiles and/or groups searched successfully", field{"profiles", people}, field{"groups", circles})
}

func invalidURL(why string) answer { return badRequest("Invalid URL: " + why) }

// last gives the last of a query's parameters of a name, as the original reads
// them.
func last(query url.Values, name string) (string, bool) {
	all := query[name]
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// yes reads a parameter that is true where it is not sent. The second result
// says what is wrong with it.
func yes(query url.Values, name string) (bool, string) {
	text, sent := last(query, name)
	if !sent {
		return true, ""
	}
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return true, ""
	case "false", "0", "no":
		return false, ""
	default:
		return false, fmt.Sprintf("Invalid boolean value: %q. Expected one of: true, false, yes, no, 1, 0 (case insensitive).", text)
	}
}
