package sms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/effect/sms"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

const to = "+919876543210"

func payload(lang string, data map[string]string) job.SMS {
	return job.SMS{To: to, Template: "otp", Lang: lang, Data: data}
}

func filled() map[string]string {
	return map[string]string{"site": "DIKSHA", "code": "123456", "minutes": "30"}
}

func TestWhatIsWritten(t *testing.T) {
	s, err := sms.NewSender(nil)
	if err != nil {
		t.Fatal(err)
	}
	const english = "One time password to verify your phone number on DIKSHA is 123456. This is valid for 30 minutes only."
	for lang, want := range map[string]string{
		"": english, "en-GB": english, "de": english, "*": english, "nonsense;;": english,
		"hi": "DIKSHA पर आपका फ़ोन नंबर सत्यापित करने के लिए वन टाइम पासवर्ड 123456 है। यह केवल 30 मिनट तक मान्य है।",
	} {
		if m, err := s.Compose(payload(lang, filled())); err != nil || m.Text != want || m.To != to {
			t.Errorf("%q: %+v %v", lang, m, err)
		}
	}
	if m, err := s.Compose(payload("hi-IN,en;q=0.5", filled())); err != nil || !strings.Contains(m.Text, "सत्यापित") {
		t.Errorf("as a browser asks: %+v %v", m, err)
	}
	odd := filled()
	odd["site"] = "A\nB\u202e " + strings.Repeat("x", 100)
	if m, err := s.Compose(payload("en", odd)); err != nil || strings.ContainsAny(m.Text, "\n\u202e") || len(m.Text) > 160 {
		t.Errorf("an odd name: %q %v", m.Text, err)
	}
	for name, p := range map[string]job.SMS{
		"no code":     payload("en", map[string]string{"site": "x", "minutes": "1"}),
		"no data":     {To: to, Template: "otp"},
		"no template": {To: to, Template: "none", Data: filled()},
		"no phone":    {To: "12", Template: "otp", Data: filled()},
	} {
		_, err := s.Compose(p)
		if err == nil || strings.Contains(err.Error(), "123456") || strings.Contains(err.Error(), to) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Given the inbox, when a job is carried out twice, then there is one message.
func TestTheInbox(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st store.Store) {
		s, err := sms.NewSender(sms.NewInbox(st))
		if err != nil {
			t.Fatal(err)
		}
		doc, _ := json.Marshal(payload("en", filled()))
		for range 2 {
			if err := s.Handle(t.Context(), store.Job{ID: "1", Payload: doc}); err != nil {
				t.Fatal(err)
			}
		}
		err = st.View(t.Context(), func(r store.Reader) error {
			all, err := r.Messages(store.MessageFilter{Channel: "sms", To: to})
			if len(all) != 1 || !strings.Contains(all[0].Text, "123456") {
				t.Errorf("%+v", all)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Handle(t.Context(), store.Job{ID: "2", Payload: []byte("{")}); !job.IsPermanent(err) {
			t.Errorf("a payload that cannot be read: %v", err)
		}
	})
}

// asked is a request as a gateway got it.
type asked struct {
	method, uri, body string
	header            http.Header
}

// gateway is a real server on loopback; answer is what it does.
func gateway(t *testing.T, answer http.HandlerFunc) (url string, got *asked) {
	got = &asked{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*got = asked{r.Method, r.RequestURI, string(b), r.Header}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func fine(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"status":"ok"}`) }

func message() sms.Message {
	return sms.Message{ID: user.ID("01a2"), To: to, Text: `One "time" & only`}
}

// Given a gateway as an operator describes it, then the request is what the
// templates say, with every value written as its place needs.
func TestWhatAGatewayIsAsked(t *testing.T) {
	url, got := gateway(t, fine)
	for _, c := range []struct {
		name string
		o    sms.GatewayOptions
		want asked
	}{
		{
			"JSON",
			sms.GatewayOptions{URL: url + "/send?v=2", Headers: []string{"Authorization: Bearer s3cret", "X-Twice: a", "X-Twice: b"}, Body: `{"to":{{json .To}},"text":{{json .Text}},"ref":{{json .ID}}}`},
			asked{method: "POST", uri: "/send?v=2", body: `{"to":"+919876543210","text":"One \"time\" \u0026 only","ref":"01a2"}`},
		},
		{
			"a form",
			sms.GatewayOptions{URL: url, ContentType: "application/x-www-form-urlencoded", Body: "mobile={{.Digits}}&text={{query .Text}}"},
			asked{method: "POST", uri: "/", body: "mobile=919876543210&text=One+%22time%22+%26+only"},
		},
		{
			"a query",
			sms.GatewayOptions{URL: url + "/s?to={{query .To}}&text={{query .Text}}", Method: "GET"},
			asked{method: "GET", uri: "/s?to=%2B919876543210&text=One+%22time%22+%26+only"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Timeout, c.o.Success = time.Second, `"status":"ok"`
			g, err := sms.NewGateway(c.o)
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			if got.method != c.want.method || got.uri != c.want.uri || got.body != c.want.body {
				t.Errorf("asked %s %s %s", got.method, got.uri, got.body)
			}
			if got.header.Get("Idempotency-Key") != "01a2" || c.name == "JSON" && (got.header.Get("Authorization") != "Bearer s3cret" || len(got.header["X-Twice"]) != 2) {
				t.Errorf("headers %v", got.header)
			}
		})
	}
}

// Given a gateway that fails in each way, then what may go better is tried again,
// what cannot is given up, and no error tells whom a message was for, or what it
// said.
func TestAGatewayThatFails(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "no: "+to)
		}
	}
	for _, c := range []struct {
		name      string
		answer    http.HandlerFunc
		permanent bool
	}{
		{"500", status(500), false},
		{"503", status(503), false},
		{"429", status(429), false},
		{"408", status(408), false},
		{"401", status(401), false},
		{"403", status(403), false},
		{"400", status(400), true},
		{"404", status(404), true},
		{"422", status(422), true},
		{"an error within 200", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"status":"failed"}`) }, false},
		{"elsewhere", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, false},
		{"drops", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, false},
		{"breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"status":"ok"`)
		}, false},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false},
		{"without end", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _ := gateway(t, c.answer)
			g, err := sms.NewGateway(sms.GatewayOptions{
				URL: url, Headers: []string{"Authorization: Bearer s3cret"}, Body: `{"to":{{json .To}},"text":{{json .Text}}}`,
				Success: `"status":"ok"`, Timeout: 300 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			err = g.Send(t.Context(), message())
			if err == nil || job.IsPermanent(err) != c.permanent {
				t.Errorf("%v, permanent %t", err, job.IsPermanent(err))
			}
			for _, secret := range []string{to, to[1:], "time", "s3cret"} {
				if strings.Contains(strings.ReplaceAll(fmt.Sprint(err), "in time", ""), secret) {
					t.Errorf("the error tells %q: %v", secret, err)
				}
			}
		})
	}
	g, err := sms.NewGateway(sms.GatewayOptions{URL: "http://127.0.0.1:1/", Body: `{}`, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Send(context.Background(), message()); err == nil || job.IsPermanent(err) {
		t.Errorf("nobody there: %v", err)
	}
}

// Given what cannot work, then the program says so at start.
func TestGatewaysThatCannotWork(t *testing.T) {
	const body = `{"to":{{json .To}}}`
	for name, o := range map[string]sms.GatewayOptions{
		"plain http":        {URL: "http://sms.example.org/", Body: body},
		"no address":        {URL: "sms", Body: body},
		"a user in it":      {URL: "https://u:p@sms.example.org/", Body: body},
		"a template's end":  {URL: "https://sms.example.org/", Body: `{{json .To`},
		"an unknown field":  {URL: "https://sms.example.org/", Body: `{"a":{{json .Phone}}}`},
		"no JSON":           {URL: "https://sms.example.org/", Body: `{"a":"{{json .Text}}"}`},
		"an empty body":     {URL: "https://sms.example.org/"},
		"another method":    {URL: "https://sms.example.org/", Method: "PUT", Body: body},
		"a header's break":  {URL: "https://sms.example.org/", Body: body, Headers: []string{"A: b\r\nC: d"}},
		"a header's name":   {URL: "https://sms.example.org/", Body: body, Headers: []string{"no header"}},
		"success":           {URL: "https://sms.example.org/", Body: body, Success: "("},
		"a host from data":  {URL: "https://{{.To}}/", Body: body},
		"a template's loop": {URL: "https://sms.example.org/", Body: `{{template "body" .}}`},
	} {
		if _, err := sms.NewGateway(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
