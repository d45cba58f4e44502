package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

const refusedMail = `550 5.1.1 <ada@example.org>: no such user <script>alert(1)</script>`

// gaveUp puts jobs that were given up into a store.
func gaveUp(t *testing.T, s store.Store, n int) (ids []user.ID) {
	t.Helper()
	err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		ids = nil
		for range n {
			j := store.Job{
				ID: tx.NewID(), Kind: "mail", Payload: []byte("{}"), State: store.JobDead, Attempts: 12,
				LastErr: refusedMail, Created: noon, Due: noon,
			}
			ids = append(ids, j.ID)
			if err := store.Insert(tx, j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func dead(t *testing.T, s store.Store) (n int) {
	t.Helper()
	if err := s.View(t.Context(), func(r store.Reader) error {
		jobs, err := r.Jobs(store.JobDead, 1000)
		n = len(jobs)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func click(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestJobsThatWereGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		pages := newPages(t, s, devStart())
		op := pages.Operator("")
		if w := get(op, "/jobs"); w.Code != 200 || !strings.Contains(w.Body.String(), "Nothing was given up.") {
			t.Fatalf("none: %d %s", w.Code, w.Body)
		}
		ids := gaveUp(t, s, 3)
		w := get(op, "/jobs")
		for _, want := range []string{
			"550 5.1.1 &lt;ada@example.org&gt;: no such user &lt;script&gt;", string(ids[0]), "12 tries", "3 shown",
			`action="/jobs/` + string(ids[2]) + `/retry"`, "Try all again",
		} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", w.Header())
		}

		// One, twice: the second click finds it gone and says so.
		for i, says := range []string{"It is tried again within a second.", "Nothing was left to try"} {
			w := click(op, "/jobs/"+string(ids[0])+"/retry", "Sec-Fetch-Site", "same-origin")
			if w.Code != http.StatusSeeOther {
				t.Fatalf("click %d: %d %s", i, w.Code, w.Body)
			}
			if page := get(op, w.Header().Get("Location")); !strings.Contains(page.Body.String(), says) {
				t.Errorf("click %d: the page lacks %q", i, says)
			}
		}
		if n := dead(t, s); n != 2 {
			t.Errorf("%d given up, want 2", n)
		}
		// Another site's click does nothing.
		for _, h := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.test"}} {
			if w := click(op, "/jobs/retry", h...); w.Code != http.StatusForbidden || dead(t, s) != 2 {
				t.Errorf("%v: %d, %d given up", h, w.Code, dead(t, s))
			}
		}
		if w := click(op, "/jobs/retry"); w.Header().Get("Location") != "/jobs?again=2" || dead(t, s) != 0 {
			t.Errorf("all: %d %s, %d given up", w.Code, w.Header().Get("Location"), dead(t, s))
		}
		if w := click(op, "/jobs/nobody/retry"); w.Header().Get("Location") != "/jobs?again=0" {
			t.Errorf("an unknown one: %d %s", w.Code, w.Header().Get("Location"))
		}
		// What is made of the address is one of a few sentences.
		if w := get(op, "/jobs?again=%3Cscript%3E"); strings.Contains(w.Body.String(), `class="note"`) {
			t.Error("an address that nobody was led to is believed")
		}
		// On the public listener there is no such page.
		if w := get(pages, "/jobs"); w.Code != http.StatusNotFound {
			t.Errorf("public: %d", w.Code)
		}
	})
}

func TestOperatorPagesAskForTheSecret(t *testing.T) {
	op := newPages(t, someMail(), devStart()).Operator("0123456789abcdef0123456789abcdef")
	basic := func(password string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth("anybody", password)
		return r.Header.Get("Authorization")
	}
	for _, h := range [][]string{nil, {"Authorization", basic("")}, {"Authorization", basic("wrong")}, {"Authorization", "Bearer 0123456789abcdef0123456789abcdef"}} {
		for _, w := range []*httptest.ResponseRecorder{get(op, "/jobs", h...), click(op, "/jobs/x/retry", h...), click(op, "/jobs/retry", h...)} {
			if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%v: %d", h, w.Code)
			}
		}
	}
	if w := get(op, "/nothing"); w.Code != http.StatusNotFound {
		t.Errorf("what is not there: %d", w.Code)
	}
}

// broken is a store that does not answer.
type broken struct{ store.Store }

func (broken) View(context.Context, func(store.Reader) error) error {
	return errors.New("disk on fire")
}

func (broken) Update(context.Context, store.Lane, func(store.Tx) error) error {
	return store.ErrUnavailable
}

func TestJobsPageWithoutADatabase(t *testing.T) {
	op := newPages(t, broken{}, devStart()).Operator("")
	for _, w := range []*httptest.ResponseRecorder{get(op, "/jobs"), click(op, "/jobs/x/retry"), click(op, "/jobs/retry")} {
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "fire") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}
