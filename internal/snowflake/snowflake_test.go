package snowflake_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/snowflake"
)

// The ids and _guids that were published (contract partner.md, fact 1).
var published = []struct {
	id   int64
	guid string
}{
	{755243458806280480, "user_3DqfWw6ZJoZf5waKSckJLMOtVu"},
	{500768179843385796, "user_3DpcYe3RoUt51HhENDKf7gtQ1M"},
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range published {
		if got := snowflake.GUID("user", v.id); got != v.guid {
			t.Errorf("GUID(%d) = %s, want %s", v.id, got, v.guid)
		}
		if got, ok := snowflake.ParseGUID("user", v.guid); !ok || got != v.id {
			t.Errorf("ParseGUID(%s) = %d, %t, want %d", v.guid, got, ok, v.id)
		}
	}
}

func TestPublishedIDDecodesToItsCreation(t *testing.T) {
	want := time.Date(2023, 5, 4, 1, 34, 3, 320e6, time.UTC)
	if got := snowflake.Time(755243458806280480); !got.Equal(want) {
		t.Errorf("Time = %v, want %v", got, want)
	}
}

func TestParseTakesOneSpelling(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "7": 7, "755243458806280480": 755243458806280480, "9223372036854775807": math.MaxInt64} {
		if got, ok := snowflake.Parse(s); !ok || got != want {
			t.Errorf("Parse(%q) = %d, %t", s, got, ok)
		}
	}
	for _, s := range []string{
		"", "00", "07", "+7", "-7", " 7", "7 ", "7.0", "7e3", "0x7", "1_000", "٧", "７",
		"9223372036854775808", strings.Repeat("9", 200), "7\x00",
	} {
		if id, ok := snowflake.Parse(s); ok {
			t.Errorf("Parse(%q) took it as %d", s, id)
		}
	}
}

func TestParseGUIDRefusesWhatGUIDDoesNotWrite(t *testing.T) {
	good := published[0].guid
	for _, s := range []string{
		"", "user_", "user", "_", strings.TrimPrefix(good, "user_"), "group_" + strings.TrimPrefix(good, "user_"),
		good + "0", "user_0" + strings.TrimPrefix(good, "user_"), good[:len(good)-1], good + " ", "USER" + good[4:],
		strings.Replace(good, "3D", "-3D", 1), strings.Replace(good, "q", "é", 1), "user_" + strings.Repeat("z", 4000),
	} {
		if id, ok := snowflake.ParseGUID("user", s); ok {
			t.Errorf("ParseGUID(%q) took it as %d", s, id)
		}
	}
}

func TestEveryIDComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Int64Min(0).Draw(t, "id")
		if got, ok := snowflake.Parse(snowflake.Format(id)); !ok || got != id {
			t.Fatalf("decimal: %d, %t, want %d", got, ok, id)
		}
		guid := snowflake.GUID("user", id)
		if got, ok := snowflake.ParseGUID("user", guid); !ok || got != id {
			t.Fatalf("%s: %d, %t, want %d", guid, got, ok, id)
		}
	})
}

func TestNineteenDigitsMakeTwentySevenCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Int64Min(1e18).Draw(t, "id")
		if n := len(snowflake.GUID("user", id)) - len("user_"); n != 27 {
			t.Fatalf("%d characters", n)
		}
	})
}

func TestAGUIDHasOneSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := "user_" + rapid.StringMatching(`[0-9a-zA-Z]{1,28}`).Draw(t, "digits")
		if id, ok := snowflake.ParseGUID("user", s); ok && snowflake.GUID("user", id) != s {
			t.Fatalf("%s was taken as %d, which is written %s", s, id, snowflake.GUID("user", id))
		}
	})
}

func TestLaterIDsAreGreater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Min(0).Draw(t, "a")
		b := rapid.Int64Min(a).Draw(t, "b")
		if snowflake.Time(b).Before(snowflake.Time(a)) {
			t.Fatalf("%d is of %v, the greater %d of %v", a, snowflake.Time(a), b, snowflake.Time(b))
		}
	})
}
