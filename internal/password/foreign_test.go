package password_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/usher-id/usher/internal/password"
)

// testdata/README.md says where these come from.
type (
	foreign struct {
		Producer     string         `json:"producer"`
		Name         string         `json:"name"`
		Password     password.Plain `json:"password"`
		Hash         string         `json:"hash"`
		DefaultCosts bool           `json:"default_costs"`
	}
	keycloakCredential struct {
		Name           string         `json:"name"`
		Password       password.Plain `json:"password"`
		CredentialData string         `json:"credentialData"`
		SecretData     string         `json:"secretData"`
	}
)

func read[T any](t testing.TB, name string) (list []T) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return list
}

// wants checks the verdict, and that it took one computation.
func wants(t *testing.T, h *password.Hasher, plain password.Plain, stored password.Hash, want password.Verdict) {
	t.Helper()
	before := h.Count()
	got, err := h.Verify(t.Context(), plain, stored)
	if err != nil {
		t.Fatal(err)
	}
	got.Dear = false // TestDearHashesAreTold
	if got != want {
		t.Errorf("verdict is %+v, want %+v", got, want)
	}
	if n := h.Count() - before; n != 1 {
		t.Errorf("took %d computations", n)
	}
}

var upgrade = password.Verdict{Match: true, NeedsUpgrade: true}

func TestHashesOfOtherSystemsOpenAndAskForAnUpgrade(t *testing.T) {
	h := newHasher(t, quick(), 1)
	for _, f := range read[foreign](t, "hashes.json") {
		t.Run(f.Producer+" "+f.Name, func(t *testing.T) {
			stored := parse(t, f.Hash)
			wants(t, h, f.Password, stored, upgrade)
			if f.DefaultCosts {
				return // once is slow enough; the scheme's other entries go on
			}
			wants(t, h, f.Password+"x", stored, password.Verdict{})
			wants(t, h, f.Password[1:], stored, password.Verdict{})
			wants(t, h, "", stored, password.Verdict{})
			wants(t, h, password.Plain(strings.Repeat("a", 1025)), stored, password.Verdict{})
		})
	}
}

func TestKeycloakCredentialsOpenAndAskForAnUpgrade(t *testing.T) {
	h := newHasher(t, quick(), 1)
	for _, c := range read[keycloakCredential](t, "keycloak.json") {
		t.Run(c.Name, func(t *testing.T) {
			made, err := password.FromKeycloak(c.CredentialData, c.SecretData)
			if err != nil {
				t.Fatal(err)
			}
			// As it comes back from the store:
			stored := parse(t, made.String())
			wants(t, h, c.Password, stored, upgrade)
			if stored.Work() < 1 {
				wants(t, h, c.Password+"x", stored, password.Verdict{})
			}
		})
	}
}

// Given a password that NFKC changes, a foreign hash is over what was typed
// and usher's own, which replaces it, over the normal form.
func TestNormalisationBeginsWithTheUpgrade(t *testing.T) {
	const decomposed, composed = password.Plain("cafe\u0301-noir"), password.Plain("caf\u00e9-noir")
	h := newHasher(t, quick(), 1)
	tried := 0
	for _, f := range read[foreign](t, "hashes.json") {
		if f.Password != decomposed {
			continue
		}
		tried++
		wants(t, h, composed, parse(t, f.Hash), password.Verdict{})
		wants(t, h, decomposed, parse(t, f.Hash), upgrade)
	}
	if tried == 0 {
		t.Fatal("no entry over a decomposed password")
	}
	better, err := h.Hash(t.Context(), decomposed)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, h, composed, better, password.Verdict{Match: true})
}

// A Django salt may begin with the letters that mark usher's own.
func TestDjangoArgonIsNeverTakenForOwn(t *testing.T) {
	h := newHasher(t, quick(), 1)
	own, err := h.Hash(t.Context(), "tr0ub4dor&3")
	if err != nil {
		t.Fatal(err)
	}
	wants(t, h, "tr0ub4dor&3", own, password.Verdict{Match: true})
	wants(t, h, "tr0ub4dor&3", parse(t, "argon2"+own.String()), upgrade)
	wants(t, h, "ｔr0ub4dor&3", own, password.Verdict{Match: true})
	wants(t, h, "ｔr0ub4dor&3", parse(t, "argon2"+own.String()), password.Verdict{})
}

