package crash

import (
	"sync/atomic"

	"github.com/usher-id/usher/test/harness"
)

type counter = atomic.Int64

// record is what the partner door shows of a user, as far as writers change
// it.
type record struct {
	Username, Email, FirstName, LastName string
	Locked, Deleted                      bool
}

// person is a writer's journal of one user.
type person struct {
	id  string // empty until acknowledged
	now record
	// next is what the record becomes if the write in flight was done; nil if
	// none is in flight.
	next *record
	// past are the usernames given up.
	past   []string
	events map[string]int // at least so many, by kind
	dirty  bool           // written to since the last check
}

// does begins a write; done says that it was acknowledged.
func (p *person) does(next record) { p.next, p.dirty = &next, true }

func (p *person) done(kind string) {
	if p.now.Username != "" && p.now.Username != p.next.Username {
		p.past = append(p.past, p.now.Username)
	}
	p.now, p.next = *p.next, nil
	p.events[kind]++
}

// signer is a journal of one session.
type signer struct {
	username string
	refresh  string   // the newest that was acknowledged
	used     []string // older ones
	unsure   bool     // a renewal was in flight
}

// writer is one who writes; all of its people are its own.
type writer struct {
	*crew
	n        int
	cookie   string // of the EDI door
	edi      string
	name     string // its own at the EDI door
	nextName string // and the one in flight; empty if none

	people   []*person
	sessions []*signer
	profiles map[string]string // idp_uid to edi_id
	pending  string            // the idp_uid in flight; empty if none
}

const secret = "lanterns-over-the-weir"

func (c *crew) put(name string) harness.Ask {
	return harness.Ask{Method: "PUT", URL: c.Internal + "/api/users/", Header: system(), Body: map[string]any{
		"username": name, "email": name + "@example.org", "emailVerified": true,
	}}
}

func (c *crew) get(path string) harness.Ask {
	return harness.Ask{Method: "GET", URL: c.Internal + path, Header: system()}
}

func system() map[string][]string { return map[string][]string{"X-User-Ctx": {harness.System}} }

func (c *crew) client(more map[string]any) harness.Ask {
	body := map[string]any{"clientId": "client-app-id", "clientSecret": "client-app-secret"}
	for k, v := range more {
		body[k] = v
	}
	return harness.Ask{Method: "POST", URL: c.Public + "/api/auth/login", Body: body}
}

func (c *crew) login(username, password string) harness.Ask {
	return c.client(map[string]any{"type": "password", "withPassword": map[string]any{"emailOrUsername": username, "password": password}})
}

func (c *crew) renew(refresh string) harness.Ask {
	return c.client(map[string]any{"type": "refresh-token", "withRefreshToken": map[string]any{"refreshToken": refresh}})
}

func (c *crew) profile(method, path, cookie string, body any) harness.Ask {
	return harness.Ask{Method: method, URL: c.Public + "/auth/v1/profile" + path, Cookie: cookie, Body: body}
}
