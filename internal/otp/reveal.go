package otp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Filling puts the code into a message that names one, before it is sent. A message
// whose code is over is done without being sent.
func (s *Service) Filling(send job.Handler) job.Handler {
	return func(ctx context.Context, j store.Job) error {
		// Mail and SMS are of one shape where it matters.
		var payload map[string]json.RawMessage
		var data map[string]string
		if err := json.Unmarshal(j.Payload, &payload); err != nil {
			return send(ctx, j)
		}
		if err := json.Unmarshal(payload["data"], &data); err != nil || data[dataID] == "" {
			return send(ctx, j)
		}
		code, left, err := s.reveal(ctx, data)
		if err != nil || code == "" {
			return err
		}
		for _, k := range []string{dataPurpose, dataKind, dataKey, dataID} {
			delete(data, k)
		}
		data["code"], data["minutes"] = code, strconv.Itoa(left)
		doc, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("writing a message: %w", err)
		}
		payload["data"] = doc
		if j.Payload, err = json.Marshal(payload); err != nil {
			return fmt.Errorf("writing a message: %w", err)
		}
		return send(ctx, j)
	}
}

// reveal derives the code that a job names, and for how many minutes it is good;
// nothing where it is over.
func (s *Service) reveal(ctx context.Context, data map[string]string) (code string, minutes int, err error) {
	allowed := s.policies.Current().Codes.Wrong
	err = s.store.View(ctx, func(r store.Reader) error {
		code, minutes = "", 0
		c, err := r.Code(user.AddressKind(data[dataKind]), data[dataKey], data[dataPurpose])
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a code: %w", err)
		}
		now := s.now()
		if string(c.ID) != data[dataID] || !alive(c, now, allowed) {
			return nil
		}
		// What is told is what it was made for: the next minute is not over yet.
		code, minutes = s.derive(c), int((c.Until.Sub(now)+time.Minute-1)/time.Minute)
		return nil
	})
	return code, minutes, err
}
