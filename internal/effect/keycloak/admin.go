package keycloak

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Config says which realm, and as whom.
type Config struct {
	// Issuer is the realm's, as https://id.example.org/realms/NAME.
	Issuer string
	// ClientID is the portal's client, whose roles count.
	ClientID string
	// AdminClientID and AdminClientSecret are the service account's.
	AdminClientID, AdminClientSecret string
	HTTP                             *http.Client // nil: one of its own
	Now                              func() time.Time
}

// Faults of a call.
var (
	// ErrBusy says that the realm could not be asked; try again.
	ErrBusy = errors.New("keycloak: the realm cannot be asked")
	// ErrDenied says that the service account may not do this.
	ErrDenied = errors.New("keycloak: the service account is not allowed this")
	// ErrUnknown says that there is no such user or group.
	ErrUnknown = errors.New("keycloak: no such user or group")
)

// Admin calls the admin API of one realm.
type Admin struct {
	Config
	token, base string // token endpoint; admin API of the realm

	mu     sync.Mutex
	bearer string
	until  time.Time
	groups map[string]string // ids by full path
}

// maxAnswer is more than any answer has that is asked for, in bytes.
const maxAnswer = 4 << 20

// callTime bounds one call.
const callTime = 10 * time.Second

// New makes the client; nobody is asked before it is used.
func New(c Config) (*Admin, error) {
	root, name, ok := strings.Cut(c.Issuer, "/realms/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("issuer %q is not a Keycloak realm: it must end with /realms/NAME", c.Issuer)
	}
	if c.AdminClientID == "" || c.AdminClientSecret == "" || c.ClientID == "" {
		return nil, errors.New("a realm's admin API needs a service account, its secret and the portal's client")
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: callTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Admin{
		Config: c, token: c.Issuer + "/protocol/openid-connect/token", base: root + "/admin/realms/" + name, groups: map[string]string{},
	}, nil
}

// call makes a request as the service account, with a fresh token once if the one it
// has is not taken any more. out gets the JSON of the answer, if it is not nil.
func (a *Admin) call(ctx context.Context, method, path string, in, out any) error {
	for refused := ""; ; {
		bearer, err := a.authorised(ctx, refused)
		if err != nil {
			return err
		}
		status, err := a.do(ctx, method, path, bearer, in, out)
		if err != nil || status != http.StatusUnauthorized {
			return err
		}
		if refused != "" {
			return fmt.Errorf("%w: %s %s: its token is not taken", ErrDenied, method, route(path))
		}
		refused = bearer
	}
}

func (a *Admin) do(ctx context.Context, method, path, bearer string, in, out any) (status int, err error) {
	var body io.Reader
	if in != nil {
		doc, err := json.Marshal(in)
		if err != nil {
			return 0, fmt.Errorf("writing a request: %w", err)
		}
		body = bytes.NewReader(doc)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return 0, fmt.Errorf("making a request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, err := a.HTTP.Do(req)
	if err != nil {
		return 0, busy(method, path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	doc, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil || len(doc) > maxAnswer {
		return 0, busy(method, path, errors.New("the answer breaks off or has no end"))
	}
	switch s := answer.StatusCode; {
	case s == http.StatusUnauthorized:
		return s, nil
	case s == http.StatusForbidden:
		return s, fmt.Errorf("%w: %s %s needs %s", ErrDenied, method, route(path), needed(method, path))
	case s == http.StatusNotFound && isUnknown(doc):
		return s, fmt.Errorf("%w: %s %s", ErrUnknown, method, route(path))
	case s < 200 || s > 299:
		return s, busy(method, path, fmt.Errorf("status %d", s))
	case out == nil && s != http.StatusNoContent:
		return s, busy(method, path, fmt.Errorf("status %d, and not that it was done", s))
	case out == nil:
		return s, nil
	}
	if err := json.Unmarshal(doc, out); err != nil || string(bytes.TrimSpace(doc)) == "null" {
		return 0, busy(method, path, errors.New("the answer is not the JSON it should be"))
	}
	return answer.StatusCode, nil
}

// isUnknown tells whether a 404 is about a user or a group. Others are a realm's that
// is not there, or of something before it that does not let the admin API through:
// nobody is gone because of those.
func isUnknown(doc []byte) bool {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(doc, &said) != nil {
		return false
	}
	switch said.Error {
	case "User not found", "Group not found", "Group path does not exist":
		return true
	}
	return false
}

// needed is the role of realm-management that allows a call.
func needed(method, path string) string {
	switch {
	case strings.HasPrefix(path, "/events"), strings.HasPrefix(path, "/admin-events"):
		return "view-events"
	case method != http.MethodGet:
		return "manage-users"
	}
	return "view-users"
}

// busy says what went wrong, without addresses: a job keeps it.
func busy(method, path string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("%w: %s %s: %w", ErrBusy, method, route(path), err)
}

// route is a path without ids and queries.
func route(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if len(p) > 30 {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}

// authorised gives the service account's token: the one that is kept, unless its end
// is near or it is the one that was refused.
func (a *Admin) authorised(ctx context.Context, refused string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bearer != "" && a.bearer != refused && a.Now().Before(a.until) {
		return a.bearer, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.token, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("making a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// Encoded first (RFC 6749, section 2.3.1).
	req.SetBasicAuth(url.QueryEscape(a.AdminClientID), url.QueryEscape(a.AdminClientSecret))
	answer, err := a.HTTP.Do(req)
	if err != nil {
		return "", busy("POST", "/token", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var got struct {
		Token   string `json:"access_token"`
		Expires int64  `json:"expires_in"`
	}
	switch s := answer.StatusCode; {
	case s == http.StatusBadRequest || s == http.StatusUnauthorized:
		return "", fmt.Errorf("%w: signing in as the service account", ErrDenied)
	case s != http.StatusOK:
		return "", busy("POST", "/token", fmt.Errorf("status %d", s))
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&got); err != nil || got.Token == "" {
		return "", busy("POST", "/token", errors.New("the answer has no token"))
	}
	a.bearer, a.until = got.Token, a.Now().Add(time.Duration(got.Expires)*time.Second-beforeEnd)
	return a.bearer, nil
}

// beforeEnd is how long before its end a token is not used any more.
const beforeEnd = 15 * time.Second
