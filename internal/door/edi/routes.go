package edi

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/session"
)

// operation answers one request of somebody whose token was checked.
type operation struct {
	name string // goes out as "method"
	run  func(ctx context.Context, live session.Live, r *http.Request) answer
}

// verbs is what a path can do.
type verbs map[string]func(http.ResponseWriter, *http.Request)

// Handler serves every path of the door, those it does not know included.
func (d *Door) Handler() http.Handler { return http.HandlerFunc(d.serve) }

func (d *Door) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mount := func(pattern string, v verbs) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { d.dispatch(w, r, v) })
	}
	mount("/auth/v1/ping", verbs{http.MethodGet: d.ping})
	search := d.api(operation{"searchPrincipals", d.search})
	mount("/auth/v1/profile", verbs{http.MethodPost: d.api(operation{"createProfile", d.create}), http.MethodGet: search})
	mount("/auth/v1/search", verbs{http.MethodGet: search})
	mount("/auth/v1/profile/{id}", verbs{
		http.MethodGet:    d.api(operation{"readProfile", d.read}),
		http.MethodPut:    d.api(operation{"updateProfile", d.update}),
		http.MethodDelete: d.api(operation{"deleteProfile", d.remove}),
	})
	mount("/auth/v1/group", verbs{http.MethodPost: d.api(operation{"createGroup", d.createGroup})})
	mount("/auth/v1/group/{group}", verbs{
		http.MethodGet:    d.api(operation{"readGroup", d.readGroup}),
		http.MethodPut:    d.api(operation{"updateGroup", d.updateGroup}),
		http.MethodDelete: d.api(operation{"deleteGroup", d.deleteGroup}),
	})
	mount("/auth/v1/group/{group}/{profile}", verbs{
		http.MethodPost:   d.api(operation{"addGroupMember", d.addMember}),
		http.MethodDelete: d.api(operation{"removeGroupMember", d.removeMember}),
	})
	mount("/auth/v1/token/refresh", verbs{http.MethodPost: d.open("refreshToken", d.refresh)})
	mount("/auth/v1/token/{id}", verbs{http.MethodPost: d.open("getToken", d.tokenByKey)})
	mount("/auth/ui/api/token/download", verbs{http.MethodGet: d.download})
	mount("/auth/ui/api/avatar/gen/{initials}", verbs{http.MethodGet: d.avatar})
	if d.SignIns != nil {
		d.signInRoutes(mount)
	}
	mount("/", verbs{})
	return mux
}

// serve keeps the router from redirecting a path that it would rather see
// spelled differently: such a path is unknown.
func (d *Door) serve(w http.ResponseWriter, r *http.Request) {
	escaped := r.URL.EscapedPath()
	if escaped != path.Clean("/"+strings.TrimPrefix(escaped, "/")) || r.Method == http.MethodConnect {
		d.framework(w, r, http.StatusNotFound)
		return
	}
	d.mux.ServeHTTP(w, r)
}

func (d *Door) dispatch(w http.ResponseWriter, r *http.Request, v verbs) {
	if len(v) == 0 {
		d.framework(w, r, http.StatusNotFound)
		return
	}
	h, ok := v[r.Method]
	if !ok {
		allowed := make([]string, 0, len(v))
		for verb := range v {
			allowed = append(allowed, verb)
		}
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		d.framework(w, r, http.StatusMethodNotAllowed)
		return
	}
	h(w, r)
}

// api turns an operation into a handler. The order is the contract's: who
// asks, then what they want to read, then the operation's own checks.
func (d *Door) api(op operation) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := d.crossSite.Check(r); err != nil {
			// Before the cookie is looked at: a foreign page learns nothing, not
			// even whether somebody is signed in.
			d.write(w, r, op.name, asJSON, denied("Cross-site requests are not accepted"))
			return
		}
		format, acceptable := negotiate(r.Header.Values("Accept"))
		p := d.present(r)
		if p.err != nil {
			d.write(w, r, op.name, format, d.failed(r.Context(), op.name, p.err))
			return
		}
		var a answer
		if acceptable {
			a = op.run(r.Context(), p.live, r)
		} else {
			a = d.unacceptable(r.Context(), p.live, op)
		}
		if !a.endsSession {
			d.renew(w, r, p)
		}
		d.write(w, r, op.name, format, a)
	}
}

// open is api for operations that know by the request's body who asks.
func (d *Door) open(name string, run func(context.Context, *http.Request) answer) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := d.crossSite.Check(r); err != nil {
			d.write(w, r, name, asJSON, denied("Cross-site requests are not accepted"))
			return
		}
		format, acceptable := negotiate(r.Header.Values("Accept"))
		a := badRequest(unsupportedMedia)
		if acceptable {
			a = run(r.Context(), r)
		}
		d.renewIfPresented(w, r)
		d.write(w, r, name, format, a)
	}
}

const unsupportedMedia = "Unsupported media type in Accept header; application/json and application/xml are served"

// unacceptable refuses a media type nobody serves; at create only to those who
// may create.
func (d *Door) unacceptable(ctx context.Context, live session.Live, op operation) answer {
	if op.name == "createProfile" {
		if a, ok := d.vetted(ctx, live); !ok {
			return a
		}
	}
	return badRequest(unsupportedMedia)
}

// ping says that the door is there.
func (d *Door) ping(w http.ResponseWriter, r *http.Request) {
	d.renewIfPresented(w, r)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("pong"))
}
