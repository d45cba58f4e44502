package session_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Given a live session with an access token and an edi-token, when anything
// happens that ends it, then neither is good any more, from the next request
// on (security T13).
func TestWhatEndsASession(t *testing.T) {
	ends := map[string]func(w *world, p person, s user.Session){
		"it is revoked": func(w *world, _ person, s user.Session) {
			w.update(func(tx store.Tx) error { _, err := tx.EndSessions(s.User, "", tx.Now()); return err })
		},
		"its strand's sessions end": func(w *world, _ person, s user.Session) {
			w.update(func(tx store.Tx) error { _, err := tx.EndSessions(s.User, s.Strand, tx.Now()); return err })
		},
		"the epoch moves": func(w *world, p person, _ user.Session) { w.change(p.user.ID, func(u *user.User) { u.Epoch++ }) },
		"the user archives": func(w *world, p person, _ user.Session) {
			w.change(p.user.ID, func(u *user.User) { u.Status = user.Archived })
		},
		"the user is deleted": func(w *world, p person, _ user.Session) {
			w.change(p.user.ID, func(u *user.User) { u.Status = user.Deleted })
		},
		"the user is set aside": func(w *world, p person, _ user.Session) {
			w.change(p.user.ID, func(u *user.User) { u.Status = user.SetAside })
		},
		"the user is locked": func(w *world, p person, _ user.Session) {
			w.update(func(tx store.Tx) error {
				return store.Put(tx, user.Lock{User: p.user.ID, Source: "operator", At: tx.Now()})
			})
		},
		"the user is erased": func(w *world, p person, _ user.Session) {
			w.update(func(tx store.Tx) error {
				u, err := tx.User(p.user.ID)
				if err != nil {
					return err
				}
				return ledger.Open(tx, policy.Default(), "x").Erase(u, user.ClosedByPerson)
			})
		},
		"the user is merged into another":   func(w *world, p person, _ user.Session) { w.merge(w.person("Other").user.ID, p.user.ID) },
		"another is merged into the user":   func(w *world, p person, _ user.Session) { w.merge(p.user.ID, w.person("Other").user.ID) },
		"the session's time is over":        func(w *world, _ person, _ user.Session) { w.clock.advance(session.RefreshLife) },
		"the token's time is over (longer)": func(w *world, _ person, _ user.Session) { w.clock.advance(session.CookieLife) },
	}
	each(t, func(w *world) {
		all := w.T
		for name, end := range ends {
			all.Run(name, func(t *testing.T) {
				w.T = t
				p := w.person("Ada")
				text, cookieSession := w.cookie(p)
				s, pair := w.begun(p, user.DoorPartner)
				access, err := w.sessions.Access(t.Context(), pair.Access)
				if err != nil || access.User.ID != p.user.ID || access.Session.ID != s.ID {
					t.Fatalf("given a live access token: %+v, %v", access, err)
				}
				live, err := w.sessions.Cookie(t.Context(), text)
				if err != nil || live.User.ID != p.user.ID || live.Session.ID != cookieSession.ID {
					t.Fatalf("given a live edi-token: %+v, %v", live, err)
				}
				end(w, p, s)
				_, err = w.sessions.Access(t.Context(), pair.Access)
				w.dead(err)
				if name == "the token's time is over (longer)" {
					if _, err = w.sessions.Cookie(t.Context(), text); err == nil {
						t.Error("an edi-token outlived its eight hours")
					}
					return
				}
				_, err = w.sessions.Cookie(t.Context(), text)
				w.dead(err)
				_, _, err = w.sessions.MintCookie(t.Context(), live)
				w.dead(err)
			})
		}
		w.T = all
	})
}

func (w *world) merge(into, other user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		a, err := tx.User(into)
		if err != nil {
			return err
		}
		b, err := tx.User(other)
		if err != nil {
			return err
		}
		_, err = ledger.Open(tx, policy.Default(), "x").Merge(a, b)
		return err
	})
}

