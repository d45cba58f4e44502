package partner

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// sync creates or updates one user: PUT /api/users/ (contract partner.md).
func (d *Door) sync(w http.ResponseWriter, r *http.Request, c caller) {
	mode, err := modeOf(r)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	in, err := readUser(w, r)
	if err == nil && !addressed(in) {
		err = user.Refuse(user.Missing, "email")
	}
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	d.apply(w, r, c, in, mode, func(ctx context.Context) (feed.Result, error) { return d.Feed.Sync(ctx, c.Caller, in, mode) })
}

// patch changes what is sent of one user.
func (d *Door) patch(w http.ResponseWriter, r *http.Request, c caller) {
	number, ok := reference(r.PathValue("ref"))
	if !ok {
		d.refuse(w, r, administering, user.Refuse(user.NotFound, "id"))
		return
	}
	if mode, err := modeOf(r); err != nil || mode == feed.DryRun {
		d.refuse(w, r, administering, badRequest{[]string{"dryRun is for PUT /api/users/"}})
		return
	}
	in, err := readUser(w, r)
	if err == nil && in.Number.Value != nil && *in.Number.Value != number {
		err = badRequest{[]string{"id is of another user than the path"}}
	}
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	d.apply(w, r, c, in, feed.Write, func(ctx context.Context) (feed.Result, error) { return d.Feed.Patch(ctx, c.Caller, number, in) })
}

func readUser(w http.ResponseWriter, r *http.Request) (feed.Sync, error) {
	m, err := readObject(w, r)
	if err != nil {
		return feed.Sync{}, err
	}
	return readSync(m)
}

// apply carries a sync out and answers with the envelope.
func (d *Door) apply(w http.ResponseWriter, r *http.Request, c caller, in feed.Sync, mode feed.Mode, do func(context.Context) (feed.Result, error)) {
	echo, err := d.echo(r.Context(), c, in)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	res, err := do(r.Context())
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	if len(res.Ignored) > 0 {
		w.Header().Set("Usher-Ignored", strings.Join(res.Ignored, ", "))
	}
	v := view(res.Record)
	v.Password = echoed(echo, res)
	if mode == feed.DryRun {
		v.Changes = deltas(res.Changes)
		if newPassword(in, res) {
			*v.Changes = append(*v.Changes, delta{Field: "password", To: feed.RedactedPassword})
		}
	}
	d.write(w, http.StatusOK, v)
}

// newPassword says whether a password is what a sync changes: that of a record
// that is made, and one beside which nothing else is sent that is no fact.
func newPassword(in feed.Sync, res feed.Result) bool {
	sent := in.Password.Value != nil || in.PasswordHash.Value != nil
	if !sent || !res.Changed || slices.Contains(res.Ignored, "password") {
		return false
	}
	return res.Created || len(res.Changes) == 0 && in.Active.Value == nil && len(in.Identities) == 0
}

// dryRun is the parameter that asks what a write would do.
const dryRun = "dryRun"

// modeOf reads ?dryRun=. What is not understood is refused: a dry run by a
// misspelling would write.
func modeOf(r *http.Request) (feed.Mode, error) {
	query, err := queryOf(r)
	if err != nil {
		return feed.Write, err
	}
	for name := range query {
		if name != dryRun && strings.EqualFold(strings.NewReplacer("_", "", "-", "").Replace(name), dryRun) {
			return feed.Write, badRequest{[]string{strconv.Quote(name) + " is not known: it is written dryRun"}}
		}
	}
	values := query[dryRun]
	switch {
	case len(values) == 0, slices.Equal(values, []string{"false"}):
		return feed.Write, nil
	case slices.Equal(values, []string{"true"}):
		return feed.DryRun, nil
	default:
		return feed.Write, badRequest{[]string{"dryRun must be true or false"}}
	}
}

// queryOf reads the query. One that cannot be read whole is refused: what is left
// out of it may be what matters.
func queryOf(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest{[]string{"the query cannot be read: % and ; are written %25 and %3B"}}
	}
	return query, nil
}

func (d *Door) read(w http.ResponseWriter, r *http.Request, _ caller) {
	d.one(w, r, func(ctx context.Context, number string) (store.Record, error) {
		return d.Feed.Read(ctx, source, number)
	})
}

// remove is the soft delete.
func (d *Door) remove(w http.ResponseWriter, r *http.Request, c caller) {
	d.one(w, r, func(ctx context.Context, number string) (store.Record, error) {
		return d.Feed.Delete(ctx, c.Caller, number)
	})
}

func (d *Door) lock(w http.ResponseWriter, r *http.Request, c caller) {
	d.one(w, r, func(ctx context.Context, number string) (store.Record, error) {
		return d.Feed.Lock(ctx, c.Caller, number)
	})
}

func (d *Door) unlock(w http.ResponseWriter, r *http.Request, c caller) {
	d.one(w, r, func(ctx context.Context, number string) (store.Record, error) {
		return d.Feed.Unlock(ctx, c.Caller, number)
	})
}

// one does something with the user in the path and shows it as it then is.
func (d *Door) one(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, number string) (store.Record, error)) {
	number, ok := reference(r.PathValue("ref"))
	if !ok {
		d.refuse(w, r, administering, user.Refuse(user.NotFound, "id"))
		return
	}
	rec, err := do(r.Context(), number)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	d.write(w, http.StatusOK, view(rec))
}

const (
	pageSize = 50
	maxPage  = 200
)

// page is one answer to GET /api/users. NextCursor is null on the last one.
type page struct {
	Users      []userView `json:"users"`
	NextCursor *string    `json:"nextCursor"`
}

// list pages through the partner's users in the order they were brought. The
// cursor is the id of the last user seen.
func (d *Door) list(w http.ResponseWriter, r *http.Request, _ caller) {
	query, err := queryOf(r)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	limit, err := limitOf(query)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	after, err := d.after(r.Context(), query)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	recs, err := d.Feed.Page(r.Context(), source, after, limit+1)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	p := page{Users: make([]userView, 0, len(recs))}
	for i, rec := range recs {
		if i == limit {
			p.NextCursor = &recs[i-1].Number
			break
		}
		p.Users = append(p.Users, view(rec))
	}
	d.write(w, http.StatusOK, p)
}

func limitOf(query url.Values) (int, error) {
	values, sent := query["limit"]
	if !sent {
		return pageSize, nil
	}
	n, err := strconv.Atoi(values[0])
	if len(values) > 1 || err != nil || n < 1 || n > maxPage {
		return 0, badRequest{[]string{"limit must be a number from 1 to " + strconv.Itoa(maxPage)}}
	}
	return n, nil
}

// after finds the strand that a cursor stands for.
func (d *Door) after(ctx context.Context, query url.Values) (user.ID, error) {
	values, sent := query["cursor"]
	if !sent || len(values) == 1 && values[0] == "" {
		return "", nil
	}
	wrong := badRequest{[]string{"cursor must be the nextCursor of an answer"}}
	number, ok := reference(values[0])
	if len(values) > 1 || !ok {
		return "", wrong
	}
	rec, err := d.Feed.Read(ctx, source, number)
	if no, refused := errors.AsType[*user.Refusal](err); refused && no.Code == user.NotFound {
		return "", wrong
	}
	return rec.Strand.ID, err
}
