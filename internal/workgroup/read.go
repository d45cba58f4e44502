package workgroup

import (
	"context"
	"fmt"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Service keeps working groups.
type Service struct{ store store.Store }

// NewService makes the service.
func NewService(s store.Store) *Service { return &Service{s} }

// Institutions lists them by age.
func (s *Service) Institutions(ctx context.Context) ([]Institution, error) {
	return ofKind(ctx, s, user.GroupInstitution, institution)
}

// Fields lists the research fields by age.
func (s *Service) Fields(ctx context.Context) ([]Field, error) {
	return ofKind(ctx, s, user.GroupField, field)
}

func ofKind[T any](ctx context.Context, s *Service, kind string, make func(user.Group) T) (out []T, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		out = nil
		all, err := r.GroupsOfKind(kind)
		for _, g := range all {
			out = append(out, make(g))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing groups of kind %s: %w", kind, err)
	}
	return out, nil
}

// Groups lists the working groups by age.
func (s *Service) Groups(ctx context.Context) (out []Group, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		all, err := r.GroupsOfKind(user.GroupWorking)
		if err != nil {
			return fmt.Errorf("listing working groups: %w", err)
		}
		out, err = whole(r, all)
		return err
	})
	return out, err
}

// ByRef gives those that exist.
func (s *Service) ByRef(ctx context.Context, refs []user.ID) (out map[user.ID]Group, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		out = map[user.ID]Group{}
		found, err := r.GroupsByID(refs)
		if err != nil {
			return fmt.Errorf("reading working groups: %w", err)
		}
		all, err := whole(r, working(found))
		for _, g := range all {
			out[g.Ref] = g
		}
		return err
	})
	return out, err
}

func working(in []user.Group) (out []user.Group) {
	for _, g := range in {
		if g.Kind == user.GroupWorking {
			out = append(out, g)
		}
	}
	return out
}

// AtInstitutions gives the groups of institutions; TooLarge where they are more
// than limit.
func (s *Service) AtInstitutions(ctx context.Context, refs []user.ID, limit int) (map[user.ID][]Group, error) {
	return s.by(ctx, refs, limit, func(g Group) user.ID { return g.Institution.Ref })
}

// InFields gives the groups in research fields; TooLarge where they are more
// than limit.
func (s *Service) InFields(ctx context.Context, refs []user.ID, limit int) (map[user.ID][]Group, error) {
	return s.by(ctx, refs, limit, func(g Group) user.ID { return g.Field.Ref })
}

func (s *Service) by(ctx context.Context, refs []user.ID, limit int, of func(Group) user.ID) (map[user.ID][]Group, error) {
	wanted := map[user.ID]bool{}
	for _, ref := range refs {
		wanted[ref] = true
	}
	all, err := s.Groups(ctx)
	if err != nil {
		return nil, err
	}
	out, n := map[user.ID][]Group{}, 0
	for _, g := range all {
		if !wanted[of(g)] {
			continue
		}
		if n++; n > limit {
			return nil, user.Refuse(user.TooLarge, "")
		}
		out[of(g)] = append(out[of(g)], g)
	}
	return out, nil
}

// whole reads what working groups refer to: two queries, whatever their number.
func whole(r store.Reader, in []user.Group) ([]Group, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]Group, 0, len(in))
	var ids, others []user.ID
	seen := map[user.ID]bool{}
	for _, g := range in {
		one := group(g)
		out, ids = append(out, one), append(ids, g.ID)
		for _, ref := range []user.ID{one.Institution.Ref, one.Field.Ref} {
			if !seen[ref] {
				seen[ref] = true
				others = append(others, ref)
			}
		}
	}
	found, err := r.GroupsByID(others)
	if err != nil {
		return nil, fmt.Errorf("reading institutions and fields: %w", err)
	}
	byID := map[user.ID]user.Group{}
	for _, g := range found {
		byID[g.ID] = g
	}
	speak, err := r.MembersOf(ids, user.MemberRepresentative, user.MemberRepresenting, store.TakenMost)
	if err != nil {
		return nil, fmt.Errorf("reading representatives: %w", err)
	}
	for i := range out {
		out[i].Institution, out[i].Field = institution(byID[out[i].Institution.Ref]), field(byID[out[i].Field.Ref])
		for _, m := range speak {
			if m.Group == out[i].Ref {
				out[i].Representative = m.User
				break
			}
		}
	}
	return out, nil
}
