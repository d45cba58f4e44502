package policy_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func fact(v string, a user.Assurance) user.Fact {
	return user.Fact{Value: &v, Assurance: a, At: noon}
}

func none(a user.Assurance) user.Fact { return user.Fact{Assurance: a, At: noon} }

func at(f user.Fact, t time.Time) user.Fact {
	f.At = t
	return f
}

func strand(id user.ID, source user.Source, d, edits user.Document) user.Strand {
	return user.Strand{ID: id, User: "u", Source: source, State: user.Live, Document: d, Edits: edits}
}

// shown is a profile's values, "-" for an explicit none.
func shown(p user.Profile) map[user.Attr]string {
	out := map[user.Attr]string{}
	for a, s := range p {
		out[a] = "-"
		if s.Value != nil {
			out[a] = *s.Value
		}
	}
	return out
}

type doc = user.Document

func TestProject(t *testing.T) {
	withdrawn := func(s user.Strand, state user.StrandState) user.Strand {
		s.State = state
		return s
	}
	for name, c := range map[string]struct {
		policy  string
		strands []user.Strand
		want    map[user.Attr]string
	}{
		"nobody says anything": {want: map[user.Attr]string{}},
		"the person's edit before a source's word": {
			strands: []user.Strand{
				strand("1", "partner:hr", doc{user.Locale: fact("de", user.Proven)}, nil),
				strand("2", "edi", nil, doc{user.Locale: fact("fr", user.Asserted)}),
			},
			want: map[user.Attr]string{user.Locale: "fr"},
		},
		"the person's latest edit, at whichever door": {
			strands: []user.Strand{
				strand("1", "edi", nil, doc{user.Locale: at(fact("fr", user.Asserted), noon.Add(time.Hour))}),
				strand("2", "gqlauth", nil, doc{user.Locale: fact("it", user.Asserted)}),
			},
			want: map[user.Attr]string{user.Locale: "fr"},
		},
		"what the person cleared is cleared": {
			strands: []user.Strand{strand("1", "partner:hr", doc{user.Locale: fact("de", user.Proven)}, doc{user.Locale: none(user.Asserted)})},
			want:    map[user.Attr]string{user.Locale: "-"},
		},
		"a source's none says less than another's value": {
			strands: []user.Strand{
				strand("1", "a", doc{user.Locale: none(user.Proven)}, nil),
				strand("2", "b", doc{user.Locale: fact("de", user.Asserted)}, nil),
			},
			want: map[user.Attr]string{user.Locale: "de"},
		},
		"a none that nobody contradicts": {
			strands: []user.Strand{strand("1", "a", doc{user.Locale: none(user.Attested)}, nil)},
			want:    map[user.Attr]string{user.Locale: "-"},
		},
		"the surer source": {
			strands: []user.Strand{
				strand("1", "a", doc{user.Locale: fact("de", user.Asserted)}, nil),
				strand("2", "b", doc{user.Locale: fact("fr", user.Attested)}, nil),
			},
			want: map[user.Attr]string{user.Locale: "fr"},
		},
		"equally sure: by the source's name, not by who came first": {
			strands: []user.Strand{
				strand("1", "z", doc{user.Locale: fact("de", user.Attested)}, nil),
				strand("2", "b", doc{user.Locale: at(fact("fr", user.Attested), noon.Add(time.Hour))}, nil),
			},
			want: map[user.Attr]string{user.Locale: "fr"},
		},
		"the same source twice: by the value": {
			strands: []user.Strand{
				strand("1", "b", doc{user.Locale: fact("fr", user.Attested)}, nil),
				strand("2", "b", doc{user.Locale: fact("de", user.Attested)}, nil),
			},
			want: map[user.Attr]string{user.Locale: "de"},
		},
		"what was withdrawn, set aside or erased counts for nothing": {
			strands: []user.Strand{
				withdrawn(strand("1", "a", doc{user.Locale: fact("de", user.Proven)}, doc{user.Gender: fact("f", user.Asserted)}), user.Withdrawn),
				withdrawn(strand("2", "b", doc{user.Picture: fact("p", user.Proven)}, nil), user.StrandSetAside),
				withdrawn(strand("3", "c", doc{user.Name: fact("n", user.Proven)}, nil), user.Erased),
			},
			want: map[user.Attr]string{},
		},
		"a name is composed": {
			strands: []user.Strand{strand("1", "a", doc{user.GivenName: fact("Ada", user.Attested), user.FamilyName: fact("Lovelace", user.Attested)}, nil)},
			want:    map[user.Attr]string{user.GivenName: "Ada", user.FamilyName: "Lovelace", user.Name: "Ada Lovelace"},
		},
		"a name is composed of what there is": {
			strands: []user.Strand{strand("1", "a", doc{user.FamilyName: fact("Lovelace", user.Attested), user.GivenName: none(user.Attested)}, nil)},
			want:    map[user.Attr]string{user.FamilyName: "Lovelace", user.GivenName: "-", user.Name: "Lovelace"},
		},
		"a name that was given is neither composed nor split": {
			strands: []user.Strand{strand("1", "a", doc{user.Name: fact("Ada King", user.Asserted), user.GivenName: fact("Augusta", user.Attested)}, nil)},
			want:    map[user.Attr]string{user.Name: "Ada King", user.GivenName: "Augusta"},
		},
		"a name that the person cleared is not composed": {
			strands: []user.Strand{strand("1", "a", doc{user.GivenName: fact("Ada", user.Attested)}, doc{user.Name: none(user.Asserted)})},
			want:    map[user.Attr]string{user.GivenName: "Ada", user.Name: "-"},
		},
		"what a source says of the sign-in e-mail is not an address": {
			strands: []user.Strand{strand("1", "a", doc{user.EmailAttr: fact("a@example.org", user.Attested), user.EmailVerified: fact("true", user.Attested)}, nil)},
			want:    map[user.Attr]string{},
		},
		"an authority before the person": {
			policy: "authority: {given_name: [partner, person]}",
			strands: []user.Strand{
				strand("1", "partner:hr", doc{user.GivenName: fact("Augusta", user.Asserted), user.Locale: fact("de", user.Asserted)}, nil),
				strand("2", "edi", nil, doc{user.GivenName: fact("Ada", user.Asserted), user.Locale: fact("fr", user.Asserted)}),
			},
			want: map[user.Attr]string{user.GivenName: "Augusta", user.Name: "Augusta", user.Locale: "fr"},
		},
		"an authority by full name": {
			policy: "authority: {locale: ['partner:hr', assurance]}",
			strands: []user.Strand{
				strand("1", "partner:hr", doc{user.Locale: fact("de", user.Asserted)}, nil),
				strand("2", "partner:crm", doc{user.Locale: fact("fr", user.Proven)}, nil),
			},
			want: map[user.Attr]string{user.Locale: "de"},
		},
		"an authority that says nothing": {
			policy:  "authority: {locale: [partner, assurance]}",
			strands: []user.Strand{strand("1", "edi", doc{user.Locale: fact("fr", user.Asserted)}, nil)},
			want:    map[user.Attr]string{user.Locale: "fr"},
		},
		"whom the list does not name is not asked": {
			policy:  "authority: {locale: [partner]}",
			strands: []user.Strand{strand("1", "edi", doc{user.Locale: fact("fr", user.Proven)}, doc{user.Locale: fact("it", user.Asserted)})},
			want:    map[user.Attr]string{},
		},
	} {
		p, err := policy.Parse([]byte(c.policy))
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(p.Project(c.strands, nil, nil)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// The e-mail of a profile is the surest address of the live strands.
func TestProjectAddress(t *testing.T) {
	strands := []user.Strand{strand("1", "partner:hr", nil, nil), strand("2", "gqlauth", nil, nil), {ID: "gone", State: user.Withdrawn}}
	claim := func(strand user.ID, display string, a user.Assurance, since time.Time) user.Claim {
		return user.Claim{Kind: user.Email, Address: "key:" + display, Display: display, Strand: strand, Assurance: a, Since: since}
	}
	for name, c := range map[string]struct {
		claims   []user.Claim
		owned    []user.Owner
		email    string
		verified string
	}{
		"none": {},
		"the surer before the earlier": {
			claims: []user.Claim{claim("1", "said@x", user.Asserted, noon), claim("2", "attested@x", user.Attested, noon.Add(time.Hour))},
			email:  "attested@x", verified: "true",
		},
		"equally sure: the earlier": {
			claims: []user.Claim{claim("1", "b@x", user.Asserted, noon), claim("2", "a@x", user.Asserted, noon.Add(time.Hour))},
			email:  "b@x", verified: "false",
		},
		"at the same time: by spelling": {
			claims: []user.Claim{claim("1", "b@x", user.Asserted, noon), claim("2", "a@x", user.Asserted, noon)},
			email:  "a@x", verified: "false",
		},
		"the owned before all": {
			claims: []user.Claim{claim("1", "attested@x", user.Attested, noon)},
			owned:  []user.Owner{{Kind: user.Email, Address: "owned@x", Strand: "2", Proven: noon.Add(time.Hour)}},
			email:  "owned@x", verified: "true",
		},
		"an owned address is spelled as its strand does": {
			claims: []user.Claim{
				{Kind: user.Email, Address: "ada@x", Display: "Ada@x", Strand: "2", Assurance: user.Proven, Since: noon},
				{Kind: user.Email, Address: "ada@x", Display: "ADA@x", Strand: "1", Assurance: user.Attested, Since: noon},
			},
			owned: []user.Owner{{Kind: user.Email, Address: "ada@x", Strand: "2", Proven: noon}},
			email: "Ada@x", verified: "true",
		},
		"proven once and another's now": {
			claims: []user.Claim{claim("1", "lost@x", user.Proven, noon), claim("2", "attested@x", user.Attested, noon.Add(time.Hour))},
			email:  "attested@x", verified: "true",
		},
		"of a withdrawn strand": {
			claims: []user.Claim{claim("gone", "a@x", user.Attested, noon)},
			owned:  []user.Owner{{Kind: user.Email, Address: "b@x", Strand: "gone", Proven: noon}},
		},
		"a phone is no e-mail": {claims: []user.Claim{{Kind: user.Phone, Address: "+49", Display: "+49", Strand: "1", Assurance: user.Proven}}},
	} {
		p := policy.Default().Project(strands, c.claims, c.owned)
		if p.Text(user.EmailAttr) != c.email || p.Text(user.EmailVerified) != c.verified {
			t.Errorf("%s: %q verified %q, want %q %q", name, p.Text(user.EmailAttr), p.Text(user.EmailVerified), c.email, c.verified)
		}
	}
}

// facts draws documents from few values, so that ties are frequent.
func facts(edits bool) *rapid.Generator[map[user.Attr]user.Fact] {
	assurances := []user.Assurance{user.Asserted, user.Attested, user.Proven}
	if edits {
		assurances = assurances[:1]
	}
	return rapid.MapOfN(
		rapid.SampledFrom([]user.Attr{user.GivenName, user.FamilyName, user.Name, user.Locale, user.EmailAttr}),
		rapid.Custom(func(t *rapid.T) user.Fact {
			return user.Fact{
				Value:     rapid.Ptr(rapid.SampledFrom([]string{"a", "b", ""}), true).Draw(t, "value"),
				Assurance: rapid.SampledFrom(assurances).Draw(t, "assurance"),
				At:        noon.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "hour")) * time.Hour),
			}
		}), 0, 3)
}

