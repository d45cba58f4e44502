package edi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/door/edi"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

const (
	aliceID = "EDI-0000000000000000000000000000a11c"
	bobID   = "EDI-00000000000000000000000000000b0b"
	skelID  = "EDI-0000000000000000000000000005ce1e"
)

var clock = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world stands in for the domain: alice is vetted, bob is not, skel is a
// profile nobody has claimed.
type world struct {
	people   map[string]user.User    // by EDI number
	tokens   map[string]session.Live // by cookie
	members  map[user.ID]string      // user → "kind/name"
	reserved map[user.IdentityKey]string
	edits    []account.Edit
	deleted  []user.ID
	minted   int
	asked    []admission.Reservation
	searched []string

	fault   error // from every service
	refusal error // from Reserve, Edit, DeleteAtDoor, searches and groups
	strict  bool
	key     string // TokenKey

	signIns *signIns // nil: none are configured
	shown   edi.Screen
}

func newWorld() *world {
	person := func(id user.ID, facts map[user.Attr]*string) user.User {
		p := user.Profile{}
		for a, v := range facts {
			p[a] = user.Shown{Value: v}
		}
		return user.User{ID: id, Status: user.Active, Profile: p}
	}
	w := &world{members: map[user.ID]string{"alice": "system/Vetted"}, reserved: map[user.IdentityKey]string{}}
	w.people = map[string]user.User{
		aliceID: person("alice", map[user.Attr]*string{user.Name: user.Text("Alice Example"), user.EmailAttr: user.Text("alice@example.org")}),
		bobID:   person("bob", map[user.Attr]*string{user.Name: user.Text("Bob Example")}),
		skelID:  {ID: "skel", Status: user.Reserved, Profile: user.Profile{}},
	}
	live := func(id string, age time.Duration) session.Live {
		return session.Live{Session: user.Session{Subject: id, Door: user.DoorEDI}, User: w.people[id], IssuedAt: clock.Add(-age)}
	}
	w.tokens = map[string]session.Live{
		"alice": live(aliceID, time.Minute), "bob": live(bobID, time.Minute), "aged": live(aliceID, time.Hour+time.Second),
		"hour": live(aliceID, time.Hour),
	}
	return w
}

func (w *world) Cookie(_ context.Context, jwt string) (session.Live, error) {
	if w.fault != nil {
		return session.Live{}, w.fault
	}
	live, ok := w.tokens[jwt]
	if !ok {
		return live, user.Refuse(user.BadToken, "edi-token")
	}
	return live, nil
}

func (w *world) MintCookie(context.Context, session.Live) (string, time.Time, error) {
	w.minted++
	return "fresh", clock.Add(8 * time.Hour), nil
}

func (w *world) FindEDI(_ context.Context, id string) (user.User, error) {
	if strings.ContainsRune(id, 0) {
		return user.User{}, errors.New("a NUL reached the database")
	}
	u, ok := w.people[id]
	if !ok {
		return u, user.Refuse(user.NotFound, "edi_id")
	}
	return u, nil
}

func (w *world) Edit(_ context.Context, _ session.Live, e account.Edit) (user.Profile, error) {
	w.edits = append(w.edits, e)
	return nil, w.refusal
}

func (w *world) DeleteAtDoor(_ context.Context, live session.Live, _ user.Door) error {
	if w.refusal != nil { // of their groups, which go in the same transaction
		return w.refusal
	}
	w.deleted = append(w.deleted, live.User.ID)
	return w.refusal
}

func (w *world) Reserve(_ context.Context, r admission.Reservation) (admission.Reserved, error) {
	w.asked = append(w.asked, r)
	if w.refusal != nil {
		return admission.Reserved{}, w.refusal
	}
	if id, ok := w.reserved[r.Identity]; ok {
		return admission.Reserved{Handle: id}, nil
	}
	w.reserved[r.Identity] = skelID
	return admission.Reserved{Handle: skelID, Created: true}, nil
}

func (w *world) Member(_ context.Context, u user.ID, kind, name string) (bool, error) {
	return w.members[u] == kind+"/"+name, nil
}

// SearchEDI gives alice to whoever asks for anything.
func (w *world) SearchEDI(_ context.Context, typed string, _ int) ([]store.Found, error) {
	w.searched = append(w.searched, typed)
	return []store.Found{{User: w.people[aliceID], Number: aliceID}}, w.refusal
}

func (w *world) Make(context.Context, group.Caller, group.Details) (string, error) {
	return skelID, w.refusal
}

func (w *world) Read(context.Context, group.Caller, string) (group.Shown, error) {
	return group.Shown{}, w.refusal
}

func (w *world) Change(context.Context, group.Caller, string, group.Change) error { return w.refusal }

func (w *world) Dissolve(context.Context, group.Caller, string) error { return w.refusal }

func (w *world) Join(context.Context, group.Caller, string, string) (bool, error) {
	return true, w.refusal
}

func (w *world) Part(context.Context, group.Caller, string, string) error { return w.refusal }

func (w *world) SearchOwn(_ context.Context, typed string, limit int) ([]group.Shown, error) {
	w.searched = append(w.searched, fmt.Sprint(typed, " ", limit))
	return nil, w.refusal
}

func (w *world) handler(t testing.TB) http.Handler {
	t.Helper()
	return w.at(t, "https://auth.example.org")
}

func (w *world) at(t testing.TB, public string) http.Handler {
	t.Helper()
	o := edi.Options{
		Sessions: w, Profiles: w, Accounts: w, Admission: w, Groups: w, PublicURL: public, TokenKey: w.key,
		Mint: func(_ context.Context, u user.ID) (string, error) {
			w.minted++
			return "minted for " + string(u), w.refusal
		},
		StrictReference: func() bool { return w.strict }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return clock },
	}
	if w.signIns != nil {
		o.SignIns, o.Screens = w.signIns, w.show
	}
	d, err := edi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d.Handler()
}

// call sends a request; headers are "Name: value".
func call(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func as(who string) string { return "Cookie: edi-token=" + who }
