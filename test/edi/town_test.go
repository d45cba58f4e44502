package edi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// person is somebody with an edi-token.
type person struct{ id, edi, token string }

// town is a running usher with people in it.
type town struct {
	*testing.T
	*harness.Server
}

func inTown(t *testing.T, fn func(town)) {
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) { fn(town{t, harness.Start(t, s.Empty(t))}) })
}

func (w town) person(name, email string, groups ...string) person {
	w.Helper()
	var u struct{ ID string }
	harness.Read(w, w.CLI("user", "create", "--email", email, "--name", name, "--verified", "--json"), &u)
	for _, g := range groups {
		w.CLI("group", "add", g, u.ID)
	}
	var minted struct {
		Token string
		EDI   string `json:"edi_id"`
	}
	harness.Read(w, w.CLI("token", "mint", "--door", "edi", "--user", u.ID, "--json"), &minted)
	return person{u.ID, minted.EDI, minted.Token}
}

// answer is what the API said.
type answer struct {
	harness.Answer
	body map[string]any
}

// asks sends a request as somebody; as nobody where they have no token.
func (w town) asks(p person, method, path, body string) answer {
	w.Helper()
	a := harness.Ask{Method: method, URL: w.Public + path, Header: http.Header{}}
	if p.token != "" {
		a.Cookie = "edi-token=" + p.token
	}
	if body != "" {
		a.Body = body
	}
	got := answer{Answer: harness.Send(w, a)}
	_ = json.Unmarshal([]byte(got.Text), &got.body) // XML and files are none
	return got
}

// is fails unless an answer has this status, and this text in it.
func (w town) is(what string, got answer, status int, text string) {
	w.Helper()
	if got.Status != status || !strings.Contains(got.Text, text) {
		w.Errorf("%s: %d %s, want %d with %s", what, got.Status, got.Text, status, text)
	}
}

// send is asks with headers.
func (w town) send(p person, method, path, body string, h http.Header) answer {
	w.Helper()
	a := harness.Ask{Method: method, URL: w.Public + path, Header: h, Cookie: "edi-token=" + p.token}
	if body != "" {
		a.Body = body
	}
	return answer{Answer: harness.Send(w, a)}
}
