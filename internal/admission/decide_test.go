package admission

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// drawWorld makes any world that gather could have read: up to four users, an
// identity or two, an address or two.
func drawWorld(t *rapid.T) World {
	users := make([]Holder, 4)
	for i := range users {
		users[i] = Holder{
			User:     user.ID(fmt.Sprintf("u%d", i)),
			Nature:   rapid.SampledFrom([]Nature{Unheld, Fed, Unproven, Held}).Draw(t, "nature"),
			Standing: rapid.SampledFrom([]Standing{Open, Open, Open, Aside, Locked, Closed, Vanished}).Draw(t, "standing"),
			Proven:   noon.Add(-time.Duration(rapid.IntRange(0, 400).Draw(t, "days")) * 24 * time.Hour),
			Rival:    rapid.IntRange(0, 4).Draw(t, "rival") == 0,
		}
		users[i].Reserved = users[i].Nature == Unheld && rapid.Bool().Draw(t, "reserved")
	}
	some := func(label string) *Holder {
		if i := rapid.IntRange(-2, 3).Draw(t, label); i >= 0 {
			h := users[i]
			return &h
		}
		return nil
	}
	w := World{
		Act:   rapid.SampledFrom([]Act{Arriving, Provisioning}).Draw(t, "act"),
		Grade: rapid.SampledFrom([]policy.Grade{policy.Untrusted, policy.Trusted, policy.Authoritative}).Draw(t, "grade"),
		Now:   noon,
	}
	switch {
	case w.Act == Arriving && rapid.IntRange(0, 5).Draw(t, "session") == 0:
		w.SignedIn = some("signed in")
	case w.Act == Provisioning:
		w.Own = some("own")
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "identities") {
		h := some("known")
		w.Named = append(w.Named, Named{
			Key: user.IdentityKey{Issuer: "i", Subject: fmt.Sprint(i)}, Holder: h, Grant: h != nil && h.Reserved,
		})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "addresses") {
		w.Located = append(w.Located, drawLocated(t, users, i))
	}
	return w
}

func drawLocated(t *rapid.T, users []Holder, i int) Located {
	l := Located{Address: Address{
		Kind: rapid.SampledFrom([]user.AddressKind{user.Email, user.Phone}).Draw(t, "kind"),
		Key:  fmt.Sprintf("a%d", i),
		Assurance: rapid.SampledFrom([]user.Assurance{
			user.None, user.Asserted, user.Attested, user.Proven, user.Proven,
		}).Draw(t, "assurance"),
	}}
	for _, h := range users {
		switch rapid.IntRange(0, 5).Draw(t, "holds") {
		case 0:
			if l.Owner == nil {
				l.Owner = &h
				continue
			}
			l.Asserted = append(l.Asserted, h)
		case 1:
			l.Attested = append(l.Attested, h)
		case 2:
			l.Asserted = append(l.Asserted, h)
		}
	}
	return l
}

func holders(w World) map[user.ID]Holder {
	all := map[user.ID]Holder{}
	put := func(h *Holder) {
		if h != nil {
			all[h.User] = *h
		}
	}
	put(w.SignedIn)
	put(w.Own)
	for _, n := range w.Named {
		put(n.Holder)
	}
	for _, l := range w.Located {
		put(l.Owner)
		for _, h := range append(append([]Holder{}, l.Attested...), l.Asserted...) {
			put(&h)
		}
	}
	return all
}

// Whatever the world, the decision keeps the invariants.
func TestDecideKeepsTheInvariants(t *testing.T) {
	pol := policy.Default()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d := decide(pol, w)
		all := holders(w)

		if d.Rule == "" || d.Result == "" {
			t.Fatalf("no rule or result: %+v", d)
		}
		if again := decide(pol, w); !reflect.DeepEqual(d, again) {
			t.Fatalf("the same world decided twice: %+v, %+v", d, again)
		}
		if d.Refusal != "" {
			if d.User != "" || len(d.Absorb)+len(d.Losses)+len(d.Own) > 0 {
				t.Fatalf("a refusal that does something: %+v", d)
			}
			return
		}
		if (d.Result == Create) != (d.User == "") {
			t.Fatalf("%s with user %q", d.Result, d.User)
		}
		if u, ok := all[d.User]; ok {
			own := w.Own != nil && w.Own.User == d.User
			if u.Standing != Open && !own || u.Standing == Closed || u.Standing == Vanished {
				t.Fatalf("led to a user that is %s: %+v", u.Standing, d)
			}
			if d.Result == TakeOver && !empty(u) {
				t.Fatalf("took over somebody: %+v", d)
			}
		}
		for _, id := range d.Absorb {
			if u := all[id]; !empty(u) || u.Standing != Open || id == d.User {
				t.Fatalf("absorbed %+v: %+v", u, d)
			}
		}
		for _, l := range d.Losses {
			u := all[l.User]
			if w.Act != Arriving || l.Address.Assurance != user.Proven || l.User == d.User {
				t.Fatalf("%s lost an address to no proof: %+v", l.User, d)
			}
			if l.Evict && u.Nature != Unproven {
				t.Fatalf("evicted somebody who is %s: %+v", u.Nature, d)
			}
		}
	})
}

// Without a proof or a trusted word nothing is joined by an address, so a
// stranger who only knows a victim's addresses reaches nobody.
func TestDecideStrangerReachesNobody(t *testing.T) {
	pol := policy.Default()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.Act, w.Named, w.SignedIn, w.Own = Arriving, nil, nil, nil
		for i := range w.Located {
			w.Located[i].Address.Assurance = user.Asserted
		}
		if d := decide(pol, w); d.Result != Create || len(d.Losses)+len(d.Own)+len(d.Absorb) > 0 {
			t.Fatalf("a stranger got %+v", d)
		}
	})
}

// A person who proves an address always ends in control of some user, unless
// the address leads to more than one, to a locked or to a closed user.
func TestDecideSquattersBlockNobody(t *testing.T) {
	pol := policy.Default()
	rapid.Check(t, func(t *rapid.T) {
		w := World{Act: Arriving, Now: noon}
		l := Located{Address: Address{Kind: user.Email, Key: "victim", Assurance: user.Proven}}
		for i := range rapid.IntRange(0, 4).Draw(t, "squatters") {
			l.Asserted = append(l.Asserted, Holder{
				User:     user.ID(fmt.Sprintf("s%d", i)),
				Nature:   rapid.SampledFrom([]Nature{Unheld, Fed, Unproven, Held}).Draw(t, "nature"),
				Standing: rapid.SampledFrom([]Standing{Open, Aside, Locked, Closed}).Draw(t, "standing"),
			})
		}
		w.Located = []Located{l}
		d := decide(pol, w)
		if d.Refusal != "" {
			t.Fatalf("squatters blocked the owner: %+v", d)
		}
		if len(d.Own) != 1 {
			t.Fatalf("the address did not become the newcomer's: %+v", d)
		}
		lost := map[user.ID]bool{}
		for _, x := range d.Losses {
			lost[x.User] = true
		}
		for _, h := range l.Asserted {
			if h.Nature != Unheld && !lost[h.User] {
				t.Fatalf("%s, who is %s, kept the address: %+v", h.User, h.Nature, d)
			}
		}
	})
}