type holding struct {
	strands []user.Strand
	claims  []user.Claim
	owned   []user.Owner
}

func holdings(t *rapid.T) (h holding) {
	ids := []user.ID{"1", "2", "3", "4"}
	address := rapid.SampledFrom([]string{"a@x", "b@x"})
	for _, id := range ids[:rapid.IntRange(0, len(ids)).Draw(t, "strands")] {
		h.strands = append(h.strands, user.Strand{
			ID: id, Source: rapid.SampledFrom([]user.Source{"edi", "partner:a", "partner:b"}).Draw(t, "source"),
			State:    rapid.SampledFrom([]user.StrandState{user.Live, user.Live, user.Withdrawn, user.StrandSetAside}).Draw(t, "state"),
			Document: facts(false).Draw(t, "document"), Edits: facts(true).Draw(t, "edits"),
		})
		if rapid.Bool().Draw(t, "claims") {
			a := address.Draw(t, "address")
			h.claims = append(h.claims, user.Claim{
				Kind: user.Email, Address: a, Display: rapid.SampledFrom([]string{a, "A" + a}).Draw(t, "display"), Strand: id,
				Assurance: rapid.SampledFrom([]user.Assurance{user.Asserted, user.Attested, user.Proven}).Draw(t, "claimed"), Since: noon,
			})
		}
	}
	if len(h.strands) > 0 && rapid.Bool().Draw(t, "owns") {
		h.owned = append(h.owned, user.Owner{
			Kind: user.Email, Address: address.Draw(t, "owned"), Strand: rapid.SampledFrom(h.strands).Draw(t, "owner").ID, Proven: noon,
		})
	}
	return h
}

