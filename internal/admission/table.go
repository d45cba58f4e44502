package admission

import "github.com/usher-id/usher/internal/user"

// Act says whether somebody is here or only spoken about.
type Act string

const (
	Arriving     Act = "arrive"
	Provisioning Act = "provision"
)

// Nature says what has happened in a user so far, as far as it decides what a
// proof by somebody else may do to it.
type Nature string

const (
	// Unheld has no human strand and no feed's: a reservation, an operator's record.
	Unheld Nature = "unheld"
	// Fed is a feed's record: nobody has proven anything there, and whoever is
	// behind the feed may know its password and goes on writing to it.
	Fed Nature = "fed"
	// Unproven has a human strand and nothing that was ever proven.
	Unproven Nature = "unproven"
	// Held has a human strand and a proven address or identity.
	Held Nature = "held"
)

// Standing is what a holder's state means to an arrival.
type Standing string

const (
	Open     Standing = "open"      // reserved, active or archived
	Aside    Standing = "set_aside" // evicted
	Locked   Standing = "locked"    // by anybody
	Closed   Standing = "closed"    // deleted by a feed or operator, names kept
	Vanished Standing = "vanished"  // merged elsewhere, or deleted by the person
)

// Count says how many users hold an address with the same assurance.
type Count string

const (
	One  Count = "one"
	Many Count = "many"
)

// Cell is one place in the table: an address arrives, and somebody else holds
// it.
type Cell struct {
	Act      Act
	Arriving user.Assurance // of the address as it arrives
	Held     user.Assurance // of the holder's hold on it; Proven is ownership
	Nature   Nature
	Standing Standing
	Count    Count
	// StalePhone marks a phone whose owner proved it longer ago than policy
	// lets a fresh proof link.
	StalePhone bool
}

// Verdict says what a cell does with the holder.
type Verdict string

const (
	Ignore       Verdict = "ignore"         // the holder stays as it is, the arrival goes on without it
	LinkTo       Verdict = "link"           // the arrival is the holder
	TakeOverIt   Verdict = "take over"      // the arrival is the holder, in which nobody had been
	EvictIt      Verdict = "evict"          // the holder loses the address and is set aside
	DropIt       Verdict = "drop the claim" // the holder loses the address and lives on
	MoveAddress  Verdict = "move"           // ownership of the number moves, no user does
	ChallengeIt  Verdict = "challenge"      // prove the existing account first
	RefuseInUse  Verdict = "refuse, in use"
	RefuseLocked Verdict = "refuse, locked"
	RefuseClosed Verdict = "refuse, closed"
)

// verdict is the decision table of design section 3, rules 3 to 5. It is
// total: every cell has an answer, and the answers for one holder never depend
// on another.
func verdict(c Cell) (Verdict, string) {
	switch {
	case c.Standing == Vanished:
		return Ignore, "the holder is gone and its addresses are free"
	case c.Arriving == user.None:
		return Ignore, "nothing is said about the address"
	case c.Held == user.None:
		return Ignore, "nobody holds the address"
	case c.Act == Provisioning:
		return provisionVerdict(c)
	default:
		return arriveVerdict(c)
	}
}

func arriveVerdict(c Cell) (Verdict, string) {
	if c.Arriving == user.Asserted {
		return Ignore, "5: an unproven address never links"
	}
	if c.Held == user.Asserted {
		return arriveAtAsserted(c)
	}
	// The holder owns the address, or a trusted source says that it does.
	switch c.Standing {
	case Locked:
		return RefuseLocked, "1: the holder is locked"
	case Closed:
		return RefuseClosed, "1: the holder was deleted and its addresses are kept"
	case Aside:
		return Ignore, "4: the holder was set aside"
	}
	switch {
	case c.Arriving == user.Attested:
		return ChallengeIt, "3: the provider is not trusted to link by address"
	case c.Count == Many:
		return ChallengeIt, "3: several users hold the address"
	case c.Held == user.Proven && c.StalePhone:
		return MoveAddress, "3: the owner's proof of the phone is too old to link"
	case c.Nature == Unheld || c.Nature == Fed: // a trusted source vouches for a Fed one's
		return TakeOverIt, "4: nobody had been in the holder"
	default:
		return LinkTo, "3: the address is the holder's"
	}
}

// arriveAtAsserted is rule 4: a proof meets holders that only say so.
func arriveAtAsserted(c Cell) (Verdict, string) {
	switch {
	case c.Arriving != user.Proven:
		return Ignore, "5: neither side has proven the address"
	case c.Nature == Unproven && c.Standing == Open:
		return EvictIt, "4: the holder never proved the address, nor anything else"
	case c.Nature == Fed:
		return DropIt, "4: the source does not vouch for its record's address"
	case c.Nature != Unheld:
		return DropIt, "4: the holder never proved the address"
	case c.Standing != Open || c.Count == Many:
		return Ignore, "4: a record that only says so blocks nobody"
	default:
		return TakeOverIt, "4: nobody had been in the holder"
	}
}

func provisionVerdict(c Cell) (Verdict, string) {
	if c.Held == user.Asserted {
		return Ignore, "5: a claim that was never proven blocks nobody"
	}
	switch c.Standing {
	case Locked:
		return RefuseLocked, "1: the holder is locked"
	case Closed:
		return RefuseClosed, "1: the holder was deleted and its addresses are kept"
	case Aside:
		return Ignore, "4: the holder was set aside"
	}
	switch {
	case c.Arriving == user.Asserted && c.Held == user.Attested:
		return Ignore, "5: an unproven address never links"
	case c.Arriving == user.Asserted:
		return RefuseInUse, "3: the source is not trusted to speak for the owner"
	case c.Count == Many:
		return ChallengeIt, "3: several users hold the address"
	case c.Held == user.Proven && c.StalePhone:
		return Ignore, "3: a phone never links once its proof is old"
	default:
		return LinkTo, "3: a trusted source names the holder's address"
	}
}