func TestForeignFormsAndBounds(t *testing.T) {
	const (
		b16 = "AAAAAAAAAAAAAAAAAAAAAA"
		b20 = "AAAAAAAAAAAAAAAAAAAAAAAAAAA"
		b32 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		b64 = b32 + b32
	)
	sum64 := strings.Repeat("A", 86)
	fire := func(costs string) string {
		return "$firescrypt$" + costs + "$" + b16 + "==$" + sum64 + "==$Bw==$" + sum64 + "=="
	}
	argon := func(kind, costs string) string { return "$" + kind + "$v=19$" + costs + "$" + b16 + "$" + b32 }
	const bcryptBody = "k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"
	tests := []struct {
		name, text string
		want       error
	}{
		{"argon2i", argon("argon2i", "m=131072,t=5,p=16"), nil},
		{"argon2i over the budget", argon("argon2i", "m=131072,t=6,p=16"), password.ErrCost},
		{"argon2d", argon("argon2d", "m=8,t=1,p=1"), password.ErrFormat},
		{"argon2", argon("argon2", "m=8,t=1,p=1"), password.ErrFormat},
		{"argon2 without its version, which was 16", "$argon2i$m=8,t=1,p=1$" + b16 + "$" + b32, password.ErrFormat},

		{"Django pbkdf2_sha256 of version 6.1", "pbkdf2_sha256$1500000$salt$" + b32 + "=", nil},
		{"Django pbkdf2_sha256 bomb", "pbkdf2_sha256$3100000$salt$" + b32 + "=", password.ErrCost},
		{"Django pbkdf2_sha1 bomb", "pbkdf2_sha1$4294967295$salt$" + b20 + "=", password.ErrCost},
		{"Django pbkdf2, no iteration", "pbkdf2_sha256$0$salt$" + b32 + "=", password.ErrFormat},
		{"Django pbkdf2, beyond 32 bits", "pbkdf2_sha256$4294967296$salt$" + b32 + "=", password.ErrFormat},
		{"Django pbkdf2, leading zero", "pbkdf2_sha256$01$salt$" + b32 + "=", password.ErrFormat},
		{"Django pbkdf2, separators in the number", "pbkdf2_sha256$1_000$salt$" + b32 + "=", password.ErrFormat},
		{"Django pbkdf2, no padding", "pbkdf2_sha256$1$salt$" + b32, password.ErrFormat},
		{"Django pbkdf2, unused bits", "pbkdf2_sha256$1$salt$" + b32[:42] + "B=", password.ErrFormat},
		{"Django pbkdf2, newline", "pbkdf2_sha256$1$salt$" + b32 + "=\n", password.ErrFormat},
		{"Django pbkdf2, another length", "pbkdf2_sha256$1$salt$" + b20 + "=", password.ErrFormat},
		{"Django pbkdf2, no salt", "pbkdf2_sha256$1$$" + b32 + "=", password.ErrFormat},
		{"Django pbkdf2, salt of 65", "pbkdf2_sha256$1$" + strings.Repeat("s", 65) + "$" + b32 + "=", password.ErrFormat},
		{"Django pbkdf2, salt not printable", "pbkdf2_sha256$1$sa\x00lt$" + b32 + "=", password.ErrFormat},
		{"Django pbkdf2, more after it", "pbkdf2_sha256$1$salt$" + b32 + "=$", password.ErrFormat},
		{"Django argon2, its default of 100 MiB", "argon2" + argon("argon2id", "m=102400,t=2,p=8"), nil},
		{"Django argon2, its default before 3.2", "argon2" + argon("argon2i", "m=512,t=2,p=2"), nil},
		{"Django argon2 without a variant", "argon2$v=19$m=8,t=1,p=1$" + b16 + "$" + b32, password.ErrFormat},
		{"Django bcrypt_sha256", "bcrypt_sha256$$2b$12$" + bcryptBody, nil},
		{"Django bcrypt_sha256 bomb", "bcrypt_sha256$$2b$14$" + bcryptBody, password.ErrCost},
		{"Django bcrypt bomb", "bcrypt$$2b$31$" + bcryptBody, password.ErrCost},
		{"Django bcrypt, one dollar", "bcrypt$2b$12$" + bcryptBody, password.ErrFormat},
		{"Django scrypt", "scrypt$16384$salt$8$5$" + sum64 + "==", nil},
		{"Django scrypt, work bomb", "scrypt$16384$salt$8$12$" + sum64 + "==", password.ErrCost},
		{"Django scrypt, memory bomb", "scrypt$262144$salt$8$1$" + sum64 + "==", password.ErrCost},
		{"Django scrypt, lane bomb", "scrypt$2$salt$1$4294967295$" + sum64 + "==", password.ErrCost},
		{"Django scrypt, block bomb", "scrypt$2$salt$4294967295$4294967295$" + sum64 + "==", password.ErrCost},
		{"Django scrypt, N not a power of two", "scrypt$16383$salt$8$1$" + sum64 + "==", password.ErrFormat},
		{"Django scrypt, N of 1", "scrypt$1$salt$8$1$" + sum64 + "==", password.ErrFormat},
		{"Django scrypt, r of 0", "scrypt$16$salt$0$1$" + sum64 + "==", password.ErrFormat},
		{"Django scrypt, p of 0", "scrypt$16$salt$8$0$" + sum64 + "==", password.ErrFormat},
		{"Django, no usable password", "!" + b32, password.ErrFormat},
		{"Django md5", "md5$salt$d41d8cd98f00b204e9800998ecf8427e", password.ErrFormat},
		{"Django, a name alone", "pbkdf2_sha256", password.ErrFormat},

		{"pbkdf2-sha512", "$pbkdf2-sha512$210000$" + b16 + "$" + b64, nil},
		{"pbkdf2-sha512 bomb", "$pbkdf2-sha512$1100000$" + b16 + "$" + sum64, password.ErrCost},
		{"pbkdf2 over SHA-1", "$pbkdf2$1300000$" + b16 + "$" + sum64, nil},
		{"pbkdf2 over SHA-224", "$pbkdf2-sha224$1$" + b16 + "$" + b32, password.ErrFormat},
		{"pbkdf2, plus for a dot", "$pbkdf2-sha256$1$" + b16 + "$+" + b32[1:], password.ErrFormat},
		{"pbkdf2, dot", "$pbkdf2-sha256$1$" + b16 + "$." + b32[1:], nil},
		{"pbkdf2, short salt", "$pbkdf2-sha256$1$AAAA$" + b32, password.ErrFormat},
		{"pbkdf2, short hash", "$pbkdf2-sha256$1$" + b16 + "$AAAA", password.ErrFormat},
		{"pbkdf2, no iteration", "$pbkdf2-sha256$0$" + b16 + "$" + b32, password.ErrFormat},
		{"pbkdf2, missing part", "$pbkdf2-sha256$1$" + b16, password.ErrFormat},

		{"scrypt at the limit", "$scrypt$ln=17,r=8,p=1$" + b16 + "$" + b32, nil},
		{"scrypt over the memory", "$scrypt$ln=18,r=8,p=1$" + b16 + "$" + b32, password.ErrCost},
		{"scrypt over the work", "$scrypt$ln=17,r=8,p=2$" + b16 + "$" + b32, password.ErrCost},
		{"scrypt, ln of 64", "$scrypt$ln=64,r=8,p=1$" + b16 + "$" + b32, password.ErrCost},
		{"scrypt, ln of 4294967295", "$scrypt$ln=4294967295,r=4294967295,p=4294967295$" + b16 + "$" + b32, password.ErrCost},
		{"scrypt, ln of 0", "$scrypt$ln=0,r=8,p=1$" + b16 + "$" + b32, password.ErrFormat},
		{"scrypt, other names", "$scrypt$n=16,r=8,p=1$" + b16 + "$" + b32, password.ErrFormat},
		{"scrypt, short salt", "$scrypt$ln=4,r=8,p=1$AAAA$" + b32, password.ErrFormat},
		{"scrypt, short hash", "$scrypt$ln=4,r=8,p=1$" + b16 + "$AAAA", password.ErrFormat},
		{"scrypt, padding", "$scrypt$ln=4,r=8,p=1$" + b16 + "==$" + b32, password.ErrFormat},

		{"firescrypt", fire("ln=14,r=8,p=1"), nil},
		{"firescrypt bomb", fire("ln=31,r=8,p=1"), password.ErrCost},
		{"firescrypt, r of 0", fire("ln=14,r=0,p=1"), password.ErrFormat},
		{"firescrypt, names", fire("ln=14,r=8"), password.ErrFormat},
		{"firescrypt, no separator", strings.Replace(fire("ln=14,r=8,p=1"), "$Bw==$", "$$", 1), nil},
		{"firescrypt, signer key of another length", "$firescrypt$ln=14,r=8,p=1$" + b16 + "==$" + sum64 + "==$Bw==$" + b32 + "=", password.ErrFormat},
		{"firescrypt, no signer key", "$firescrypt$ln=14,r=8,p=1$" + b16 + "==$" + sum64 + "==", password.ErrFormat},

		{"SSHA", "{SSHA}" + b32 + "=", nil},
		{"SSHA without a salt", "{SSHA}" + b20 + "=", password.ErrFormat},
		{"SSHA256 as long as SSHA", "{SSHA256}" + b20 + "=", password.ErrFormat},
		{"SSHA512 with a salt of 65", "{SSHA512}" + strings.Repeat("A", 172), password.ErrFormat},
		{"SSHA without padding", "{SSHA}" + b32, password.ErrFormat},
		{"SSHA in small letters", "{ssha}" + b32 + "=", password.ErrFormat},
		{"SHA, unsalted", "{SHA}" + b20 + "=", password.ErrFormat},
		{"brace alone", "{", password.ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := password.ParseHash(tt.text)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error is %v, want %v", err, tt.want)
			}
			if err == nil && h.String() != tt.text {
				t.Errorf("text became %q", h)
			}
			if err != nil && !h.IsZero() {
				t.Error("a refused hash is usable")
			}
		})
	}
}

