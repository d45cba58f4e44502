package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/usher-id/usher/internal/token"
	"pgregory.net/rapid"
)

func newKEK(t testing.TB, seed byte) *token.KEK {
	t.Helper()
	k, err := token.NewKEK(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealOpensOnlyInItsContext(t *testing.T) {
	kek := newKEK(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		context := rapid.SliceOf(rapid.String()).Draw(t, "context")
		sealed := kek.Seal(plain, context...)
		got, err := kek.Open(sealed, context...)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%v", err)
		}
		if _, err := kek.Open(sealed, append(context, "")...); !errors.Is(err, token.ErrTampered) {
			t.Errorf("a longer context: %v", err)
		}
		bit := rapid.IntRange(0, len(sealed)*8-1).Draw(t, "bit")
		sealed[bit/8] ^= 1 << (bit % 8)
		if _, err := kek.Open(sealed, context...); !errors.Is(err, token.ErrTampered) && !errors.Is(err, token.ErrWrongKEK) {
			t.Errorf("a flipped bit: %v", err)
		}
		sealed[bit/8] ^= 1 << (bit % 8)
		cut := rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")
		if _, err := kek.Open(sealed[:cut], context...); err == nil {
			t.Error("a cut value opened")
		}
	})
	if _, err := kek.Open(kek.Seal([]byte("x"), "ab", "c"), "a", "bc"); !errors.Is(err, token.ErrTampered) {
		t.Errorf("contexts that join to the same text: %v", err)
	}
	if bytes.Equal(kek.Seal([]byte("x")), kek.Seal([]byte("x"))) {
		t.Error("no nonce")
	}
	if _, err := newKEK(t, 2).Open(kek.Seal([]byte("x"))); !errors.Is(err, token.ErrWrongKEK) {
		t.Errorf("another key: %v", err)
	}
}

func TestDerivedKeysDifferByLabelAndSecret(t *testing.T) {
	a, b := newKEK(t, 1), newKEK(t, 2)
	seen := map[string]string{}
	for _, label := range []string{"login", "refresh", "reset"} {
		for name, kek := range map[string]*token.KEK{"a": a, "b": b} {
			key, err := kek.DeriveKey(label)
			again, _ := kek.DeriveKey(label)
			if err != nil || len(key) != 32 || !bytes.Equal(key, again) {
				t.Fatalf("%v, %d bytes", err, len(key))
			}
			if other, twice := seen[string(key)]; twice {
				t.Errorf("%s of %s is also %s", label, name, other)
			}
			seen[string(key)] = label + " of " + name
		}
	}
	if _, err := token.DeriveKey(make([]byte, 15), "x"); err == nil {
		t.Error("a secret of 15 bytes was accepted")
	}
}

func TestParseKEK(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb, 0xff}, 16)
	for name, text := range map[string]string{
		"hex": hex.EncodeToString(raw), "HEX": strings.ToUpper(hex.EncodeToString(raw)),
		"base64": base64.StdEncoding.EncodeToString(raw), "base64url": base64.RawURLEncoding.EncodeToString(raw),
		"with a newline": hex.EncodeToString(raw) + "\n",
	} {
		k, err := token.ParseKEK(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if printed := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(printed, "251") || strings.Contains(printed, "fbff") {
			t.Errorf("printed %s", printed)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "31 bytes": hex.EncodeToString(raw[:31]), "33 bytes": hex.EncodeToString(append(raw, 1)),
		"32 typed characters": "correct horse battery staple !!!", "32 hex digits": hex.EncodeToString(raw[:16]),
		"zeros": strings.Repeat("0", 64), "two lines": hex.EncodeToString(raw) + "\n" + hex.EncodeToString(raw),
	} {
		if _, err := token.ParseKEK(text); !errors.Is(err, token.ErrKEK) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKEKFileIsMadeOnceAndPrivate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			k, err := token.LoadOrCreateKEK(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("processes that start together have different keys: %v", ids)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestKEKFilesThatAreRefused(t *testing.T) {
	good := strings.Repeat("ab", 32)
	write := func(t *testing.T, text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "kek")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		want error
	}{
		"readable by all":    {good, 0o644, token.ErrKEKReadable},
		"writable by group":  {good, 0o660, token.ErrKEKReadable},
		"searchable by all":  {good, 0o601, token.ErrKEKReadable},
		"empty":              {"", 0o600, token.ErrKEK},
		"cut short":          {good[:62], 0o600, token.ErrKEK},
		"followed by more":   {good + strings.Repeat(" ", 300) + "x", 0o600, token.ErrKEK},
		"read-only is fine":  {good, 0o400, nil},
		"group read is fine": {good, 0o440, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, tt.text, tt.mode)
			if _, err := token.LoadOrCreateKEK(path); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != tt.text {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := token.LoadOrCreateKEK(t.TempDir()); err == nil {
		t.Error("a folder was accepted")
	}
	if _, err := token.LoadOrCreateKEK(filepath.Join(t.TempDir(), "no", "kek")); err == nil {
		t.Error("a missing folder was accepted")
	}
}
