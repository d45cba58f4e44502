package partner_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/door/partner"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/user"
)

// answersTo answers lines as a batch without HTTP does.
func answersTo(t *testing.T, b partner.Batch, lines ...partner.Line) []partner.Answer {
	t.Helper()
	if b.Sync == nil {
		b.Sync = func(_ context.Context, in []feed.Sync) ([]feed.BatchResult, error) {
			return make([]feed.BatchResult, len(in)), nil
		}
	}
	out, err := b.Answer(t.Context(), lines)
	if err != nil || len(out) != len(lines) {
		t.Fatalf("%d answers to %d lines, %v", len(out), len(lines), err)
	}
	return out
}

// Members is what the reader of bodies reads: each is known by what is said
// when its value is of another kind.
func TestEveryMemberIsRead(t *testing.T) {
	for _, m := range partner.Members() {
		wrong := json.RawMessage(`7`)
		a := answersTo(t, partner.Batch{}, partner.ReadMembers(1, map[string]json.RawMessage{"email": json.RawMessage(`"a@b.c"`), m.Name: wrong}))[0]
		kind := map[partner.MemberKind]string{
			partner.TextMember: "must be a string", partner.FlagMember: "must be a boolean value", partner.ListMember: "must be an array",
		}[m.Kind]
		if a.StatusCode != 400 || a.Reason() != m.Name+" "+kind {
			t.Errorf("%s: %d %s", m.Name, a.StatusCode, a.Reason())
		}
	}
}

// Given lines that no request brought, then they are answered in order as the
// door answers them: what cannot be read is not synced, and a fault is of all.
func TestABatchWithoutARequest(t *testing.T) {
	var synced []feed.Sync
	known := newWorld().records[cersei]
	b := partner.Batch{Sync: func(_ context.Context, in []feed.Sync) ([]feed.BatchResult, error) {
		synced = in
		return []feed.BatchResult{
			{Result: feed.Result{Record: known, Changed: true}},
			{Err: user.Refuse(user.Conflict, "id", "why", "is another than the one that this user has: "+cersei)},
			{Err: user.Refuse(user.Conflict, "email")},
		}, nil
	}}
	out := answersTo(t, b,
		partner.ReadLine(1, []byte(`{"email":"a@b.c"}`)), partner.ReadLine(2, []byte(`{oops`)), partner.LongLine(4),
		partner.UnreadableLine(5, "Invalid CSV: no"), partner.ReadLine(6, []byte(`{"id":"`+jaime+`","email":"a@b.c"}`)),
		partner.ReadLine(7, []byte(`{"email":"c@b.c"}`)))
	for i, want := range []struct {
		line, status int
		reason       string
	}{
		{1, 200, ""},
		{2, 400, "Invalid JSON: line 1, column 2"},
		{4, 413, "The line is too long"},
		{5, 400, "Invalid CSV: no"},
		{6, 409, "id is another than the one that this user has: " + cersei},
		{7, 409, "What was sent belongs to different users"},
	} {
		if a := out[i]; a.Line != want.line || a.StatusCode != want.status || !strings.HasPrefix(a.Reason(), want.reason) {
			t.Errorf("line %d: %+v", want.line, a)
		}
	}
	if len(synced) != 3 || *synced[1].Number.Value != jaime {
		t.Errorf("synced %+v", synced)
	}
	out[0].Sum = "abc"
	text, err := out[0].Encode()
	if err != nil || !strings.HasPrefix(string(text), `{"line":1,"sum":"abc","statusCode":200,"created":false,"changed":true,"user":{"emailVerified":`) || !strings.HasSuffix(string(text), "}\n") {
		t.Errorf("%s %v", text, err)
	}
	for name, sync := range map[string]func(context.Context, []feed.Sync) ([]feed.BatchResult, error){
		"a fault":         func(context.Context, []feed.Sync) ([]feed.BatchResult, error) { return nil, errors.New("disk on fire") },
		"too few results": func(context.Context, []feed.Sync) ([]feed.BatchResult, error) { return nil, nil },
	} {
		if out, err := (partner.Batch{Sync: sync}).Answer(t.Context(), []partner.Line{partner.ReadLine(1, []byte(`{"email":"a@b.c"}`))}); err == nil || out != nil {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
}
