package gqlauth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"

	"github.com/usher-id/usher/internal/session"
)

// exchange is what the door knows of one request while it runs.
type exchange struct {
	door *Door
	ctx  context.Context
	end  context.CancelCauseFunc
	// token is the login token that was sent, or empty.
	token   string
	network netip.Prefix
	lang    string
	reading bool // nothing in this request changes anything

	mu       sync.Mutex
	resolved bool // live says who asks
	live     *session.Live
	me       *User // as it was read with the token; nil where that may have changed
	viewer   *viewer
	tried    map[trial]int
	objects  int // in the answer so far, of sets
	// status is the answer's if a field asked for another than 200.
	status, retryAfter int
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Handler serves /graphql and /graphql/; any other path is unknown.
func (d *Door) Handler() http.Handler { return http.HandlerFunc(d.serve) }

func (d *Door) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/graphql" && r.URL.Path != "/graphql/":
		d.write(w, r, failure(http.StatusNotFound, "Not found."))
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		s := failure(http.StatusMethodNotAllowed, "GraphQL only supports GET and POST requests.")
		s.allow = "GET, POST"
		d.write(w, r, s)
	case d.Explorer && wantsPage(r):
		d.explore(w)
	default:
		d.write(w, r, d.answer(w, r))
	}
}

// answer judges a request and runs it.
func (d *Door) answer(w http.ResponseWriter, r *http.Request) said {
	if r.ContentLength > maxBody {
		return failure(http.StatusBadRequest, bodyTooLarge)
	}
	token, from := presented(r)
	if from == inCookie && d.crossSite.Check(r) != nil {
		// A browser adds the cookie to what another site's page sends.
		return failure(http.StatusForbidden, "Cross-site requests are not accepted.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	a, err := read(r)
	if err != nil {
		return refusal(err)
	}
	if a.query == "" {
		return failure(http.StatusBadRequest, noQuery)
	}
	doc, err := parse(a.query)
	if err != nil {
		return refusal(err)
	}
	op, err := doc.pick(a.operation)
	if err != nil {
		return refusal(err)
	}
	if r.Method == http.MethodGet && op.kind != "query" {
		s := failure(http.StatusMethodNotAllowed, "Can only perform a mutation operation from a POST request.")
		s.allow = "POST"
		return s
	}
	if err := doc.check(op); err != nil {
		return refusal(err)
	}
	vars, err := coerce(d.schema.AST().Types, op, a.variables)
	if err != nil {
		return refusal(err)
	}
	limit := d.QueryDeadline
	if op.kind == "mutation" {
		limit = d.MutationDeadline
	}
	return d.run(r, limit, doc, op, vars, &exchange{
		door: d, token: token, resolved: from == nowhere, network: d.Network(r), lang: preferred(r), reading: op.kind == "query", tried: map[trial]int{},
	})
}

func refusal(err error) said {
	no, ok := errors.AsType[*refused](err)
	if !ok {
		return failure(http.StatusBadRequest, "The request cannot be read.")
	}
	s := failure(http.StatusBadRequest, no.text)
	if no.line > 0 {
		s.body.Errors[0].Locations = []gqlerrors.Location{{Line: no.line, Column: no.col}}
	}
	return s
}

var (
	errTooManyObjects = errors.New("gqlauth: the answer is too large")
	errTooSlow        = errors.New("gqlauth: the operation took too long")
)

func (d *Door) run(r *http.Request, limit time.Duration, doc *document, op *operation, vars map[string]any, x *exchange) said {
	timed, stop := context.WithTimeoutCause(r.Context(), limit, errTooSlow)
	defer stop()
	x.ctx, x.end = context.WithCancelCause(timed)
	defer x.end(nil)
	x.ctx = context.WithValue(x.ctx, exchangeKey{}, x)

	got := d.schema.Exec(x.ctx, doc.spell(op), op.name, vars)

	switch cause := context.Cause(x.ctx); {
	case errors.Is(cause, errTooManyObjects):
		return failure(http.StatusBadRequest, "The answer would be too large. Ask for less at a time.")
	case cause != nil && len(got.Data) == 0:
		if r.Context().Err() == nil { // else the client has gone, and nobody failed
			d.Log.WarnContext(r.Context(), "gqlauth door: deadline", "operation", op.kind, "limit", limit)
		}
		s := failure(http.StatusServiceUnavailable, unavailable)
		s.retryAfter = 1
		return s
	}
	return d.result(r.Context(), doc, op, got, x)
}

// result makes an answer of the engine's: 400 without data if the document was
// invalid, else what the fields gave.
func (d *Door) result(ctx context.Context, doc *document, op *operation, got *graphql.Response, x *exchange) said {
	s := said{status: http.StatusOK, retryAfter: x.retryAfter}
	if x.status != 0 {
		s.status = x.status
	}
	s.body.Data = got.Data
	for _, e := range got.Errors {
		p := problem{Message: e.Message, Locations: e.Locations, Path: e.Path}
		if f := doc.locate(op.selections, e.Path); f != nil && len(p.Locations) == 0 {
			p.Locations = []gqlerrors.Location{{Line: f.line, Column: f.col}}
		}
		if len(e.Path) == 0 && e.ResolverError == nil && len(got.Data) > 0 {
			// The engine choked on a value that validation let pass. It repeats
			// such a value.
			d.Log.ErrorContext(ctx, "gqlauth door: an argument was not validated", "rule", e.Rule)
			return failure(http.StatusBadRequest, "A value has the wrong type.")
		}
		s.body.Errors = append(s.body.Errors, p)
	}
	if len(got.Data) == 0 {
		s.status = http.StatusBadRequest
	}
	return s
}
