package notify_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/notify"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// A notice goes to the first address that was proven, in the person's
// language, once; to an address that was only claimed nothing is ever sent.
func TestOwner(t *testing.T) {
	s := storetest.Twice(storetest.SQLite(t))
	name, locale := "Ada", "de"
	u := user.User{ID: "u", Profile: user.Profile{user.Name: {Value: &name}, user.Locale: {Value: &locale}}}
	tell := func(u user.User, once string, data map[string]string) {
		t.Helper()
		err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error { return notify.Owner(tx, u, "linked", once, data) })
		if err != nil {
			t.Fatal(err)
		}
	}
	mails := func() (out []job.Mail) {
		t.Helper()
		err := s.View(t.Context(), func(r store.Reader) error {
			jobs, err := r.Jobs(store.JobDue, 100)
			for _, j := range jobs {
				var m job.Mail
				if err := json.Unmarshal(j.Payload, &m); err != nil || j.Kind != job.KindMail || j.User != "u" {
					t.Errorf("job %+v: %v", j, err)
				}
				out = append(out, m)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	put := func(fn func(store.Tx) error) {
		t.Helper()
		if err := s.Update(t.Context(), store.Interactive, fn); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	put(func(tx store.Tx) error {
		if err := store.Put(tx, user.Claim{Kind: user.Email, Address: "claimed@x", Display: "claimed@x", User: "u", Strand: "s", Assurance: user.Attested, Since: now}); err != nil {
			return err
		}
		return store.Put(tx, user.Owner{Kind: user.Phone, Address: "+491", User: "u", Strand: "s", Proven: now})
	})
	tell(u, "1", nil)
	if got := mails(); len(got) != 0 {
		t.Fatalf("sent to an address that nobody proved: %+v", got)
	}
	put(func(tx store.Tx) error {
		if err := store.Put(tx, user.Owner{Kind: user.Email, Address: "later@x", User: "u", Strand: "s", Proven: now.Add(time.Hour)}); err != nil {
			return err
		}
		return store.Put(tx, user.Owner{Kind: user.Email, Address: "first@x", User: "u", Strand: "s", Proven: now})
	})
	data := map[string]string{"source": "partner"}
	tell(u, "1", data)
	tell(u, "1", data)
	want := []job.Mail{{To: "first@x", Template: "linked", Lang: "de", Data: map[string]string{"source": "partner", "name": "Ada"}}}
	if got := mails(); !reflect.DeepEqual(got, want) {
		t.Errorf("mails %+v, want %+v", got, want)
	}
	if len(data) != 1 {
		t.Errorf("the caller's data became %v", data)
	}
	tell(u, "2", nil)
	if got := mails(); len(got) != 2 {
		t.Errorf("%d mails after another notice", len(got))
	}
}
