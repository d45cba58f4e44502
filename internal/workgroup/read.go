package workgroup

import (
	"context"
	"fmt"
	"slices"

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

// ByRef gives the working groups that exist of those named.
func (s *Service) ByRef(ctx context.Context, refs []user.ID) (out map[user.ID]Group, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		out = map[user.ID]Group{}
		found, err := r.GroupsByID(refs)
		if err != nil {
			return fmt.Errorf("reading working groups: %w", err)
		}
		all, err := whole(r, slices.DeleteFunc(found, func(g user.Group) bool { return g.Kind != user.GroupWorking }))
		for _, g := range all {
			out[g.Ref] = g
		}
		return err
	})
	return out, err
}

// AtInstitutions gives the groups of institutions, by age; TooLarge where they
// are more than limit.
func (s *Service) AtInstitutions(ctx context.Context, refs []user.ID, limit int) (map[user.ID][]Group, error) {
	return s.by(ctx, refs, limit, func(g Group) user.ID { return g.Institution.Ref })
}

// InFields gives the groups in research fields, by age; TooLarge where they are
// more than limit.
func (s *Service) InFields(ctx context.Context, refs []user.ID, limit int) (map[user.ID][]Group, error) {
	return s.by(ctx, refs, limit, func(g Group) user.ID { return g.Field.Ref })
}

func (s *Service) by(ctx context.Context, refs []user.ID, limit int, of func(Group) user.ID) (out map[user.ID][]Group, err error) {
	wanted := map[user.ID]bool{}
	for _, ref := range refs {
		wanted[ref] = true
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		out = map[user.ID][]Group{}
		all, err := r.GroupsOfKind(user.GroupWorking)
		if err != nil {
			return fmt.Errorf("listing working groups: %w", err)
		}
		all = slices.DeleteFunc(all, func(g user.Group) bool { return !wanted[of(group(g))] })
		if len(all) > limit {
			return user.Refuse(user.TooLarge, "")
		}
		found, err := whole(r, all)
		for _, g := range found {
			out[of(g)] = append(out[of(g)], g)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// whole reads what working groups refer to: a few queries for each sixteen,
// whatever refers to what.
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
	speaker := map[user.ID]user.ID{}
	for _, m := range speak {
		if speaker[m.Group] == "" {
			speaker[m.Group] = m.User
		}
	}
	for i := range out {
		g := &out[i]
		g.Institution, g.Field = institution(byID[g.Institution.Ref]), field(byID[g.Field.Ref])
		g.Representative = speaker[g.Ref]
	}
	return out, nil
}
