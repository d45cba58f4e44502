package backup

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const password = "lanterns-over-the-weir"

// house is a running usher with people in it.
type house struct {
	*testing.T
	*harness.Server
	o harness.Options
}

func open(t *testing.T, o harness.Options) house {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	return house{t, harness.Start(t, o), o}
}

func (h house) system(method, path string, body any) harness.Answer {
	h.Helper()
	return harness.Send(h, harness.Ask{Method: method, URL: h.Internal + path, Header: http.Header{"X-User-Ctx": {harness.System}}, Body: body})
}

func (h house) sync(name string, more map[string]any) (id string) {
	h.Helper()
	body := map[string]any{"username": name, "email": name + "@example.org", "emailVerified": true}
	for k, v := range more {
		body[k] = v
	}
	var u struct{ ID string }
	h.system("PUT", "/api/users/", body).JSON(h, 200, &u)
	return u.ID
}

type tokens struct{ AccessToken, RefreshToken, UserID string }

func (h house) login(name string) (in tokens) {
	h.Helper()
	harness.Send(h, harness.Ask{Method: "POST", URL: h.Public + "/api/auth/login", Body: map[string]any{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": map[string]any{"emailOrUsername": name, "password": password},
	}}).JSON(h, 200, &in)
	return in
}

// alive says whether an access token opens anything.
func (h house) alive(access string) bool {
	h.Helper()
	got := h.system("POST", "/internal/auth/user-context?format=json", map[string]any{"accessToken": access})
	if got.Status != 200 && got.Status != 401 {
		h.Errorf("a token: %d %s", got.Status, got.Text)
	}
	return got.Status == 200
}

// settle fills the house with all that a database holds.
func (h house) settle() {
	h.Helper()
	h.sync("ada", map[string]any{"password": password, "firstName": "Ada", "roles": []string{"sysadmin"}})
	h.sync("grace", map[string]any{"password": password, "phoneNumber": "+4930901820"})
	h.system("DELETE", "/api/users/"+h.sync("gone", nil), nil)
	h.system("POST", "/api/users/"+h.sync("locked", nil)+"/lock", nil)
	h.CLI("user", "create", "--email", "vera@example.org", "--name", "Vera «V» \u2028", "--verified")
	h.CLI("group", "add", "Vetted", "vera@example.org")
	var edi struct{ Token string }
	harness.Read(h, h.CLI("token", "mint", "--door", "edi", "--user", "vera@example.org", "--json"), &edi)
	made := harness.Send(h, harness.Ask{Method: "POST", URL: h.Public + "/auth/v1/profile", Cookie: "edi-token=" + edi.Token, Body: map[string]any{"idp_uid": "https://orcid.org/0000-0002-1825-0097"}})
	made.JSON(h, 200, &struct{}{})
	h.CLI("user", "create", "--email", "twin@example.org", "--verified")
	h.CLI("merge", "vera@example.org", "twin@example.org", "--reason", "one person")
	h.CLI("user", "create", "--email", "erased@example.org", "--verified")
	h.CLI("user", "erase", "erased@example.org")
}

type shown struct {
	Tables []struct {
		Name   string `json:"end"`
		Rows   int
		Digest string
	}
}

func (h house) backup(file string) (s shown) {
	h.Helper()
	harness.Read(h, h.CLI("backup", file, "--json"), &s)
	return s
}

// differ lists the tables that are not the same.
func differ(a, b shown) (names []string) {
	other := map[string]string{}
	for _, t := range b.Tables {
		other[t.Name] = t.Digest
	}
	for _, t := range a.Tables {
		if other[t.Name] != t.Digest {
			names = append(names, t.Name)
		}
	}
	return names
}

