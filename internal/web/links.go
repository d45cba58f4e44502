package web

import (
	"context"
	"net/netip"
)

// Links is what mailed links do. Refusals of Use and Again are *user.Refusal,
// several of them joined:
//
//	Missing       Field "password1" or "password2"
//	WeakPassword  Params "why": too_similar ("to"), too_short ("min"),
//	              too_common, entirely_numeric, mismatch
//	TooLarge      Params "max", in characters
//	Throttled     RetryAfter: a 429
//	Busy          RetryAfter: a 503
//
// Any other error is a fault and becomes a 503. What became of a token is no
// refusal but a state.
type Links interface {
	// Look says what a token would do, and changes nothing.
	Look(ctx context.Context, kind LinkKind, token string) (Link, error)
	// Use does it. The passwords, as typed, are empty unless Link.AsksPassword.
	Use(ctx context.Context, kind LinkKind, token string, network netip.Prefix, first, second string) (Link, error)
	// Again mails a new link in place of one that expired. It never says whether
	// anything was sent.
	Again(ctx context.Context, kind LinkKind, token string, network netip.Prefix) error
}

// LinkKind is what a link was mailed for. It is the path of its page.
type LinkKind string

const (
	Activate LinkKind = "activate"       // a first or a second address is proven
	Reset    LinkKind = "password-reset" // a new password instead of one forgotten
	Set      LinkKind = "password-set"   // the first password of an account without one
)

// LinkState is what a link is good for.
type LinkState string

const (
	// Fresh: it would do its work now.
	Fresh LinkState = "fresh"
	// Done: from Use, it has done its work this moment; from Look, it did before.
	Done LinkState = "done"
	// Used: it did its work before, or what it was for has been done otherwise: the
	// address is confirmed, the account has a password.
	Used LinkState = "used"
	// Expired: it was good once, and another can be had in its place.
	Expired LinkState = "expired"
	// Dead: torn, not made here, or outlived by something newer.
	Dead LinkState = "dead"
	// Taken: its address is that of an account that it must not touch.
	Taken LinkState = "taken"
)

// Link is one mailed link, as its page shows it.
type Link struct {
	State LinkState
	// AsksPassword says that it sets a password, typed twice.
	AsksPassword bool
	// MinLength is how many characters a password must have, said beforehand where
	// one is asked for; 0: not said.
	MinLength int
	// Second says that the address is an account's second.
	Second bool
	// Username and Address (masked: a page is seen over shoulders) say whose link
	// it is; either may be empty.
	Username, Address string
	// LeftPassword, of a link that is Done: the address was that of an account with
	// a password. That one counts, the one chosen at sign-up does not.
	LeftPassword bool
}
