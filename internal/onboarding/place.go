package onboarding

import (
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// statusInactive is what attribute "status" of a channel is where nobody joins it.
const statusInactive = "inactive"

// Placed is a place that was found: the groups to join, the channel among them.
type Placed struct {
	channel user.Group // zero where there is none
	joins   []user.Group
}

// Settle finds a place (contract B.5). Refusals, by Field: organisationId NotFound
// or, of another channel, Conflict; channel NotFound or, inactive, Forbidden;
// orgExternalId NotFound. Params has the value that was sent.
func Settle(r store.Reader, pol policy.Policy, p Place) (out Placed, err error) {
	var org user.Group
	if p.Organisation != "" {
		if org, err = r.Group(user.ID(p.Organisation)); err != nil || org.Kind != user.GroupChannel && org.Kind != user.GroupOrganisation {
			return out, absent(err, "organisationId", p.Organisation)
		}
		root := org
		for range maxDepth {
			if root.Kind == user.GroupChannel {
				break
			}
			if root, err = r.Group(root.Parent); err != nil {
				return out, absent(err, "organisationId", p.Organisation)
			}
		}
		if root.Kind != user.GroupChannel {
			return out, absent(nil, "organisationId", p.Organisation)
		}
		if p.Channel != "" && p.Channel != root.Name {
			return out, user.Refuse(user.Conflict, "organisationId", "channel", p.Channel)
		}
		out.channel = root
	} else if name := firstOf(p.Channel, pol.Sunbird.Custodian); name != "" {
		if out.channel, err = r.GroupByName(user.GroupChannel, name); err != nil {
			return out, absent(err, "channel", name)
		}
	}
	if out.channel.Attributes["status"] == statusInactive {
		return out, user.Refuse(user.Forbidden, "channel", "channel", out.channel.Name)
	}
	if p.OrgExternalID != "" {
		sub, err := r.GroupByExternalID(user.GroupOrganisation, out.channel.ID, p.OrgExternalID)
		if err != nil || out.channel.ID == "" {
			return out, absent(err, "orgExternalId", p.OrgExternalID)
		}
		if org.ID != "" && org.ID != sub.ID && org.Kind == user.GroupOrganisation {
			return out, user.Refuse(user.Conflict, "orgExternalId", "channel", out.channel.Name)
		}
		org = sub
	}
	if out.channel.ID != "" {
		out.joins = append(out.joins, out.channel)
	}
	if org.ID != "" && org.ID != out.channel.ID {
		out.joins = append(out.joins, org)
	}
	return out, nil
}

// maxDepth is how deep organisations lie in each other: more than any do, and an
// end where somebody made a circle of them.
const maxDepth = 16

func absent(err error, field, value string) error {
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("looking for %s: %w", field, err)
	}
	return user.Refuse(user.NotFound, field, "value", value)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// join makes a strand's user a member of groups; of those it is in, nothing changes.
func join(tx store.Tx, u, strand user.ID, groups []user.Group, at time.Time) error {
	for _, g := range groups {
		err := store.Insert(tx, user.Membership{Group: g.ID, User: u, Strand: strand, Since: at})
		if err != nil && !errors.Is(err, store.ErrExists) {
			return fmt.Errorf("joining %s: %w", g.Name, err)
		}
	}
	return nil
}
