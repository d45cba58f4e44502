package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/metrics"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/user"
)

// fakeDatabase answers with what it has, or as answer says.
type fakeDatabase struct {
	stats  sqlstore.Stats
	census sqlstore.Census
	answer func(context.Context) (sqlstore.Census, error)
	asked  atomic.Int32
}

func (f *fakeDatabase) Stats() sqlstore.Stats { return f.stats }

func (f *fakeDatabase) Census(ctx context.Context) (sqlstore.Census, error) {
	f.asked.Add(1)
	if f.answer != nil {
		return f.answer(ctx)
	}
	return f.census, nil
}

// idle is a hasher with something to do.
type idle struct{}

func (idle) Load() (running, waiting int) { return 2, 5 }

func newMetrics(t *testing.T, db metrics.Database) *metrics.Metrics {
	t.Helper()
	return metrics.New(metrics.Options{
		Version: "v1.2.3", Doors: []user.Door{user.DoorPartner}, Database: db, Hashing: idle{}, Log: slog.New(slog.DiscardHandler),
	})
}

func get(h http.Handler, method string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, metrics.Path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := get(m.Handler(metrics.Access{}), http.MethodGet, nil)
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	return w.Body.String()
}

func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(text, "\n"+l+"\n") {
			t.Errorf("no line %s", l)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

func TestWhatIsWatchedIsCounted(t *testing.T) {
	m := newMetrics(t, &fakeDatabase{stats: sqlstore.Stats{Interactive: 3, Bulk: 4}})
	m.Passwords().Hashed(time.Second/2, 40*time.Millisecond)
	m.Passwords().Refused()
	m.SignIns().Tried(user.DoorPartner, signin.ByPassword, signin.Entered)
	m.SignIns().Tried(user.DoorPartner, signin.ByRefresh, "bad_token")
	m.SignIns().TurnedAway(user.DoorPartner, signin.NetworkWaits)
	m.Store().Viewed(time.Millisecond, store.ErrNotFound)
	m.Store().Viewed(time.Second, errors.Join(errors.New("x"), store.ErrUnavailable))
	m.Store().Updated(store.Bulk, time.Second, nil)
	m.Store().Committed(7, time.Millisecond)
	m.Jobs().Attempted(job.KindMail, job.OutcomeDone, time.Second, time.Minute)
	m.Jobs().Attempted(job.KindMail, job.OutcomeAgain, time.Second, time.Hour)
	m.Batches().Answered("created")
	m.Batches().Panicked()
	has(t, scrape(t, m),
		`usher_password_hash_wait_seconds_sum 0.5`,
		`usher_password_hash_duration_seconds_bucket{le="0.05"} 1`,
		`usher_password_hashes_refused_total 1`,
		`usher_password_hashes_running 2`,
		`usher_password_hashes_waiting 5`,
		`usher_sign_ins_total{door="partner",method="password",outcome="ok"} 1`,
		`usher_sign_ins_total{door="partner",method="password",outcome="bad_credential"} 0`,
		`usher_sign_ins_total{door="partner",method="refresh",outcome="bad_token"} 1`,
		`usher_sign_ins_throttled_total{door="partner",waits="network"} 1`,
		`usher_sign_ins_throttled_total{door="partner",waits="account"} 0`,
		`usher_store_view_duration_seconds_count 2`,
		`usher_store_faults_total{operation="view"} 1`, // not found is an answer
		`usher_store_faults_total{operation="update"} 0`,
		`usher_store_update_duration_seconds_count{lane="bulk"} 1`,
		`usher_sqlite_commit_updates_bucket{le="8"} 1`,
		`usher_sqlite_commit_updates_bucket{le="4"} 0`,
		`usher_sqlite_updates_waiting{lane="interactive"} 3`,
		`usher_sqlite_updates_waiting{lane="bulk"} 4`,
		`usher_job_attempts_total{kind="mail",outcome="again"} 1`,
		`usher_job_age_seconds_count{kind="mail"} 1`,
		`usher_job_age_seconds_sum{kind="mail"} 60`,
		`usher_partner_batch_lines_total{outcome="created"} 1`,
		`usher_panics_total{where="batch"} 1`,
		`usher_panics_total{where="job"} 0`,
	)
}

func TestEachDatabaseHasItsOwn(t *testing.T) {
	pg := &fakeDatabase{stats: sqlstore.Stats{Postgres: true}}
	pg.stats.Pool.InUse, pg.stats.Pool.Idle, pg.stats.Pool.MaxOpenConnections = 2, 3, 16
	pg.stats.Pool.WaitCount, pg.stats.Pool.WaitDuration = 9, 1500*time.Millisecond
	m := newMetrics(t, pg)
	m.Store().Retried(store.Interactive)
	m.Store().Committed(1, 0) // is SQLite's, and no harm
	text := scrape(t, m)
	has(t, text,
		`usher_postgres_connections{state="in_use"} 2`, `usher_postgres_connections{state="idle"} 3`,
		`usher_postgres_connections_max 16`, `usher_postgres_connection_waits_total 9`, `usher_postgres_connection_wait_seconds_total 1.5`,
		`usher_postgres_retries_total{lane="interactive"} 1`,
	)
	if strings.Contains(text, "usher_sqlite_") {
		t.Error("PostgreSQL has SQLite's metrics")
	}
	lite := newMetrics(t, &fakeDatabase{})
	lite.Store().Retried(store.Bulk)
	if strings.Contains(scrape(t, lite), "usher_postgres_") {
		t.Error("SQLite has PostgreSQL's metrics")
	}
}

func TestWhatWaitsInTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		db := &fakeDatabase{census: sqlstore.Census{
			JobsDue: 4, JobsSince: now.Add(-90 * time.Second), JobsDead: 2, Unnumbered: 7, EventSince: now.Add(-3 * time.Second), Unindexed: 11, Bytes: 4096,
		}}
		m := newMetrics(t, db)
		has(t, scrape(t, m),
			`usher_store_up 1`, `usher_jobs_waiting 4`, `usher_jobs_overdue_seconds 90`, `usher_jobs_dead 2`, `usher_events_unnumbered 7`,
			`usher_events_unnumbered_seconds 3`, `usher_search_events_behind 11`, `usher_store_size_bytes 4096`)
		// A job for a later try is not overdue.
		db.census = sqlstore.Census{JobsDue: 1, JobsSince: now.Add(time.Hour)}
		for range 10 {
			scrape(t, m)
		}
		if n := db.asked.Load(); n != 1 {
			t.Errorf("11 scrapes at one moment asked the database %d times", n)
		}
		time.Sleep(6 * time.Second)
		has(t, scrape(t, m), `usher_jobs_waiting 1`, `usher_jobs_overdue_seconds 0`, `usher_events_unnumbered_seconds 0`)
	})
}

