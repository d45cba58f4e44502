package credential

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

// What Params["why"] of a WeakPassword refusal says.
const (
	WhyTooSimilar = "too_similar" // "to": username, first name, last name, email
	WhyTooShort   = "too_short"   // "min": characters
	WhyTooCommon  = "too_common"
	WhyNumeric    = "entirely_numeric"
	WhyMismatch   = "mismatch"
)

// Form is a new password, typed twice.
type Form struct {
	First, Second string
	// Names of the two fields, for refusals.
	FirstField, SecondField string
	// Who chooses it: what it must not resemble.
	Who password.Attributes
}

// Check gives every refusal of a form, in the order of its fields: Missing,
// WeakPassword with why, TooLarge with max and length. None is nil; any other
// error is a fault.
func (f Form) Check(rule policy.PasswordRule) ([]error, error) {
	var errs []error
	for _, in := range []struct{ field, text string }{{f.FirstField, f.First}, {f.SecondField, f.Second}} {
		if in.text == "" {
			errs = append(errs, user.Refuse(user.Missing, in.field))
		}
	}
	switch {
	case len(errs) > 0:
		return errs, nil
	case f.First != f.Second: // then its strength is not looked at
		return []error{user.Refuse(user.WeakPassword, f.SecondField, "why", WhyMismatch)}, nil
	}
	weak, err := password.DjangoRules{MinLength: rule.MinLength, Blocklist: rule.Blocklist}.Check(password.Plain(f.First), f.Who)
	if err != nil {
		return nil, fmt.Errorf("checking a new password: %w", err)
	}
	for _, w := range weak {
		errs = append(errs, f.refusal(w, rule))
	}
	return errs, nil
}

func (f Form) refusal(w password.Weakness, rule policy.PasswordRule) error {
	switch w.Reason {
	case password.TooSimilar:
		return user.Refuse(user.WeakPassword, f.SecondField, "why", WhyTooSimilar, "to", w.To)
	case password.TooShort:
		return user.Refuse(user.WeakPassword, f.SecondField, "why", WhyTooShort, "min", strconv.Itoa(rule.MinLength))
	case password.Numeric:
		return user.Refuse(user.WeakPassword, f.SecondField, "why", WhyNumeric)
	case password.TooCommon:
		return user.Refuse(user.WeakPassword, f.SecondField, "why", WhyTooCommon)
	case password.TooLong:
		return user.Refuse(user.TooLarge, f.SecondField, "max", "128", "length", strconv.Itoa(len([]rune(f.First))))
	default:
		return user.Refuse(user.Invalid, f.SecondField)
	}
}

// Hasher hashes; the password package's does.
type Hasher interface {
	Hash(ctx context.Context, plain password.Plain) (password.Hash, error)
}

// Hash hashes what a form holds. Busy when too many wait.
func Hash(ctx context.Context, by Hasher, plain string) (string, error) {
	h, err := by.Hash(ctx, password.Plain(plain))
	if err != nil {
		return "", password.Refusal(err)
	}
	return h.String(), nil
}

// Join makes one error of the refusals of several forms; nil of none.
func Join(errs []error) error { return errors.Join(errs...) }
