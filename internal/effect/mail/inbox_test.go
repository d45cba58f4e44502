package mail

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// memory is a store of messages alone.
type memory struct {
	store.Tx
	messages map[user.ID]store.Message
	lane     store.Lane
	down     error
}

func (m *memory) View(_ context.Context, fn func(store.Reader) error) error { return fn(m) }

func (m *memory) Update(_ context.Context, lane store.Lane, fn func(store.Tx) error) error {
	m.lane = lane
	if m.down != nil {
		return m.down
	}
	return fn(m)
}

func (m *memory) Now() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) }

func (m *memory) Write(_ store.Op, row any) error {
	msg := row.(store.Message)
	if _, ok := m.messages[msg.ID]; ok {
		return store.ErrExists
	}
	m.messages[msg.ID] = msg
	return nil
}

func TestInboxKeepsAMailOnce(t *testing.T) {
	m := &memory{messages: map[user.ID]store.Message{}}
	s := newSender(t, NewInbox(m))
	j := mailJob(t, job.Mail{To: "ada@example.org", Template: "verify", Data: sample()})
	for range 2 { // the second time after a crash between sending and noting it
		if err := s.Handle(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.messages) != 1 {
		t.Fatalf("%d messages, want one", len(m.messages))
	}
	got := m.messages["job-1"]
	if got.Channel != "email" || got.To != "ada@example.org" || got.Subject != "Confirm your e-mail address" ||
		got.Text == "" || got.HTML == "" || !got.Sent.Equal(m.Now()) {
		t.Errorf("the message is %+v", got)
	}
	if m.lane != store.Interactive {
		t.Error("somebody waits for this mail, and it queued with bulk work")
	}
}

func TestInboxTellsOfFaults(t *testing.T) {
	m := &memory{down: store.ErrUnavailable}
	if err := NewInbox(m).Send(t.Context(), Message{ID: "x"}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
