package portal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/usher-id/usher/internal/registrant"
)

// object is a JSON object whose members keep their order.
type object []pair

type pair struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// What the original's other services fill in: usher sends the keys, empty (contract
// portal.md). Made once, never written to.
var (
	noBenefits  = nulls("calories_consumed", "benefit_index")
	noEmissions = nulls("so2", "so2_saved", "nox", "nox_saved", "co2", "co2_saved", "co", "co_saved", "pm10", "pm10_saved")
)

func nulls(names ...string) json.RawMessage {
	var o object
	for _, n := range names {
		o = append(o, pair{n, nil})
	}
	doc, _ := o.MarshalJSON() // names and nulls
	return doc
}

var none, nothing = json.RawMessage("[]"), json.RawMessage("{}")

// ownAttributes are those that the contract has in a profile, in its order, and
// whether an empty one is an empty text.
var ownAttributes = []struct {
	name string
	text bool
}{{"gender", false}, {"age", false}, {"phone_number", true}, {"bio", true}, {"date_updated", false}, {"occupation", false}}

// view writes an account as the contract has it: its keys in its order, and after
// them what usher adds.
func (d *Door) view(a registrant.Account) object {
	var kind, asked any
	if a.Type != "" {
		kind = a.Type
	}
	if a.Asked != "" {
		asked = a.Asked
	}
	return object{
		{"accepted_terms_of_service", a.Accepted},
		{"url", d.PublicURL + Path},
		{"uuid", a.Subject},
		{"username", a.Username},
		{"email", a.Email},
		{"date_joined", written(a.Joined)},
		{"language_preference", a.Language},
		{"first_name", a.First},
		{"last_name", a.Last},
		{"nickname", a.Nickname},
		{"profile", d.profile(a)},
		{"profile_type", kind},
		{"avatar", Avatar(d.PublicURL, a)},
		{"acquired_badges", none},
		{"next_badges", none},
		{"total_health_benefits", noBenefits},
		{"total_emissions", noEmissions},
		{"total_distance_km", nothing},
		{"total_travels", nothing},
		{"missing_fields", a.Missing},
		{"pending_approval", asked},
		{"link_pending", a.LinkPending},
	}
}

// profile is null for none, empty for those without a form, else what it holds:
// attributes that policy added come last.
func (d *Door) profile(a registrant.Account) any {
	if a.Type == "" {
		return nil
	}
	form := d.Policies.Current().Portal.Profiles[a.Type].Form
	if len(form) == 0 {
		return nothing
	}
	var out object
	known := map[string]bool{}
	for _, own := range ownAttributes {
		known[own.name] = true
		var v any
		switch value := a.Values[own.name]; {
		case own.name == "date_updated":
			v = written(a.Updated)
		case value != "" || own.text:
			v = value
		}
		out = append(out, pair{own.name, v})
	}
	for _, name := range form {
		if v := a.Values[name]; v != "" && !known[name] {
			out = append(out, pair{name, v})
		}
	}
	return out
}

// written is a time as Django REST framework writes it.
func written(at time.Time) string {
	form := "2006-01-02T15:04:05.000000Z"
	if at.Nanosecond() < 1000 {
		form = "2006-01-02T15:04:05Z"
	}
	return at.UTC().Format(form)
}

const avatarPath = "/avatars/"

// Avatar is the address of somebody's picture, else of their initials.
func Avatar(publicURL string, a registrant.Account) string {
	if a.Picture != "" {
		return a.Picture
	}
	letters := initials(a.First) + initials(a.Last)
	for _, name := range []string{a.Nickname, a.Username} {
		if letters == "" {
			letters = initials(name)
		}
	}
	if letters == "" {
		letters = "-"
	}
	return publicURL + avatarPath + url.PathEscape(letters) + ".svg"
}

func initials(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return ""
}

// serveAvatar draws one or two letters. They say nothing of whom they stand for, so
// that anybody may keep the picture.
func serveAvatar(w http.ResponseWriter, r *http.Request) {
	letters, ok := strings.CutSuffix(r.PathValue("name"), ".svg")
	runes := []rune(letters)
	if !ok || len(runes) == 0 || len(runes) > 2 || slices.ContainsFunc(runes, func(c rune) bool {
		return c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	}) {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	if r.Method == http.MethodHead {
		return
	}
	//nolint:gosec // one or two letters or digits, see above
	_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96" role="img"><rect width="96" height="96" rx="48" fill="#2f5d62"/>` +
		`<text x="48" y="50" font-family="system-ui,sans-serif" font-size="38" fill="#fff" text-anchor="middle" dominant-baseline="central">` + letters + `</text></svg>`))
}
