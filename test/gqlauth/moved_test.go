package gqlauth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// djangoKey is the SECRET_KEY of the contract's vectors.
const djangoKey = "gqlauth-research-secret-key-0001"

// Vectors of contract section 8, of 2021-08-08.
const (
	vectorActivation = "eyJlbWFpbCI6InRlc3RAcGxlZGdlNGZ1dHVyZS5vcmciLCJhY3Rpb24iOiJhY3RpdmF0aW9uIn0:1mCmVk:hY2SBpfdWBc7IKDath4Hdb6RwqfhtaXxi2tYrNd6E48"
	vectorReset      = "eyJlbWFpbCI6InRlc3RAcGxlZGdlNGZ1dHVyZS5vcmciLCJhY3Rpb24iOiJwYXNzd29yZF9yZXNldCJ9:1mCmVk:MgJQD_bVwcMU4zMs_tJtYg_uUdjJpsguqyWH8hsuPRw"
	vectorJWT        = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6InRlc3RAcGxlZGdlNGZ1dHVyZS5vcmciLCJleHAiOjE2Mjg0NDM2NzYsIm9yaWdJYXQiOjE2Mjg0NDMzNzZ9.5Ql0mqpmw4P5l6CC5paUMTjZlRYwMVm_RdDuXRYG3fs"
	vectorTime       = 1628443376
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func mac(key []byte, text string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return b64(m.Sum(nil))
}

// originalMailed is a mailed token as the original makes it (contract section 8).
func originalMailed(key, email, action string, at int64) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var stamp string
	for n := at; n > 0; n /= 62 {
		stamp = digits[n%62:n%62+1] + stamp
	}
	value := b64(fmt.Appendf(nil, `{"email":%q,"action":%q}`, email, action)) + ":" + stamp
	derived := sha256.Sum256([]byte("django.core.signingsigner" + key))
	return value + ":" + mac(derived[:], value)
}

// originalJWT is a login token as the original makes it.
func originalJWT(key, header, email string, issued, expires int64) string {
	text := b64([]byte(header)) + "." + b64(fmt.Appendf(nil, `{"email":%q,"exp":%d,"origIat":%d}`, email, expires, issued))
	return text + "." + mac([]byte(key), text)
}

const hs256 = `{"typ":"JWT","alg":"HS256"}`

