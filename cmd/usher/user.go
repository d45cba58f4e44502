package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/user"
)

type userCmd struct {
	Create userCreateCmd `cmd:"" help:"Create a user."`
	Show   userShowCmd   `cmd:"" help:"Show a user."`
	Lock   userLockCmd   `cmd:"" help:"Keep a user out."`
	Unlock userUnlockCmd `cmd:"" help:"Lift an operator's lock, and a wait after wrong passwords."`
	Erase  userEraseCmd  `cmd:"" help:"Remove a user's content for good."`
	List   userListCmd   `cmd:"" help:"List users."`
}

type userCreateCmd struct {
	Email    string `required:"" help:"E-mail address."`
	Name     string `help:"Full name."`
	Username string `help:"Username."`
	Password string `help:"Password."`
	Role     string `help:"operator or staff." enum:"operator,staff," default:""`
	Verified bool   `help:"The address is known to be the user's."`
	Reason   string `help:"Why to add to the user who has the address already."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Run creates a user.
func (c userCreateCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		u, err := a.operator.Create(e.ctx, operator.NewUser{
			Email: c.Email, Name: c.Name, Username: c.Username, Password: c.Password, Role: c.Role,
			Verified: c.Verified, Reason: c.Reason,
		})
		if err != nil {
			return err
		}
		if c.Password != "" && !c.Verified && c.Username == "" && c.Reason == "" {
			fmt.Fprintf(e.err, "usher: %s signs nobody in before it is proven, and there is no other name to sign in by. If you know that it is theirs, say so with --verified, or give a --username\n", plain(c.Email))
		}
		return e.showUser(a, string(u.ID), c.JSON)
	})
}

// reference is how a user is named.
type reference string

// UnmarshalText refuses what names nobody: a script's variable that is empty.
func (r *reference) UnmarshalText(text []byte) error {
	if *r = reference(text); strings.TrimSpace(string(text)) == "" {
		return errors.New("the user is empty; it must be an id, handle, identity, e-mail address or username")
	}
	return nil
}

type userRef struct {
	Ref  reference `arg:"" help:"Id, handle, identity, e-mail or username."`
	JSON bool      `name:"json" help:"Print JSON."`
}

type userShowCmd struct{ userRef }

// Run shows a user.
func (c userShowCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error { return e.showUser(a, string(c.Ref), c.JSON) })
}

type userLockCmd struct {
	userRef
	Reason string `help:"Why, for those who ask later."`
}

// Run locks a user.
func (c userLockCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		u, err := a.operator.Lock(e.ctx, string(c.Ref), c.Reason)
		if err != nil {
			return err
		}
		return e.showUser(a, string(u.ID), c.JSON)
	})
}

type userUnlockCmd struct {
	userRef
	All bool `help:"Lift every source's lock, not only the operator's."`
}

// Run unlocks a user.
func (c userUnlockCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		u, err := a.operator.Unlock(e.ctx, string(c.Ref), c.All)
		if err != nil {
			return err
		}
		return e.showUser(a, string(u.ID), c.JSON)
	})
}

type userEraseCmd struct{ userRef }

// Run erases a user.
func (c userEraseCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		u, err := a.operator.Erase(e.ctx, string(c.Ref))
		if err != nil {
			return err
		}
		return e.showUser(a, string(u.ID), c.JSON)
	})
}

// maxList bounds a page of users.
const maxList = 1000

type userListCmd struct {
	After string `help:"Begin after this id."`
	Limit int    `help:"At most this many, 1 to 1000." default:"100"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Run lists users.
func (c userListCmd) Run(e *environment) error {
	if c.Limit < 1 || c.Limit > maxList {
		return usageError{fmt.Errorf("--limit is %d; it can be 1 to %d", c.Limit, maxList)}
	}
	if _, err := uuid.Parse(c.After); c.After != "" && err != nil {
		return usageError{fmt.Errorf("--after is %q; it must be the id of a user, such as the last one of a list", c.After)}
	}
	return e.withApp(func(a *app) error {
		us, err := a.operator.List(e.ctx, user.ID(c.After), c.Limit)
		if err != nil {
			return err
		}
		rows := make([]userLine, len(us))
		for i, u := range us {
			rows[i] = userLine{
				ID: u.ID, Status: u.Status, Email: u.Profile.Get(user.EmailAttr), Name: u.Profile.Get(user.Name),
				CreatedAt: u.Created,
			}
		}
		return e.print(c.JSON, rows, func(w io.Writer) {
			if len(rows) == 0 {
				fmt.Fprintln(w, "no users")
				return
			}
			tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
			for _, r := range rows {
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", r.ID, r.Status, plain(or(r.Email, "-")), plain(or(r.Name, "-")))
			}
			_ = tw.Flush()
			if len(rows) == c.Limit {
				fmt.Fprintf(e.err, "There may be more: usher user list --after %s\n", rows[len(rows)-1].ID)
			}
		})
	})
}

type userLine struct {
	ID        user.ID     `json:"id"`
	Status    user.Status `json:"status"`
	Email     *string     `json:"email"`
	Name      *string     `json:"name"`
	CreatedAt time.Time   `json:"created_at"`
}

// shownUser is what `user show --json` prints.
type shownUser struct {
	userLine
	EmailVerified bool                  `json:"email_verified"`
	UpdatedAt     time.Time             `json:"updated_at"`
	MergedInto    user.ID               `json:"merged_into,omitempty"`
	Locked        bool                  `json:"locked"`
	Locks         []shownLock           `json:"locks"`
	Handles       []shownHandle         `json:"handles"`
	Identities    []shownIdentity       `json:"identities"`
	Groups        []string              `json:"groups"`
	Memberships   []shownGroup          `json:"memberships"`
	Profile       map[user.Attr]*string `json:"profile"`
}

type shownHandle struct {
	Space user.Space `json:"space"`
	Value string     `json:"value"`
	Dead  bool       `json:"dead,omitempty"`
}

type shownIdentity struct {
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Reserved bool   `json:"reserved"`
}

// shownLock is one source's lock: whoever else locks, each lifts its own.
type shownLock struct {
	Source user.Source `json:"source"`
	By     string      `json:"by"`
	Reason string      `json:"reason,omitempty"`
	Since  time.Time   `json:"since"`
}

func (l shownLock) String() string {
	text := fmt.Sprintf("by %s since %s", plain(l.Source), stamp(l.Since))
	if l.By != "" && l.By != string(l.Source) {
		text += ", set by " + plain(l.By)
	}
	if l.Reason != "" {
		text += ": " + plain(l.Reason)
	}
	return text
}

func shown(st operator.Story) shownUser {
	u := st.User
	out := shownUser{
		userLine: userLine{
			ID: u.ID, Status: u.Status, Email: u.Profile.Get(user.EmailAttr), Name: u.Profile.Get(user.Name), CreatedAt: u.Created,
		},
		EmailVerified: u.Profile.Text(user.EmailVerified) == "true", UpdatedAt: u.Updated, MergedInto: u.Survivor,
		Locked: len(st.Locks) > 0, Handles: []shownHandle{}, Identities: []shownIdentity{}, Groups: []string{},
		Memberships: []shownGroup{}, Locks: []shownLock{}, Profile: map[user.Attr]*string{},
	}
	for _, h := range st.Handles {
		out.Handles = append(out.Handles, shownHandle{h.Space, h.Value, h.Dead})
	}
	for _, i := range st.Identities {
		out.Identities = append(out.Identities, shownIdentity{i.Issuer, i.Subject, i.Reserved})
	}
	for _, g := range st.Groups {
		out.Groups = append(out.Groups, g.Name)
		out.Memberships = append(out.Memberships, newShownGroup(g))
	}
	for _, l := range st.Locks {
		out.Locks = append(out.Locks, shownLock{l.Source, l.By, l.Reason, l.At})
	}
	for a, s := range u.Profile {
		out.Profile[a] = s.Value
	}
	return out
}

func (e *environment) showUser(a *app, ref string, asJSON bool) error {
	st, err := a.operator.Explain(e.ctx, ref)
	if err != nil {
		return err
	}
	s := shown(st)
	return e.print(asJSON, s, func(w io.Writer) {
		fmt.Fprintf(w, "%s  %s", s.ID, s.Status)
		if s.Locked {
			fmt.Fprint(w, ", locked")
		}
		if s.MergedInto != "" {
			fmt.Fprintf(w, ", merged into %s", s.MergedInto)
		}
		fmt.Fprintf(w, "\n  name    %s\n  email   %s", plain(or(s.Name, "-")), plain(or(s.Email, "-")))
		if s.Email != nil && !s.EmailVerified {
			fmt.Fprint(w, " (not proven)")
		}
		fmt.Fprintln(w)
		for _, l := range s.Locks {
			fmt.Fprintf(w, "  locked  %s\n", l)
		}
		for _, h := range s.Handles {
			fmt.Fprintf(w, "  %-7s %s", h.Space, plain(h.Value))
			if h.Dead {
				fmt.Fprint(w, " (dead)")
			}
			fmt.Fprintln(w)
		}
		for _, i := range s.Identities {
			fmt.Fprintf(w, "  known as %s at %s\n", plain(i.Subject), plain(i.Issuer))
		}
		for _, g := range s.Memberships {
			fmt.Fprintf(w, "  group   %s\n", g)
		}
	})
}

func or(s *string, none string) string {
	if s == nil || *s == "" {
		return none
	}
	return *s
}