func policies(t *rapid.T) policy.Policy {
	p := policy.Default()
	p.Authority["locale"] = rapid.SampledFrom([][]string{
		{"partner", "person"}, {"partner:b", "assurance"}, {"assurance", "person"}, {"person"},
	}).Draw(t, "authority")
	return p
}

// Whatever order strands and addresses come in, the profile is the same, and
// to derive it changes nothing of what it is derived from.
func TestProjectDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, p := holdings(t), policies(t)
		want := p.Project(h.strands, h.claims, h.owned)
		before := holding{slices.Clone(h.strands), slices.Clone(h.claims), slices.Clone(h.owned)}
		if again := p.Project(h.strands, h.claims, h.owned); !reflect.DeepEqual(again, want) {
			t.Fatalf("twice the same: %v, then %v", want, again)
		}
		if !reflect.DeepEqual(h, before) {
			t.Fatal("what it is derived from changed")
		}
		seed := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		seed.Shuffle(len(h.strands), func(i, j int) { h.strands[i], h.strands[j] = h.strands[j], h.strands[i] })
		seed.Shuffle(len(h.claims), func(i, j int) { h.claims[i], h.claims[j] = h.claims[j], h.claims[i] })
		if got := p.Project(h.strands, h.claims, h.owned); !reflect.DeepEqual(got, want) {
			t.Fatalf("in another order: %v, want %v", got, want)
		}
	})
}

