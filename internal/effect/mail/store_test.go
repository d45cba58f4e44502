package mail

import (
	"testing"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
)

func TestInboxOnADatabase(t *testing.T) {
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := newSender(t, NewInbox(db))
	j := mailJob(t, job.Mail{To: "ada@example.org", Template: "linked", Lang: "de", Data: sample()})
	for range 2 {
		if err := s.Handle(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	var kept []store.Message
	err = db.View(t.Context(), func(r store.Reader) (err error) {
		kept, err = r.Messages(store.MessageFilter{To: "ada@example.org", Channel: "email"})
		return err
	})
	if err != nil || len(kept) != 1 || kept[0].Subject != "Ein weiterer Zugang wurde mit Ihrem Konto verbunden" {
		t.Errorf("kept %+v, error %v", kept, err)
	}
}
