package admission

import (
	"testing"

	"github.com/usher-id/usher/internal/user"
)

func everyCell(yield func(Cell) bool) {
	assurances := []user.Assurance{user.None, user.Asserted, user.Attested, user.Proven}
	for _, act := range []Act{Arriving, Provisioning} {
		for _, arriving := range assurances {
			for _, held := range assurances {
				for _, nature := range []Nature{Unheld, Fed, Unproven, Held} {
					for _, standing := range []Standing{Open, Aside, Locked, Closed, Vanished} {
						for _, count := range []Count{One, Many} {
							for _, stale := range []bool{false, true} {
								if !yield(Cell{act, arriving, held, nature, standing, count, stale}) {
									return
								}
							}
						}
					}
				}
			}
		}
	}
}

// No combination of arrival and holder is left without an answer and a reason.
func TestTableIsTotal(t *testing.T) {
	known := map[Verdict]bool{
		Ignore: true, LinkTo: true, TakeOverIt: true, EvictIt: true, DropIt: true, MoveAddress: true,
		ChallengeIt: true, RefuseInUse: true, RefuseLocked: true, RefuseClosed: true,
	}
	cells, used := 0, map[Verdict]bool{}
	for c := range everyCell {
		v, why := verdict(c)
		if !known[v] || why == "" {
			t.Errorf("%+v: verdict %q, reason %q", c, v, why)
		}
		used[v] = true
		cells++
	}
	if cells != 2*4*4*4*5*2*2 {
		t.Errorf("looked at %d cells", cells)
	}
	for v := range known {
		if !used[v] {
			t.Errorf("no cell ever says %q", v)
		}
	}
}

// The rules of design section 3 that no cell may break, whatever else it says.
func TestTableKeepsTheRules(t *testing.T) {
	rules := []struct {
		name   string
		broken func(c Cell, v Verdict) bool
	}{
		{"5: an unproven address never joins anybody", func(c Cell, v Verdict) bool {
			return c.Arriving.Rank() < user.Attested.Rank() && (v == LinkTo || v == TakeOverIt)
		}},
		{"a source never takes over, evicts or drops", func(c Cell, v Verdict) bool {
			return c.Act == Provisioning && (v == TakeOverIt || v == EvictIt || v == DropIt || v == MoveAddress)
		}},
		{"only a proof costs anybody an address", func(c Cell, v Verdict) bool {
			return c.Arriving != user.Proven && (v == EvictIt || v == DropIt || v == MoveAddress)
		}},
		{"who has proven anything is never evicted or taken over", func(c Cell, v Verdict) bool {
			return c.Nature == Held && (v == EvictIt || v == TakeOverIt)
		}},
		{"a human is never taken over", func(c Cell, v Verdict) bool {
			return c.Nature == Unproven && v == TakeOverIt
		}},
		{"a feed's record that nobody vouches for is never taken over", func(c Cell, v Verdict) bool {
			return c.Nature == Fed && c.Held == user.Asserted && v == TakeOverIt
		}},
		{"a person joins by somebody's word alone never", func(c Cell, v Verdict) bool {
			return c.Act == Arriving && c.Arriving == user.Attested && (v == LinkTo || v == TakeOverIt)
		}},
		{"nobody joins a user that is locked, closed or set aside", func(c Cell, v Verdict) bool {
			return c.Standing != Open && (v == LinkTo || v == TakeOverIt)
		}},
		{"several holders are never chosen between", func(c Cell, v Verdict) bool {
			return c.Count == Many && (v == LinkTo || v == TakeOverIt)
		}},
		{"an old phone proof never links", func(c Cell, v Verdict) bool {
			return c.StalePhone && c.Held == user.Proven && (v == LinkTo || v == TakeOverIt)
		}},
		{"squatting an address nobody proved blocks nobody", func(c Cell, v Verdict) bool {
			return c.Held == user.Asserted && (v == ChallengeIt || v == RefuseInUse || v == RefuseLocked || v == RefuseClosed)
		}},
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for c := range everyCell {
				if v, why := verdict(c); r.broken(c, v) {
					t.Errorf("%+v says %q (%s)", c, v, why)
				}
			}
		})
	}
}

// The lines of the trust table in design section 3, as they read there.
func TestTableReadsAsTheDesign(t *testing.T) {
	for _, tc := range []struct {
		name string
		cell Cell
		want Verdict
	}{
		{"a mailed link at an owner", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Proven, Nature: Held}, LinkTo},
		{"Google elsewhere at an owner", Cell{Act: Arriving, Arriving: user.Attested, Held: user.Proven, Nature: Held}, ChallengeIt},
		{"typed at an owner", Cell{Act: Arriving, Arriving: user.Asserted, Held: user.Proven, Nature: Held}, Ignore},
		{"a trusted partner at an owner", Cell{Act: Provisioning, Arriving: user.Attested, Held: user.Proven, Nature: Held}, LinkTo},
		{"an untrusted partner at an owner", Cell{Act: Provisioning, Arriving: user.Asserted, Held: user.Proven, Nature: Held}, RefuseInUse},
		{"a proof at a feed's record", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Attested, Nature: Fed}, TakeOverIt},
		{"a proof at a record that its source does not vouch for", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Asserted, Nature: Fed}, DropIt},
		{"a proof at a reservation", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Asserted, Nature: Unheld}, TakeOverIt},
		{"a proof at an unproven sign-up", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Asserted, Nature: Unproven}, EvictIt},
		{"a proof at somebody who only mentioned it", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Asserted, Nature: Held}, DropIt},
		{"a fresh phone proof at an old one", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Proven, Nature: Held, StalePhone: true}, MoveAddress},
		{"a proof at a locked owner", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Proven, Nature: Held, Standing: Locked}, RefuseLocked},
		{"a proof at an owner a feed deleted", Cell{Act: Arriving, Arriving: user.Proven, Held: user.Proven, Nature: Held, Standing: Closed}, RefuseClosed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.cell.Standing == "" {
				tc.cell.Standing = Open
			}
			if tc.cell.Count == "" {
				tc.cell.Count = One
			}
			if v, why := verdict(tc.cell); v != tc.want {
				t.Errorf("says %q (%s), want %q", v, why, tc.want)
			}
		})
	}
}
