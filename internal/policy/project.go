package policy

import (
	"cmp"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

// Project derives the effective profile from a user's live strands and
// addresses. It is a pure function of what they hold, not of the order in
// which they came: equal assurance is decided by the source's name and then by
// the value. An id decides only which of two strands that say the very same is
// named as the one that says it.
func (p Policy) Project(strands []user.Strand, claims []user.Claim, owned []user.Owner) user.Profile {
	out := user.Profile{}
	for _, a := range named(strands) {
		if a == user.EmailAttr || a == user.EmailVerified {
			continue // decided by the addresses, below
		}
		if s, ok := p.effective(a, strands); ok {
			out[a] = s
		}
	}
	if _, ok := out[user.Name]; !ok {
		if n := strings.TrimSpace(out.Text(user.GivenName) + " " + out.Text(user.FamilyName)); n != "" {
			out[user.Name] = user.Shown{Value: &n, Assurance: user.Asserted}
		}
	}
	if best, ok := firstAddress(strands, claims, owned); ok {
		verified := "false"
		if best.Assurance.Rank() >= user.Attested.Rank() {
			verified = "true"
		}
		out[user.EmailAttr] = user.Shown{Value: user.Text(best.Display), Strand: best.Strand, Assurance: best.Assurance}
		out[user.EmailVerified] = user.Shown{Value: &verified, Strand: best.Strand, Assurance: best.Assurance}
	}
	return out
}

func named(strands []user.Strand) []user.Attr {
	seen := map[user.Attr]bool{}
	var out []user.Attr
	for _, s := range strands {
		if s.State != user.Live {
			continue
		}
		for _, d := range []user.Document{s.Document, s.Edits} {
			for a := range d {
				if !seen[a] {
					seen[a] = true
					out = append(out, a)
				}
			}
		}
	}
	return out
}

// effective walks the authority list of an attribute.
func (p Policy) effective(a user.Attr, strands []user.Strand) (user.Shown, bool) {
	order, ok := p.Authority[string(a)]
	if !ok {
		order = p.Authority["*"]
	}
	for _, who := range order {
		var (
			s     user.Shown
			found bool
		)
		switch who {
		case "person":
			s, found = latestEdit(a, strands)
		case "assurance":
			s, found = surest(a, strands, "")
		default:
			s, found = surest(a, strands, user.Source(who))
		}
		if found {
			return s, true
		}
	}
	return user.Shown{}, false
}

// latestEdit finds what the person said last, in whichever strand's session.
func latestEdit(a user.Attr, strands []user.Strand) (user.Shown, bool) {
	var (
		best   user.Fact
		strand user.ID
	)
	for _, s := range strands {
		f, ok := s.Edits[a]
		if s.State != user.Live || !ok {
			continue
		}
		if strand == "" || f.At.After(best.At) ||
			f.At.Equal(best.At) && (before(f, best) || equal(f, best) && s.ID < strand) {
			best, strand = f, s.ID
		}
	}
	return user.Shown{Value: best.Value, Strand: strand, Assurance: user.Asserted}, strand != ""
}

// surest finds the surest word among the sources, or of one source (or door)
// when it is named.
func surest(a user.Attr, strands []user.Strand, only user.Source) (user.Shown, bool) {
	var (
		best   user.Fact
		source user.Source
		strand user.ID
	)
	for _, s := range strands {
		f, ok := s.Document[a]
		if s.State != user.Live || !ok || only != "" && s.Source != only && user.Source(s.Source.Door()) != only {
			continue
		}
		r, b := f.Assurance.Rank(), best.Assurance.Rank()
		// A source that says "none" says less than one that names a value.
		if (f.Value == nil) != (best.Value == nil) && strand != "" {
			if f.Value == nil {
				continue
			}
			best, source, strand = f, s.Source, s.ID
			continue
		}
		if strand == "" || r > b || r == b && (s.Source < source ||
			s.Source == source && (before(f, best) || equal(f, best) && s.ID < strand)) {
			best, source, strand = f, s.Source, s.ID
		}
	}
	return user.Shown{Value: best.Value, Strand: strand, Assurance: best.Assurance}, strand != ""
}

func equal(a, b user.Fact) bool { return !before(a, b) && !before(b, a) }

// before orders values by spelling, and none behind every value.
func before(a, b user.Fact) bool {
	switch {
	case a.Value == nil:
		return false
	case b.Value == nil:
		return true
	default:
		return *a.Value < *b.Value
	}
}

// firstAddress picks the e-mail that stands for the user: the owned before
// the attested before the asserted, then the earliest, then by spelling. An
// owned address is spelled as the surest of its claims.
func firstAddress(strands []user.Strand, claims []user.Claim, owned []user.Owner) (user.Claim, bool) {
	live := map[user.ID]bool{}
	for _, s := range strands {
		live[s.ID] = s.State == user.Live
	}
	var best user.Claim
	found := false
	consider := func(c user.Claim) {
		if !found || surer(c, best) {
			best, found = c, true
		}
	}
	for _, o := range owned {
		if o.Kind == user.Email && live[o.Strand] {
			consider(user.Claim{
				Kind: user.Email, Address: o.Address, Display: spelling(o, claims, live), Strand: o.Strand,
				Assurance: user.Proven, Since: o.Proven,
			})
		}
	}
	for _, c := range claims {
		if c.Kind == user.Email && live[c.Strand] {
			if c.Assurance == user.Proven { // proven once, owned by another now
				c.Assurance = user.Asserted
			}
			consider(c)
		}
	}
	return best, found
}

func surer(a, b user.Claim) bool {
	return cmp.Or(
		cmp.Compare(b.Assurance.Rank(), a.Assurance.Rank()), a.Since.Compare(b.Since),
		cmp.Compare(a.Address, b.Address), cmp.Compare(a.Display, b.Display), cmp.Compare(a.Strand, b.Strand),
	) < 0
}

// spelling gives an owned address as the surest of those spell it who claim it.
// Whoever of them came last owns it, and has no say in how: the profile would
// depend on the order.
func spelling(o user.Owner, claims []user.Claim, live map[user.ID]bool) string {
	var best user.Claim
	for _, c := range claims {
		if c.Kind != o.Kind || c.Address != o.Address || !live[c.Strand] {
			continue
		}
		if best.Display == "" || c.Assurance.Rank() > best.Assurance.Rank() ||
			c.Assurance == best.Assurance && c.Display < best.Display {
			best = c
		}
	}
	return cmp.Or(best.Display, o.Address)
}
