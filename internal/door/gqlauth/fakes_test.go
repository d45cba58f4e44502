package gqlauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

var joined = time.Date(2026, 11, 22, 4, 51, 55, 513843000, time.UTC)

// world stands in for the domain: lisa (1) represents group g1, ada (2) is a
// member of it, root (3) is staff. JWTs are the first addresses, passwords are
// all "right", mailed tokens are "good".
type world struct {
	mu     sync.Mutex
	users  []gqlauth.User
	groups []gqlauth.WorkingGroup
	calls  []string // of the domain, in order
	wants  []gqlauth.Want
	filter gqlauth.Filter
	last   any // the input of the last call that took one

	fault   error // of every call
	refusal error // of every form
	wait    bool  // Me waits for the deadline
	panics  bool  // Me panics

	policy   gqlauth.UsersQuery
	discreet bool // compat_enumeration is off
	explorer bool
	deadline time.Duration
}

var heidelberg = gqlauth.Institution{Ref: "1", ID: "1", Name: "Heidelberg University", City: "Heidelberg", State: new("Baden-W\u00fcrttemberg"), Country: "Germany"}

var mathematics = gqlauth.ResearchField{Ref: "1", ID: "1", Field: "Natural Sciences", Subfield: "Mathematics"}

func newWorld() *world {
	return &world{
		policy: gqlauth.UsersPublic,
		users: []gqlauth.User{
			{PK: 1, Active: true, Joined: joined, Email: "lisa@x.org", Username: "lisalou", FirstName: "Louise", Representative: true, Represents: "g1", Verified: true, SecondaryEmail: new("lisa2@x.org")},
			{PK: 2, Active: true, Joined: joined, Email: "ada@x.org", Username: "ada", Group: "g1", Verified: true, LastLogin: new(joined)},
			{PK: 3, Active: true, Joined: joined, Email: "root@x.org", Username: "root", Staff: true, Archived: true},
		},
		groups: []gqlauth.WorkingGroup{
			{Ref: "g1", ID: "g1", Name: "GIScience", Institution: heidelberg, Representative: 1, Employees: new(int32(5)), Field: mathematics},
			{Ref: "g2", ID: "g2", Name: "Other", Institution: heidelberg, Field: mathematics},
		},
	}
}

// called notes a call, and gives what the world lets go wrong in it.
func (w *world) called(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, name)
	return w.fault
}

// form notes a form with its input.
func (w *world) form(name string, in any) error {
	if err := w.called(name); err != nil {
		return err
	}
	w.last = in
	return w.refusal
}

func live(pk int32) session.Live {
	return session.Live{Session: user.Session{ID: user.ID(fmt.Sprint("session-", pk)), Subject: fmt.Sprint(pk), Door: user.DoorGQLAuth}}
}

func (w *world) JWT(_ context.Context, token string) (session.Live, gqlauth.User, error) {
	if err := w.called("JWT"); err != nil {
		return session.Live{}, gqlauth.User{}, err
	}
	for _, u := range w.users {
		if u.Email == token {
			return live(u.PK), u, nil
		}
	}
	return session.Live{}, gqlauth.User{}, user.Refuse(user.BadToken, "")
}

func (w *world) TokenAuth(_ context.Context, _ gqlauth.Caller, in gqlauth.TokenAuth) (gqlauth.SignedIn, error) {
	w.wants = append(w.wants, in.Want)
	if err := w.form("TokenAuth", in); err != nil {
		return gqlauth.SignedIn{}, err
	}
	for _, u := range w.users {
		if in.Password == "right" && (in.Email != nil && u.Email == *in.Email || in.Username != nil && u.Username == *in.Username) {
			out := gqlauth.SignedIn{Token: u.Email, Live: live(u.PK), User: u}
			if in.Want.Refresh {
				out.RefreshToken = "refresh"
			}
			return out, nil
		}
	}
	return gqlauth.SignedIn{}, user.Refuse(user.BadCredential, "")
}

const claims = `{"email":"lisa@x.org","exp":1628443676,"origIat":1628443376}`

func (w *world) token(name, text string) error {
	if err := w.form(name, text); err != nil {
		return err
	}
	if text != "good" {
		return user.Refuse(user.BadToken, "")
	}
	return nil
}

func (w *world) VerifyToken(_ context.Context, _ gqlauth.Caller, t string) (json.RawMessage, error) {
	return json.RawMessage(claims), w.token("VerifyToken", t)
}

func (w *world) Refresh(_ context.Context, _ gqlauth.Caller, t string, want gqlauth.Want) (gqlauth.Refreshed, error) {
	w.wants = append(w.wants, want)
	return gqlauth.Refreshed{Token: "lisa@x.org", RefreshToken: "next", Payload: json.RawMessage(claims)}, w.token("Refresh", t)
}