// into gives an empty place with the key of another.
func into(t *testing.T, store harness.Store, from harness.Options) harness.Options {
	t.Helper()
	o := store.Empty(t)
	o.Data = t.TempDir()
	key, err := os.ReadFile(filepath.Join(from.Data, "usher.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(o.Data, "usher.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func restore(t *testing.T, o harness.Options, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Getenv(harness.EnvBinary), append([]string{"restore", "--data", o.Data, "--database-url", o.DatabaseURL}, args...)...)
	cmd.Dir = o.Data
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Given people who came through the doors and go on coming, when a backup is
// made meanwhile and restored into either kind of database, then every row is
// there, people sign in, and what was revoked stays so.
func TestWhatIsRestoredIsWhatWasThere(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		h := open(t, store.Empty(t))
		h.settle()
		early, late := h.login("ada"), h.login("grace")
		h.system("POST", "/api/users/"+early.UserID+"/lock", nil) // ends what is early
		h.system("POST", "/api/users/"+early.UserID+"/unlock", nil)
		if h.alive(early.AccessToken) || !h.alive(late.AccessToken) {
			t.Fatal("given one session that has ended and one that lives")
		}
		ctx, halt := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					h.sync(fmt.Sprintf("writer%d-%d", w, n), nil)
				}
			})
		}
		time.Sleep(200 * time.Millisecond)
		busy := filepath.Join(t.TempDir(), "busy.usher")
		h.backup(busy)
		halt()
		writers.Wait()
		h.CLI("backup", "--verify", busy)
		file := filepath.Join(t.TempDir(), "calm.usher")
		h.Stop() // its own events would go on
		before := h.backup(file)
		if len(before.Tables) < 20 {
			t.Fatalf("only %d tables", len(before.Tables))
		}

		for _, to := range []harness.Store{harness.SQLite, harness.Postgres} {
			t.Run("to "+string(to), func(t *testing.T) {
				for _, f := range []string{file, busy} {
					o := into(t, to, h.o)
					if out, err := restore(t, o, f, "--keep-sessions"); err != nil {
						t.Fatalf("%v\n%s", err, out)
					}
					if f == busy {
						// It is of a moment in the middle, and usher serves on it.
						open(t, o).login("grace")
						continue
					}
					copied := house{t, h.Server, o}.export(t, filepath.Join(o.Data, "again.usher"))
					if names := differ(before, copied); len(names) > 0 || len(copied.Tables) != len(before.Tables) {
						t.Errorf("%d tables, of which %v differ", len(copied.Tables), names)
					}
					kept := open(t, o)
					if !kept.alive(late.AccessToken) || kept.alive(early.AccessToken) {
						t.Error("sessions are not as they were")
					}
				}
				o := into(t, to, h.o)
				if out, err := restore(t, o, file); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				r := open(t, o)
				if r.alive(late.AccessToken) || r.alive(early.AccessToken) {
					t.Error("a session came back")
				}
				if in := r.login("ada"); in.UserID != early.UserID {
					t.Errorf("signs in as %s, was %s", in.UserID, early.UserID)
				}
				if id := r.sync("new", nil); id == early.UserID || id == "" {
					t.Errorf("a new user has the number %q", id)
				}
				if got := r.CLI("explain", "vera@example.org"); !strings.Contains(got, "one person") {
					t.Errorf("the ledger lost why two users are one:\n%s", got)
				}
				if out, err := restore(t, o, file); err == nil || !strings.Contains(out, "not empty") {
					t.Errorf("over a database in use: %v %s", err, out)
				}
			})
		}
	})
}

// export makes a backup of a database that nobody serves.
func (h house) export(t *testing.T, file string) (s shown) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Getenv(harness.EnvBinary), "backup", file, "--json", "--data", h.o.Data, "--database-url", h.o.DatabaseURL)
	cmd.Dir = h.o.Data
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("backup: %v", err)
	}
	harness.Read(t, string(out), &s)
	return s
}

// Given a backup that was cut short or changed, or one whose restoring is
// killed, then nothing is there, and the whole one can be restored after it.
func TestNothingIsRestoredByHalves(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		h := open(t, store.Empty(t))
		h.settle()
		file := filepath.Join(t.TempDir(), "whole.usher")
		h.backup(file)
		h.Stop()
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o := into(t, store, h.o)
		bad := filepath.Join(t.TempDir(), "bad.usher")
		for i := range 12 {
			text := whole[:len(whole)*i/12]
			if i%2 == 1 {
				text = append([]byte{}, whole...)
				text[len(text)*i/12] ^= 1 << (i % 8)
			}
			if err := os.WriteFile(bad, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := restore(t, o, bad); err == nil || strings.Contains(out, "panic") {
				t.Errorf("broken in way %d: %v %s", i, err, out)
			}
		}
		for i := range 6 {
			o := into(t, store, h.o)
			ctx, kill := context.WithTimeout(t.Context(), time.Duration(10+30*i)*time.Millisecond)
			cmd := exec.CommandContext(ctx, os.Getenv(harness.EnvBinary), "restore", file, "--data", o.Data, "--database-url", o.DatabaseURL)
			_ = cmd.Run() // it may have been quicker
			kill()
			// All of it is there by then, or nothing.
			if out, err := restore(t, o, file); err != nil && !strings.Contains(out, "not empty") {
				t.Fatalf("after a death: %v\n%s", err, out)
			}
			if i%3 == 0 {
				open(t, o).login("grace")
			}
		}

		wrong := store.Empty(t)
		wrong.Data = t.TempDir()
		other := open(t, harness.Options{Data: wrong.Data})
		other.Stop()
		if err := os.Remove(filepath.Join(wrong.Data, "usher.db")); err != nil {
			t.Fatal(err)
		}
		if out, err := restore(t, wrong, file); err == nil || !strings.Contains(out, "key") {
			t.Errorf("beside another key: %v %s", err, out)
		}
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
		if ran, err := h.Server.Run(t.Context(), "backup", file); err == nil && ran.Code == 0 {
			t.Error("a backup was written over")
		}
	})
}
