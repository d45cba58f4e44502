package crash

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// fault is what may come between a writer and its answer.
type fault int

const (
	whenKilled      fault = iota // no answer, and none will come
	whenUnavailable              // 503
)

var errUnsure = errors.New("not acknowledged")

var caller = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}

// request prepares an ask; unlike harness.Send, what goes wrong is an error.
func request(ctx context.Context, a harness.Ask) (*http.Request, error) {
	var body io.Reader
	switch b := a.Body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, a.Method, a.URL, body)
	if err != nil {
		return nil, err
	}
	for k, v := range a.Header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json")
	if a.Cookie != "" {
		req.Header.Set("Cookie", a.Cookie)
	}
	return req, nil
}

func send(ctx context.Context, a harness.Ask) (harness.Answer, error) {
	req, err := request(ctx, a)
	if err != nil {
		return harness.Answer{}, err
	}
	res, err := caller.Do(req)
	if err != nil {
		return harness.Answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return harness.Answer{Status: res.StatusCode, Header: res.Header, Text: string(text)}, err
}

// work writes until it is told to stop, or the server is gone.
func (w *writer) work(ctx context.Context, f fault) {
	acts := []func(fault) error{
		w.bring, w.bring, w.change, w.change, w.change, w.lock, w.remove, w.batch, w.reserve, w.rename, w.signIn, w.rotate, w.rotate, w.read,
	}
	for ctx.Err() == nil {
		err := acts[rand.N(len(acts))](f)
		switch {
		case errors.Is(err, errUnsure):
			w.unsure.Add(1)
			if f == whenKilled {
				return
			}
			time.Sleep(20 * time.Millisecond)
		case err != nil:
			w.t.Errorf("writer %d: %v", w.n, err)
			return
		default:
			w.acked.Add(1)
		}
	}
}

// ask sends a write; errUnsure says that it may have been done or not.
func (w *writer) ask(f fault, a harness.Ask, into any) error {
	// Nothing is given up from this side: the test's end alone cancels.
	got, err := send(w.t.Context(), a)
	switch {
	case err != nil && f == whenKilled:
		return errUnsure
	case err != nil:
		return err
	case got.Status == 503 && f == whenUnavailable && got.Header.Get("Retry-After") != "":
		return errUnsure
	case got.Status != 200:
		return fmt.Errorf("%s %s: %d %s", a.Method, a.URL, got.Status, got.Text)
	case into == nil:
		return nil
	}
	return json.Unmarshal([]byte(got.Text), into)
}

// spoken sends the ask as the system inside or as an administrator in public.
func (w *writer) spoken(a harness.Ask) harness.Ask {
	if rand.N(2) == 0 {
		a.URL = strings.Replace(a.URL, w.Internal, w.Public, 1)
		a.Header = http.Header{"Authorization": {"Bearer " + w.admin}}
	}
	return a
}

func (w *writer) newPerson() *person {
	name := fmt.Sprintf("p%d-%d", w.n, w.serial.Add(1))
	p := &person{events: map[string]int{}}
	p.does(record{Username: name, Email: name + "@example.org", FirstName: "One " + name, LastName: "Name"})
	w.people = append(w.people, p)
	return p
}

// some gives one of the latest people that can be written to, or nil.
func (w *writer) some() *person {
	for range 10 {
		if len(w.people) == 0 {
			return nil
		}
		recent := min(len(w.people), 40)
		p := w.people[len(w.people)-1-rand.N(recent)]
		if p.next == nil && !p.now.Deleted {
			return p
		}
	}
	return nil
}

func (r record) body() map[string]any {
	return map[string]any{
		"username": r.Username, "email": r.Email, "emailVerified": true, "firstName": r.FirstName, "lastName": r.LastName,
	}
}

type madeUser struct{ ID string }

func (w *writer) bring(f fault) error {
	p := w.newPerson()
	a := w.put("")
	a.Body = p.next.body()
	var made madeUser
	if err := w.ask(f, w.spoken(a), &made); err != nil {
		return err
	}
	p.id = made.ID
	p.done("user.created")
	return nil
}

// change gives a person several new values at once, which come together or
// not at all.
func (w *writer) change(f fault) error {
	p := w.some()
	if p == nil {
		return w.bring(f)
	}
	next := p.now
	stem := fmt.Sprintf("q%d-%d", w.n, w.serial.Add(1))
	next.Username, next.FirstName, next.LastName = stem, "First "+stem, "Last "+stem
	if rand.N(3) == 0 {
		next.Email = stem + "@example.org"
	}
	p.does(next)
	a := harness.Ask{Method: "PATCH", URL: w.Internal + "/api/users/" + p.id, Header: system(), Body: next.body()}
	if rand.N(2) == 0 {
		a.Method, a.URL = "PUT", w.Internal+"/api/users/"
		body := next.body()
		body["id"] = p.id
		a.Body = body
	}
	if err := w.ask(f, w.spoken(a), nil); err != nil {
		return err
	}
	p.done("admission.decided")
	return nil
}

func (w *writer) lock(f fault) error {
	p := w.some()
	if p == nil {
		return w.bring(f)
	}
	next, act, kind := p.now, "/lock", "user.locked"
	if next.Locked {
		act, kind = "/unlock", "user.unlocked"
	}
	next.Locked = !next.Locked
	p.does(next)
	a := harness.Ask{Method: "POST", URL: w.Internal + "/api/users/" + p.id + act, Header: system()}
	if err := w.ask(f, w.spoken(a), nil); err != nil {
		return err
	}
	p.done(kind)
	return nil
}

func (w *writer) remove(f fault) error {
	p := w.some()
	if p == nil || p.now.Locked {
		return w.bring(f)
	}
	next := p.now
	next.Deleted = true
	p.does(next)
	a := harness.Ask{Method: "DELETE", URL: w.Internal + "/api/users/" + p.id, Header: system()}
	if err := w.ask(f, w.spoken(a), nil); err != nil {
		return err
	}
	p.done("user.deleted")
	return nil
}

// batch brings people; each line that comes back acknowledges one.
func (w *writer) batch(f fault) error {
	var body bytes.Buffer
	var sent []*person
	for range 1 + rand.N(12) {
		p := w.newPerson()
		line, err := json.Marshal(p.next.body())
		if err != nil {
			return err
		}
		body.Write(append(line, '\n'))
		sent = append(sent, p)
	}
	a := w.put("")
	a.URL, a.Body = w.Internal+"/api/users:batch", body.Bytes()
	req, err := request(w.t.Context(), w.spoken(a))
	if err != nil {
		return err
	}
	res, err := caller.Do(req)
	if err != nil {
		if f == whenKilled {
			return errUnsure
		}
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode == 503 && f == whenUnavailable {
			return errUnsure
		}
		return fmt.Errorf("batch: %d %s", res.StatusCode, text)
	}
	answered := 0
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		var got struct {
			Line, StatusCode int
			User             madeUser
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			if f == whenKilled {
				break // the last line broke off
			}
			return fmt.Errorf("batch: %w in %s", err, lines.Bytes())
		}
		switch {
		case got.StatusCode == 200:
			p := sent[got.Line-1]
			p.id = got.User.ID
			p.done("user.created")
			answered++
		case got.StatusCode != 503 || f != whenUnavailable:
			return fmt.Errorf("batch: %s", lines.Bytes())
		}
	}
	if answered < len(sent) {
		return errUnsure
	}
	return nil
}

