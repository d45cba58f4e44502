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