// endings lists what is recorded of the ends of a user's sessions.
func (w *world) endings(u user.ID) (all []string) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		all = nil
		es, err := tx.EventsOf(u, 1000)
		for _, e := range es {
			if e.Kind == string(event.SessionEnded) {
				all = append(all, fmt.Sprintf("%s %s %s", e.Actor, e.Door, e.Body))
			}
		}
		return err
	})
	return all
}

// Ending one session leaves the others, and is recorded once however often it
// is asked for.
func endingOne(w *world) {
	p := w.person("Ada")
	s, pair := w.begun(p, user.DoorPartner)
	_, other := w.begun(p, user.DoorPartner)
	for range 2 {
		w.update(func(tx store.Tx) error {
			st, err := tx.Session(s.ID)
			if err != nil {
				return err
			}
			return session.End(tx, st.Session, session.Ending{Actor: string(p.user.ID), Door: user.DoorPartner, Why: session.SignedOut})
		})
		w.clock.advance(time.Second)
	}
	_, err := w.sessions.Access(w.Context(), pair.Access)
	w.dead(err)
	if _, err := w.sessions.Access(w.Context(), other.Access); err != nil {
		w.Errorf("the other session: %v", err)
	}
	want := fmt.Sprintf(`%s partner {"session":%q,"why":"signed_out"}`, p.user.ID, s.ID)
	if all := w.endings(p.user.ID); len(all) != 1 || all[0] != want {
		w.Errorf("recorded %q, want %q", all, want)
	}
}

// Ending all of a user's sessions, or a strand's, is one line of the record;
// where none was live there is nothing to tell.
func endingAll(w *world) {
	p := w.person("Ada")
	end := func(strand user.ID) {
		w.Helper()
		w.update(func(tx store.Tx) error {
			return session.EndAll(tx, p.user.ID, strand, session.Ending{Actor: "root", Why: session.Locked})
		})
	}
	end("")
	_, one := w.begun(p, user.DoorPartner)
	_, two := w.begun(p, user.DoorEDI)
	end("another strand")
	for _, pair := range []session.Pair{one, two} {
		if _, err := w.sessions.Access(w.Context(), pair.Access); err != nil {
			w.Errorf("ended with another strand: %v", err)
		}
	}
	if all := w.endings(p.user.ID); len(all) != 0 {
		w.Errorf("recorded %q though nothing ended", all)
	}
	end(p.strand.ID)
	for _, pair := range []session.Pair{one, two} {
		_, err := w.sessions.Access(w.Context(), pair.Access)
		w.dead(err)
	}
	w.begun(p, user.DoorPartner)
	end("")
	want := []string{
		fmt.Sprintf(`root  {"sessions":2,"strand":%q,"why":"locked"}`, p.strand.ID),
		`root  {"sessions":1,"why":"locked"}`,
	}
	if all := w.endings(p.user.ID); !slices.Equal(all, want) {
		w.Errorf("recorded %q, want %q", all, want)
	}
}

// A refresh token that comes twice ends its session, and both are recorded.
func reuseEnds(w *world) {
	p := w.person("Ada")
	s, first := w.begun(p, user.DoorPartner)
	renew := func() (refused *user.Refusal) {
		w.Helper()
		next, err := w.sessions.NewPair()
		if err != nil {
			w.Fatal(err)
		}
		w.update(func(tx store.Tx) error {
			var err error
			_, refused, err = w.sessions.Renew(tx, first.Refresh, user.DoorPartner, "", next)
			return err
		})
		return refused
	}
	if r := renew(); r != nil {
		w.Fatalf("the first time: %v", r)
	}
	if all := w.endings(p.user.ID); len(all) != 0 {
		w.Errorf("recorded %q", all)
	}
	for range 3 {
		if r := renew(); r == nil || r.Code != user.BadToken {
			w.Errorf("again: %v", r)
		}
	}
	want := fmt.Sprintf(` partner {"session":%q,"why":"refresh_reused"}`, s.ID)
	if all := w.endings(p.user.ID); len(all) != 1 || all[0] != want {
		w.Errorf("recorded %q, want %q", all, want)
	}
}