func TestFromKeycloakRefuses(t *testing.T) {
	const (
		secret  = `{"value":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","salt":"AAAAAAAAAAAAAAAAAAAAAA==","additionalParameters":{}}`
		pbkdf2  = `{"hashIterations":1000,"algorithm":"pbkdf2-sha256","additionalParameters":{}}`
		argon2k = `{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"hashLength":["32"],"memory":["7168"],"type":["id"],"version":["1.3"],"parallelism":["1"]}}`
	)
	for _, data := range []string{pbkdf2, argon2k} {
		if _, err := password.FromKeycloak(data, secret); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, data, secret string
		want               error
	}{
		{"no JSON", "x", secret, password.ErrFormat},
		{"nothing", "", "", password.ErrFormat},
		{"null", "null", "null", password.ErrFormat},
		{"very long", pbkdf2 + strings.Repeat(" ", 4096), secret, password.ErrFormat},
		{"iterations below zero", strings.Replace(pbkdf2, "1000", "-1", 1), secret, password.ErrFormat},
		{"iterations of 0", strings.Replace(pbkdf2, "1000", "0", 1), secret, password.ErrFormat},
		{"iterations bomb", strings.Replace(pbkdf2, "1000", "4294967295", 1), secret, password.ErrCost},
		{"other algorithm", strings.Replace(pbkdf2, "sha256", "md5", 1), secret, password.ErrFormat},
		{"argon2d", strings.Replace(argon2k, `"id"`, `"d"`, 1), secret, password.ErrFormat},
		{"argon2 1.0", strings.Replace(argon2k, "1.3", "1.0", 1), secret, password.ErrFormat},
		{"argon2 without memory", strings.Replace(argon2k, "memory", "m", 1), secret, password.ErrFormat},
		{"argon2 with two memories", strings.Replace(argon2k, `"7168"`, `"7168","8"`, 1), secret, password.ErrFormat},
		{"argon2 memory bomb", strings.Replace(argon2k, "7168", "4294967295", 1), secret, password.ErrCost},
		{"no salt", pbkdf2, strings.Replace(secret, `"salt"`, `"s"`, 1), password.ErrFormat},
		{"value not base64", pbkdf2, strings.Replace(secret, "A=", "A", 1), password.ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := password.FromKeycloak(tt.data, tt.secret); !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
		})
	}
}

