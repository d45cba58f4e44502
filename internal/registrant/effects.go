package registrant

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// made records that a profile was made, and mails its person.
func (s *Service) made(tx store.Tx, pol policy.Policy, u user.User, st user.Strand, p store.ChannelProfile) error {
	err := event.Append(tx, event.New{
		Kind: event.ProfileMade, User: u.ID, Actor: string(u.ID), Door: Door, Body: map[string]any{"profile": p.Type, "strand": st.ID},
	})
	if err != nil {
		return err
	}
	return s.mail(tx, pol, u, st, "portal-created", "made:"+stamp(p), map[string]string{})
}

// stampOf tells one moment from another in the key of a job.
func stampOf(at time.Time) string { return strconv.FormatInt(at.UnixMicro(), 36) }

func stamp(p store.ChannelProfile) string {
	return strconv.FormatInt(p.Updated.UnixMicro(), 36) + string(p.Strand)
}

// assign has the realm put somebody into the group of their profile once that is
// complete. What the realm did before it is not asked again: it may have reasons to
// take somebody out.
func (s *Service) assign(tx store.Tx, pol policy.Policy, u user.User, st user.Strand, p store.ChannelProfile) error {
	t := pol.Portal.Profiles[p.Type]
	if p.Type == "" || t.Group == "" || len(pol.Portal.Missing(Door, p.Type, u.Profile)) > 0 {
		return nil
	}
	in, err := tx.InGroup(u.ID, user.GroupRealm, t.Group)
	if err != nil {
		return fmt.Errorf("looking for a membership: %w", err)
	}
	if in {
		return nil
	}
	return s.queue(tx, st, job.RealmChange{Join: t.Group}, strconv.FormatInt(p.Made.UnixMicro(), 36))
}

// queue has a realm change what it keeps of somebody.
func (s *Service) queue(tx store.Tx, st user.Strand, ch job.RealmChange, once string) error {
	if !s.Direct {
		return nil
	}
	_, ch.Realm, _ = strings.Cut(string(st.Source), ":")
	ids, err := tx.Identities(st.User)
	if err != nil {
		return fmt.Errorf("reading identities: %w", err)
	}
	for _, i := range ids {
		if i.Strand == st.ID {
			ch.Issuer, ch.Subject = i.Issuer, i.Subject
		}
	}
	if ch.Subject == "" {
		return nil
	}
	what := ch.Join
	if ch.Enable != nil {
		what = "enabled=" + *ch.Enable
	}
	return job.Enqueue(tx, job.New{
		Kind: job.KindRealm, Key: strings.Join([]string{string(st.ID), what, once}, ":"), User: st.User, Payload: ch,
	})
}

// mail writes to the address that the realm vouches for; to no other.
func (s *Service) mail(tx store.Tx, pol policy.Policy, u user.User, st user.Strand, template, once string, data map[string]string) error {
	to := st.Document.Text(user.EmailAttr)
	if to == "" || st.Document.Text(user.EmailVerified) != "true" {
		return nil
	}
	data["site"], data["link"] = s.SiteName(), s.PublicURL+"/"
	data["name"] = name(u)
	return s.post(tx, u.ID, to, lang(pol, u), template, string(st.ID)+":"+once, data)
}

func (s *Service) post(tx store.Tx, about user.ID, to, lang, template, once string, data map[string]string) error {
	return job.Enqueue(tx, job.New{
		Kind: job.KindMail, Key: template + ":" + once, User: about,
		Payload: job.Mail{To: to, Template: template, Lang: lang, Data: data},
	})
}

func lang(pol policy.Policy, u user.User) string {
	if l := u.Profile.Text(user.Locale); l != "" {
		return l
	}
	return pol.Portal.Language
}

func name(u user.User) string {
	if n := u.Profile.Text(user.Name); n != "" {
		return n
	}
	return u.Profile.Text(user.PreferredName)
}

// tellOperators mails operators who have proven an address, and those whom policy
// lists, that somebody asks for a profile.
func (s *Service) tellOperators(tx store.Tx, pol policy.Policy, u user.User, st user.Strand, kind string) error {
	told := map[string]string{} // language by address
	for _, a := range pol.Portal.Administrators {
		told[a] = pol.Portal.Language
	}
	g, err := tx.GroupByName(user.GroupRole, user.RoleOperator)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("looking for operators: %w", err)
	}
	if err == nil {
		members, err := tx.Members(g.ID)
		if err != nil {
			return fmt.Errorf("looking for operators: %w", err)
		}
		for _, m := range members {
			if in, err := tx.InGroup(m.User, user.GroupRole, user.RoleOperator); err != nil || !in {
				if err != nil {
					return fmt.Errorf("looking for operators: %w", err)
				}
				continue // by a strand that was withdrawn
			}
			if err := addressOf(tx, pol, m.User, told); err != nil {
				return err
			}
		}
	}
	title := pol.Portal.Profiles[kind].Title
	for to, l := range told {
		err := s.post(tx, u.ID, to, l, "portal-request", string(st.ID)+":"+strconv.FormatInt(tx.Now().UnixMicro(), 36)+":"+to, map[string]string{
			"site": s.SiteName(), "name": name(u), "email": st.Document.Text(user.EmailAttr), "what": policy.Label(title, l, kind),
			"link": s.PublicURL + RequestsPath + "/" + string(st.ID),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// RequestsPath is where operators find the requests.
const RequestsPath = "/console/requests"

// addressOf adds the first e-mail address that a user owns.
func addressOf(r store.Reader, pol policy.Policy, id user.ID, told map[string]string) error {
	owned, err := r.Owned(id)
	if err != nil {
		return fmt.Errorf("reading the addresses of an operator: %w", err)
	}
	for _, o := range owned {
		if o.Kind != user.Email {
			continue
		}
		u, err := r.User(id)
		if err != nil {
			return fmt.Errorf("reading an operator: %w", err)
		}
		told[o.Address] = lang(pol, u)
		return nil
	}
	return nil
}

// tellApplicant mails a decision.
func (s *Service) tellApplicant(tx store.Tx, pol policy.Policy, u user.User, st user.Strand, kind string, p store.ChannelProfile) error {
	template := "portal-approved"
	if p.Verdict == store.Refused {
		template = "portal-refused"
	}
	return s.mail(tx, pol, u, st, template, stamp(p), map[string]string{
		"what": policy.Label(pol.Portal.Profiles[kind].Title, lang(pol, u), kind), "reason": p.Reason,
	})
}
