package oidc

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
)

// What a document names is dialled on the public network alone (security S1).
func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2001:4860:4860::8888": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "::1": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "fe80::1": false, "fd00::1": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false,
		"100.64.0.1": false, "192.0.0.8": false, "198.18.0.1": false, "64:ff9b::a00:1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false,
	} {
		err := onlyPublic(t.Context(), "tcp", netip.AddrPortFrom(netip.MustParseAddr(address), 443).String(), nil)
		if (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	if onlyPublic(t.Context(), "unix", "/run/docker.sock", nil) == nil {
		t.Error("a socket is dialled")
	}
}

// An issuer elsewhere cannot lead usher to this machine; what was configured is
// reached wherever it is.
func TestWhoseHostsAreDialled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a listener of the test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	for issuer, c := range map[string]struct {
		also    string
		reached bool
	}{
		"https://id.example.org":  {"", false},
		"https://id.example.com":  {"http://" + l.Addr().String(), true},
		"http://127.0.0.1:9/test": {"", true},
	} {
		u, err := url.Parse(issuer)
		if err != nil {
			t.Fatal(err)
		}
		f := newFetcher(u, c.also)
		by, ok := f.client.Transport.(byProxy)
		if !ok {
			t.Fatalf("%T", f.client.Transport)
		}
		conn, err := by.direct.DialContext(t.Context(), "tcp", l.Addr().String())
		if (err == nil) != c.reached {
			t.Errorf("%s: %v", issuer, err)
		}
		if err == nil {
			_ = conn.Close()
		}
		if f.client.CheckRedirect(nil, nil) != http.ErrUseLastResponse { //nolint:errorlint // the value itself is what counts
			t.Errorf("%s: redirects are followed", issuer)
		}
	}
}
