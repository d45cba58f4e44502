package registrant

import (
	"context"
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
	for _, role := range usherRoles(pol, roles) {
		want[key{user.GroupRole, role}] = true
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
	want := usherRoles(pol, b.Roles)
	if newcomer {
		if len(want) == 0 {
			return nil, nil
		}
		return b.Roles, s.queue(tx, strand, job.RealmChange{}, "first")
	}
	all, err := memberships(tx, u.ID, strand.ID)
	if err != nil {
		return nil, err
	}
	var have []string
	for k := range all {
		if k.kind == user.GroupRole {
			have = append(have, k.name)
		}
	}
	if slices.Sort(have); slices.Equal(have, want) {
		return nil, nil
	}
	return nil, s.queue(tx, strand, job.RealmChange{}, "roles "+b.Issued.UTC().Format(time.RFC3339))
}

// usherRoles are the roles here that client roles of the realm stand for, in order.
func usherRoles(pol policy.Policy, names []string) (roles []string) {
	for _, name := range names {
		if role := pol.Portal.Roles[name]; role != "" {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
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

// Groups gives the paths of the realm's groups that somebody is in.
func (s *Service) Groups(ctx context.Context, h Here) (paths []string, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		paths = nil
		groups, err := r.GroupsOf(h.User.ID)
		if err != nil {
			return fmt.Errorf("reading groups: %w", err)
		}
		for _, g := range groups {
			if g.Kind == user.GroupRealm {
				paths = append(paths, g.Name)
			}
		}
		return nil
	})
	return paths, err
}

// Role says whether somebody is in a role now.
func (s *Service) Role(ctx context.Context, h Here, name string) (in bool, err error) {
	err = s.Store.View(ctx, func(r store.Reader) (err error) {
		in, err = r.InGroup(h.User.ID, user.GroupRole, name)
		return err
	})
	return in, err
}
