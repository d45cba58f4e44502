package password_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/password"
)

// quick are the smallest parameters argon2 knows.
func quick() password.Params { return password.Params{Memory: 8, Time: 1, Threads: 1} }

func newHasher(t testing.TB, p password.Params, concurrency int) *password.Hasher {
	t.Helper()
	h, err := password.NewHasher(p, concurrency)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func parse(t testing.TB, text string) password.Hash {
	t.Helper()
	h, err := password.ParseHash(text)
	if err != nil {
		t.Fatalf("ParseHash(%q): %v", text, err)
	}
	return h
}

// The pair that the partner API's document prints.
const (
	publishedHash  = "$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"
	publishedPlain = password.Plain("C3rs3i#L4nnist3r")
)

func TestOwnHashIsArgon2idWithTheDefaultParameters(t *testing.T) {
	h := newHasher(t, password.DefaultParams(), 1)
	made, err := h.Hash(t.Context(), publishedPlain)
	if err != nil {
		t.Fatal(err)
	}
	phc := regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]{43}$`)
	if !phc.MatchString(made.String()) {
		t.Errorf("hash is %q", made)
	}
	// As it comes back from the store:
	got, err := h.Verify(t.Context(), publishedPlain, parse(t, made.String()))
	if err != nil || got != (password.Verdict{Match: true}) {
		t.Errorf("the right password: %+v, %v", got, err)
	}
	got, err = h.Verify(t.Context(), publishedPlain+"x", made)
	if err != nil || got != (password.Verdict{}) {
		t.Errorf("a wrong password: %+v, %v", got, err)
	}
	if h.Count() != 3 {
		t.Errorf("one hash and two checks took %d computations", h.Count())
	}
}

func TestSamePasswordNeverHashesTwiceToTheSameText(t *testing.T) {
	h := newHasher(t, quick(), 1)
	a, _ := h.Hash(t.Context(), "lisa445566!")
	b, _ := h.Hash(t.Context(), "lisa445566!")
	if a.String() == b.String() {
		t.Error("no salt")
	}
}

func TestVerify(t *testing.T) {
	h := newHasher(t, quick(), 1)
	own := func(p password.Plain, params password.Params) string {
		made, err := newHasher(t, params, 1).Hash(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return made.String()
	}
	const (
		match   = "match"
		upgrade = "match, upgrade"
		none    = "no match"
	)
	seventyTwo := strings.Repeat("a", 72)
	tests := []struct {
		name  string
		hash  string
		plain password.Plain
		want  string
	}{
		{"own", own("tr0ub4dor", quick()), "tr0ub4dor", match},
		{"own, older parameters", own("tr0ub4dor", password.Params{Memory: 16, Time: 1, Threads: 1}), "tr0ub4dor", upgrade},
		{"own, composed and decomposed are one password", own("caf\u00e9-noir", quick()), "cafe\u0301-noir", match},
		{"own, full-width letters are letters", own("ｐａｓｓ1", quick()), "pass1", match},
		{"own, case counts", own("Tr0ub4dor", quick()), "tr0ub4dor", none},
		{"own, spaces count", own("tr0ub4dor", quick()), "tr0ub4dor ", none},
		{"own, NUL counts", own("tr0ub4dor", quick()), "tr0ub4dor\x00", none},
		{"own, 1025 bytes are nobody's", own(password.Plain(strings.Repeat("a", 1024)), quick()), password.Plain(strings.Repeat("a", 1025)), none},
		{"no password at all", "", "", none},

		{"partner, published pair", publishedHash, publishedPlain, upgrade},
		{"partner, wrong", publishedHash, "wrong-password", none},
		{"bcrypt, $2a$ and $2y$ are the same algorithm", "$2y$" + publishedHash[4:], publishedPlain, upgrade},
		{"bcrypt, 72 bytes", bcryptOf72a, password.Plain(seventyTwo), upgrade},
		{"bcrypt, the 73rd byte is not ignored", bcryptOf72a, password.Plain(seventyTwo + "b"), none},
		{"bcrypt, a NUL ends nothing", publishedHash, publishedPlain + "\x00x", none},
		{"bcrypt, raw bytes", bcryptOfDecomposed, "cafe\u0301-noir", upgrade},
		{"bcrypt, not normalised", bcryptOfDecomposed, "caf\u00e9-noir", none},

		{"argon2id of another system", foreignArgon, "cafe\u0301-noir", upgrade},
		{"argon2id of another system, not normalised", foreignArgon, "caf\u00e9-noir", none},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stored password.Hash
			if tt.hash != "" {
				stored = parse(t, tt.hash)
			}
			before := h.Count()
			v, err := h.Verify(t.Context(), tt.plain, stored)
			if err != nil {
				t.Fatal(err)
			}
			got := none
			switch {
			case v.NeedsUpgrade:
				got = upgrade
			case v.Match:
				got = match
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if n := h.Count() - before; n != 1 {
				t.Errorf("took %d computations, want 1", n)
			}
		})
	}
}

func TestUnknownUserCostsOneComputation(t *testing.T) {
	h := newHasher(t, quick(), 1)
	if err := h.VerifyNone(t.Context(), "whatever"); err != nil {
		t.Fatal(err)
	}
	if h.Count() != 1 {
		t.Errorf("took %d", h.Count())
	}
}

func TestFirstSignInWithBcryptTakesTwoComputationsAndLaterOnesOne(t *testing.T) {
	h := newHasher(t, quick(), 1)
	stored := parse(t, publishedHash)
	v, err := h.Verify(t.Context(), publishedPlain, stored)
	if err != nil || !v.NeedsUpgrade {
		t.Fatalf("%+v, %v", v, err)
	}
	stored, err = h.Hash(t.Context(), publishedPlain)
	if err != nil || h.Count() != 2 {
		t.Fatalf("count %d, %v", h.Count(), err)
	}
	v, err = h.Verify(t.Context(), publishedPlain, stored)
	if err != nil || v != (password.Verdict{Match: true}) || h.Count() != 3 {
		t.Errorf("%+v, %v, count %d", v, err, h.Count())
	}
}

func TestTooLongPasswordIsNotHashed(t *testing.T) {
	h := newHasher(t, quick(), 1)
	_, err := h.Hash(t.Context(), password.Plain(strings.Repeat("a", 1025)))
	if !errors.Is(err, password.ErrTooLong) || h.Count() != 0 {
		t.Errorf("%v, count %d", err, h.Count())
	}
}

func TestBcryptEchoHasTheContractsForm(t *testing.T) {
	h := newHasher(t, quick(), 1)
	text, err := h.BcryptEcho(t.Context(), publishedPlain)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^\$2b\$06\$[./A-Za-z0-9]{53}$`).MatchString(text) {
		t.Errorf("echo is %q", text)
	}
	if h.Count() != 0 || h.EchoCount() != 1 {
		t.Errorf("counted %d and %d", h.Count(), h.EchoCount())
	}
	v, err := h.Verify(t.Context(), publishedPlain, parse(t, text))
	if err != nil || !v.Match {
		t.Errorf("the echo does not verify: %+v, %v", v, err)
	}
	if _, err := h.BcryptEcho(t.Context(), password.Plain(strings.Repeat("a", 73))); !errors.Is(err, password.ErrBcryptTooLong) {
		t.Errorf("73 bytes: %v", err)
	}
}