// What is not live counts for nothing: without it the profile is the same.
func TestProjectIsOfLiveStrandsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, p := holdings(t), policies(t)
		want := p.Project(h.strands, h.claims, h.owned)
		live := slices.DeleteFunc(slices.Clone(h.strands), func(s user.Strand) bool { return s.State != user.Live })
		if got := p.Project(live, h.claims, h.owned); !reflect.DeepEqual(got, want) {
			t.Fatalf("live strands alone: %v, want %v", got, want)
		}
	})
}

// What the person said last is what is shown, whatever sources say, where
// policy does not say otherwise.
func TestProjectShowsTheLatestEdit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := holdings(t)
		said := rapid.Ptr(rapid.SampledFrom([]string{"x", "y"}), true).Draw(t, "said")
		h.strands = append(h.strands, user.Strand{
			ID: "last", Source: "edi", State: user.Live,
			Edits: doc{user.Gender: {Value: said, Assurance: user.Asserted, At: noon.Add(24 * time.Hour)}, user.Locale: {Value: said, Assurance: user.Asserted, At: noon.Add(24 * time.Hour)}},
		})
		got := policy.Default().Project(h.strands, h.claims, h.owned)
		for _, a := range []user.Attr{user.Gender, user.Locale} {
			if s, ok := got[a]; !ok || s.Strand != "last" || !reflect.DeepEqual(s.Value, said) {
				t.Fatalf("%s: %v, want what was said last", a, s)
			}
		}
	})
}
