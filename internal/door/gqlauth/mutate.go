package gqlauth

import (
	"context"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// mutation resolves the root of mutations. The engine runs its fields one
// after another, each on its own.
type mutation struct{}

// outcome is what every form answers.
type outcome struct {
	Success *bool
	Errors  *fieldErrors
}

func succeeded() outcome { return outcome{Success: new(true)} }

// conclude makes the outcome of a form; the error is the field's raw one.
func (x *exchange) conclude(f form, err error) (outcome, error) {
	if err == nil {
		return succeeded(), nil
	}
	errs, raw := x.judge(f, err)
	if raw != nil {
		return outcome{}, raw
	}
	return outcome{Success: new(false), Errors: errs}, nil
}

// try counts a field of its kind once more while it runs: should the guard
// ever read a document otherwise than the engine, the limits hold still.
func (x *exchange) try(t trial) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.tried[t]++; x.tried[t] > t.allowance() {
		return t.refusal()
	}
	return nil
}

// carry makes a session the caller's of the fields that follow.
func (x *exchange) carry(live *session.Live) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.live, x.resolved, x.viewer = live, true, nil
}

// anybody runs a form that does not ask who is signed in.
func anybody(ctx context.Context, t trial, f form, do func(*exchange, Caller) error) (*outcome, error) {
	x := exchangeOf(ctx)
	if err := x.try(t); err != nil {
		return nil, err
	}
	out, raw := x.conclude(f, do(x, x.stranger()))
	return orNil(&out, raw)
}

// signedIn runs a form of the caller's own. Without a caller it does not run.
func signedIn(ctx context.Context, do func(*exchange, Caller) error) (*outcome, error) {
	x := exchangeOf(ctx)
	c, err := x.caller()
	if err != nil {
		return nil, err
	}
	err = user.Refuse(user.Unauthenticated, "")
	if c.SignedIn() {
		err = do(x, c)
	}
	out, raw := x.conclude(own, err)
	return orNil(&out, raw)
}

// confirmed is signedIn for a form that asks for the caller's password.
func confirmed(ctx context.Context, do func(*exchange, Caller) error) (*outcome, error) {
	if err := exchangeOf(ctx).try(confirms); err != nil {
		return nil, err
	}
	return signedIn(ctx, do)
}

func orNil[T any](out *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

// wants says which tokens the payload of the field at hand selects.
func wants(ctx context.Context) Want {
	return Want{Refresh: graphql.HasSelectedField(ctx, "refreshToken")}
}

// optional is nil for an empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
