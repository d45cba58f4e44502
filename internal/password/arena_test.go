package password

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"
)

// Whatever was hashed in the memory before, the next hash is what
// golang.org/x/crypto/argon2 makes of it.
func TestArena(t *testing.T) {
	var a arena
	for _, p := range []Params{
		{64, 1, 1}, {8, 1, 1}, {64, 3, 1}, {9, 2, 1}, {15, 1, 1}, {32, 2, 4}, {100, 1, 3}, {4096, 2, 1}, {37, 1, 2}, {64, 1, 1}, DefaultParams(), {64, 2, 1},
	} {
		for _, length := range []uint32{4, 16, 32, 64, 65, 100} {
			password, salt := []byte(fmt.Sprint("a password of ", length)), []byte("some salt, long enough")
			got := a.idKey(password, salt, p.Time, p.Memory, p.Threads, length)
			if want := argon2.IDKey(password, salt, p.Time, p.Memory, p.Threads, length); !bytes.Equal(got, want) {
				t.Errorf("%+v, %d bytes: %x, want %x", p, length, got, want)
			}
		}
	}
}

// RFC 9106, section 5.3.
func TestArenaGivesTheVectorOfTheRFC(t *testing.T) {
	var a arena
	got := a.derive(
		bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 16), bytes.Repeat([]byte{3}, 8), bytes.Repeat([]byte{4}, 12), 3, 32, 4, 32,
	)
	if hex.EncodeToString(got) != "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659" {
		t.Errorf("got %x", got)
	}
}

func TestArenaIsUsedByOneAtATime(t *testing.T) {
	var a arena
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 20 {
				password := fmt.Appendf(nil, "password %d %d", i, n)
				got := a.idKey(password, []byte("saltsalt"), 1, 64, 1, 32)
				if !bytes.Equal(got, argon2.IDKey(password, []byte("saltsalt"), 1, 64, 1, 32)) {
					t.Error("two hashes shared memory")
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkArena(b *testing.B) {
	p := DefaultParams()
	password, salt := []byte("a password"), []byte("some salt, long enough")
	b.Run("arena", func(b *testing.B) {
		var a arena
		b.ReportAllocs()
		for b.Loop() {
			a.idKey(password, salt, p.Time, p.Memory, p.Threads, 32)
		}
	})
	b.Run("argon2.IDKey", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			argon2.IDKey(password, salt, p.Time, p.Memory, p.Threads, 32)
		}
	})
}
