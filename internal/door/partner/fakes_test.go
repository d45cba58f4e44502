package partner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/door/partner"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

const (
	cersei     = "755243458806280480"
	cerseiGUID = "user_3DqfWw6ZJoZf5waKSckJLMOtVu"
	jaime      = "500768179843385796"
	guest      = "500768179843385797" // known here by signing in only
	nobody     = "500768179843385799"

	systemCtx = `x-user-ctx: {"id":"__system","user":"__system"}`
	adminAt   = "1111111111111111111111111111111111111111"
	plainAt   = "2222222222222222222222222222222222222222"
	foreignAt = "3333333333333333333333333333333333333333"
	guestAt   = "4444444444444444444444444444444444444444"
)

var born = time.Date(2023, 5, 4, 1, 34, 3, 320_999_000, time.UTC)

// world stands in for the domain.
type world struct {
	partner.Options
	records map[string]store.Record // by number
	order   []string
	lives   map[string]session.Live
	admins  map[user.ID]bool

	syncs    []feed.Sync
	callers  []feed.Caller
	modes    []feed.Mode
	chunks   []int
	pages    []string
	attempts []signin.Attempt
	proofs   []signin.ProviderAttempt
	renewals []signin.Renewal
	locked   []string
	echoed   []string

	result feed.Result
	fail   error                     // from feed and signin
	refuse func(feed.Sync) error     // a line of a batch
	fault  func(of string) error     // from sessions and groups
	onSync func(context.Context) int // after each chunk
}

