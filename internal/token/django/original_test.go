//go:build django

package django_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// python gives a Python (3.12 at most, Django 3.1 runs on no later one) with the
// original's packages, kept from one run to the next.
func python(t *testing.T) string {
	t.Helper()
	pins, err := os.ReadFile("testdata/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	// Other pins, another folder; the mark is made last.
	sum := sha256.Sum256(pins)
	dir := filepath.Join(cache, "usher-test", "django-"+hex.EncodeToString(sum[:6]))
	bin, mark := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "complete")
	if _, err := os.Stat(mark); err == nil {
		return bin
	}
	for _, step := range [][]string{
		{"python3", "-m", "venv", "--clear", dir},
		{bin, "-m", "pip", "install", "--quiet", "--no-deps", "-r", "testdata/requirements.txt"},
	} {
		if out, err := exec.CommandContext(t.Context(), step[0], step[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", step, err, out)
		}
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return bin
}

// original asks the original, all at once.
func original(t *testing.T, asks []ask) []exchange {
	t.Helper()
	var in, stderr bytes.Buffer
	for _, a := range asks {
		if err := json.NewEncoder(&in).Encode(exchange{Ask: a}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python(t), "testdata/original.py")
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	all := exchanges(t, string(out))
	if len(all) != len(asks) {
		t.Fatalf("%d answers to %d asks", len(all), len(asks))
	}
	return all
}

// What is recorded is what the original says.
func TestRecordIsTheOriginals(t *testing.T) {
	want := recorded(t)
	var asks []ask
	for _, e := range want {
		asks = append(asks, e.Ask)
	}
	for i, e := range original(t, asks) {
		if !reflect.DeepEqual(e, want[i]) {
			t.Errorf("%+v, recorded is %+v", e, want[i])
		}
	}
}

// dice throws what the original is asked.
type dice struct{ *rand.Rand }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

// name is a text of one to 30 characters of all kinds, without control
// characters.
func (d dice) name() string {
	var b strings.Builder
	for range 1 + d.IntN(30) {
		b.WriteRune(pick(d, rune('a'+d.IntN(26)), rune(' '+d.IntN(95)), rune(0xa0+d.IntN(0x2f60)), rune(0x10000+d.IntN(0x100000))))
	}
	return b.String()
}

func (d dice) ask() ask {
	key := strings.Repeat(secretKey+d.name(), 1+d.IntN(3))
	return ask{Key: key, Field: pick(d, django.Email, django.Username), Now: d.Int64N(1 << 33)}
}

// mutate changes a token now and then, so that much of it is still good.
func (d dice) mutate(text string) string {
	b := []byte(text)
	i := d.IntN(len(b))
	switch d.IntN(8) {
	case 0:
		b[i] ^= 1 << d.IntN(7)
	case 1:
		b = b[:i]
	case 2:
		b = append(b[:i], b[i+1:]...)
	case 3:
		b[i] = "ABCxyz012-_.:= "[d.IntN(15)]
	}
	return strings.ToValidUTF8(string(b), "")
}

// Tokens of the original are read, tokens of usher are read by the original, and
// both judge alike what is damaged, late or for something else. Where usher is
// stricter on purpose, judged knows.
func TestAgainstTheOriginal(t *testing.T) {
	const rounds = 3000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	d := dice{rand.New(rand.NewPCG(seed, 0))}

	var asks []ask
	for range rounds {
		a := d.ask()
		a.Subject = d.name()
		if a.Do = pick(d, "mail", "sha1", "login"); a.Do == "login" {
			a.Life = 1 + d.Int64N(1<<20)
		} else if a.Action = string(pick(d, django.Activation, django.PasswordReset, django.PasswordSet, django.SecondaryActivation)); a.Action == string(django.SecondaryActivation) {
			a.Secondary = d.name()
		}
		asks = append(asks, a)
	}
	made := original(t, asks)

	var judge []ask
	for _, e := range made {
		agree(t, e)
		a := e.Ask
		text := e.Answer.Token
		at := time.Unix(a.Now, 0)
		if a.Do == "login" {
			if d.IntN(2) == 0 {
				l := django.Login{Subject: a.Subject, Issued: at, Expires: at.Add(time.Duration(a.Life) * time.Second), Session: user.ID(d.name()), Epoch: d.Int64N(1 << 50)}
				var err error
				if text, err = newLogins(t, a.Key, a.Field, at).Sign(l); err != nil {
					t.Fatal(err)
				}
			}
			judge = append(judge, ask{Key: a.Key, Field: a.Field, Do: "verify", Token: d.mutate(text), Now: a.Now + pick(d, 0, a.Life-1, a.Life, a.Life+1, d.Int64N(1<<21))})
			continue
		}
		judge = append(judge, ask{
			Key: a.Key, Field: a.Field, Do: "read", Token: d.mutate(text), MaxAge: pick[int64](d, 3600, 604800),
			Now:    max(0, a.Now+pick(d, 0, 3600, 3601, 604800, 604801, -d.Int64N(1<<20))),
			Action: pick(d, a.Action, a.Action, a.Action, string(django.Activation)),
		})
	}
	outcomes := map[string]int{}
	for _, e := range original(t, judge) {
		agree(t, e)
		outcomes[e.Ask.Do+" "+e.Answer.Outcome]++
	}
	for _, kind := range []string{"read ok", "read expired", "read invalid", "verify ok", "verify expired", "verify invalid"} {
		if outcomes[kind] < rounds/30 {
			t.Errorf("only %d of %s", outcomes[kind], kind)
		}
	}
	t.Log(fmt.Sprint(outcomes))
}
