package edge

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// Given a server on SQLite, when its data folder is moved away or another is
// put in its place, then it says that it is not ready and takes no writes, for
// they would go where nobody looks; when the folder is back, it goes on.
func TestATakenDataFolderIsNoticed(t *testing.T) {
	for name, put := range map[string]func(dir string) error{
		"moved":    func(string) error { return nil },
		"replaced": func(dir string) error { return os.CopyFS(dir, os.DirFS(dir+"-moved")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			s := newScene(t, harness.Options{Data: dir})
			if err := os.Rename(dir, dir+"-moved"); err != nil {
				t.Fatal(err)
			}
			if err := put(dir); err != nil {
				t.Fatal(err)
			}
			s.awaitReady(http.StatusServiceUnavailable)
			for _, base := range []string{s.Public, s.Internal} {
				if a := harness.Send(t, harness.Ask{Method: http.MethodGet, URL: base + "/health/live"}); a.Status != http.StatusOK {
					t.Errorf("live: %d", a.Status)
				}
			}
			for what, ask := range map[string]harness.Ask{
				"a sync":        s.system(http.MethodPut, "/api/users/", newcomer("grace")),
				"a lock":        s.system(http.MethodPost, "/api/users/"+s.ada.ID+"/lock", nil),
				"a login":       s.login("ada"),
				"a reservation": {Method: http.MethodPost, URL: s.Public + "/auth/v1/profile", Cookie: s.cookie, Body: map[string]any{"idp_uid": "uid=grace,o=EDI,dc=edirepository,dc=org"}},
				"an edit":       {Method: http.MethodPut, URL: s.Public + "/auth/v1/profile/" + s.vera.EDIID, Cookie: s.cookie, Body: map[string]any{"common_name": "Grace"}},
			} {
				if a := harness.Send(t, ask); a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
					t.Errorf("%s: %d %s", what, a.Status, a.Text)
				}
			}

			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(dir+"-moved", dir); err != nil {
				t.Fatal(err)
			}
			s.awaitReady(http.StatusOK)
			harness.Send(t, s.system(http.MethodGet, "/api/users/"+s.ada.ID, nil)).JSON(t, http.StatusOK, &struct{}{})
			if a := harness.Send(t, s.system(http.MethodPut, "/api/users/", newcomer("grace"))); a.Status != http.StatusOK {
				t.Errorf("a sync afterwards: %d %s", a.Status, a.Text)
			}
		})
	}
}

func (s *scene) awaitReady(status int) {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		a := harness.Send(s.t, harness.Ask{Method: http.MethodGet, URL: s.Public + "/health/ready"})
		if a.Status == status {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("readiness stays %d: %s", a.Status, a.Text)
		}
	}
}
