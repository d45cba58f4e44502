package keycloak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// User is somebody of the realm's.
type User struct {
	Subject  string `json:"id"`
	Username string `json:"username"`
	Enabled  bool   `json:"enabled"`
}

// User gives one; ErrUnknown where there is none.
func (a *Admin) User(ctx context.Context, subject string) (User, error) {
	var u User
	if err := a.call(ctx, http.MethodGet, users(subject), nil, &u); err != nil {
		return User{}, err
	}
	if u.Subject != subject {
		return User{}, errSomebodyElse
	}
	return u, nil
}

// errSomebodyElse is an answer that is JSON, and not about whom was asked.
var errSomebodyElse = fmt.Errorf("%w: the answer is not about the user that was asked for", ErrBusy)

func users(subject string) string { return "/users/" + url.PathEscape(subject) }

// group is one of the realm's.
type group struct {
	ID    string              `json:"id"`
	Path  string              `json:"path"`
	Roles map[string][]string `json:"clientRoles"`
}

// pageSize is how many are asked for at once.
const pageSize = 200

// Groups gives the full paths of the groups somebody is in.
func (a *Admin) Groups(ctx context.Context, subject string) ([]string, error) {
	paths := []string{}
	for first := 0; first < maxPages*pageSize; first += pageSize {
		var some []group
		path := users(subject) + "/groups?briefRepresentation=true&first=" + strconv.Itoa(first) + "&max=" + strconv.Itoa(pageSize)
		if err := a.call(ctx, http.MethodGet, path, nil, &some); err != nil {
			return nil, err
		}
		for _, g := range some {
			if !strings.HasPrefix(g.Path, "/") {
				return nil, fmt.Errorf("%w: a group without a path", ErrBusy)
			}
			paths = append(paths, g.Path)
		}
		if len(some) < pageSize {
			return paths, nil
		}
	}
	return nil, fmt.Errorf("%w: more groups than anybody is in", ErrBusy)
}

// Roles gives the roles somebody has at the portal's client: their own, and those of
// the groups at these paths and above them. Roles that are part of another role are
// not among them: a service account that may not see clients is not told of those.
func (a *Admin) Roles(ctx context.Context, subject string, paths []string) ([]string, error) {
	var own struct {
		Clients map[string]struct {
			Mappings []struct {
				Name string `json:"name"`
			} `json:"mappings"`
		} `json:"clientMappings"`
	}
	if err := a.call(ctx, http.MethodGet, users(subject)+"/role-mappings", nil, &own); err != nil {
		return nil, err
	}
	roles := []string{}
	for _, r := range own.Clients[a.ClientID].Mappings {
		roles = append(roles, r.Name)
	}
	seen := map[string]bool{}
	for _, path := range paths {
		for ; strings.HasPrefix(path, "/") && !seen[path]; path = path[:strings.LastIndexByte(path, '/')] {
			seen[path] = true
			g, err := a.lookUp(ctx, path)
			if errors.Is(err, ErrUnknown) {
				continue // gone since, or the first half of a name with a slash in it
			}
			if err != nil {
				return nil, err
			}
			roles = append(roles, g.Roles[a.ClientID]...)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}

// Join puts somebody into a group, Leave takes them out; both may be done twice.
func (a *Admin) Join(ctx context.Context, subject, path string) error {
	return a.membership(ctx, http.MethodPut, subject, path)
}

// Leave takes somebody out of a group.
func (a *Admin) Leave(ctx context.Context, subject, path string) error {
	return a.membership(ctx, http.MethodDelete, subject, path)
}

func (a *Admin) membership(ctx context.Context, method, subject, path string) error {
	id, kept, err := a.group(ctx, path)
	if err != nil {
		return err
	}
	err = a.call(ctx, method, users(subject)+"/groups/"+id, nil, nil)
	if !errors.Is(err, ErrUnknown) || !kept {
		return err
	}
	a.forget(path) // made anew since its id was looked up, perhaps
	if id, _, err = a.group(ctx, path); err != nil {
		return err
	}
	return a.call(ctx, method, users(subject)+"/groups/"+id, nil, nil)
}

// group gives the id of a group, and whether it was known from before.
func (a *Admin) group(ctx context.Context, path string) (id string, kept bool, err error) {
	a.mu.Lock()
	id = a.groups[path]
	a.mu.Unlock()
	if id != "" {
		return id, true, nil
	}
	found, err := a.lookUp(ctx, path)
	if err != nil {
		return "", false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.groups[path] = found.ID
	return found.ID, false, nil
}

// lookUp asks for a group, with the roles it gives.
func (a *Admin) lookUp(ctx context.Context, path string) (found group, err error) {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	if err := a.call(ctx, http.MethodGet, "/group-by-path/"+strings.Join(segments, "/"), nil, &found); err != nil {
		return found, err
	}
	if found.ID == "" {
		return found, fmt.Errorf("%w: a group without an id", ErrBusy)
	}
	return found, nil
}

func (a *Admin) forget(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.groups, path)
}

// SetEnabled lets somebody sign in at the realm, or not. The rest of what the realm
// knows of them goes back as it came: what is left out would be lost.
func (a *Admin) SetEnabled(ctx context.Context, subject string, enabled bool) error {
	var whole map[string]any
	if err := a.call(ctx, http.MethodGet, users(subject), nil, &whole); err != nil {
		return err
	}
	if whole["id"] != subject {
		return errSomebodyElse
	}
	whole["enabled"] = enabled
	return a.call(ctx, http.MethodPut, users(subject), whole, nil)
}
