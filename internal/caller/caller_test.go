package caller_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/caller"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

const door = user.DoorSunbird

func code(err error) user.Code {
	no, _ := errors.AsType[*user.Refusal](err)
	if no == nil {
		return ""
	}
	return no.Code
}

// Given a caller, then its tokens say who it is and what it may, at its door alone,
// until they end; and what is kept is no token.
func TestTokensOfACaller(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		callers := caller.New(s, "root")
		first, err := callers.Create(t.Context(), store.Caller{Door: door, Name: "portal", MayAttest: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := callers.Create(t.Context(), store.Caller{Door: door, Name: "portal"}); code(err) != user.InUse {
			t.Errorf("a second of that name: %v", err)
		}
		for _, name := range []string{"", " x", "a b", strings.Repeat("x", 129), "a\nb"} {
			if _, err := callers.Create(t.Context(), store.Caller{Door: door, Name: name}); code(err) != user.Invalid {
				t.Errorf("called %q: %v", name, err)
			}
		}
		second, err := callers.Mint(t.Context(), door, "portal", time.Hour)
		if err != nil || second.Token == first.Token {
			t.Fatalf("another token: %v", err)
		}
		now := time.Now()
		for _, token := range []string{first.Token, second.Token} {
			if c, err := callers.Of(t.Context(), door, token, now); err != nil || c.Name != "portal" || !c.MayAttest || c.MayAdminister {
				t.Errorf("%+v %v", c, err)
			}
			if _, err := callers.Of(t.Context(), user.DoorEDI, token, now); code(err) != user.BadToken {
				t.Errorf("at another door: %v", err)
			}
		}
		later := now.Add(2 * time.Hour)
		if _, err := callers.Of(t.Context(), door, second.Token, later); code(err) != user.BadToken {
			t.Errorf("after its end: %v", err)
		}
		if _, err := callers.Of(t.Context(), door, first.Token, later); err != nil {
			t.Errorf("one without an end: %v", err)
		}
		for _, token := range []string{"", "x", first.Token + "x", strings.ToUpper(first.Token)} {
			if _, err := callers.Of(t.Context(), door, token, now); code(err) != user.BadToken {
				t.Errorf("%q: %v", token, err)
			}
		}
		if _, err := callers.Mint(t.Context(), door, "nobody", 0); code(err) != user.NotFound {
			t.Errorf("a token for nobody: %v", err)
		}
	})
}

// Given an issuer with a key, when another is added, then its others hold for the
// overlap, or until they are taken away; the same one twice changes nothing.
func TestKeysOfAnIssuer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		callers := caller.New(s, "root")
		err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			for _, name := range []string{"gj", "ap"} {
				if err := store.Insert(tx, user.Group{ID: tx.NewID(), Kind: user.GroupChannel, Name: name}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		add := func(iss, channel string, key *rsa.PrivateKey, overlap time.Duration) (caller.Issuer, error) {
			return callers.AddIssuer(t.Context(), caller.NewIssuer{Door: door, ISS: iss, Channel: channel, Public: &key.PublicKey, Overlap: overlap})
		}
		one, two := newKey(t), newKey(t)
		if _, err := add("gj", "nope", one, -1); code(err) != user.NotFound {
			t.Errorf("a channel that is not there: %v", err)
		}
		if _, err := add("g j", "gj", one, -1); code(err) != user.Invalid {
			t.Errorf("a name with a space: %v", err)
		}
		for range 2 {
			if i, err := add("gj", "gj", one, -1); err != nil || len(i.Keys) != 1 || !i.Keys[0].Until.IsZero() || len(i.Channels) != 1 {
				t.Fatalf("%+v %v", i, err)
			}
		}
		i, err := add("gj", "ap", two, time.Hour)
		if err != nil || len(i.Keys) != 2 || len(i.Channels) != 2 {
			t.Fatalf("%+v %v", i, err)
		}
		old, fresh := i.Keys[0], i.Keys[1]
		if left := time.Until(old.Until); left < 50*time.Minute || left > 70*time.Minute || !fresh.Until.IsZero() {
			t.Errorf("the old key ends in %s, the new one %v", left, fresh.Until)
		}
		if _, err := callers.Issuer(t.Context(), door, "ap"); code(err) != user.NotFound {
			t.Errorf("an issuer that nobody added: %v", err)
		}
		if all, err := callers.Issuers(t.Context(), door); err != nil || len(all) != 1 || all[0].ISS != "gj" {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
