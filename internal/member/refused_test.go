package member_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

// refused expects one refusal. An empty field or why asks for none.
func (w *world) refused(err error, code user.Code, field, why string) {
	w.Helper()
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok || no.Code != code || no.Field != field || no.Params["why"] != why {
		w.Fatalf("got %v %+v, want a refusal %s of %q, %q", err, no, code, field, why)
	}
}

// said writes the refusals of a form as "field code why", in their order.
func said(err error) (out []string) {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err == nil {
			return nil
		}
		all = one{err}
	}
	for _, e := range all.Unwrap() {
		if no, ok := errors.AsType[*user.Refusal](e); ok {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", no.Field, no.Code, no.Params["why"])))
		} else {
			out = append(out, e.Error())
		}
	}
	return out
}

type one struct{ error }

func (o one) Unwrap() []error { return []error{o.error} }
