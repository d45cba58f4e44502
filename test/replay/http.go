package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// outgoing is a request with everything filled in.
type outgoing struct {
	method, base, path string
	headers            map[string]string
	body               string
	hasBody            bool
}

// incoming is an answer.
type incoming struct {
	status int
	header http.Header
	text   string
	body   document
}

// document is a JSON text, or none.
type document answer

func parse(text string) document {
	var v any
	if decode([]byte(text), &v) != nil {
		return document{}
	}
	return document(given(v))
}

func (d document) dig(path string) (any, bool) {
	if !d.there {
		return nil, false
	}
	return dig(d.value, path)
}

// client follows no redirect and asks for nothing by itself: what is recorded
// is one exchange.
var client = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{DisableCompression: true},
}

func (p *Player) outgoing(r Request) (outgoing, error) {
	out := outgoing{method: r.Method, base: p.Public}
	if out.method == "" {
		out.method = http.MethodGet
	}
	if r.Listener == "internal" {
		out.base = p.Internal
	}
	var err error
	if r.Base != "" {
		if out.base, err = p.Vars.text(r.Base); err != nil {
			return out, err
		}
	}
	if out.path, err = p.Vars.text(r.Path); err != nil {
		return out, err
	}
	// A path may be an address taken from an earlier answer.
	if u, err := url.Parse(out.path); err == nil && u.IsAbs() {
		out.path = u.RequestURI()
	}
	if out.headers, err = p.Vars.strings(r.Headers); err != nil {
		return out, err
	}
	body, contentType, err := p.payload(r)
	if err != nil {
		return out, err
	}
	out.body = body
	out.hasBody = r.JSON != nil || r.Form != nil || r.Text != nil
	if contentType != "" && !has(out.headers, "Content-Type") {
		out.headers["Content-Type"] = contentType
	}
	cookies := map[string]string{}
	if r.Jar {
		maps.Copy(cookies, p.jar)
	}
	own, err := p.Vars.strings(r.Cookies)
	if err != nil {
		return out, err
	}
	maps.Copy(cookies, own)
	if len(cookies) > 0 {
		out.headers["Cookie"] = cookieHeader(cookies)
	}
	return out, nil
}

// cookieHeader joins cookies without asking whether they are well formed: what
// is wrong with them may be the very point.
func cookieHeader(cookies map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		pairs = append(pairs, name+"="+cookies[name])
	}
	return strings.Join(pairs, "; ")
}

func (p *Player) payload(r Request) (body, contentType string, err error) {
	switch {
	case r.JSON != nil:
		text, err := p.Vars.json(r.JSON)
		return string(text), "application/json", err
	case r.Form != nil:
		form, err := p.Vars.strings(r.Form)
		values := url.Values{}
		for k, v := range form {
			values.Set(k, v)
		}
		return values.Encode(), "application/x-www-form-urlencoded", err
	case r.Text != nil:
		text, err := p.Vars.text(*r.Text)
		return text, "", err
	}
	return "", "", nil
}

func has(headers map[string]string, name string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(headers)), func(k string) bool { return strings.EqualFold(k, name) })
}

// send sends a request as it is spelled: neither path nor header names are
// brought into a better form on the way.
func (p *Player) send(ctx context.Context, out outgoing) (incoming, error) {
	base, err := url.Parse(out.base)
	if err != nil || base.Host == "" {
		return incoming{}, errors.Join(fmt.Errorf("%q is not a base URL", out.base), err)
	}
	var body io.Reader
	if out.hasBody {
		body = strings.NewReader(out.body)
	}
	req, err := http.NewRequestWithContext(ctx, out.method, out.base, body)
	if err != nil {
		return incoming{}, fmt.Errorf("make a request: %w", err)
	}
	req.URL.Path = ""
	req.URL.Opaque = strings.TrimRight(base.EscapedPath(), "/") + out.path
	for name, value := range out.headers {
		if strings.EqualFold(name, "host") {
			req.Host = value
			continue
		}
		req.Header[name] = append(req.Header[name], value)
	}
	res, err := client.Do(req)
	if err != nil {
		return incoming{}, fmt.Errorf("%s %s: %w", out.method, out.path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return incoming{}, fmt.Errorf("read the answer to %s %s: %w", out.method, out.path, err)
	}
	for _, c := range res.Cookies() {
		if p.jar == nil {
			p.jar = map[string]string{}
		}
		p.jar[c.Name] = c.Value
	}
	return incoming{res.StatusCode, res.Header, string(text), parse(string(text))}, nil
}
