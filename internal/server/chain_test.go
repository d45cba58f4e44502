package server

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// manyRequests is how many random requests the chain must stand.
const manyRequests = 10_000

// Whatever is sent, the chain answers with something below 500 and never
// panics. The seed is fixed, so a failure repeats.
func TestRandomRequestsNeverFailTheServer(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /a/{id}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("id")) })
	mux.HandleFunc("POST /b", readAll)
	o := Options{
		Log:            slog.New(slog.NewTextHandler(io.Discard, nil)),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	health := newHealth(&(&Server{}).draining, nil)
	chains := []http.Handler{
		Public(HostMux(mux, map[string]http.Handler{"bound": mux}), o, health.serve(forPublic)),
		Internal(mux, o, health.serve(forInternal)),
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range manyRequests {
		r := randomRequest(rnd)
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Fatalf("request %d panics: %v\n%+v", i, v, r)
				}
			}()
			chains[i%len(chains)].ServeHTTP(w, r)
		}()
		if w.Code >= 500 {
			t.Fatalf("request %d: %d\n%+v", i, w.Code, r)
		}
	}
}

func randomRequest(rnd *rand.Rand) *http.Request {
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	text := func(most int) string {
		b := make([]byte, rnd.IntN(most+1))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return string(b)
	}
	r := httptest.NewRequest("GET", pick("/", "/a/x", "/a/%2e%2e", "/b", "/health/ready", "/health/live", "/a//../b", "/%00", "/?x=%zz"), nil)
	r.Method = pick("GET", "POST", "HEAD", "OPTIONS", "BREW", text(8), "")
	r.Host = pick("h", "bound:80", "[::1]:1", "[", ":", text(20), "")
	r.RemoteAddr = pick("10.0.0.1:1", "192.0.2.1:2", "[2001:db8::1]:3", "@", text(12), "")
	r.ProtoMinor = rnd.IntN(2)
	if rnd.IntN(4) == 0 {
		r.URL.Path = text(30)
	}
	for range rnd.IntN(6) {
		name := pick("X-User-Ctx", "x_user_ctx", "Connection", "Trailer", "X-Forwarded-For", "X-Request-Id", "Cookie", text(12))
		r.Header[name] = append(r.Header[name], pick("close", "x-user-ctx", "10.0.0.2, 1.2.3.4", ",,", text(40)))
	}
	switch rnd.IntN(4) {
	case 0:
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(strings.NewReader(text(100))), -1, []string{"chunked"}
	case 1:
		r.Body = io.NopCloser(strings.NewReader(strings.Repeat("a", rnd.IntN(2*MaxBody))))
	case 2:
		r.Trailer = http.Header{pick("X-Sum", "X_User_Ctx", text(5)): nil}
	}
	return r
}

// discard is a writer that costs nothing, to see what the chain itself costs.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func BenchmarkChain(b *testing.B) {
	mux := http.NewServeMux()
	mux.Handle("GET /api/users/{id}", says("ok"))
	silent := slog.New(slog.DiscardHandler)
	written := slog.New(slog.NewJSONHandler(io.Discard, nil))
	for _, bc := range []struct {
		name string
		h    http.Handler
	}{
		{"bare", mux},
		{"chain", Public(mux, Options{Log: silent}, newHealth(&(&Server{}).draining, nil).serve(forPublic))},
		{"chain and log", Public(mux, Options{Log: written}, nil)},
	} {
		b.Run(bc.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/api/users/1", nil)
			for i, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Connection", "Cookie", "User-Agent"} {
				r.Header.Set(name, fmt.Sprintf("value %d", i))
			}
			b.ReportAllocs()
			for b.Loop() {
				bc.h.ServeHTTP(discard{make(http.Header, 8)}, r)
			}
		})
	}
}
