package admission

import (
	"slices"
	"time"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

// Holder is a user that something of the arrival leads to.
type Holder struct {
	User     user.ID
	Nature   Nature
	Standing Standing
	Reserved bool      // its status; nobody has ever been there
	Proven   time.Time // when it proved the address, where it owns it
	// Rival is true where the arriving identity's issuer knows this user under
	// another subject: the mailbox may have been given to somebody else.
	Rival bool
}

// Named is one identity of the arrival and the user it leads to, if any.
type Named struct {
	Key    user.IdentityKey
	Holder *Holder
	// Grant is true while only a reservation has named the identity, Word while
	// only a source has: whom it names was never here with it.
	Grant, Word bool
}

// Located is one address of the arrival and everybody else who holds it.
type Located struct {
	Address  Address
	Owner    *Holder
	Attested []Holder // by a trusted source, not owners
	Asserted []Holder // the rest
}

// World is all that decide may look at.
type World struct {
	Act      Act
	Grade    policy.Grade // of the source
	Now      time.Time
	SignedIn *Holder // Arrive: the user that asks to add this proof to itself
	Own      *Holder // Provision: the user of the source's own record
	// Moving says that the source's own record said another address so far, or
	// names an identity: more than what the source vouches for now.
	Moving  bool
	Named   []Named
	Located []Located
}

// Result says what becomes of the arrival.
type Result string

const (
	Create     Result = "create"    // a new user
	Known      Result = "known"     // the user is known by identity, session or own record
	Claim      Result = "claim"     // a reservation for this identity
	Link       Result = "link"      // to the holder of a proven address
	TakeOver   Result = "take over" // of a user nobody had been in
	Challenged Result = "challenge" // prove the existing account first
	Refused    Result = "refuse"
)

// Loss is a holder that loses an address to the arrival.
type Loss struct {
	User    user.ID
	Address Address
	Evict   bool // set aside altogether, not only the claim dropped
}

// Decision is what admission decided, by which rule, on what grounds. It is
// kept, and shown by `usher explain`.
type Decision struct {
	Act    Act     `json:"act"`
	Result Result  `json:"result"`
	Rule   string  `json:"rule"`
	User   user.ID `json:"user,omitempty"` // the user it leads to; empty for Create
	// Absorb lists users nobody had been in that go into the one decided on.
	Absorb []user.ID `json:"absorb,omitempty"`
	Losses []Loss    `json:"losses,omitempty"`
	// Own lists the addresses that become the user's, by canonical key.
	Own []string `json:"own,omitempty"`
	// Refusal is the code for Refused and Challenged; Other the user in the way.
	Refusal user.Code `json:"refusal,omitempty"`
	Field   string    `json:"field,omitempty"`
	Other   user.ID   `json:"other,omitempty"`
	Policy  int64     `json:"policy"`
}

// decide is pure: the same world under the same policy gives the same
// decision.
func decide(pol policy.Policy, w World) Decision {
	d := Decision{Act: w.Act, Policy: pol.Version}
	target, stop := byName(w, &d)
	if stop {
		return d
	}
	return byAddress(pol, w, target, d)
}

// byName settles rules 1, 2 and 6: what the identities, the session and the
// source's own record lead to.
func byName(w World, d *Decision) (target *Holder, stop bool) {
	var grants []user.ID
	choose := func(h *Holder, rule string) bool {
		switch {
		case h.Standing == Vanished || h.Standing == Aside:
			return false
		case h.Standing == Locked:
			refuse(d, user.UserLocked, "1: the user is locked", "", h.User)
			return true
		case h.Standing == Closed:
			refuse(d, user.UserDeleted, "1: the user was deleted, and does not come back by itself", "", h.User)
			return true
		case target == nil:
			target, d.Rule, d.Result = h, rule, Known
		case target.User != h.User:
			refuse(d, user.Conflict, "1: the names lead to different users", "identity", h.User)
			d.Result = Challenged
			return true
		}
		return false
	}
	if w.SignedIn != nil && choose(w.SignedIn, "6: added to the signed-in user") {
		return nil, true
	}
	if w.Own != nil {
		// A feed goes on describing a user that was locked or set aside.
		own := *w.Own
		if own.Standing == Locked || own.Standing == Aside {
			own.Standing = Open
		}
		if choose(&own, "1: the source's own record") {
			return nil, true
		}
	}
	for _, n := range w.Named {
		if n.Holder == nil {
			continue
		}
		if w.Act == Provisioning && w.Grade == policy.Untrusted && (w.Own == nil || n.Holder.User != w.Own.User) {
			refuse(d, user.UntrustedSource, "2: the source is not trusted to name this identity", "identity", n.Holder.User)
			return nil, true
		}
		if n.Grant && n.Holder.Reserved {
			if n.Holder.Standing == Open {
				grants = append(grants, n.Holder.User)
				continue
			}
		}
		if w.Own != nil && target != nil && n.Holder.User == target.User {
			continue
		}
		if choose(n.Holder, "1: the identity is known") {
			return nil, true
		}
		if w.Act == Arriving && n.Word && target == n.Holder && empty(*target) {
			d.Result, d.Rule = TakeOver, "1: a source named the identity, and whoever it names is here now"
		}
	}
	for _, g := range distinct(grants) {
		if target == nil {
			target = &Holder{User: g, Nature: Unheld, Standing: Open, Reserved: true}
			d.Rule, d.Result = "2: a reservation for this identity", Claim
		} else if target.User != g {
			d.Absorb = append(d.Absorb, g)
		}
	}
	return target, false
}

// byAddress settles rules 3 to 6 on top of what the names led to.
func byAddress(pol policy.Policy, w World, target *Holder, d Decision) Decision {
	for _, l := range w.Located {
		keep := true
		for _, v := range verdicts(pol, w, l) {
			if target != nil && v.holder.User == target.User {
				continue // its own address
			}
			switch v.verdict {
			case Ignore:
			case DropIt, EvictIt:
				d.Losses = append(d.Losses, Loss{User: v.holder.User, Address: l.Address, Evict: v.verdict == EvictIt})
			case MoveAddress:
				d.Losses = append(d.Losses, Loss{User: v.holder.User, Address: l.Address})
			case RefuseLocked, RefuseClosed, RefuseInUse, ChallengeIt, LinkTo, TakeOverIt:
				var stop bool
				if target, keep, stop = meet(w, l, v, target, &d); stop {
					return d
				}
			}
		}
		if l.Address.Assurance == user.Proven && keep {
			d.Own = append(d.Own, l.Address.Key)
		}
	}
	if target == nil {
		d.Result, d.Rule = Create, "6: nothing matches"
		return d
	}
	d.User = target.User
	// Who turned out to be the same person loses nothing.
	d.Losses = slices.DeleteFunc(d.Losses, func(l Loss) bool {
		return l.User == d.User || slices.Contains(d.Absorb, l.User)
	})
	d.Absorb = slices.DeleteFunc(distinct(d.Absorb), func(id user.ID) bool { return id == d.User })
	return d
}

// meet settles a verdict that leads to a user or stops at one. keep is false
// when the address stays with its holder.
func meet(w World, l Located, v found, target *Holder, d *Decision) (_ *Holder, keep, stop bool) {
	settled := target != nil && d.Result != Claim
	switch {
	case v.verdict == LinkTo && target == nil:
		d.Result, d.Rule = Link, v.why
		return &v.holder, true, false
	case v.verdict == TakeOverIt && target == nil:
		d.Result, d.Rule = TakeOver, v.why
		return &v.holder, true, false
	case (v.verdict == LinkTo || v.verdict == TakeOverIt) && d.Result == Claim:
		// Rule 2: the reservation goes into the user the address leads to.
		d.Absorb = append(d.Absorb, target.User)
		d.Result, d.Rule = Link, "2: the reservation goes into the holder of the address"
		if v.verdict == TakeOverIt {
			d.Result = TakeOver
		}
		return &v.holder, true, false
	case v.verdict == LinkTo && d.Result == TakeOver && w.Act == Arriving:
		// Somebody is in one of the two: the empty one goes into it.
		d.Absorb = append(d.Absorb, target.User)
		d.Result, d.Rule = Link, v.why
		return &v.holder, true, false
	case settled && empty(v.holder) && v.holder.Standing == Open && w.Act == Arriving &&
		(v.verdict == TakeOverIt || v.verdict == LinkTo):
		d.Absorb = append(d.Absorb, v.holder.User)
		return target, true, false
	case v.verdict == LinkTo && w.Act == Provisioning && w.Own != nil && d.Result == Known && target.User == w.Own.User &&
		target.Nature == Fed && w.Own.Standing == Open && len(w.Named) == 0 && !w.Moving:
		// What the source now vouches for was proven meanwhile by whoever it is.
		d.Absorb = append(d.Absorb, target.User)
		d.Result, d.Rule = Link, "3: a trusted source's record goes into the owner of its address"
		return &v.holder, true, false
	case settled && w.Act == Arriving && w.SignedIn == nil && d.Result == Known:
		// The identity says who this is; the address stays with its holder.
		return target, false, false
	}
	code, rule := user.Challenge, "3: two different users for one arrival"
	if target == nil {
		rule = v.why
	}
	switch v.verdict {
	case RefuseLocked:
		code = user.UserLocked
	case RefuseClosed:
		code = user.UserDeleted
	case RefuseInUse:
		code = user.InUse
	}
	refuse(d, code, rule, string(l.Address.Kind), v.holder.User)
	if code == user.Challenge {
		d.Result = Challenged
	}
	return nil, false, true
}

// empty says that nobody has proven anything in a holder.
func empty(h Holder) bool { return h.Nature == Unheld || h.Nature == Fed }

type found struct {
	holder  Holder
	verdict Verdict
	why     string
}

// verdicts asks the table about every holder of an address, the surest first.
func verdicts(pol policy.Policy, w World, l Located) []found {
	var out []found
	ask := func(h Holder, held user.Assurance, n int) {
		c := Cell{
			Act: w.Act, Arriving: l.Address.Assurance, Held: held,
			Nature: h.Nature, Standing: h.Standing, Count: One,
		}
		if n > 1 {
			c.Count = Many
		}
		if l.Address.Kind == user.Phone && held == user.Proven {
			c.StalePhone = w.Now.Sub(h.Proven) > time.Duration(pol.Linking.PhoneProof)
		}
		v, why := verdict(c)
		if h.Rival {
			v, why = besideRival(c, v, why)
		}
		out = append(out, found{h, v, why})
	}
	if l.Owner != nil {
		ask(*l.Owner, user.Proven, 1)
	}
	// A trusted source's word about somebody else counts only while nobody has
	// proven the address.
	owned := l.Owner != nil && l.Owner.Standing != Vanished
	attested := open(l.Attested)
	for _, h := range l.Attested {
		if owned && h.User != l.Owner.User {
			continue
		}
		ask(h, user.Attested, attested)
	}
	taken := owned || attested > 0
	for _, h := range l.Asserted {
		n := len(l.Asserted)
		if taken && empty(h) {
			continue // somebody surer answers for the address
		}
		ask(h, user.Asserted, n)
	}
	return out
}

// besideRival keeps two subjects of one issuer apart: what a proof of the
// address would join is challenged, and what only says that it holds the
// address stays as it is.
func besideRival(c Cell, v Verdict, why string) (Verdict, string) {
	switch {
	case v != LinkTo && v != TakeOverIt:
		return v, why
	case c.Held == user.Asserted:
		return Ignore, "3: the issuer knows the record under another subject"
	default:
		return ChallengeIt, "3: the issuer knows the holder of the address under another subject"
	}
}

func open(hs []Holder) int {
	n := 0
	for _, h := range hs {
		if h.Standing == Open || h.Standing == Locked {
			n++
		}
	}
	return n
}

func refuse(d *Decision, code user.Code, rule, field string, other user.ID) {
	d.Result, d.Refusal, d.Rule, d.Field, d.Other = Refused, code, rule, field, other
	d.User, d.Absorb, d.Losses, d.Own = "", nil, nil, nil
}

func distinct(ids []user.ID) []user.ID {
	slices.Sort(ids)
	return slices.Compact(ids)
}