// Given a hasher for two at a time, when three hundred ask at once, then all
// are answered or told to come back, and no more than 2 + 64 are computed.
func TestOverloadIsRefusedAndNotQueuedWithoutEnd(t *testing.T) {
	h := newHasher(t, password.Params{Memory: 1024, Time: 10, Threads: 1}, 2)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done, busy := 0, 0
	start := make(chan struct{})
	for range 300 {
		wg.Go(func() {
			<-start
			err := h.VerifyNone(context.Background(), "x")
			mu.Lock()
			defer mu.Unlock()
			var full *password.BusyError
			switch {
			case err == nil:
				done++
			case errors.As(err, &full) && errors.Is(err, password.ErrBusy):
				busy++
				if full.RetryAfter < time.Second || full.RetryAfter%time.Second != 0 {
					t.Errorf("Retry-After is %v", full.RetryAfter)
				}
			default:
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	if done+busy != 300 || done < 66 || uint64(done) != h.Count() {
		t.Errorf("%d done, %d busy, %d computed", done, busy, h.Count())
	}
	if err := h.VerifyNone(context.Background(), "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestCancelledCallerIsNotHashed(t *testing.T) {
	h := newHasher(t, quick(), 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.Canceled) || h.Count() != 0 {
		t.Errorf("%v, count %d", err, h.Count())
	}
}

func TestParametersAreBounded(t *testing.T) {
	for _, p := range []password.Params{
		{},
		{Memory: 7, Time: 1, Threads: 1},
		{Memory: 64<<10 + 1, Time: 1, Threads: 1},
		{Memory: 8, Time: 11, Threads: 1},
		{Memory: 64, Time: 1, Threads: 5},
		{Memory: 8, Time: 1, Threads: 2},
	} {
		if _, err := password.NewHasher(p, 1); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}

func TestPlainNeverPrints(t *testing.T) {
	p := publishedPlain
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "p", p, "in", struct{ P password.Plain }{p})
	js, err := json.Marshal(map[string]any{"p": p})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{
		fmt.Sprint(p), fmt.Sprintf("%v %+v %#v %s %q %x %d", p, p, p, p, p, p, p),
		fmt.Sprintf("%+v", struct{ P password.Plain }{p}), string(js), log.String(),
	} {
		if strings.Contains(out, string(p)) || strings.Contains(out, fmt.Sprintf("%x", string(p))) || strings.Contains(out, "C3rs") {
			t.Errorf("printed: %s", out)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h := newHasher(b, password.DefaultParams(), 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), publishedPlain); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	h := newHasher(b, password.DefaultParams(), 1)
	own, err := h.Hash(b.Context(), publishedPlain)
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name string
		hash password.Hash
	}{{"argon2id", own}, {"bcrypt-6", parse(b, publishedHash)}} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				if v, err := h.Verify(b.Context(), publishedPlain, bb.hash); err != nil || !v.Match {
					b.Fatal(v, err)
				}
			}
		})
	}
}

func BenchmarkBlocklist(b *testing.B) {
	r := password.Rules{MinLength: 8, Blocklist: true}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_ = r.Check("tr0ub4dor&3")
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		if err := r.Check("tr0ub4dor&3"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1024, "list-KiB")
}
