package account

import "github.com/usher-id/usher/internal/user"

// Edit is what a person changes about themselves: a fact is set, or cleared
// with nil; what is not named stays.
type Edit map[user.Attr]*string
