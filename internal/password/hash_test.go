package password_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/password"
)

// Made with the libraries themselves: 72 times "a", and "cafe" U+0301 "-noir".
const (
	bcryptOf72a        = "$2a$04$AtCe04VcxT1BLLyko9GNDehBAlRFvMFHT99bhz87fVoJucoxweT46"
	bcryptOfDecomposed = "$2a$04$nQD/03icCX9jFmbU.KW.uObpf/jDg2yrzb./Z3LrNxAlfzC8SkEO."
	foreignArgon       = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRvZm90aGVycw$zCtih3k8xRAlu7QJqOxi4wk4Dz5dvg7kuE2F2k3qrKk"
)

func TestParseHash(t *testing.T) {
	const (
		salt = "c29tZXNhbHRvZm90aGVycw"
		sum  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		body = "k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"
	)
	argon := func(costs string) string { return "$argon2id$v=19$" + costs + "$" + salt + "$" + sum }
	tests := []struct {
		name string
		text string
		want error
	}{
		{"argon2id", argon("m=19456,t=2,p=1"), nil},
		{"argon2id at the limit", argon("m=131072,t=5,p=16"), nil},
		{"argon2id of ten passes", argon("m=77824,t=10,p=1"), nil},
		{"memory and time within, their product not", argon("m=131072,t=6,p=1"), password.ErrCost},
		{"memory bomb", argon("m=131073,t=2,p=1"), password.ErrCost},
		{"memory bomb of 4 TiB", argon("m=4294967295,t=1,p=1"), password.ErrCost},
		{"time bomb", argon("m=19456,t=11,p=1"), password.ErrCost},
		{"thread bomb", argon("m=19456,t=1,p=17"), password.ErrCost},
		{"threads beyond a byte", argon("m=19456,t=1,p=257"), password.ErrCost},
		{"beyond 32 bits", argon("m=4294967296,t=1,p=1"), password.ErrFormat},
		{"memory too small", argon("m=7,t=1,p=1"), password.ErrFormat},
		{"no pass", argon("m=19456,t=0,p=1"), password.ErrFormat},
		{"leading zero", argon("m=019456,t=2,p=1"), password.ErrFormat},
		{"sign", argon("m=+19456,t=2,p=1"), password.ErrFormat},
		{"order", argon("t=2,m=19456,p=1"), password.ErrFormat},
		{"missing cost", argon("m=19456,t=2"), password.ErrFormat},
		{"old version", "$argon2id$v=16$m=8,t=1,p=1$" + salt + "$" + sum, password.ErrFormat},
		{"padding", "$argon2id$v=19$m=8,t=1,p=1$" + salt + "==$" + sum, password.ErrFormat},
		{"newline in base64", "$argon2id$v=19$m=8,t=1,p=1$" + salt + "\n$" + sum, password.ErrFormat},
		{"short salt", "$argon2id$v=19$m=8,t=1,p=1$AAAA$" + sum, password.ErrFormat},
		{"short hash", "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$AAAA", password.ErrFormat},
		{"more after it", argon("m=8,t=1,p=1") + "$x", password.ErrFormat},

		{"bcrypt 2a", "$2a$10$" + body, nil},
		{"bcrypt 2b", "$2b$06$" + body, nil},
		{"bcrypt 2y", "$2y$12$" + body, nil},
		{"bcrypt 2y, Symfony's default cost", "$2y$13$" + body, nil},
		{"cost bomb", "$2b$14$" + body, password.ErrCost},
		{"cost bomb of days", "$2b$31$" + body, password.ErrCost},
		{"cost that bcrypt has not", "$2b$32$" + body, password.ErrFormat},
		{"cost too low", "$2b$03$" + body, password.ErrFormat},
		{"sign-extension bug", "$2x$10$" + body, password.ErrFormat},
		{"first version", "$2$10$" + body, password.ErrFormat},
		{"short", "$2b$06$" + body[1:], password.ErrFormat},
		{"long", "$2b$06$" + body + "A", password.ErrFormat},
		{"NUL after it", "$2b$06$" + body + "\x00", password.ErrFormat},
		{"newline after it", "$2b$06$" + body + "\n", password.ErrFormat},

		{"empty", "", password.ErrFormat},
		{"plain text", "hunter2", password.ErrFormat},
		{"very long", "$argon2id$" + strings.Repeat("A", 1<<20), password.ErrFormat},
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

// Whatever is accepted is affordable, keeps its text and can be checked.
func FuzzParseHash(f *testing.F) {
	for _, s := range []string{publishedHash, bcryptOf72a, foreignArgon, "", "$", "$2b$", "$argon2id$v=19$m=8,t=1,p=1$$"} {
		f.Add(s)
	}
	for _, v := range read[foreign](f, "hashes.json") {
		f.Add(v.Hash)
	}
	h := newHasher(f, quick(), 1)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := password.ParseHash(text)
		checkParsed(t, h, parsed, err)
		if err == nil && parsed.String() != text {
			t.Errorf("accepted %q as %q", text, parsed)
		}
	})
}

// The same for what is read from Keycloak, which must also survive the store.
func FuzzFromKeycloak(f *testing.F) {
	for _, c := range read[keycloakCredential](f, "keycloak.json") {
		f.Add(c.CredentialData, c.SecretData)
	}
	h := newHasher(f, quick(), 1)
	f.Fuzz(func(t *testing.T, data, secret string) {
		made, err := password.FromKeycloak(data, secret)
		checkParsed(t, h, made, err)
		if err == nil {
			if _, err := password.ParseHash(made.String()); err != nil {
				t.Errorf("%q does not parse again: %v", made, err)
			}
		}
	})
}

func checkParsed(t *testing.T, h *password.Hasher, parsed password.Hash, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, password.ErrFormat) && !errors.Is(err, password.ErrCost) {
			t.Errorf("unexpected error %v", err)
		}
		if !parsed.IsZero() {
			t.Error("a refused hash is usable")
		}
		return
	}
	if len(parsed.String()) > 512 || parsed.Work() > 20 || parsed.Memory() > 129<<20 {
		t.Errorf("accepted %q: %g default hashes, %g bytes", parsed, parsed.Work(), parsed.Memory())
	}
	if parsed.Work() < 0.1 {
		if _, err := h.Verify(t.Context(), "x", parsed); err != nil {
			t.Error(err)
		}
	}
}
