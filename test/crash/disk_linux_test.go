package crash

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// Given a data folder on a disk of its own, when the disk is full, then writes
// are told to come back, reads go on, and once there is room again usher writes
// by itself, with all that it acknowledged.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED ON A FULL DISK: only root can mount one")
	}
	disk := t.TempDir()
	if err := syscall.Mount("usher-test", disk, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("NOT TESTED ON A FULL DISK: mounting a small one: %v", err)
	}
	// After the server, which is started later, has been stopped.
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	o := settled(t, harness.Options{Data: filepath.Join(disk, "data")})
	if err := os.Mkdir(o.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	c := newCrew(t, harness.Start(t, o), o, 2)
	for round := range 3 {
		ballast := filepath.Join(disk, "ballast")
		fill(t, ballast)
		c.refusesWrites()
		for range 50 {
			if a := harness.Send(t, c.get("/api/users/"+c.anybody)); a.Status != 200 {
				t.Fatalf("a read on a full disk: %d %s", a.Status, a.Text)
			}
		}
		if round == 1 { // a crash on a full disk, too
			c.Kill()
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			c.Again()
		} else if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		t.Logf("back %v after there was room", c.serves(5*time.Second).Round(time.Millisecond))
		halt := c.write(whenUnavailable)
		time.Sleep(200 * time.Millisecond)
		halt()
		c.check(fmt.Sprint("disk full ", round+1))
	}
	c.finish()
}

// refusesWrites writes until the disk stands in the way, and on: some writes
// may fit into room that the database has already.
func (c *crew) refusesWrites() {
	c.t.Helper()
	w, refused := c.all[0], 0
	for tries := 0; refused < 30; tries++ {
		switch err := w.bring(whenUnavailable); {
		case errors.Is(err, errUnsure):
			refused++
		case err != nil:
			c.t.Fatalf("a write on a full disk: %v", err)
		case tries > 20_000:
			c.t.Fatal("the disk is full and all is written")
		}
	}
}

// fill takes all the room there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 64<<10); len(chunk) > 0; {
		n, err := f.Write(chunk)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			if n == 0 {
				chunk = chunk[:len(chunk)/2]
			}
		case err != nil:
			t.Fatal(err)
		}
	}
}
