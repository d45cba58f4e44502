package password

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Rules say which passwords may be set (SP 800-63B-4, section 3.1.1.2: length
// and a blocklist, no composition rules).
type Rules struct {
	MinLength int // code points
	MaxLength int // code points; 0 means 128. 1024 bytes hold in any case
	Blocklist bool
}

const defaultMaxLength = 128

// Reason is why a password may not be set.
type Reason string

const (
	TooShort  Reason = "too_short"
	TooLong   Reason = "too_long"
	TooCommon Reason = "too_common" // on the list, or made of the person's own names
	NotText   Reason = "not_text"   // not UTF-8
)

// WeakError refuses a password.
type WeakError struct {
	Reason Reason
	// Limit is the length that was missed, with its Unit; zero for other
	// reasons.
	Limit int
	Unit  Unit
}

// Unit is what a limit counts.
type Unit string

const (
	CodePoints Unit = "characters"
	Bytes      Unit = "bytes"
)

func (e *WeakError) Error() string {
	switch e.Reason {
	case TooShort:
		return fmt.Sprintf("password is shorter than %d %s", e.Limit, e.Unit)
	case TooLong:
		return fmt.Sprintf("password is longer than %d %s", e.Limit, e.Unit)
	case TooCommon:
		return "password is too common"
	default:
		return "password is not valid text"
	}
}

// WeakReason gives the reason in err, or "" where it holds none.
func WeakReason(err error) Reason {
	var weak *WeakError
	if errors.As(err, &weak) {
		return weak.Reason
	}
	return ""
}

// Check refuses with a *WeakError. Words are what others can guess of the
// person and the place: names, the local part of the e-mail, the service.
// With the blocklist on, a password that consists of such words and digits
// or signs around them counts as common. Any other error is a fault.
func (r Rules) Check(plain Plain, words ...string) error {
	longest := r.MaxLength
	if longest <= 0 {
		longest = defaultMaxLength
	}
	text := string(plain)
	switch {
	case !utf8.ValidString(text):
		return &WeakError{Reason: NotText}
	case len(text) > maxInput:
		return &WeakError{Reason: TooLong, Limit: maxInput, Unit: Bytes}
	case utf8.RuneCountInString(text) > longest:
		return &WeakError{Reason: TooLong, Limit: longest, Unit: CodePoints}
	}
	normal := string(plain.normal())
	// NFKC can make one ligature into eighteen letters: it must not lengthen.
	if min(utf8.RuneCountInString(text), utf8.RuneCountInString(normal)) < r.MinLength {
		return &WeakError{Reason: TooShort, Limit: r.MinLength, Unit: CodePoints}
	}
	if !r.Blocklist {
		return nil
	}
	lower := strings.ToLower(strings.TrimSpace(normal))
	listed, err := isCommon(lower)
	if err != nil {
		return err
	}
	if listed || onlyWords(lower, words) {
		return &WeakError{Reason: TooCommon}
	}
	return nil
}

// minWord is the shortest context word that counts; shorter ones are found
// inside good passwords.
const minWord = 4

// onlyWords reports whether nothing is left of a password but digits and
// signs once the words are taken out.
func onlyWords(lower string, words []string) bool {
	rest := lower
	for _, w := range words {
		w = strings.ToLower(strings.TrimSpace(string(Plain(w).normal())))
		if utf8.RuneCountInString(w) >= minWord {
			// A letter-free gap keeps two halves from joining into a new word.
			rest = strings.ReplaceAll(rest, w, " ")
		}
	}
	return rest != lower && !strings.ContainsFunc(rest, unicode.IsLetter)
}
