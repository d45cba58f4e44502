package storetest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

// envRace makes this test binary one of several processes that race on the
// database of this URL: it waits for a line, races, and prints what became of
// each prize.
const envRace = "USHER_TEST_RACE_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(envRace); url != "" {
		if err := child(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testpg.Main(m)
}

// rounds is how many prizes of each kind are raced for.
const rounds = 12

// got says which user a racer got for a prize, or that it was refused.
type got struct{ Prize, User string }

const refused = "refused"

// builtIn is the built-in policy, in force.
type builtIn struct{}

func (builtIn) Current() policy.Policy { return policy.Default() }

// race runs n racers over every prize, and gives what each got.
func race(ctx context.Context, s store.Store, team string, n int) ([]got, error) {
	type result struct {
		got []got
		err error
	}
	results := make(chan result)
	for i := range n {
		go func() {
			g, err := racer(ctx, s, fmt.Sprintf("%s%d", team, i))
			results <- result{g, err}
		}()
	}
	var all []got
	var errs []error
	for range n {
		r := <-results
		all, errs = append(all, r.got...), append(errs, r.err)
	}
	return all, errors.Join(errs...)
}

func racer(ctx context.Context, s store.Store, name string) ([]got, error) {
	desk := admission.New(s, builtIn{})
	var all []got
	for i := range rounds {
		prize := fmt.Sprint("rows ", i)
		u, err := rows(ctx, s, prize, name)
		if errors.Is(err, store.ErrExists) {
			u, err = refused, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", name, prize, err)
		}
		all = append(all, got{prize, u})

		for _, a := range []struct {
			prize  string
			arrive admission.Arrival
		}{
			{fmt.Sprint("identity ", i), admission.Arrival{
				Identity: &user.IdentityKey{Issuer: "https://orcid.org", Subject: fmt.Sprint(i)},
			}},
			{fmt.Sprint("address ", i), admission.Arrival{
				Identity: &user.IdentityKey{Issuer: "idp:" + name, Subject: fmt.Sprint(i)},
				Addresses: []admission.Address{{
					Kind: user.Email, Key: fmt.Sprintf("p%d@example.org", i), Display: "P", Assurance: user.Proven,
				}},
			}},
		} {
			a.arrive.Door, a.arrive.Source = user.DoorSunbird, user.SourceOf(user.DoorSunbird, name)
			out, err := desk.Arrive(ctx, a.arrive)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", name, a.prize, err)
			}
			if out.Decision.Refusal != "" {
				return nil, fmt.Errorf("%s, %s: refused: %s", name, a.prize, out.Decision.Refusal)
			}
			all = append(all, got{a.prize, string(out.User.ID)})
		}
	}
	return all, nil
}

// rows inserts what a new user is made of, all under keys that only one can
// have.
func rows(ctx context.Context, s store.Store, prize, name string) (id string, err error) {
	err = s.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, strand := tx.NewID(), tx.NewID()
		id = string(u)
		for _, row := range []any{
			user.User{ID: u, Status: user.Active, Created: tx.Now()},
			user.Strand{ID: strand, User: u, Source: user.Source(name), State: user.Live},
			user.Handle{Space: user.SpaceUsername, Value: prize, User: u, Strand: strand},
			user.Owner{Kind: user.Phone, Address: prize, User: u, Strand: strand},
			user.Identity{Issuer: "rows", Subject: prize, User: u, Strand: strand},
		} {
			if err := tx.Write(store.OpInsert, row); err != nil {
				return err
			}
		}
		return nil
	})
	return id, err
}

// settle checks that each prize made one user, and that no other user is there.
func settle(t *testing.T, s store.Store, all []got, racers int) {
	t.Helper()
	won := map[string][]string{}
	for _, g := range all {
		if !slices.Contains(won[g.Prize], g.User) {
			won[g.Prize] = append(won[g.Prize], g.User)
		}
	}
	if len(all) != 3*rounds*racers || len(won) != 3*rounds {
		t.Errorf("%d outcomes of %d prizes", len(all), len(won))
	}
	for prize, users := range won {
		users = slices.DeleteFunc(users, func(u string) bool { return u == refused })
		if len(users) != 1 {
			t.Errorf("%s: users %q", prize, users)
		}
	}
	err := s.View(t.Context(), func(r store.Reader) error {
		us, err := r.Users("", 1000)
		if len(us) != 3*rounds {
			t.Errorf("%d users, want %d", len(us), 3*rounds)
		}
		for _, u := range us {
			strands, err := r.Strands(u.ID)
			if err != nil {
				return err
			}
			ids, err := r.Identities(u.ID)
			if err != nil {
				return err
			}
			if len(strands) != len(ids) || len(ids) == 0 {
				t.Errorf("%s has %d strands and %d identities", u.ID, len(strands), len(ids))
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestParallelFirstArrivals(t *testing.T) {
	const racers = 32
	db := storetest.SQLite(t)
	all, err := race(t.Context(), db, "g", racers)
	if err != nil {
		t.Fatal(err)
	}
	settle(t, db, all, racers)
}

// teamOf is how many racers a process has.
const teamOf = 10

func TestTwoProcessesOnPostgres(t *testing.T) {
	url := testpg.Start(t)
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	type team struct {
		cmd    *exec.Cmd
		begin  io.WriteCloser
		said   *bufio.Reader
		errors strings.Builder
	}
	teams := make([]*team, 2)
	for i := range teams {
		tm := &team{cmd: exec.CommandContext(t.Context(), os.Args[0])}
		tm.cmd.Env = append(os.Environ(), envRace+"="+url, fmt.Sprintf("USHER_TEST_RACE_TEAM=t%d-", i))
		tm.cmd.Stderr = &tm.errors
		if tm.begin, err = tm.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		out, err := tm.cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		tm.said = bufio.NewReader(out)
		if err := tm.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		teams[i] = tm
	}
	for _, tm := range teams {
		if line, err := tm.said.ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatalf("%q, %v: %s", line, err, tm.errors.String())
		}
	}
	for _, tm := range teams {
		if _, err := io.WriteString(tm.begin, "go\n"); err != nil {
			t.Fatal(err)
		}
	}
	var all []got
	for _, tm := range teams {
		var g []got
		err := json.NewDecoder(tm.said).Decode(&g)
		if e := tm.cmd.Wait(); e != nil {
			t.Fatalf("%v: %s", e, tm.errors.String())
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, g...)
	}
	settle(t, db, all, 2*teamOf)
}

// child is the other side of TestTwoProcessesOnPostgres.
func child(url string) error {
	ctx := context.Background()
	db, err := sqlstore.Open(ctx, sqlstore.Options{URL: url, Node: -1})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Ping(ctx); err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	all, err := race(ctx, db, os.Getenv("USHER_TEST_RACE_TEAM"), teamOf)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}
