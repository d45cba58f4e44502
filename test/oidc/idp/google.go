package idp

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// GoogleURL is Google's name.
const GoogleURL = "https://accounts.google.com"

// Google starts a provider under Google's name and gives what Named does.
func Google(t testing.TB) (*Issuer, []string) {
	t.Helper()
	return Named(t, GoogleURL, "oauth2.googleapis.com")
}

// Named starts a provider under another's name, an https URL, and gives the variables
// by which a program reaches it instead: a proxy, and the root under which that proves
// to be whomever one asks for. more are further hosts that it passes for. Nothing
// leaves the machine.
func Named(t testing.TB, name string, more ...string) (*Issuer, []string) {
	t.Helper()
	at, err := url.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{t: t}
	i.begin(name)
	site := httptest.NewUnstartedServer(i)
	proxy := httptest.NewServer(connect{site})
	t.Cleanup(proxy.Close)
	root, cert := certify(t, append([]string{at.Hostname()}, more...)...)
	site.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	site.StartTLS()
	t.Cleanup(site.Close)
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), 0o600); err != nil {
		t.Fatal(err)
	}
	return i, []string{"HTTPS_PROXY=" + proxy.URL, "https_proxy=" + proxy.URL, "NO_PROXY=", "no_proxy=", "SSL_CERT_FILE=" + file}
}

// connect is a proxy that leads every tunnel to one server.
type connect struct{ to *httptest.Server }

func (c connect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "only tunnels", http.StatusMethodNotAllowed)
		return
	}
	out, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", c.to.Listener.Addr().String())
	if err != nil {
		http.Error(w, "no server", http.StatusBadGateway)
		return
	}
	in, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = out.Close()
		return
	}
	_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\n\r\n")
	_ = buffered.Flush()
	go pipe(out, buffered.Reader)
	go func() {
		pipe(in, bufio.NewReader(out))
		_ = out.Close()
	}()
}

func pipe(to net.Conn, from *bufio.Reader) {
	_, _ = from.WriteTo(to)
	_ = to.Close()
}