// djangoHash is a password as Django 3.1 stores it.
func djangoHash(t *testing.T, password, salt string) string {
	t.Helper()
	sum, err := pbkdf2.Key(sha256.New, password, []byte(salt), 216000, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	return "pbkdf2_sha256$216000$" + salt + "$" + base64.StdEncoding.EncodeToString(sum)
}

const (
	moved   = "test@pledge4future.org"
	pending = "new@pledge4future.org"
	argonic = "newer@pledge4future.org" // pending too; the deployment had changed its hasher
)

// argonHash is a password as Django stores it with Argon2PasswordHasher.
func argonHash(password, salt string) string {
	enc := base64.RawStdEncoding
	sum := argon2.IDKey([]byte(password), []byte(salt), 2, 8192, 1, 32)
	return "argon2$argon2id$v=19$m=8192,t=2,p=1$" + enc.EncodeToString([]byte(salt)) + "$" + enc.EncodeToString(sum)
}

// bring imports the original's users: one who proved the address, and two who
// did not, and must prove it here.
func (w town) bring() {
	w.Helper()
	var lines []string
	for i, u := range []map[string]any{
		{"email": moved, "username": "test", "emailVerified": true, "firstName": "Louise", "isActive": true},
		{"email": pending, "username": "new", "emailVerified": false},
		{"email": argonic, "username": "newer", "emailVerified": false, "passwordHash": argonHash(good, "k3PdVlcSAqXY")},
	} {
		if u["passwordHash"] == nil {
			u["passwordHash"] = djangoHash(w.T, good, fmt.Sprintf("k3PdVlcSAqX%d", i))
		}
		text, err := json.Marshal(u)
		if err != nil {
			w.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	file := filepath.Join(w.TempDir(), "users.ndjson")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		w.Fatal(err)
	}
	w.CLI("import", "users", "--sign-ups", file)
}

func TestTheVectors(t *testing.T) {
	for want, got := range map[string]string{
		vectorActivation: originalMailed(djangoKey, moved, "activation", vectorTime),
		vectorReset:      originalMailed(djangoKey, moved, "password_reset", vectorTime),
		vectorJWT:        originalJWT(djangoKey, hs256, moved, vectorTime, vectorTime+300),
	} {
		if got != want {
			t.Errorf("%s\nis not the contract's\n%s", got, want)
		}
	}
}

// Given the original's users and its key, then their passwords open both doors,
// and what the original issued is still good, and no better than it was.
func TestADeploymentMovesHere(t *testing.T) {
	inTown(t, func(w town) {
		w.bring()
		now := time.Now().Unix()
		issued := originalJWT(djangoKey, hs256, moved, now-100, now+200)

		me := w.me(issued)
		if me == nil || me.Email != moved || me.Username != "test" || me.FirstName != "Louise" || !me.Verified {
			w.Fatalf("by a login token of the original me is %+v", me)
		}
		in := w.enter(moved, good)
		if in.User.PK != me.PK {
			w.Errorf("signed in as %+v, the token's is %+v", in.User, me)
		}
		w.enter(moved, good) // by the hash that took the original's place
		w.partnerEnter(moved, good)
		if got := w.tokenAuth(moved, wrong).code("nonFieldErrors"); got != "invalid_credentials" {
			w.Errorf("a wrong password: %s", got)
		}

		none := b64([]byte(`{"typ":"JWT","alg":"none"}`)) + issued[strings.Index(issued, "."):strings.LastIndex(issued, ".")+1]
		for name, token := range map[string]string{
			"expired":                vectorJWT,
			"signed by another key":  originalJWT(djangoKey+"x", hs256, moved, now-100, now+200),
			"unsigned":               none,
			"of nobody":              originalJWT(djangoKey, hs256, "ghost@pledge4future.org", now-100, now+200),
			"said to be HS512":       originalJWT(djangoKey, `{"typ":"JWT","alg":"HS512"}`, moved, now-100, now+200),
			"a mailed token instead": originalMailed(djangoKey, moved, "activation", now),
		} {
			if me := w.me(token); me != nil {
				w.Errorf("a login token that is %s is %+v", name, me)
			}
		}
		for token, want := range map[string]string{
			vectorActivation: "expired_token",
			originalMailed(djangoKey+"x", moved, "activation", now):                 "invalid_token",
			originalMailed(djangoKey, moved, "password_reset", now):                 "invalid_token", // of the other kind
			originalMailed(djangoKey, "ghost@pledge4future.org", "activation", now): "invalid_token",
			originalMailed(djangoKey, moved, "activation", now-60):                  "already_verified",
		} {
			if got := w.do("", "verifyAccount", "", "token", token).code("nonFieldErrors"); got != want {
				w.Errorf("verifyAccount with %s: %s, wanted %s", token, got, want)
			}
		}
	}, "USHER_DOORS_GQLAUTH_SECRET_KEY="+djangoKey)
}

// Given a reset link of the original, then it works once within its hour, and
// what the original issued before is dead then.
func TestAResetLinkOfTheOriginal(t *testing.T) {
	inTown(t, func(w town) {
		w.bring()
		now := time.Now().Unix()
		issued := originalJWT(djangoKey, hs256, moved, now-100, now+200)
		if w.me(issued) == nil {
			w.Fatal("the login token of the original is nobody's")
		}
		reset := func(token string) outcome {
			return w.do("", "passwordReset", "", "token", token, "newPassword1", other, "newPassword2", other)
		}
		if got := reset(vectorReset).code("nonFieldErrors"); got != "expired_token" {
			w.Errorf("a link of long ago: %s", got)
		}
		used, spare := originalMailed(djangoKey, moved, "password_reset", now-60), originalMailed(djangoKey, moved, "password_reset", now-50)
		if got := reset(used); !got.Success {
			w.Fatalf("reset: %+v", got)
		}
		for name, token := range map[string]string{"a second time": used, "with another link of before": spare} {
			if got := reset(token).code("nonFieldErrors"); got != "invalid_token" {
				w.Errorf("%s: %s", name, got)
			}
		}
		if me := w.me(issued); me != nil {
			w.Errorf("the login token of before is still %+v", me)
		}
		if got := w.tokenAuth(moved, good).code("nonFieldErrors"); got != "invalid_credentials" {
			w.Errorf("the old password: %s", got)
		}
		w.enter(moved, other)
	}, "USHER_DOORS_GQLAUTH_SECRET_KEY="+djangoKey)
}

// Without the original's key, nothing that it issued is worth anything.
func TestTheKeyMustBeConfigured(t *testing.T) {
	inTown(t, func(w town) {
		w.bring()
		now := time.Now().Unix()
		if me := w.me(originalJWT(djangoKey, hs256, moved, now-100, now+200)); me != nil {
			w.Errorf("a login token is %+v", me)
		}
		if got := w.do("", "verifyAccount", "", "token", originalMailed(djangoKey, pending, "activation", now)).code("nonFieldErrors"); got != "invalid_token" {
			w.Errorf("an activation token: %s", got)
		}
		if got := w.do("", "passwordReset", "", "token", originalMailed(djangoKey, moved, "password_reset", now), "newPassword1", other, "newPassword2", other).code("nonFieldErrors"); got != "invalid_token" {
			w.Errorf("a reset token: %s", got)
		}
		w.enter(moved, good)
	})
}

// Given somebody who had signed up at the original and not used the link, then the
// link in their mailbox still works, once, and the password they chose, however it
// was kept there; whoever signs up with their address meanwhile changes nothing of
// that.
func TestAnActivationLinkOfTheOriginal(t *testing.T) {
	inTown(t, func(w town) {
		w.bring()
		for address, name := range map[string]string{pending: "new", argonic: "newer"} {
			hashed := w.hashes()
			if got := w.tokenAuth(address, good).code("nonFieldErrors"); got != "not_verified" {
				w.Errorf("before the link is used: %s", got)
			}
			if got := w.tokenAuth(address, wrong).code("nonFieldErrors"); got != "invalid_credentials" {
				w.Errorf("a wrong password: %s", got)
			}
			// The imported hash of the first is replaced as it is found right.
			if n := w.hashes() - hashed; n > 3 {
				w.Errorf("%d passwords were hashed for two tries", n)
			}
			w.register(address, "squatter-"+name, "iridium-and-osmium")
			if got := w.tokenAuth(address, good).code("nonFieldErrors"); got != "not_verified" {
				w.Errorf("beside a stranger's sign-up: %s", got)
			}
			token := originalMailed(djangoKey, address, "activation", time.Now().Unix()-3600)
			if got := w.do("", "verifyAccount", "", "token", token); !got.Success {
				w.Fatalf("activation: %+v", got)
			}
			if got := w.do("", "verifyAccount", "", "token", token).code("nonFieldErrors"); got != "already_verified" {
				w.Errorf("a second time: %s", got)
			}
			if got := w.do("", "tokenAuth", "", "username", name, "password", good); !got.Success {
				w.Errorf("by the imported username: %+v", got)
			}
			if in := w.enter(address, good); !in.User.Verified || in.User.Email != address || in.User.Username != name {
				w.Errorf("signed in as %+v", in.User)
			}
			if got := w.tokenAuth(address, "iridium-and-osmium"); got.Success {
				w.Error("whoever signed up meanwhile is in")
			}
			if owner := w.show(address); !owner.EmailVerified || owner.Status != "active" {
				w.Errorf("the owner of the address is %+v", owner)
			}
		}
	}, "USHER_DOORS_GQLAUTH_SECRET_KEY="+djangoKey)
}

// Given somebody who was brought unverified, then they can ask for the link again,
// or for a new password, as anybody whose sign-up is pending.
func TestABroughtSignUpIsASignUp(t *testing.T) {
	inTown(t, func(w town) {
		w.bring()
		if got := w.do("", "resendActivationEmail", "", "email", pending); !got.Success {
			w.Fatalf("resend: %+v", got)
		}
		if got := w.do("", "verifyAccount", "", "token", w.mailed(pending, "activate")); !got.Success {
			w.Fatalf("activation: %+v", got)
		}
		w.enter(pending, good)

		// A link that a forgotten password brings gives up the one of the sign-up.
		if got := w.do("", "sendPasswordResetEmail", "", "email", argonic); !got.Success {
			w.Fatalf("a forgotten password: %+v", got)
		}
		if got := w.do("", "verifyAccount", "", "token", w.mailed(argonic, "activate")); !got.Success {
			w.Fatalf("activation: %+v", got)
		}
		if got := w.tokenAuth(argonic, good); got.Success {
			w.Error("the password that was forgotten opens the account")
		}
	}, "USHER_DOORS_GQLAUTH_SECRET_KEY="+djangoKey)
}

// Given a reset link that the original mailed to somebody who had not verified,
// then it verifies them, once, and the password it sets is theirs.
func TestAResetLinkOfTheOriginalVerifies(t *testing.T) {
	inTown(t, func(w town) {
		w.bring()
		token := originalMailed(djangoKey, pending, "password_reset", time.Now().Unix()-60)
		reset := func() outcome {
			return w.do("", "passwordReset", "", "token", token, "newPassword1", other, "newPassword2", other)
		}
		if got := reset(); !got.Success {
			w.Fatalf("reset: %+v", got)
		}
		if got := reset().code("nonFieldErrors"); got != "invalid_token" {
			w.Errorf("a second time: %s", got)
		}
		if in := w.enter(pending, other); !in.User.Verified || in.User.Username != "new" {
			w.Errorf("signed in as %+v", in.User)
		}
		if got := w.tokenAuth(pending, good); got.Success {
			w.Error("the password of before opens the account")
		}
	}, "USHER_DOORS_GQLAUTH_SECRET_KEY="+djangoKey)
}

// Given a login token that the original gave to somebody who had not verified, then
// it shows them who they are, and what asks for a verified user refuses them.
func TestALoginTokenOfTheUnverified(t *testing.T) {
	inTown(t, func(w town) {
		w.bring()
		now := time.Now().Unix()
		token := originalJWT(djangoKey, hs256, pending, now-100, now+200)
		me := w.me(token)
		if me == nil || me.Email != pending || me.Username != "new" || me.Verified {
			w.Fatalf("me is %+v", me)
		}
		if got := w.do(token, "updateAccount", "", "firstName", "Louise").code("nonFieldErrors"); got != "not_verified" {
			w.Errorf("a new name: %s", got)
		}
		link := originalMailed(djangoKey, pending, "activation", now-3600)
		if got := w.do("", "verifyAccount", "", "token", link); !got.Success {
			w.Fatalf("activation: %+v", got)
		}
		if after := w.me(token); after == nil || !after.Verified || after.PK != me.PK {
			w.Errorf("once the link was used me is %+v", after)
		}
	}, "USHER_DOORS_GQLAUTH_SECRET_KEY="+djangoKey)
}

// Given somebody who was brought unverified, when another sign-up with the address
// is proven first, then what the original issued for it opens nothing.
func TestWhoProvesABroughtAddressFirst(t *testing.T) {
	inTown(t, func(w town) {
		w.bring()
		w.join(pending, "here", other)
		link := originalMailed(djangoKey, pending, "activation", time.Now().Unix()-3600)
		if got := w.do("", "verifyAccount", "", "token", link); got.Success {
			w.Error("the original's link is good")
		}
		if got := w.tokenAuth(pending, good); got.Success {
			w.Error("the password of the original's sign-up is good")
		}
		if in := w.enter(pending, other); in.User.Username != "here" {
			w.Errorf("signed in as %+v", in.User)
		}
	}, "USHER_DOORS_GQLAUTH_SECRET_KEY="+djangoKey)
}
