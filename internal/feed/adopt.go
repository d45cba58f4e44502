package feed

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Importer brings a source's records over from another system, with the numbers
// they had there. Beyond that it is SyncBatch: later syncs find the records by
// those numbers. A door takes a Service and cannot be given an Importer.
type Importer struct{ feed *Service }

// NewImporter makes an importer into a feed.
func NewImporter(s *Service) *Importer { return &Importer{s} }

// Import syncs up to BatchSize users in one transaction. A number that names
// nobody yet becomes that of the record that is made; InUse where it is
// another's or was retired, Conflict where the record is known by another one.
// A dry run answers as the transaction would and rolls it back: its lines see
// those before them in the same call, and not those of earlier calls.
func (i *Importer) Import(ctx context.Context, c Caller, in []Sync, mode Mode) ([]BatchResult, error) {
	return i.feed.batch(ctx, c, in, manner{mode, adopting})
}

// numbering says where the number of a new record comes from.
type numbering int

const (
	minting  numbering = iota // from usher; one that was sent must be a record's
	adopting                  // from the sync, where it has one that nobody has
)

// manner is how syncs are carried out.
type manner struct {
	mode    Mode
	numbers numbering
}

// answer is a result as it is given to who asked. A dry run names no number
// that the real one would mint: that will be another.
func (m manner) answer(p prepared, res Result) Result {
	if m.mode == DryRun && res.Created && p.number == "" {
		res.Record.Number = ""
	}
	return res
}

// find is match; where numbers are adopted, one that nobody has leaves the
// sync to be matched by what else it says, and then it must match nobody.
func (s *syncing) find(p prepared) (store.Record, bool, error) {
	rec, found, err := match(s.tx, s.c.Source, p)
	no, refused := errors.AsType[*user.Refusal](err)
	if s.numbers == minting || p.number == "" || !refused || no.Code != user.NotFound {
		return rec, found, err
	}
	if err := s.adoptable(p.number); err != nil {
		return rec, false, err
	}
	p.number = ""
	if p.email == nil && p.username == nil && len(p.identities) == 0 {
		return rec, false, nil
	}
	rec, found, err = match(s.tx, s.c.Source, p)
	if err == nil && found {
		err = user.Refuse(user.Conflict, "id", "why", "is another than the one that this user has: "+rec.Number)
	}
	return rec, false, err
}

// unminted is how much older than now an adopted number must be: as far as the
// clocks of processes on one database can be thought to differ.
const unminted = time.Minute

// numberSpaces are where a number must be nobody's: names are looked up by
// their text, and a username of digits is one.
var numberSpaces = []user.Space{user.SpacePartner, user.SpacePartnerUN, user.SpaceUsername}

// adoptable refuses a number that is or was somebody's, and one that usher
// could mint: those it mints say the moment they were made, so that what lies
// before now is never minted again.
func (s *syncing) adoptable(number string) error {
	n, ok := snowflake.Parse(number)
	if !ok || n == 0 {
		return user.Refuse(user.Invalid, "id", "why", "must be a positive number of 63 bits")
	}
	if made := snowflake.Time(n); made.After(s.tx.Now().Add(-unminted)) {
		return user.Refuse(user.Invalid, "id", "why", "says that it was made at "+made.Format(time.RFC3339)+
			": one that is not past could be given to somebody else later")
	}
	for _, space := range numberSpaces {
		h, err := s.tx.Handle(space, number)
		switch {
		case errors.Is(err, store.ErrNotFound), err == nil && h.Dead && space != user.SpacePartner:
		case err != nil:
			return fmt.Errorf("looking for a number: %w", err)
		default:
			return user.Refuse(user.InUse, "id", "why", "is or was another user's")
		}
	}
	return nil
}

// number is the one that a new record gets. One that was sent comes this far
// only where it may be adopted.
func (s *syncing) number(p prepared) string {
	if s.numbers == adopting && p.number != "" {
		return p.number
	}
	return strconv.FormatInt(s.tx.NewNumber(), 10)
}