func (w *writer) reserve(f fault) error {
	if w.pending != "" {
		return nil // whether it is there is not known yet
	}
	w.pending = fmt.Sprintf("uid=r%d-%d,o=EDI,dc=edirepository,dc=org", w.n, w.serial.Add(1))
	var made struct {
		EDIID string `json:"edi_id"`
	}
	if err := w.ask(f, w.profile("POST", "", w.cookie, map[string]any{"idp_uid": w.pending}), &made); err != nil {
		return err
	}
	w.profiles[w.pending], w.pending = made.EDIID, ""
	return nil
}

func (w *writer) rename(f fault) error {
	if w.nextName != "" {
		return nil
	}
	w.nextName = fmt.Sprintf("Name %d", w.serial.Add(1))
	if err := w.ask(f, w.profile("PUT", "/"+w.edi, w.cookie, map[string]any{"common_name": w.nextName}), nil); err != nil {
		return err
	}
	w.name, w.nextName = w.nextName, ""
	return nil
}

// signIn brings somebody with a password and signs them in; each is a user
// whose only further writes are renewals.
func (w *writer) signIn(f fault) error {
	if len(w.sessions) > 0 && rand.N(3) > 0 {
		return w.rotate(f) // hashing would be all that is done
	}
	name := fmt.Sprintf("s%d-%d", w.n, w.serial.Add(1))
	a := w.put(name)
	a.Body.(map[string]any)["password"] = secret
	a = harness.Ask{Method: a.Method, URL: w.Public + "/api/users/", Header: http.Header{"Authorization": {"Bearer " + w.admin}}, Body: a.Body}
	if err := w.ask(f, a, nil); err != nil {
		return err
	}
	s := &signer{username: name}
	var in struct{ RefreshToken string }
	if err := w.ask(f, w.login(name, secret), &in); err != nil {
		return err
	}
	s.refresh = in.RefreshToken
	w.sessions = append(w.sessions, s)
	return nil
}

func (w *writer) rotate(f fault) error {
	if len(w.sessions) == 0 {
		return nil
	}
	s := w.sessions[rand.N(len(w.sessions))]
	if s.unsure {
		return nil
	}
	s.unsure = true
	var in struct{ RefreshToken string }
	if err := w.ask(f, w.renew(s.refresh), &in); err != nil {
		return err
	}
	s.used = append(s.used, s.refresh)
	s.refresh, s.unsure = in.RefreshToken, false
	return nil
}

func (w *writer) read(f fault) error {
	if err := w.ask(f, w.profile("GET", "/"+w.edi, w.cookie, nil), nil); err != nil {
		return err
	}
	if p := w.some(); p != nil {
		return w.ask(f, w.get("/api/users/"+p.id), nil)
	}
	return nil
}
