package mailed

import (
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// WhyExpired is Params["why"] of the refusal of a token that was good.
const WhyExpired = "expired"

// Token is one that was signed with the key, is young enough, and is for the
// action asked for.
type Token struct {
	django.Mailed
	// Row is its record. Original is true where there is none: the deployment
	// that usher took over from mailed it.
	Row      store.MailedToken
	Original bool
}

// Used says whether it was used, or ended with something it was for.
func (t Token) Used() bool { return !t.Row.Used.IsZero() }

// Open reads a token. The refusal is BadToken, with WhyExpired for one that was
// good. Whether it was used is told, not judged: what that means is the
// caller's.
func (p *Post) Open(r store.Reader, text string, act django.Action, now time.Time) (Token, error) {
	return p.open(r, text, act, now, actions[act].life)
}

// Recall is Open for a token of whatever age, to mail another in its place.
func (p *Post) Recall(r store.Reader, text string, act django.Action, now time.Time) (Token, error) {
	return p.open(r, text, act, now, 1<<63-1)
}

func (p *Post) open(r store.Reader, text string, act django.Action, now time.Time, life time.Duration) (Token, error) {
	m, err := p.signer.Read(text, now, life, act)
	if errors.Is(err, django.ErrExpired) {
		return Token{}, user.Refuse(user.BadToken, "", "why", WhyExpired)
	}
	if err != nil {
		return Token{}, user.Refuse(user.BadToken, "")
	}
	row, err := r.MailedToken(m.Record[:])
	if errors.Is(err, store.ErrNotFound) {
		return Token{Mailed: m, Original: true}, nil
	}
	if err != nil {
		return Token{}, fmt.Errorf("looking for a mailed token: %w", err)
	}
	return Token{Mailed: m, Row: row}, nil
}

// Outlived says whether the proofs of the user it is for changed hands, or its
// password was changed, since it was sent.
func (t Token) Outlived(u user.User) bool {
	return u.Outdates(t.At)
}

// Use marks a token used, by whoever it turned out to be for. BadToken where
// that was done before.
func (t Token) Use(tx store.Tx, u, strand user.ID) error {
	if t.Used() {
		return user.Refuse(user.BadToken, "")
	}
	row := t.Row
	if t.Original {
		row = store.MailedToken{Record: t.Record[:], Action: string(t.Action), Sent: t.At, Until: t.At.Add(actions[t.Action].life)}
	}
	row.User, row.Strand, row.Used = u, strand, tx.Now()
	if err := store.Put(tx, row); err != nil {
		return fmt.Errorf("marking a mailed token used: %w", err)
	}
	return nil
}
