package caller

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Issuer is what is known of a party whose tokens a door takes.
type Issuer struct {
	ISS      string
	Channels []string
	Keys     []store.IssuerKey // oldest first
}

// NewIssuer is an issuer as an operator adds it, or a further key or channel of
// one that is there.
type NewIssuer struct {
	Door    user.Door
	ISS     string
	Channel string // the name of a group of kind channel
	Public  *rsa.PublicKey
	// Overlap is how long the keys that are there hold beside the new one; negative:
	// until they are taken away.
	Overlap time.Duration
}

// AddIssuer lets an issuer's tokens in. What is there already stays as it is.
// Refusals: Invalid of iss, NotFound of channel.
func (s *Service) AddIssuer(ctx context.Context, in NewIssuer) (out Issuer, err error) {
	if !name.MatchString(in.ISS) {
		return out, user.Refuse(user.Invalid, "iss", "why", nameRule)
	}
	der, err := x509.MarshalPKIXPublicKey(in.Public)
	if err != nil {
		return out, fmt.Errorf("writing a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	print := hex.EncodeToString(sum[:])
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		if _, err := tx.GroupByName(user.GroupChannel, in.Channel); errors.Is(err, store.ErrNotFound) {
			return user.Refuse(user.NotFound, "channel", "channel", in.Channel)
		} else if err != nil {
			return fmt.Errorf("looking for a channel: %w", err)
		}
		err := store.Insert(tx, store.Issuer{Door: in.Door, ISS: in.ISS, Channel: in.Channel, Created: tx.Now()})
		if err != nil && !errors.Is(err, store.ErrExists) {
			return fmt.Errorf("adding an issuer: %w", err)
		}
		keys, err := tx.IssuerKeys(in.Door, in.ISS)
		if err != nil {
			return fmt.Errorf("reading an issuer's keys: %w", err)
		}
		known := false
		for _, k := range keys {
			if k.Fingerprint == print {
				known = true
			}
		}
		if !known {
			if err := s.rotate(tx, in, keys); err != nil {
				return err
			}
			if err := store.Insert(tx, store.IssuerKey{Door: in.Door, ISS: in.ISS, Fingerprint: print, Public: der, Created: tx.Now()}); err != nil {
				return fmt.Errorf("adding a key: %w", err)
			}
		}
		if out, err = issuer(tx, in.Door, in.ISS); err != nil {
			return err
		}
		return event.Append(tx, event.New{
			Kind: event.IssuerAdded, Actor: s.by, Door: in.Door,
			Body: map[string]any{"iss": in.ISS, "channel": in.Channel, "key": print},
		})
	})
	return out, err
}

// rotate gives the keys that hold an end.
func (s *Service) rotate(tx store.Tx, in NewIssuer, keys []store.IssuerKey) error {
	if in.Overlap < 0 {
		return nil
	}
	end := tx.Now().Add(in.Overlap)
	for _, k := range keys {
		if k.Until.IsZero() || k.Until.After(end) {
			k.Until = end
			if err := store.Put(tx, k); err != nil {
				return fmt.Errorf("ending a key: %w", err)
			}
		}
	}
	return nil
}

// Issuer finds an issuer. NotFound for one that nobody added.
func (s *Service) Issuer(ctx context.Context, door user.Door, iss string) (out Issuer, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		out, err = issuer(r, door, iss)
		return err
	})
	if err == nil && len(out.Channels) == 0 {
		err = user.Refuse(user.NotFound, "iss")
	}
	return out, err
}

// Issuers lists a door's.
func (s *Service) Issuers(ctx context.Context, door user.Door) (out []Issuer, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		all, err := r.Issuers(door)
		if err != nil {
			return fmt.Errorf("listing issuers: %w", err)
		}
		out = nil
		for _, i := range all {
			if len(out) > 0 && out[len(out)-1].ISS == i.ISS {
				continue
			}
			one, err := issuer(r, door, i.ISS)
			if err != nil {
				return err
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

func issuer(r store.Reader, door user.Door, iss string) (Issuer, error) {
	out := Issuer{ISS: iss, Channels: []string{}}
	channels, err := r.IssuerChannels(door, iss)
	if err != nil {
		return out, fmt.Errorf("reading an issuer: %w", err)
	}
	for _, c := range channels {
		out.Channels = append(out.Channels, c.Channel)
	}
	if out.Keys, err = r.IssuerKeys(door, iss); err != nil {
		return out, fmt.Errorf("reading an issuer's keys: %w", err)
	}
	return out, nil
}
