package sqlstore

import (
	"strings"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// fields collects where the columns of a row go; done finishes what cannot be
// scanned straight into place.
type fields struct {
	into []any
	done []func() error
}

func (f *fields) add(into ...any) { f.into = append(f.into, into...) }

func (f *fields) finish(fn func() error) { f.done = append(f.done, fn) }

func (f *fields) user(u *user.User) {
	var shown string
	var created, updated, closed, moved int64
	f.add(&u.ID, &u.Status, &u.Epoch, &shown, &u.Survivor, &u.ClosedBy, &created, &updated, &closed, &moved)
	f.finish(func() (err error) {
		u.Created, u.Updated, u.Closed, u.EpochAt = at(created), at(updated), at(closed), at(moved)
		u.Profile, err = profile(shown)
		return err
	})
}

func (f *fields) strand(s *user.Strand) {
	var door, facts, edits string
	var created, updated, withdrawn int64
	f.add(&s.ID, &s.User, &s.Origin, &s.Source, &door, &s.Kind, &s.State, &facts, &edits,
		&created, &s.CreatedBy, &updated, &s.UpdatedBy, &withdrawn, &s.WithdrawnBy)
	f.finish(func() (err error) {
		s.Created, s.Updated, s.Withdrawn = at(created), at(updated), at(withdrawn)
		if s.Document, err = document(facts); err != nil {
			return err
		}
		s.Edits, err = document(edits)
		return err
	})
}

func (f *fields) identity(i *user.Identity) {
	var reserved, created int64
	f.add(&i.Issuer, &i.Subject, &i.User, &i.Strand, &reserved, &created)
	f.finish(func() error { i.Reserved, i.Created = reserved != 0, at(created); return nil })
}

func (f *fields) handle(h *user.Handle) {
	var dead, created int64
	f.add(&h.Value, &h.Space, &h.User, &h.Strand, &dead, &created)
	f.finish(func() error { h.Dead, h.Created = dead != 0, at(created); return nil })
}

func (f *fields) claim(c *user.Claim) {
	var door string
	var since int64
	f.add(&c.Kind, &c.Address, &door, &c.User, &c.Strand, &c.Source, &c.Display, &c.Assurance, &since)
	f.finish(func() error { c.Since = at(since); return nil })
}

func (f *fields) owner(o *user.Owner) {
	var proven int64
	f.add(&o.Kind, &o.Address, &o.User, &o.Strand, &proven)
	f.finish(func() error { o.Proven = at(proven); return nil })
}

func (f *fields) password(p *user.Password) {
	var aside, set int64
	f.add(&p.User, &p.Strand, &p.Hash, &p.Imported, &aside, &set)
	f.finish(func() error { p.SetAside, p.Set = aside != 0, at(set); return nil })
}

func (f *fields) lock(l *user.Lock) {
	var when int64
	f.add(&l.User, &l.Source, &l.Reason, &l.By, &when)
	f.finish(func() error { l.At = at(when); return nil })
}

func (f *fields) group(g *user.Group) {
	var system, created int64
	var attributes string
	f.add(&g.ID, &g.Kind, &g.Name, &g.Parent, &g.ExternalID, &system, &attributes, &created)
	f.finish(func() (err error) {
		g.System, g.Created = system != 0, at(created)
		g.Attributes, err = undoc[map[string]string](attributes)
		return err
	})
}

func (f *fields) membership(m *user.Membership) {
	var since int64
	f.add(&m.Group, &m.User, &m.Strand, &m.Role, &since)
	f.finish(func() error { m.Since = at(since); return nil })
}

func (f *fields) session(s *user.Session) {
	var methods string
	var proven, created, expires, revoked int64
	f.add(&s.ID, &s.User, &s.Strand, &s.Door, &s.Client, &s.Subject, &s.Epoch, &methods, &proven, &created, &expires, &revoked)
	f.finish(func() error {
		s.Methods = strings.Fields(methods)
		s.Proven, s.Created, s.Expires, s.Revoked = at(proven), at(created), at(expires), at(revoked)
		return nil
	})
}

func (f *fields) token(t *user.Token) {
	var hash string
	var expires, used, created int64
	f.add(&hash, &t.Kind, &t.Session, &expires, &used, &created)
	f.finish(func() error {
		t.Hash, t.Expires, t.Used, t.Created = unbin(hash), at(expires), at(used), at(created)
		return nil
	})
}

func (f *fields) client(c *user.Client) {
	var secret string
	var distinct, created int64
	f.add(&c.ClientID, &c.ID, &secret, &c.Name, &distinct, &created)
	f.finish(func() error {
		c.SecretHash, c.DistinctErrors, c.Created = unbin(secret), distinct != 0, at(created)
		return nil
	})
}

func (f *fields) throttle(t *store.Throttle) {
	var since, until int64
	f.add(&t.Key, &t.Failures, &t.Total, &since, &until)
	f.finish(func() error { t.Since, t.Until = at(since), at(until); return nil })
}

func (f *fields) event(e *store.Event) {
	var when int64
	var body, salt, bodyHash, chain string
	f.add(&e.ID, &e.Kind, &e.User, &e.Actor, &e.Door, &when, &body, &salt, &e.Seq, &bodyHash, &chain)
	f.finish(func() error {
		e.At, e.Body, e.Salt, e.BodyHash, e.Chain = at(when), raw(body), unbin(salt), unbin(bodyHash), unbin(chain)
		return nil
	})
}

func (f *fields) job(j *store.Job) {
	var payload string
	var due, until, created int64
	f.add(&j.ID, &j.Kind, &j.Key, &j.User, &payload, &j.State, &due, &j.Attempts, &j.Holder, &until, &j.LastErr, &created)
	f.finish(func() error {
		j.Payload, j.Due, j.Until, j.Created = raw(payload), at(due), at(until), at(created)
		return nil
	})
}

func (f *fields) message(m *store.Message) {
	var sent int64
	f.add(&m.ID, &m.Channel, &m.To, &m.Subject, &m.Text, &m.HTML, &sent)
	f.finish(func() error { m.Sent = at(sent); return nil })
}

func (f *fields) key(k *store.Key) {
	var public, wrapped string
	var created, activated, retires int64
	f.add(&k.KID, &k.State, &k.Alg, &public, &wrapped, &created, &activated, &retires)
	f.finish(func() error {
		k.PublicJWK, k.Wrapped = raw(public), unbin(wrapped)
		k.Created, k.Activated, k.Retires = at(created), at(activated), at(retires)
		return nil
	})
}

func (f *fields) secret(s *store.Secret) {
	var wrapped string
	var created int64
	f.add(&s.Name, &wrapped, &created)
	f.finish(func() error { s.Wrapped, s.Created = unbin(wrapped), at(created); return nil })
}

func (f *fields) policy(p *store.PolicyVersion) {
	var document string
	var applied int64
	f.add(&p.Version, &document, &p.By, &applied)
	f.finish(func() error { p.Document, p.Applied = raw(document), at(applied); return nil })
}

func (f *fields) entry(e *store.Entry) {
	var undo string
	var when, undone int64
	f.add(&e.ID, &e.Kind, &e.User, &e.Other, &e.By, &e.Reason, &undo, &when, &undone, &e.UndoneBy)
	f.finish(func() error { e.Undo, e.At, e.Undone = raw(undo), at(when), at(undone); return nil })
}

func (f *fields) invalidation(i *store.Invalidation) {
	var when int64
	f.add(&i.Seq, &i.Topic, &i.Key, &when)
	f.finish(func() error { i.At = at(when); return nil })
}
