package partner

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// BatchPath is where bodies have no length limit: what stands before this door
// must not wrap them in one.
const BatchPath = "/api/users:batch"

// listener says where a request came in.
type listener int

const (
	public listener = iota
	internal
)

// verbs is what a path can do.
type verbs map[string]http.HandlerFunc

// Public serves the public listener's routes. x-user-ctx means nothing there.
func (d *Door) Public() http.Handler { return d.routes(public) }

// Internal serves the internal listener's routes: the public ones and
// /internal/auth/user-context.
func (d *Door) Internal() http.Handler { return d.routes(internal) }

func (d *Door) routes(l listener) http.Handler {
	mux := http.NewServeMux()
	mount := func(pattern string, v verbs) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { d.dispatch(w, r, v) })
	}
	as := func(act action) http.HandlerFunc { return d.authorised(l, act) }

	mount("/api/auth/login", verbs{http.MethodPost: d.login})
	mount("/auth/login", verbs{http.MethodPost: d.login})
	collection := verbs{http.MethodGet: as(d.list), http.MethodPut: as(d.sync)}
	mount("/api/users", collection)
	mount("/api/users/{$}", collection)
	mount(BatchPath, verbs{http.MethodPut: d.batch(l)})
	mount("/api/users/{ref}", verbs{
		http.MethodGet: as(d.read), http.MethodPatch: as(d.patch), http.MethodDelete: as(d.remove),
	})
	mount("/api/users/{ref}/lock", verbs{http.MethodPost: as(d.lock)})
	mount("/api/users/{ref}/unlock", verbs{http.MethodPost: as(d.unlock)})
	if l == internal {
		mount("/internal/auth/user-context", verbs{http.MethodPost: d.userContext})
	}
	mount("/", verbs{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The router would redirect a path that it would rather see spelled
		// differently; here such a path is unknown.
		escaped := r.URL.EscapedPath()
		if clean := path.Clean("/" + strings.TrimPrefix(escaped, "/")); escaped != clean && escaped != "/api/users/" || r.Method == http.MethodConnect {
			d.write(w, http.StatusNotFound, problem(http.StatusNotFound, "Not Found"))
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (d *Door) dispatch(w http.ResponseWriter, r *http.Request, v verbs) {
	if len(v) == 0 {
		d.write(w, http.StatusNotFound, problem(http.StatusNotFound, "Not Found"))
		return
	}
	verb := r.Method
	if verb == http.MethodHead {
		verb = http.MethodGet
	}
	h, ok := v[verb]
	if !ok {
		allowed := make([]string, 0, len(v))
		for verb := range v {
			allowed = append(allowed, verb)
		}
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		d.write(w, http.StatusMethodNotAllowed, problem(http.StatusMethodNotAllowed, "Method Not Allowed"))
		return
	}
	h(w, r)
}
