package registrant

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// belong makes the memberships of a strand what its realm says: its groups that
// policy names, and its client roles that mean something here. nil leaves what is.
func (s *Service) belong(tx store.Tx, pol policy.Policy, u user.ID, strand user.Strand, groups, roles []string) error {
	want := map[key]bool{}
	for _, path := range groups {
		if slices.Contains(pol.Portal.Groups, path) {
			want[key{user.GroupRealm, path}] = true
		}
	}
	for _, name := range roles {
		if role := pol.Portal.Roles[name]; role != "" {
			want[key{user.GroupRole, role}] = true
		}
	}
	have, err := memberships(tx, u, strand.ID)
	if err != nil {
		return err
	}
	for k, m := range have {
		kept := k.kind == user.GroupRealm && groups == nil || k.kind == user.GroupRole && roles == nil
		if want[k] || kept {
			continue
		}
		if err := errors.Join(store.Delete(tx, m), s.tell(tx, event.GroupLeft, k, m, strand)); err != nil {
			return fmt.Errorf("leaving %s: %w", k.name, err)
		}
	}
	for k := range want {
		if _, in := have[k]; in {
			continue
		}
		g, err := groupOf(tx, k)
		if err != nil {
			return err
		}
		m := user.Membership{Group: g.ID, User: u, Strand: strand.ID, Since: tx.Now()}
		if err := errors.Join(store.Insert(tx, m), s.tell(tx, event.GroupJoined, k, m, strand)); err != nil {
			return fmt.Errorf("joining %s: %w", k.name, err)
		}
	}
	return nil
}

// rolesOf gives the roles that a token may change; nil for none. A token's are as old
// as the token: where the realm can be asked, its word alone changes what somebody who
// is known here has, and it is asked where the token differs.
func (s *Service) rolesOf(tx store.Tx, pol policy.Policy, u user.User, strand user.Strand, b Bearer, newcomer bool) ([]string, error) {
	if !s.Direct {
		return b.Roles, nil
	}
	want := map[string]bool{}
	for _, name := range b.Roles {
		if role := pol.Portal.Roles[name]; role != "" {
			want[role] = true
		}
	}
	if newcomer {
		if len(want) == 0 {
			return nil, nil
		}
		return b.Roles, s.queue(tx, strand, job.RealmChange{}, "first")
	}
	have, err := memberships(tx, u.ID, strand.ID)
	if err != nil {
		return nil, err
	}
	same := true
	for k := range have {
		same = same && (k.kind != user.GroupRole || want[k.name])
	}
	for role := range want {
		_, in := have[key{user.GroupRole, role}]
		same = same && in
	}
	if same {
		return nil, nil
	}
	return nil, s.queue(tx, strand, job.RealmChange{}, "roles "+b.Issued.UTC().Format(time.RFC3339))
}

// key names a group among those that a realm decides on.
type key struct{ kind, name string }

func memberships(r store.Reader, u, strand user.ID) (map[key]user.Membership, error) {
	all, err := r.Memberships(u)
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	out := map[key]user.Membership{}
	var ids []user.ID
	for _, m := range all {
		if m.Strand == strand {
			ids = append(ids, m.Group)
		}
	}
	groups, err := r.GroupsByID(ids)
	if err != nil {
		return nil, fmt.Errorf("reading groups: %w", err)
	}
	for _, g := range groups {
		if g.Kind != user.GroupRealm && g.Kind != user.GroupRole {
			continue
		}
		i := slices.IndexFunc(all, func(m user.Membership) bool { return m.Group == g.ID && m.Strand == strand })
		out[key{g.Kind, g.Name}] = all[i]
	}
	return out, nil
}

func groupOf(tx store.Tx, k key) (user.Group, error) {
	g, err := tx.GroupByName(k.kind, k.name)
	if !errors.Is(err, store.ErrNotFound) {
		if err != nil {
			err = fmt.Errorf("looking for %s: %w", k.name, err)
		}
		return g, err
	}
	g = user.Group{ID: tx.NewID(), Kind: k.kind, Name: k.name, Created: tx.Now()}
	if err := store.Insert(tx, g); err != nil {
		return g, fmt.Errorf("making %s: %w", k.name, err)
	}
	return g, event.Append(tx, event.New{
		Kind: event.GroupCreated, Actor: string(Door), Door: Door, Body: map[string]any{"group": g.ID, "kind": g.Kind, "name": g.Name},
	})
}

func (s *Service) tell(tx store.Tx, kind event.Kind, k key, m user.Membership, strand user.Strand) error {
	return event.Append(tx, event.New{
		Kind: kind, User: m.User, Actor: string(strand.Source), Door: Door,
		Body: map[string]any{"group": m.Group, "kind": k.kind, "name": k.name, "strand": m.Strand},
	})
}
