package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestClientNetwork(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		proxies    []netip.Prefix
		want       string
	}{
		{"IPv4", "192.0.2.7:5", nil, nil, "192.0.2.7/32"},
		{"IPv6", "[2001:db8:1:2ff::1]:5", nil, nil, "2001:db8:1:200::/56"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.7]:5", nil, nil, "192.0.2.7/32"},
		{"zone", "[fe80::1%eth0]:5", nil, nil, "fe80::/56"},
		{"nobody is believed by default", "10.0.0.1:5", []string{"198.51.100.1"}, nil, "10.0.0.1/32"},
		{"an untrusted peer is not believed", "192.0.2.7:5", []string{"198.51.100.1"}, proxies, "192.0.2.7/32"},
		{"a trusted peer is", "10.0.0.1:5", []string{"198.51.100.1"}, proxies, "198.51.100.1/32"},
		{"what the client wrote is not", "10.0.0.1:5", []string{"203.0.113.9, 198.51.100.1"}, proxies, "198.51.100.1/32"},
		{"two proxies", "10.0.0.1:5", []string{"203.0.113.9, 198.51.100.1, 10.2.2.2"}, proxies, "198.51.100.1/32"},
		{"two lines", "10.0.0.1:5", []string{"203.0.113.9, 198.51.100.1", "10.2.2.2"}, proxies, "198.51.100.1/32"},
		{"all trusted", "10.0.0.1:5", []string{"10.3.3.3, 10.2.2.2"}, proxies, "10.3.3.3/32"},
		{"rubbish stops the walk", "10.0.0.1:5", []string{"198.51.100.1, unknown, 10.2.2.2"}, proxies, "10.2.2.2/32"},
		{"empty entry stops the walk", "10.0.0.1:5", []string{"198.51.100.1,"}, proxies, "10.0.0.1/32"},
		{"with port", "10.0.0.1:5", []string{"198.51.100.1:99"}, proxies, "198.51.100.1/32"},
		{"IPv6 proxy and client", "[fd00::1]:5", []string{"2001:db8::1"}, proxies, "2001:db8::/56"},
		{"trusted peer, no header", "10.0.0.1:5", nil, proxies, "10.0.0.1/32"},
		{"Unix socket", "@", []string{"198.51.100.1"}, nil, "invalid Prefix"},
		{"Unix socket behind a proxy", "@", []string{"198.51.100.1"}, proxies, "198.51.100.1/32"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log logBuffer
			var got netip.Prefix
			h := Public(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = ClientNetwork(r)
			}), Options{Log: log.logger(), TrustedProxies: tc.proxies}, nil)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			r.Header["X-Forwarded-For"] = tc.forwarded
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got.String() != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "192.0.2.7:5"
	if got := ClientNetwork(r).String(); got != "192.0.2.7/32" {
		t.Errorf("outside the chain: %s", got)
	}
}
