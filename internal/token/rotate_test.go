package token_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token"
	"pgregory.net/rapid"
)

const day = 24 * time.Hour

var rotation = token.RotationPolicy{MaxAge: 30 * day, Overlap: 2 * day, Lead: day}

func TestRotate(t *testing.T) {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	active := func(kid string, age time.Duration) token.Key {
		return token.Key{KID: kid, State: token.Active, CreatedAt: ago(age), ActivatedAt: ago(age)}
	}
	next := func(kid string, age time.Duration) token.Key {
		return token.Key{KID: kid, State: token.Next, CreatedAt: ago(age)}
	}
	retiring := func(kid string, until time.Time) token.Key {
		return token.Key{KID: kid, State: token.Retiring, RetiresAt: until}
	}
	tests := []struct {
		name string
		keys []token.Key
		want []string
	}{
		{"nothing yet", nil, []string{"create active", "create next"}},
		{"all in order", []token.Key{active("a", day), next("n", day)}, nil},
		{"no next", []token.Key{active("a", day)}, []string{"create next"}},
		{"a day before its time", []token.Key{active("a", 30*day-1), next("n", day)}, nil},
		{"its time has come", []token.Key{active("a", 30*day), next("n", day)}, []string{"retire a", "activate n", "create next"}},
		{"overdue, next not known long enough", []token.Key{active("a", 90*day), next("n", day-1)}, nil},
		{"overdue, no next", []token.Key{active("a", 90*day)}, []string{"create next"}},
		{"no active, a fresh next is better than none", []token.Key{next("n", 0)}, []string{"activate n", "create next"}},
		{"the oldest next goes first", []token.Key{active("a", 30*day), next("y", day), next("o", 2*day)}, []string{"retire a", "activate o"}},
		{"two active: the later stays", []token.Key{active("a", 3*day), active("b", day), next("n", 0)}, []string{"retire a"}},
		{"two active, both too old", []token.Key{active("a", 50*day), active("b", 40*day), next("n", day)}, []string{"retire a", "retire b", "activate n", "create next"}},
		{"clock went back", []token.Key{active("a", -day), next("n", -day)}, nil},
		{"still retiring", []token.Key{active("a", day), next("n", 0), retiring("r", now.Add(1))}, nil},
		{"retired now", []token.Key{active("a", day), next("n", 0), retiring("r", now)}, []string{"drop r"}},
		{"retired stays", []token.Key{active("a", day), next("n", 0), {KID: "z", State: token.Retired}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range token.Rotate(tt.keys, now, rotation) {
				name := c.KID
				if c.Act == token.Create {
					name = string(c.To)
				}
				got = append(got, fmt.Sprintf("%s %s", c.Act, name))
				if c.Act == token.Retire && !c.RetiresAt.Equal(now.Add(rotation.Overlap)) {
					t.Errorf("%s retires at %v", c.KID, c.RetiresAt)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Over any time, with rotations at any moments: one key signs, one is known
// beforehand, a token is good for the overlap, and nothing is left undone.
func TestRotationOverTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var keys []token.Key
		at := now
		retiredAt := map[string]time.Time{}
		for i := range rapid.IntRange(1, 30).Draw(t, "rounds") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(40*day)).Draw(t, "wait")))
			for _, c := range token.Rotate(keys, at, rotation) {
				if c.Act == token.Create {
					k := token.Key{KID: fmt.Sprint(i, len(keys)), State: c.To, CreatedAt: at}
					if c.To == token.Active {
						k.ActivatedAt = at
					}
					keys = append(keys, k)
					continue
				}
				n := slices.IndexFunc(keys, func(k token.Key) bool { return k.KID == c.KID })
				if c.Act == token.Activate && at.Sub(keys[n].CreatedAt) < rotation.Lead {
					t.Errorf("%s signs before others can know it", c.KID)
				}
				if c.Act == token.Retire {
					retiredAt[c.KID] = at
				}
				if c.Act == token.Drop && at.Sub(retiredAt[c.KID]) < rotation.Overlap {
					t.Errorf("%s dies while its tokens live", c.KID)
				}
				keys[n] = keys[n].With(c)
			}
			count := map[token.State]int{}
			for _, k := range keys {
				count[k.State]++
			}
			if count[token.Active] != 1 || count[token.Next] != 1 {
				t.Fatalf("keys are %v", count)
			}
			if again := token.Rotate(keys, at, rotation); len(again) != 0 {
				t.Fatalf("left undone: %+v", again)
			}
		}
	})
}
