package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// drains is how often the program is told to end.
const drains = "USHER_CRASH_DRAINS"

// Given writers who come with a new connection each time, when the program is
// told to end, then it ends well, what it had begun to read is answered, and
// what it acknowledged is there. A connection that came between the last look
// and the closing of the listener is reset; those are counted.
func TestEndsWhatItHasBegun(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		o := settled(t, store.Empty(t))
		c := newCrew(t, harness.Start(t, o), o, 1)
		one := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
		var made []string
		var cut int64
		for range size(t, drains, 4) {
			acked := make(chan string, 10_000)
			ctx, halt := context.WithCancel(t.Context())
			var unseen, running atomic.Int64
			for range 8 {
				running.Add(1)
				go func() {
					defer running.Add(-1)
					for ctx.Err() == nil {
						req, err := request(t.Context(), c.put(fmt.Sprint("drain", c.serial.Add(1))))
						if err != nil {
							t.Error(err)
							return
						}
						res, err := one.Do(req)
						switch {
						case errors.Is(err, syscall.ECONNREFUSED):
							return
						case errors.Is(err, syscall.ECONNRESET):
							unseen.Add(1)
							return
						case err != nil:
							t.Error(err)
							return
						}
						text, err := io.ReadAll(res.Body)
						_ = res.Body.Close()
						if err != nil || res.StatusCode != 200 {
							t.Errorf("%d %v %s", res.StatusCode, err, text)
							return
						}
						var u madeUser
						if err := json.Unmarshal(text, &u); err != nil {
							t.Error(err)
							return
						}
						acked <- u.ID
					}
				}()
			}
			time.Sleep(150 * time.Millisecond)
			c.Stop() // which wants status 0
			halt()
			c.until(func() bool { return running.Load() == 0 })
			close(acked)
			for id := range acked {
				made = append(made, id)
			}
			cut += unseen.Load()
			c.Again()
		}
		for _, id := range made {
			harness.Send(t, c.get("/api/users/"+id)).JSON(t, 200, &madeUser{})
		}
		t.Logf("%d acknowledged, %d connections reset before they were seen", len(made), cut)
		if len(made) == 0 {
			t.Error("nothing was written")
		}
	})
}

// Given somebody in front who asks whether usher is ready, and time to notice,
// when the program is told to end, then nobody notices.
func TestNobodyNoticesTheEnd(t *testing.T) {
	o := settled(t, harness.Options{Env: []string{"USHER_DRAIN_DELAY=500ms"}})
	c := newCrew(t, harness.Start(t, o), o, 1)
	one := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	for range size(t, drains, 2) {
		ctx, halt := context.WithCancel(t.Context())
		var running, acked atomic.Int64
		for range 8 {
			running.Add(1)
			go func() {
				defer running.Add(-1)
				for ctx.Err() == nil {
					req, err := request(t.Context(), c.put(fmt.Sprint("calm", c.serial.Add(1))))
					if err != nil {
						t.Error(err)
						return
					}
					res, err := one.Do(req)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
					if res.StatusCode != 200 {
						t.Error(res.Status)
						return
					}
					acked.Add(1)
				}
			}()
		}
		go func() { // the one in front
			for {
				got, err := send(t.Context(), harness.Ask{Method: "GET", URL: c.Public + "/health/ready"})
				if err != nil || got.Status != 200 {
					halt()
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		time.Sleep(200 * time.Millisecond)
		c.Stop()
		c.until(func() bool { return running.Load() == 0 })
		if acked.Load() == 0 || ctx.Err() == nil {
			t.Errorf("%d acknowledged, told to stay away: %v", acked.Load(), ctx.Err() != nil)
		}
		halt()
		c.Again()
	}
}
