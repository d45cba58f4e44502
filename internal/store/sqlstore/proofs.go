package sqlstore

import (
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Statements of Proofs; $1 is the realm.
var (
	qCode          = "SELECT " + codes.list("c") + " FROM codes c WHERE c.realm = $1 AND c.kind = $2 AND c.address = $3 AND c.purpose = $4"
	qCaller        = "SELECT " + callers.list("c") + " FROM callers c WHERE c.realm = $1 AND c.door = $2 AND c.name = $3"
	qCallers       = "SELECT " + callers.list("c") + " FROM callers c WHERE c.realm = $1 AND c.door = $2 ORDER BY c.name"
	qCallerByToken = "SELECT " + callerTokens.list("t") + ", " + callers.list("c") + ` FROM caller_tokens t JOIN callers c ON c.realm = t.realm AND c.door = t.door AND c.name = t.caller
	WHERE t.realm = $1 AND t.hash = $2`
	qIssuerChannels = "SELECT " + issuers.list("i") + " FROM issuers i WHERE i.realm = $1 AND i.door = $2 AND i.iss = $3 ORDER BY i.channel"
	qIssuers        = "SELECT " + issuers.list("i") + " FROM issuers i WHERE i.realm = $1 AND i.door = $2 ORDER BY i.iss, i.channel"
	qIssuerKeys     = "SELECT " + issuerKeys.list("k") + " FROM issuer_keys k WHERE k.realm = $1 AND k.door = $2 AND k.iss = $3 ORDER BY k.created, k.fingerprint"
	qVisit          = "SELECT " + visits.list("v") + " FROM visits v WHERE v.realm = $1 AND v.hash = $2"
)

// proofValues gives the table and values of a row of Proofs.
func proofValues(row any) (*table, []any, bool) {
	switch r := row.(type) {
	case store.Code:
		return codes, []any{r.Kind, r.Address, r.Purpose, r.ID, ts(r.Created), ts(r.Until), r.Wrong, ts(r.Used)}, true
	case store.Caller:
		return callers, []any{r.Door, r.Name, num(r.MayAttest), num(r.MayAdminister), ts(r.Created)}, true
	case store.CallerToken:
		return callerTokens, []any{bin(r.Hash), r.Door, r.Caller, ts(r.Created), ts(r.Expires)}, true
	case store.Issuer:
		return issuers, []any{r.Door, r.ISS, r.Channel, ts(r.Created)}, true
	case store.IssuerKey:
		return issuerKeys, []any{r.Door, r.ISS, r.Fingerprint, bin(r.Public), ts(r.Created), ts(r.Until)}, true
	case store.Visit:
		return visits, []any{bin(r.Hash), r.Kind, string(r.Body), ts(r.Created), ts(r.Until)}, true
	default:
		return nil, nil, false
	}
}

func (f *fields) code(c *store.Code) {
	var created, until, used int64
	f.add(&c.Kind, &c.Address, &c.Purpose, &c.ID, &created, &until, &c.Wrong, &used)
	f.finish(func() error { c.Created, c.Until, c.Used = at(created), at(until), at(used); return nil })
}

func (f *fields) caller(c *store.Caller) {
	var attest, administer, created int64
	f.add(&c.Door, &c.Name, &attest, &administer, &created)
	f.finish(func() error {
		c.MayAttest, c.MayAdminister, c.Created = attest != 0, administer != 0, at(created)
		return nil
	})
}

func (f *fields) callerToken(t *store.CallerToken) {
	var hash string
	var created, expires int64
	f.add(&hash, &t.Door, &t.Caller, &created, &expires)
	f.finish(func() error { t.Hash, t.Created, t.Expires = unbin(hash), at(created), at(expires); return nil })
}

func (f *fields) issuer(i *store.Issuer) {
	var created int64
	f.add(&i.Door, &i.ISS, &i.Channel, &created)
	f.finish(func() error { i.Created = at(created); return nil })
}

func (f *fields) issuerKey(k *store.IssuerKey) {
	var public string
	var created, until int64
	f.add(&k.Door, &k.ISS, &k.Fingerprint, &public, &created, &until)
	f.finish(func() error { k.Public, k.Created, k.Until = unbin(public), at(created), at(until); return nil })
}

func (f *fields) visit(v *store.Visit) {
	var hash, body string
	var created, until int64
	f.add(&hash, &v.Kind, &body, &created, &until)
	f.finish(func() error {
		v.Hash, v.Body, v.Created, v.Until = unbin(hash), raw(body), at(created), at(until)
		return nil
	})
}

func (r *reader) Code(kind user.AddressKind, address, purpose string) (store.Code, error) {
	return one(r, qCode, (*fields).code, kind, address, purpose)
}

func (r *reader) Caller(door user.Door, name string) (store.Caller, error) {
	return one(r, qCaller, (*fields).caller, door, name)
}

func (r *reader) Callers(door user.Door) ([]store.Caller, error) {
	return many(r, qCallers, (*fields).caller, door)
}

// CallerByToken implements store.Proofs.
func (r *reader) CallerByToken(hash []byte) (store.CallerToken, store.Caller, error) {
	type pair struct {
		token  store.CallerToken
		caller store.Caller
	}
	p, err := one(r, qCallerByToken, func(f *fields, p *pair) {
		f.callerToken(&p.token)
		f.caller(&p.caller)
	}, bin(hash))
	return p.token, p.caller, err
}

func (r *reader) IssuerChannels(door user.Door, iss string) ([]store.Issuer, error) {
	return many(r, qIssuerChannels, (*fields).issuer, door, iss)
}

func (r *reader) IssuerKeys(door user.Door, iss string) ([]store.IssuerKey, error) {
	return many(r, qIssuerKeys, (*fields).issuerKey, door, iss)
}

func (r *reader) Issuers(door user.Door) ([]store.Issuer, error) {
	return many(r, qIssuers, (*fields).issuer, door)
}

func (r *reader) Visit(hash []byte) (store.Visit, error) {
	return one(r, qVisit, (*fields).visit, bin(hash))
}