func (w *world) Revoke(_ context.Context, _ gqlauth.Caller, t string) (time.Time, error) {
	return time.Unix(1700000000, 0), w.token("Revoke", t)
}

func (w *world) Register(_ context.Context, c gqlauth.Caller, in gqlauth.Registration) error {
	return errors.Join(w.form("Register", in), stranger(c))
}

func (w *world) VerifyAccount(_ context.Context, c gqlauth.Caller, t string) error {
	return errors.Join(w.token("VerifyAccount", t), stranger(c))
}

func (w *world) ResendActivation(_ context.Context, _ gqlauth.Caller, email string) error {
	return w.form("ResendActivation", email)
}

func (w *world) SendPasswordReset(_ context.Context, _ gqlauth.Caller, email string) error {
	return w.form("SendPasswordReset", email)
}

func (w *world) ResetPassword(_ context.Context, _ gqlauth.Caller, in gqlauth.NewPassword) error {
	return w.form("ResetPassword", in)
}

func (w *world) SetPassword(_ context.Context, _ gqlauth.Caller, in gqlauth.NewPassword) error {
	return w.form("SetPassword", in)
}

func (w *world) VerifySecondary(_ context.Context, c gqlauth.Caller, t string) error {
	return errors.Join(w.token("VerifySecondary", t), stranger(c))
}

// stranger fails where a mutation that must not ask who is signed in did.
func stranger(c gqlauth.Caller) error {
	if c.SignedIn() {
		return errors.New("the login token was looked at")
	}
	return nil
}

// confirm is a form of somebody signed in, who confirms it.
func (w *world) confirm(name string, c gqlauth.Caller, password, field string) error {
	if err := w.form(name, c.Live.Session.Subject); err != nil {
		return err
	}
	if password != "right" {
		return user.Refuse(user.BadCredential, field)
	}
	return nil
}

func (w *world) ChangePassword(_ context.Context, c gqlauth.Caller, in gqlauth.PasswordChange) (gqlauth.PasswordChanged, error) {
	w.wants = append(w.wants, in.Want)
	return gqlauth.PasswordChanged{Token: "fresh", RefreshToken: "r", Live: live(2)}, w.confirm("ChangePassword", c, in.Old, "oldPassword")
}

func (w *world) Update(_ context.Context, c gqlauth.Caller, in gqlauth.Update) error {
	return w.form("Update "+c.Live.Session.Subject, in)
}

func (w *world) Archive(_ context.Context, c gqlauth.Caller, password string) error {
	return w.confirm("Archive", c, password, "password")
}

func (w *world) Delete(_ context.Context, c gqlauth.Caller, password string) error {
	return w.confirm("Delete", c, password, "password")
}

func (w *world) SendSecondary(_ context.Context, c gqlauth.Caller, _, password string) error {
	return w.confirm("SendSecondary", c, password, "password")
}

// SwapEmails makes the caller's JWT one that names nobody.
func (w *world) SwapEmails(_ context.Context, c gqlauth.Caller, password string) error {
	err := w.confirm("SwapEmails", c, password, "password")
	if err == nil {
		w.users[0].Email = "swapped@x.org"
	}
	return err
}

func (w *world) RemoveSecondary(_ context.Context, c gqlauth.Caller, password string) error {
	return w.confirm("RemoveSecondary", c, password, "password")
}

func (w *world) Me(_ context.Context, c gqlauth.Caller) (gqlauth.User, error) {
	if err := w.called("Me"); err != nil {
		return gqlauth.User{}, err
	}
	return w.bySubject(c)
}

func (w *world) bySubject(c gqlauth.Caller) (gqlauth.User, error) {
	for _, u := range w.users {
		if c.SignedIn() && fmt.Sprint(u.PK) == c.Live.Session.Subject {
			return u, nil
		}
	}
	return gqlauth.User{}, user.Refuse(user.BadToken, "")
}

func (w *world) User(ctx context.Context, _ gqlauth.Caller, pk int32) (gqlauth.User, error) {
	if w.panics {
		panic("secret of the panic")
	}
	if w.wait {
		<-ctx.Done()
		return gqlauth.User{}, ctx.Err()
	}
	if err := w.called("User"); err != nil {
		return gqlauth.User{}, err
	}
	for _, u := range w.users {
		if u.PK == pk {
			return u, nil
		}
	}
	return gqlauth.User{}, user.Refuse(user.NotFound, "pk")
}

