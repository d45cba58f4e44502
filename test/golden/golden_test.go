package golden

import (
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/replay"
)

func TestMain(m *testing.M) { harness.Main(m) }

// Given a server in development mode on an empty database, when a door's
// recorded exchanges are played in order, then every answer is the recorded
// one.
func TestRecordedCases(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := harness.Start(t, store.Empty(t))
		for _, door := range []string{"partner", "edi"} {
			t.Run(door, func(t *testing.T) {
				cases, err := replay.Recorded(door)
				if err != nil {
					t.Fatal(err)
				}
				replay.Run(t, s.Player("1"), cases)
			})
		}
	})
}

// Given a database that has seen a run, when the server is killed and started
// again, then a second run among what the first one left gives the same
// answers.
func TestRecordedCasesAfterACrash(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := harness.Start(t, store.Empty(t))
		for _, run := range []string{"a", "b"} {
			t.Run("run "+run, func(t *testing.T) {
				for _, door := range []string{"edi", "partner"} {
					cases, err := replay.Recorded(door)
					if err != nil {
						t.Fatal(err)
					}
					replay.Run(t, s.Player(run), cases)
				}
			})
			s.Kill()
			s.Again()
		}
	})
}
