package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/usher-id/usher/internal/jsonx"
)

// Limits of what is fetched (security T9).
const (
	fetchTime   = 3 * time.Second
	maxDocument = 256 << 10 // bytes
	maxURL      = 2048
)

// document is a JSON object that was fetched. Its names match exactly.
type document map[string]json.RawMessage

// Text gives a member that is text, or "".
func (d document) Text(name string) string {
	var s string
	if raw := d[name]; len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// True tells whether a member is the JSON literal true.
func (d document) True(name string) bool { return string(d[name]) == "true" }

// statusError is an answer that is not 200, with the error code that it names
// (RFC 6749, section 5.2) or none.
type statusError struct {
	status int
	code   string
}

func (s statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("status %d %s", s.status, s.code))
}

// fetcher asks the issuer, and the hosts that the issuer names.
type fetcher struct {
	issuer *url.URL
	client *http.Client
}

// newFetcher makes a fetcher; also are addresses that were configured, or empty.
func newFetcher(issuer *url.URL, also ...string) *fetcher {
	configured := []string{issuer.Hostname()}
	for _, address := range also {
		if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
			configured = append(configured, u.Hostname())
		}
	}
	return &fetcher{issuer: issuer, client: &http.Client{
		Transport:     newTransport(configured),
		Timeout:       fetchTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newTransport dials the hosts that were configured, the issuer's first, wherever
// they are. Others come out of documents, and must be on the public network
// unless the issuer itself is on this machine (security S1). A proxy decides for
// itself.
func newTransport(configured []string) http.RoundTripper {
	plain := &net.Dialer{Timeout: fetchTime}
	guarded := &net.Dialer{Timeout: fetchTime, ControlContext: onlyPublic}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2, MaxConnsPerHost: 16,
		IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: fetchTime, MaxResponseHeaderBytes: 64 << 10,
	}
	direct := t.Clone()
	direct.Proxy = nil
	direct.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(addr)
		if isLoopback(configured[0]) || slices.ContainsFunc(configured, func(c string) bool { return strings.EqualFold(c, host) }) {
			return plain.DialContext(ctx, network, addr)
		}
		return guarded.DialContext(ctx, network, addr)
	}
	return byProxy{proxied: t, direct: direct}
}

// byProxy keeps requests that go through a proxy apart from those that do not.
type byProxy struct{ proxied, direct *http.Transport }

func (b byProxy) RoundTrip(r *http.Request) (*http.Response, error) {
	if through, err := http.ProxyFromEnvironment(r); err != nil || through != nil {
		return b.proxied.RoundTrip(r)
	}
	return b.direct.RoundTrip(r)
}

// onlyPublic refuses to dial an address after its name was resolved.
func onlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("reading an address: %w", err)
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || within(ip, "100.64.0.0/10", "64:ff9b::/96", "192.0.0.0/24", "198.18.0.0/15") {
		return errors.New("the issuer names a host that is not on the public network")
	}
	return nil
}

func within(ip netip.Addr, prefixes ...string) bool {
	for _, p := range prefixes {
		if netip.MustParsePrefix(p).Contains(ip) {
			return true
		}
	}
	return false
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// endpoint checks an address that a document names: https, or http on this
// machine where the issuer is there too.
func (f *fetcher) endpoint(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > maxURL || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return errors.New("not a web address")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && f.issuer.Scheme == "http" && isLoopback(u.Hostname()) && isLoopback(f.issuer.Hostname()):
		return nil
	}
	return errors.New("not https")
}

// configured checks an address that the operator gave: https, or http on this
// machine, wherever the issuer is.
func configured(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > maxURL || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return errors.New("not a web address")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("https, or http on this machine")
}

// get fetches a document, with an access token where one is given.
func (f *fetcher) get(ctx context.Context, address, bearer string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, nil, fmt.Errorf("asking for %s: %w", address, err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return f.do(req)
}

// post sends a form, as the client that authorise makes of the request where it is
// given.
func (f *fetcher) post(ctx context.Context, address string, form url.Values, authorise func(*http.Request)) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", address, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorise != nil {
		authorise(req)
	}
	body, _, err := f.do(req)
	return body, err
}

func (f *fetcher) do(req *http.Request) ([]byte, http.Header, error) {
	req.Header.Set("Accept", "application/json")
	where := req.URL.Scheme + "://" + req.URL.Host + req.URL.Path
	res, err := f.client.Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the query
		}
		return nil, nil, fmt.Errorf("asking %s: %w", where, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("asking %s: %w", where, statusError{res.StatusCode, errorCode(res)})
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, nil, fmt.Errorf("asking %s: the answer is not JSON by its type", where)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", where, err)
	}
	if len(body) > maxDocument {
		return nil, nil, fmt.Errorf("reading %s: longer than 256 KB", where)
	}
	return body, res.Header, nil
}

// maxError is how much is read of an answer that says what is wrong, in bytes.
const maxError = 8 << 10

// likeErrorCode is what an error code looks like: it is written into the log.
var likeErrorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

func errorCode(res *http.Response) string {
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return ""
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxError))
	if err != nil {
		return ""
	}
	said, err := parse(body)
	if code := said.Text("error"); err == nil && likeErrorCode.MatchString(code) {
		return code
	}
	return ""
}

// parse reads a document strictly: no member twice.
func parse(body []byte) (document, error) {
	var d document
	if err := jsonx.Decode(body, &d, jsonx.Options{}); err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	if d == nil {
		return nil, errors.New("reading a document: not an object")
	}
	return d, nil
}
