package edi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// maxID bounds what is looked up as an EDI number; longer ones are nobody's.
const maxID = 256

// read shows a profile: two fields to everybody signed in, all to its owner,
// nulls included (contract edi.md, readProfile).
func (d *Door) read(ctx context.Context, live session.Live, r *http.Request) answer {
	id := r.PathValue("id")
	u, a, found := d.find(ctx, live, "readProfile", id)
	if !found {
		return a
	}
	p := u.Profile
	fields := []field{{"edi_id", id}, {"common_name", p.Get(user.Name)}}
	if u.ID == live.User.ID {
		fields = append(
			fields,
			field{"email", directory.ShownEmail(p)},
			field{"avatar_url", d.avatarURL(p)},
			field{"email_notifications", p.Text(user.Notifications) == "true"},
			field{"privacy_policy_accepted", p.Text(user.PrivacyPolicy) == "true"},
			field{"privacy_policy_accepted_date", acceptedDate(p.Get(user.PrivacyPolicyT))},
		)
	}
	return ok("Profile retrieved successfully", fields...)
}

// find looks a profile up by the id in the path; false comes with what to say
// instead. Ids are opaque: there is no syntax to be wrong about.
func (d *Door) find(ctx context.Context, live session.Live, method, id string) (user.User, answer, bool) {
	if id == live.Session.Subject {
		return live.User, answer{}, true // read with the session, just now
	}
	if !plausible(id) {
		return user.User{}, answer{status: http.StatusNotFound, msg: notFound}.about(id), false
	}
	u, err := d.Profiles.FindEDI(ctx, id)
	if err == nil {
		return u, answer{}, true
	}
	a := d.failed(ctx, method, err)
	if no, refused := errors.AsType[*user.Refusal](err); refused && no.Code == user.NotFound {
		a = a.about(id)
	}
	return user.User{}, a, false
}

// acceptedDate spells a moment as the original does: to the microsecond,
// without a zone.
func acceptedDate(v *string) any {
	if v == nil || *v == "" {
		return nil
	}
	if t, err := time.Parse(time.RFC3339Nano, *v); err == nil {
		return date(t.UTC().Format("2006-01-02T15:04:05.000000"))
	}
	return date(*v)
}

// avatarURL is the person's picture, or the one made of their initials.
func (d *Door) avatarURL(p user.Profile) string {
	if picture := p.Text(user.Picture); picture != "" {
		return picture
	}
	return d.initialsURL(p.Text(user.Name))
}

func (d *Door) initialsURL(name string) string {
	return d.base + "/auth/ui/api/avatar/gen/" + url.PathEscape(initials(name))
}

// initials are the first letters of a name in upper case: of all its words, or
// where it has more than three of the first, the second and the last. A name
// without words gives a question mark.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	if len(words) > 3 {
		words = []string{words[0], words[1], words[len(words)-1]}
	}
	var b strings.Builder
	for _, w := range words {
		letter, _ := utf8.DecodeRuneInString(w)
		b.WriteRune(unicode.ToUpper(letter))
	}
	return b.String()
}
