package workgroup

import (
	"errors"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// What an operator adds is made on the operator's word, within a transaction.
// Each Add says whether it made something; false where it is there already.
// Nothing that is there is changed: a Conflict of what differs.

// AddInstitution adds one. Refusals: Missing, Invalid, TooLarge of a text;
// Conflict of state.
func AddInstitution(tx store.Tx, i Institution, by string) (bool, error) {
	i, err := i.tidy()
	if err != nil {
		return false, err
	}
	had, err := findInstitution(tx, i)
	if err == nil {
		return false, conflict(attrState, equal(institution(had).State, i.State))
	}
	return add(tx, i.row(), err, by)
}

// AddField adds a research field. Refusals: Missing, Invalid, TooLarge of a
// text.
func AddField(tx store.Tx, f Field, by string) (bool, error) {
	f, err := f.tidy()
	if err != nil {
		return false, err
	}
	_, err = findField(tx, f)
	if err == nil {
		return false, nil
	}
	return add(tx, f.row(), err, by)
}

// AddGroup adds a working group that nobody represents, at an institution and
// in a field that are there. Refusals: NotFound of institution or field;
// Missing, Invalid, TooLarge of name; Invalid of nEmployees; Conflict of field
// or nEmployees.
func AddGroup(tx store.Tx, g Group, by string) (bool, error) {
	if err := tidy(attrName, &g.Name); err != nil {
		return false, err
	}
	if err := checkEmployees(g.Employees); err != nil {
		return false, err
	}
	at, on, err := between(tx, g.Institution, g.Field)
	if err != nil {
		return false, err
	}
	row, err := groupAt(tx, at.ID, g.Name)
	if err == nil {
		had := group(row)
		if err := conflict("field", had.Field.Ref == on.ID); err != nil {
			return false, err
		}
		return false, conflict("nEmployees", equal(had.Employees, g.Employees))
	}
	return add(tx, workingRow(g.Name, at.ID, on.ID, g.Employees), err, by)
}

// add makes what looking for it gave an error.
func add(tx store.Tx, g user.Group, looked error, by string) (bool, error) {
	if !errors.Is(looked, store.ErrNotFound) {
		return false, looked
	}
	_, err := put(tx, g, event.New{Actor: by, Door: user.DoorOperator})
	return err == nil, err
}

func conflict(what string, same bool) error {
	if same {
		return nil
	}
	return user.Refuse(user.Conflict, what)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}