// Given a database that fails, or does not answer, when somebody scrapes, then
// the rest is told at once, and the database asked again later.
func TestADatabaseThatIsDownHidesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(ctx context.Context) (sqlstore.Census, error) {
			<-ctx.Done()
			return sqlstore.Census{}, ctx.Err()
		}
		down := func(context.Context) (sqlstore.Census, error) { return sqlstore.Census{}, store.ErrUnavailable }
		for name, answer := range map[string]func(context.Context) (sqlstore.Census, error){"silent": silent, "down": down} {
			db := &fakeDatabase{answer: answer}
			m := newMetrics(t, db)
			for range 3 {
				begun := time.Now()
				text := scrape(t, m)
				if took := time.Since(begun); took > time.Second {
					t.Errorf("%s: a scrape took %v", name, took)
				}
				has(t, text, `usher_store_up 0`, `usher_password_hashes_running 2`)
				if strings.Contains(text, "\nusher_jobs_waiting ") {
					t.Errorf("%s: tells what it does not know", name)
				}
			}
			if n := db.asked.Load(); n != 1 {
				t.Errorf("%s: three scrapes asked %d times", name, n)
			}
			time.Sleep(6 * time.Second) // until the database has given up
			synctest.Wait()
			db.answer = nil
			time.Sleep(6 * time.Second)
			has(t, scrape(t, m), `usher_store_up 1`, `usher_jobs_waiting 0`)
		}
	})
}

func TestNamesFollowConventions(t *testing.T) {
	for _, postgres := range []bool{false, true} {
		m := newMetrics(t, &fakeDatabase{stats: sqlstore.Stats{Postgres: postgres}})
		problems, err := promlint.New(strings.NewReader(scrape(t, m))).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if strings.HasPrefix(p.Metric, "usher_") {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
	}
	has(t, scrape(t, newMetrics(t, &fakeDatabase{})), `usher_build_info{goversion="`+runtime.Version()+`",version="v1.2.3"} 1`)
}

func TestWhoMayRead(t *testing.T) {
	const secret = "a secret of more than thirty-two characters"
	m := newMetrics(t, &fakeDatabase{})
	open := func(*http.Request) bool { return true }
	for _, tc := range []struct {
		name   string
		access metrics.Access
		header http.Header
		want   int
	}{
		{"no secret", metrics.Access{}, nil, 200},
		{"a secret, none sent", metrics.Access{Secret: secret}, nil, 401},
		{"on this machine", metrics.Access{Secret: secret, Open: open}, nil, 200},
		{"as a bearer", metrics.Access{Secret: secret}, http.Header{"Authorization": {"Bearer " + secret}}, 200},
		{"as a bearer, in small letters", metrics.Access{Secret: secret}, http.Header{"Authorization": {"bearer " + secret}}, 200},
		{"as the internal header", metrics.Access{Secret: secret}, http.Header{"X-Usher-Internal-Secret": {secret}}, 200},
		{"another", metrics.Access{Secret: secret}, http.Header{"Authorization": {"Bearer " + secret[1:]}}, 401},
		{"without a scheme", metrics.Access{Secret: secret}, http.Header{"Authorization": {secret}}, 401},
		{"empty", metrics.Access{Secret: secret}, http.Header{"Authorization": {"Bearer "}}, 401},
		{"twice", metrics.Access{Secret: secret}, http.Header{"X-Usher-Internal-Secret": {secret, secret}}, 401},
	} {
		w := get(m.Handler(tc.access), http.MethodGet, tc.header)
		if w.Code != tc.want || tc.want == 401 && (w.Header().Get("WWW-Authenticate") == "" || strings.Contains(w.Body.String(), "usher_")) {
			t.Errorf("%s: %d %s", tc.name, w.Code, w.Body)
		}
	}
	if w := get(m.Handler(metrics.Access{}), http.MethodPost, nil); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
}