// A check at a cheap hash is drawn out to what usher's own would take, whether
// it matches or not; one at a dear hash is not.
func TestChecksAtCheapHashesAreDrawnOut(t *testing.T) {
	h := newHasher(t, password.DefaultParams(), 1)
	own, err := h.Hash(t.Context(), "tr0ub4dor&3")
	if err != nil {
		t.Fatal(err)
	}
	const (
		none = iota
		partly
		wholly
	)
	tests := []struct {
		name string
		hash password.Hash
		want int
	}{
		{"own", own, none},
		{"own of lower costs", parse(t, "$argon2id$v=19$m=9728,t=2,p=1$bmZrYwAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"), partly},
		{"SSHA", parse(t, "{SSHA}HB07AKSK2TOPPJ8J6LgnWccqAc9kjDGG"), wholly},
		{"bcrypt 6", parse(t, publishedHash), partly},
		{"pbkdf2, 27,500", parse(t, "$pbkdf2-sha256$27500$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"), partly},
		{"pbkdf2, 600,000", parse(t, "$pbkdf2-sha256$600000$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"), none},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := password.DefaultParams()
			rest, worth := tt.hash.Remainder(now)
			switch {
			case tt.want == none && worth,
				tt.want == partly && (!worth || rest.Memory >= now.Memory || rest.Memory < now.Memory/4),
				tt.want == wholly && (!worth || rest != now):
				t.Errorf("drawn out by %+v (%v)", rest, worth)
			}
			before, count := h.FillCount(), h.Count()
			if _, err := h.Verify(t.Context(), "wrong", tt.hash); err != nil {
				t.Fatal(err)
			}
			if got := h.FillCount() - before; (got == 1) != (tt.want != none) || got > 1 {
				t.Errorf("drawn out %d times", got)
			}
			if h.Count()-count != 1 {
				t.Errorf("took %d computations", h.Count()-count)
			}
		})
	}
	before := h.FillCount()
	wants(t, h, publishedPlain, parse(t, publishedHash), upgrade)
	if h.FillCount()-before != 1 {
		t.Error("a success at a cheap hash was not drawn out")
	}
}

func TestRemainderStaysWithinWhatArgonKnows(t *testing.T) {
	p := password.Params{Memory: 32, Time: 1, Threads: 4}
	rest, worth := parse(t, "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA").Remainder(p)
	if !worth || rest != p {
		t.Errorf("%+v, %v", rest, worth)
	}
}

// A check that took longer than at usher's own hashes says so, whatever the
// password.
func TestDearHashesAreTold(t *testing.T) {
	h := newHasher(t, password.DefaultParams(), 1)
	own, err := h.Hash(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	bcryptOf := func(cost int) string {
		text, err := bcrypt.GenerateFromPassword([]byte("right"), cost)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, c := range []struct {
		text string
		dear bool
	}{{own.String(), false}, {bcryptOf(4), false}, {bcryptOf(8), false}, {bcryptOf(10), true}, {bcryptOf(11), true}} {
		stored, err := password.ParseHash(c.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range []password.Plain{"right", "wrong"} {
			if v, err := h.Verify(t.Context(), plain, stored); err != nil || v.Dear != c.dear || v.Match != (plain == "right") {
				t.Errorf("%.8s, %s: %+v, %v", c.text, plain, v, err)
			}
		}
	}
}