func (w *world) Users(_ context.Context, _ gqlauth.Caller, f gqlauth.Filter, window func(int) (int, int)) ([]gqlauth.User, error) {
	if err := w.called("Users"); err != nil {
		return nil, err
	}
	w.filter = f
	from, to := window(len(w.users))
	return w.users[from:to], nil
}

func (w *world) UsersByPK(_ context.Context, _ gqlauth.Caller, pks []int32) (map[int32]gqlauth.User, error) {
	out := map[int32]gqlauth.User{}
	for _, u := range w.users {
		out[u.PK] = u
	}
	return out, w.called(fmt.Sprint("UsersByPK ", pks))
}

func (w *world) Members(_ context.Context, _ gqlauth.Caller, groups []string, _ int) (map[string][]gqlauth.User, error) {
	out := map[string][]gqlauth.User{}
	for _, u := range w.users {
		out[u.Group] = append(out[u.Group], u)
	}
	return out, w.called(fmt.Sprint("Members ", groups))
}

func (w *world) WorkingGroups(context.Context, gqlauth.Caller) ([]gqlauth.WorkingGroup, error) {
	return w.groups, w.called("WorkingGroups")
}

func (w *world) Institutions(context.Context, gqlauth.Caller) ([]gqlauth.Institution, error) {
	return []gqlauth.Institution{heidelberg}, w.called("Institutions")
}

func (w *world) ResearchFields(context.Context, gqlauth.Caller) ([]gqlauth.ResearchField, error) {
	return []gqlauth.ResearchField{mathematics}, w.called("ResearchFields")
}

func (w *world) ByRef(_ context.Context, _ gqlauth.Caller, ids []string) (map[string]gqlauth.WorkingGroup, error) {
	out := map[string]gqlauth.WorkingGroup{}
	for _, g := range w.groups {
		out[g.ID] = g
	}
	return out, w.called(fmt.Sprint("ByRef ", ids))
}

func (w *world) AtInstitutions(_ context.Context, _ gqlauth.Caller, ids []string, _ int) (map[string][]gqlauth.WorkingGroup, error) {
	return map[string][]gqlauth.WorkingGroup{"1": w.groups}, w.called(fmt.Sprint("AtInstitutions ", ids))
}

func (w *world) InFields(_ context.Context, _ gqlauth.Caller, ids []string, _ int) (map[string][]gqlauth.WorkingGroup, error) {
	return map[string][]gqlauth.WorkingGroup{"1": w.groups}, w.called(fmt.Sprint("InFields ", ids))
}

func (w *world) Create(_ context.Context, _ gqlauth.Caller, in gqlauth.NewGroup) (gqlauth.WorkingGroup, error) {
	return w.groups[0], w.form("Create", in)
}

func (w *world) Join(_ context.Context, c gqlauth.Caller, in gqlauth.GroupName) (gqlauth.User, error) {
	if err := w.form("Join", in); err != nil {
		return gqlauth.User{}, err
	}
	u, err := w.bySubject(c)
	u.Group = "g1"
	return u, err
}

// handler is the door on this world.
func (w *world) handler(t testing.TB) http.Handler {
	t.Helper()
	d, err := gqlauth.New(gqlauth.Options{
		Sessions: w, SignIn: w, Accounts: w, Directory: w, Groups: w,
		UsersQuery:        func() gqlauth.UsersQuery { return w.policy },
		CompatEnumeration: func() bool { return !w.discreet },
		Explorer:          w.explorer, PublicURL: "https://usher.example",
		QueryDeadline: w.deadline, MutationDeadline: w.deadline,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.Handler()
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request; headers come in pairs.
func (w *world) send(t testing.TB, method, path, contentType, body string, headers ...string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler(t).ServeHTTP(rec, r)
	return reply{rec.Code, rec.Header(), rec.Body.String()}
}

// post runs a query as a front end does; as is a JWT, or empty for nobody.
func (w *world) post(t testing.TB, as, query string, variables map[string]any) reply {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	headers := []string{"Authorization", ""} // Apollo sends an empty one
	if as != "" {
		headers[1] = "JWT " + as
	}
	return w.send(t, http.MethodPost, "/graphql/", "application/json", string(body), headers...)
}

// says fails unless the answer is exactly this.
func (r reply) says(t *testing.T, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Errorf("got %d %s\nwant %d %s", r.status, r.body, status, body)
	}
}

// holds fails unless the answer has this status and text.
func (r reply) holds(t *testing.T, status int, text string) {
	t.Helper()
	if r.status != status || !strings.Contains(r.body, text) {
		t.Errorf("got %d %s\nwant %d with %s", r.status, r.body, status, text)
	}
}
