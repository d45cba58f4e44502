package sms

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"text/template"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/usher-id/usher/internal/job"
)

// GatewayOptions say how an HTTP gateway is asked to send a text message.
type GatewayOptions struct {
	// URL is asked; https, or http on this machine. Where Method is GET its query is a
	// template as Body is.
	URL    string
	Method string // POST or GET; empty: POST
	// Headers are "Name: value".
	Headers     []string
	ContentType string // of the body; empty: application/json
	// Body is a template (text/template) over To (E.164), Digits (without the +), Text
	// and ID; json and query write a value as JSON or for a query.
	Body string
	// Success, if set, must match the answer's body: there are gateways that say
	// 200 and mean no.
	Success string
	Timeout time.Duration
}

// Gateway is the transport that asks an HTTP gateway.
type Gateway struct {
	o       GatewayOptions
	url     *url.URL
	query   *template.Template // of a GET
	body    *template.Template
	headers http.Header
	success *regexp.Regexp
	client  *http.Client
}

const (
	maxAnswer = 64 << 10
	// triedText is what a template is tried with.
	triedText = "Code 123456 for \"Ann & Bob\""
)

// filling is what a template sees.
type filling struct{ To, Digits, Text, ID string }

// NewGateway makes the transport and tries its templates. It asks nobody.
func NewGateway(o GatewayOptions) (*Gateway, error) {
	g := &Gateway{o: o, headers: http.Header{}}
	if g.o.Method == "" {
		g.o.Method = http.MethodPost
	}
	if g.o.ContentType == "" {
		g.o.ContentType = "application/json"
	}
	address, query, _ := strings.Cut(o.URL, "?")
	var err error
	if g.url, err = url.Parse(address); err != nil || g.url.Hostname() == "" || g.url.User != nil {
		return nil, errors.New("sms.gateway.url is no web address")
	}
	if g.url.Scheme != "https" && (g.url.Scheme != "http" || !loopback(g.url.Hostname())) {
		return nil, errors.New("sms.gateway.url must be https, or http on this machine: it carries codes")
	}
	if g.query, err = parse("url", query); err != nil {
		return nil, fmt.Errorf("sms.gateway.url: %w", err)
	}
	if g.body, err = parse("body", o.Body); err != nil {
		return nil, fmt.Errorf("sms.gateway.body: %w", err)
	}
	for _, h := range o.Headers {
		name, value, ok := strings.Cut(h, ":")
		name, value = textproto.TrimString(name), textproto.TrimString(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, errors.New("sms.gateway.headers: each must be `Name: value`")
		}
		g.headers.Add(name, value)
	}
	if o.Success != "" {
		if g.success, err = regexp.Compile(o.Success); err != nil {
			return nil, errors.New("sms.gateway.success is no regular expression")
		}
	}
	switch {
	case g.o.Method != http.MethodPost && g.o.Method != http.MethodGet:
		return nil, errors.New("sms.gateway.method must be POST or GET")
	case g.o.Method == http.MethodPost && strings.TrimSpace(o.Body) == "":
		return nil, errors.New("sms.gateway.body is empty")
	}
	if err := g.try(); err != nil {
		return nil, err
	}
	g.client = &http.Client{
		Timeout: o.Timeout,
		// An answer elsewhere is no answer: the message would go to whom nobody named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		},
	}
	return g, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func parse(name, text string) (*template.Template, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"query": url.QueryEscape,
		"json": func(s string) (string, error) {
			b, err := json.Marshal(s)
			return string(b), err
		},
	}).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, errors.New("the template cannot be read: " + err.Error())
	}
	return t, nil
}

// try finds out at start what would fail with the first message.
func (g *Gateway) try() error {
	r, err := g.request(context.Background(), Message{ID: "0", To: "+919876543210", Text: triedText})
	if err != nil {
		return err
	}
	if g.o.Method == http.MethodPost && strings.Contains(g.o.ContentType, "json") {
		b, err := io.ReadAll(r.Body)
		if err != nil || !json.Valid(b) {
			return errors.New("sms.gateway.body does not make JSON; write values as {{json .Text}}, without quotes around them")
		}
	}
	return nil
}

func (g *Gateway) request(ctx context.Context, m Message) (*http.Request, error) {
	f := filling{To: m.To, Digits: strings.TrimPrefix(m.To, "+"), Text: m.Text, ID: string(m.ID)}
	var query, body bytes.Buffer
	// A template's own errors quote the data.
	if g.query.Execute(&query, f) != nil || g.body.Execute(&body, f) != nil {
		return nil, errors.New("sms.gateway: a template cannot be filled in; it may name .To, .Digits, .Text and .ID")
	}
	to := *g.url
	to.RawQuery = query.String()
	var content io.Reader
	if g.o.Method == http.MethodPost {
		content = &body
	}
	r, err := http.NewRequestWithContext(ctx, g.o.Method, to.String(), content)
	if err != nil {
		return nil, errors.New("sms.gateway: no request can be made of url and templates")
	}
	r.Header = g.headers.Clone()
	if content != nil {
		r.Header.Set("Content-Type", g.o.ContentType)
	}
	r.Header.Set("Idempotency-Key", string(m.ID))
	return r, nil
}

// Send asks the gateway. What it refuses for good is a job.Permanent error; what
// may go better next time is not: no answer, 408, 425, 429, 5xx, and 401 and 403,
// which are the operator's to mend.
func (g *Gateway) Send(ctx context.Context, m Message) error {
	r, err := g.request(ctx, m)
	if err != nil {
		return job.Permanent(err)
	}
	answer, err := g.client.Do(r)
	if err != nil {
		// The error has the address in it, and with it what was to be sent.
		if u, ok := errors.AsType[*url.Error](err); ok && u.Timeout() {
			return errors.New("the gateway did not answer in time")
		}
		return errors.New("the gateway cannot be reached")
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300 && err != nil:
		return errors.New("the gateway's answer broke off")
	case code >= 200 && code < 300:
		if g.success != nil && !g.success.Match(body) {
			return errors.New("the gateway answered, and not with success")
		}
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests,
		code == http.StatusUnauthorized, code == http.StatusForbidden, code >= 500, code < 400:
		return fmt.Errorf("the gateway answered with status %d", code)
	default:
		return job.Permanent(fmt.Errorf("the gateway refused the message with status %d", code))
	}
}