func newWorld() *world {
	rec := func(id user.ID, number, email string) store.Record {
		text := func(s string) user.Fact { return user.Fact{Value: &s} }
		return store.Record{
			User: user.User{ID: id, Status: user.Active}, Number: number,
			Strand: user.Strand{
				ID: user.ID("strand-" + number), State: user.Live, Created: born, CreatedBy: "__system", Updated: born,
				Document: user.Document{user.EmailAttr: text(email), user.EmailVerified: text("true"), user.PreferredName: text(string(id) + ".lannister")},
			},
		}
	}
	live := func(u user.ID, number string, door user.Door) session.Live {
		name := "From Elsewhere"
		return session.Live{
			Session: user.Session{Subject: number, Door: door, Client: "500767817378164404"},
			User:    user.User{ID: u, Profile: user.Profile{user.GivenName: {Value: &name}}},
		}
	}
	w := &world{
		records: map[string]store.Record{cersei: rec("cersei", cersei, "cersei@example.com"), jaime: rec("jaime", jaime, "jaime@example.com")},
		order:   []string{cersei, jaime},
		lives: map[string]session.Live{
			adminAt: live("cersei", cersei, user.DoorPartner), plainAt: live("jaime", jaime, user.DoorPartner),
			foreignAt: live("cersei", cersei, user.DoorSunbird), guestAt: live("guest", guest, user.DoorPartner),
		},
		admins: map[user.ID]bool{"cersei": true},
		refuse: func(feed.Sync) error { return nil },
		fault:  func(string) error { return nil },
		onSync: func(context.Context) int { return 0 },
	}
	w.result = feed.Result{Record: w.records[cersei]}
	w.Options = partner.Options{
		Feed: w, SignIn: w, Sessions: w, Groups: w,
		IDToken: func(_ context.Context, in signin.SignedIn, aud string) (string, error) {
			return in.Session.Subject + " for " + aud, nil
		},
		Echo: func(_ context.Context, plain string) (string, error) {
			w.echoed = append(w.echoed, plain)
			return "$2b$06$of." + plain, nil
		},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	return w
}

func (w *world) note(c feed.Caller, in feed.Sync, m feed.Mode) {
	w.callers, w.syncs, w.modes = append(w.callers, c), append(w.syncs, in), append(w.modes, m)
}

func (w *world) Sync(_ context.Context, c feed.Caller, in feed.Sync, m feed.Mode) (feed.Result, error) {
	w.note(c, in, m)
	return w.result, w.fail
}

func (w *world) Patch(_ context.Context, c feed.Caller, number string, in feed.Sync) (feed.Result, error) {
	in.Number = feed.Some(number)
	w.note(c, in, feed.Write)
	return w.result, w.fail
}

func (w *world) SyncBatch(ctx context.Context, c feed.Caller, in []feed.Sync) ([]feed.BatchResult, error) {
	w.chunks = append(w.chunks, len(in))
	if len(in) > feed.BatchSize {
		return nil, errors.New("too many at once")
	}
	defer w.onSync(ctx)
	if w.fail != nil {
		return nil, w.fail
	}
	out := make([]feed.BatchResult, len(in))
	for i := range in {
		w.note(c, in[i], feed.Write)
		out[i] = feed.BatchResult{Result: w.result, Err: w.refuse(in[i])}
	}
	return out, nil
}

func (w *world) Read(_ context.Context, s user.Source, number string) (store.Record, error) {
	if err := w.fault("read"); err != nil {
		return store.Record{}, err
	}
	rec, ok := w.records[number]
	if !ok || s != "partner:__system" {
		return rec, user.Refuse(user.NotFound, "id")
	}
	return rec, w.fail
}

func (w *world) Page(_ context.Context, _ user.Source, after user.ID, limit int) ([]store.Record, error) {
	w.pages = append(w.pages, fmt.Sprint(after, " ", limit))
	from := slices.IndexFunc(w.order, func(n string) bool { return w.records[n].Strand.ID == after }) + 1
	var out []store.Record
	for _, n := range w.order[from:min(len(w.order), from+limit)] {
		out = append(out, w.records[n])
	}
	return out, w.fail
}

func (w *world) change(c feed.Caller, verb, number string, fn func(*store.Record)) (store.Record, error) {
	w.locked = append(w.locked, verb+" "+number+" by "+c.By)
	rec, ok := w.records[number]
	if !ok {
		return rec, user.Refuse(user.NotFound, "id")
	}
	fn(&rec)
	w.records[number] = rec
	return rec, w.fail
}

func (w *world) Delete(_ context.Context, c feed.Caller, number string) (store.Record, error) {
	return w.change(c, "delete", number, func(r *store.Record) { r.Strand.Withdrawn, r.Strand.WithdrawnBy = born, c.By })
}

func (w *world) Lock(_ context.Context, c feed.Caller, number string) (store.Record, error) {
	return w.change(c, "lock", number, func(r *store.Record) { r.LockedAt = born })
}

func (w *world) Unlock(_ context.Context, c feed.Caller, number string) (store.Record, error) {
	return w.change(c, "unlock", number, func(r *store.Record) { r.LockedAt = time.Time{} })
}

func (w *world) signedIn() (signin.SignedIn, error) {
	return signin.SignedIn{
		Client: user.Client{ID: "500767817378164404"}, Session: user.Session{Subject: jaime},
		AccessToken: plainAt, AccessUntil: born, RefreshToken: adminAt, RefreshUntil: born.Add(time.Hour),
	}, w.fail
}

func (w *world) Password(_ context.Context, a signin.Attempt) (signin.SignedIn, error) {
	w.attempts = append(w.attempts, a)
	return w.signedIn()
}

func (w *world) Provider(_ context.Context, a signin.ProviderAttempt) (signin.SignedIn, error) {
	w.proofs = append(w.proofs, a)
	return w.signedIn()
}

func (w *world) Refresh(_ context.Context, r signin.Renewal) (signin.SignedIn, error) {
	w.renewals = append(w.renewals, r)
	return w.signedIn()
}

func (w *world) Access(_ context.Context, token string) (session.Live, error) {
	if err := w.fault("access"); err != nil {
		return session.Live{}, err
	}
	live, ok := w.lives[token]
	if !ok {
		return live, user.Refuse(user.BadToken, "")
	}
	return live, nil
}

func (w *world) Member(_ context.Context, u user.ID, kind, name string) (bool, error) {
	return w.admins[u] && kind == "role" && name == "sysadmin", w.fault("member")
}

func (w *world) internal() http.Handler { return partner.New(w.Options).Internal() }
func (w *world) public() http.Handler   { return partner.New(w.Options).Public() }

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

// errorBody checks the shape of an error and gives its message, a list joined.
func errorBody(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		StatusCode int             `json:"statusCode"`
		Message    json.RawMessage `json:"message"`
		Error      string          `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if body.StatusCode != w.Code || body.Error != http.StatusText(w.Code) {
		t.Errorf("status %d, body %s", w.Code, w.Body)
	}
	var list []string
	if json.Unmarshal(body.Message, &list) == nil {
		return strings.Join(list, "; ")
	}
	var text string
	if json.Unmarshal(body.Message, &text) != nil || text == "" {
		t.Errorf("message %s", body.Message)
	}
	return text
}
