package golden

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/replay"
)

// state is a state's portal: the key it signs with, and the file that an operator
// is given.
type state struct{ private, publicFile string }

func newState(t *testing.T) state {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	write := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	s := state{private: write("PRIVATE KEY", private, err), publicFile: filepath.Join(t.TempDir(), "state.pub.pem")}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err := os.WriteFile(s.publicFile, []byte(write("PUBLIC KEY", public, err)), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// sunbird is a player for the cases of the Sunbird door, who is the caller that
// development mode knows.
func sunbird(t *testing.T, s *harness.Server, by state, run, phone8 string) *replay.Player {
	t.Helper()
	var minted struct{ Token string }
	harness.Read(t, s.CLI("token", "mint", "--door", "sunbird", "--caller", "portal", "--json"), &minted)
	p := s.Player(run)
	p.Vars["phone8"], p.Vars["state_pub"], p.Vars["state_pem"], p.Vars["trusted"] = phone8, by.publicFile, by.private, minted.Token
	return p
}

// Given an empty database in development mode, when the exchanges of the Sunbird
// door are played in order, then every answer is the recorded one; and again, by
// other people, after the server was killed.
func TestRecordedCasesOfTheSunbirdDoor(t *testing.T) {
	cases, err := replay.Recorded("sunbird")
	if err != nil {
		t.Fatal(err)
	}
	by := newState(t)
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := harness.Start(t, store.Empty(t))
		replay.Run(t, sunbird(t, s, by, "a", "20304050"), cases)
		s.Kill()
		s.Again()
		replay.Run(t, sunbird(t, s, by, "b", "20304051"), cases)
	})
}
