package edge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// end is how a connection goes on after a request.
type end int

const (
	refused end = iota // by net/http, with a 4xx or 5xx, and closed
	last               // answered, and closed
	next               // answered, and the request after it too
	either             // answered, and then one or the other
	stray              // answered, and what follows refused: it is no request that anybody knows
)

// framing is one way to say where a body ends. The body holds, or is followed
// by, a request that must be handled only where the framing is beyond doubt.
type framing struct {
	name  string
	line  string // request line; empty: that of the target, with HTTP/1.1
	heads string // lines after Host, each with its end
	body  string
	want  end
}

const (
	chunk  = "5\r\nabcde\r\n"
	fin    = "0\r\n\r\n"
	hidden = "HIDDEN" // stands for the second request within the body
	length = "LENGTH" // stands for the length of the body
	te     = "Transfer-Encoding: chunked\r\n"
)

func cl(v string) string { return "Content-Length:" + v + "\r\n" }

func framings() []framing {
	five := func(name, heads string, want end) framing { return framing{name, "", heads, "abcde", want} }
	chunked := func(name, heads string, want end) framing { return framing{name, "", heads, chunk + fin, want} }
	body := func(name, body string) framing { return framing{name, "", te, body, last} }
	line := func(name, line string, want end) framing { return framing{name, line, cl(" 5"), "abcde", want} }
	list := []framing{
		five("CL", cl(" 5"), next),
		{"CL of nothing", "", cl(" 0"), "", next},
		{"no CL", "", "", "", next},
		five("CL twice alike", cl(" 5")+cl(" 5"), next),
		five("CL without a space", cl("5"), next),
		five("CL in tabs", cl("\t5\t"), next),
		five("CL with a leading zero", cl(" 05"), next),
		five("CL after a bare LF", "X-Foo: a\nContent-Length: 5\r\n", next),
		five("CL ends in a bare LF", "Content-Length: 5\n", next),
		five("CL folded", cl("\r\n 5"), next),
		five("CL twice, other", cl(" 5")+cl(" 6"), refused),
		five("CL twice, other spelling", cl(" 5")+"content-length: 6\r\n", refused),
		five("CL twice, 05", cl(" 5")+cl(" 05"), refused),
		five("CL in a list", cl(" 5, 5"), refused),
		five("CL in a list, other", cl(" 5, 6"), refused),
		five("CL with plus", cl(" +5"), refused),
		five("CL negative", cl(" -5"), refused),
		five("CL minus nothing", cl(" -0"), refused),
		five("CL in hex", cl(" 0x5"), refused),
		five("CL with a letter", cl(" 5a"), refused),
		five("CL with a space", cl(" 5 5"), refused),
		five("CL empty", cl(""), refused),
		five("CL empty, then full", cl("")+cl(" 5"), refused),
		five("CL a fraction", cl(" 5.0"), refused),
		five("CL with an exponent", cl(" 5e0"), refused),
		five("CL with an underscore", cl(" 0_5"), refused),
		five("CL in Arabic digits", cl(" \u0665"), refused),
		five("CL quoted", cl(` "5"`), refused),
		five("CL after VT", cl(" \v5"), refused),
		five("CL beyond 64 bits", cl(" 99999999999999999999"), refused),
		five("CL modulo 2^64", cl(" 18446744073709551621"), refused),
		five("CL, space before the colon", "Content-Length : 5\r\n", refused),
		five("CL, tab before the colon", "Content-Length\t: 5\r\n", refused),
		five("CL, NUL in the name", "Content-Length\x00: 5\r\n", refused),
		five("CL after a bare CR", "X-Foo: a\rContent-Length: 5\r\n", refused),
		five("CL folded into Host", " Content-Length: 5\r\n", refused),
		five("CL with an underscore in the name", "Content_Length: 5\r\n", stray),
		five("a line without a colon", cl(" 5")+"GET / HTTP/1.1\r\n", refused),
		five("an empty name", cl(" 5")+": x\r\n", refused),

		chunked("TE", te, last),
		chunked("TE in capitals", "TRANSFER-ENCODING: CHUNKED\r\n", last),
		chunked("TE in spaces", "Transfer-Encoding: \t chunked \t\r\n", last),
		chunked("TE folded", "Transfer-Encoding:\r\n chunked\r\n", last),
		chunked("TE after a bare LF", "X-Foo: a\nTransfer-Encoding: chunked\r\n", last),
		chunked("TE after VT", "Transfer-Encoding: \vchunked\r\n", refused),
		chunked("TE unknown", "Transfer-Encoding: xchunked\r\n", refused),
		chunked("TE a letter short", "Transfer-Encoding: chunke\r\n", refused),
		chunked("TE identity", "Transfer-Encoding: identity\r\n", refused),
		chunked("TE empty", "Transfer-Encoding:\r\n", refused),
		chunked("TE gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", refused),
		chunked("TE chunked, identity", "Transfer-Encoding: chunked, identity\r\n", refused),
		chunked("TE identity, chunked", "Transfer-Encoding: identity, chunked\r\n", refused),
		chunked("TE chunked, chunked", "Transfer-Encoding: chunked, chunked\r\n", refused),
		chunked("TE twice", te+te, refused),
		chunked("TE twice, identity", te+"Transfer-Encoding: identity\r\n", refused),
		chunked("TE quoted", "Transfer-Encoding: \"chunked\"\r\n", refused),
		chunked("TE with a parameter", "Transfer-Encoding: chunked;q=1\r\n", refused),
		chunked("TE with a comma", "Transfer-Encoding: chunked,\r\n", refused),
		chunked("TE, space before the colon", "Transfer-Encoding : chunked\r\n", refused),
		chunked("TE, NUL in the name", "Transfer-Encoding\x00: chunked\r\n", refused),
		chunked("TE after a bare CR", "X-Foo: a\rTransfer-Encoding: chunked\r\n", refused),
		chunked("TE with an underscore in the name", "Transfer_Encoding: chunked\r\n", stray),

		{"CL.TE", "", "Content-Length: LENGTH\r\n" + te, fin + hidden, last},
		{"TE.CL", "", te + "Content-Length: LENGTH\r\n", fin + hidden, last},
		{"TE with CL of the size line", "", te + cl(" 3"), chunk + fin, last},
		{"CL.TE, TE unknown", "", "Content-Length: LENGTH\r\nTransfer-Encoding: x\r\n", fin + hidden, refused},
		{"CL.TE, TE with a space", "", "Content-Length: LENGTH\r\nTransfer-Encoding : chunked\r\n", fin + hidden, refused},
		{"CL.TE, TE twice", "", "Content-Length: LENGTH\r\n" + te + "Transfer-Encoding: x\r\n", fin + hidden, refused},
		{"CL.TE, TE after a bare LF", "", "Content-Length: LENGTH\r\nX-Foo: a\nTransfer-Encoding: chunked\r\n", fin + hidden, last},
		{"CL.TE, TE folded", "", "Content-Length: LENGTH\r\nTransfer-Encoding:\r\n chunked\r\n", fin + hidden, last},
		{"CL.TE, TE with an underscore", "", "Content-Length: LENGTH\r\nTransfer_Encoding: chunked\r\n", fin + hidden, next},
		{"CL.TE, TE named in Connection", "", "Connection: Transfer-Encoding\r\nContent-Length: LENGTH\r\n" + te, fin + hidden, last},
		{"CL named in Connection", "", "Connection: Content-Length\r\nContent-Length: LENGTH\r\n", hidden, next},
		{"CL holds a request", "", "Content-Length: LENGTH\r\n", hidden, next},

		body("chunk with an extension", "5;a=b\r\nabcde\r\n"+fin),
		body("chunk with a quoted extension", "5;a=\"\r\n\"\r\nabcde\r\n"+fin),
		body("chunk size ends in LF", "5\nabcde\r\n"+fin),
		body("chunk extension ends in LF", "5;\nxx\r\nabcde\r\n"+fin),
		body("chunk ends in LF", "5\r\nabcde\n"+fin),
		body("chunk ends in CR", "5\r\nabcde\r"+fin),
		body("last chunk ends in LF", chunk+"0\n\n"),
		body("chunk size with a space before", " 5\r\nabcde\r\n"+fin),
		body("chunk size with a space after", "5 \r\nabcde\r\n"+fin),
		body("chunk size 0x5", "0x5\r\nabcde\r\n"+fin),
		body("chunk size +5", "+5\r\nabcde\r\n"+fin),
		body("chunk size -5", "-5\r\nabcde\r\n"+fin),
		body("chunk size empty", "\r\nabcde\r\n"+fin),
		body("chunk size of 17 digits", "00000000000000005\r\nabcde\r\n"+fin),
		body("chunk size beyond 64 bits", "10000000000000005\r\nabcde\r\n"+fin),
		body("chunk longer than it says", "4\r\nabcde\r\n"+fin),
		body("chunk shorter than it says", "6\r\nabcde\r\n"+fin),
		body("NUL in an extension", "5;\x00\r\nabcde\r\n"+fin),
		body("endless extension", "5;"+strings.Repeat("x", 20_000)+"\r\nabcde\r\n"+fin),
		body("trailer Content-Length", chunk+"0\r\nContent-Length: 5\r\n\r\n"),
		body("trailer Transfer-Encoding", chunk+"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
		body("trailer Host", chunk+"0\r\nHost: evil.test\r\n\r\n"),
		body("trailer of no shape", chunk+"0\r\nGET / HTTP/1.1\r\n\r\n"),
		body("no end", chunk),

		line("HTTP/1.0", "TARGET HTTP/1.0", last),
		line("HTTP/1.2", "TARGET HTTP/1.2", next),
		line("HTTP/2.0", "TARGET HTTP/2.0", refused),
		line("HTTP/0.9", "TARGET", refused),
		line("HTTP/1.10", "TARGET HTTP/1.10", refused),
		line("http/1.1", "TARGET http/1.1", refused),
		line("two spaces", "TARGET  HTTP/1.1", refused),
		line("a space at the end", "TARGET HTTP/1.1 ", refused),
		line("tabs", "TARGET\tHTTP/1.1", refused),
		line("a bare CR", "TARGET\rHTTP/1.1", refused),
		line("a control in the target", "GET /\x01 HTTP/1.1", refused),
		line("a method of no shape", "G(T / HTTP/1.1", refused),
		{"HTTP/1.0, TE", "TARGET HTTP/1.0", "Connection: keep-alive\r\n" + te, fin + hidden, last},
		{"HTTP/1.0, CL and TE", "TARGET HTTP/1.0", "Connection: keep-alive\r\nContent-Length: 0\r\n" + te, hidden, last},
		{"HTTP/1.0, kept alive", "TARGET HTTP/1.0", "Connection: keep-alive\r\n" + cl(" 5"), "abcde", last},
		five("two Hosts", "Host: evil.test\r\n"+cl(" 5"), refused),
		five("Expect", "Expect: 100-continue\r\n"+cl(" 5"), either),
		five("Expect nonsense", "Expect: 200-ok\r\n"+cl(" 5"), refused),
		five("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"+cl(" 5"), next),
		five("Upgrade: websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+cl(" 5"), next),
	}
	return list
}

// targets are a route that reads the body, one that refuses before, and one
// that never looks at it.
var targets = []string{"POST /api/auth/login", "PUT /api/users/", "GET /auth/v1/ping"}

// bytes is the request, named first, and after it the one that is named second.
func (f framing) bytes(target, first, second string) string {
	after := "GET /api/users HTTP/1.1\r\nHost: usher\r\nX-Request-Id: " + second + "\r\nConnection: close\r\n\r\n"
	line := target + " HTTP/1.1"
	if f.line != "" {
		line = strings.ReplaceAll(f.line, "TARGET", target)
	}
	body := strings.ReplaceAll(f.body, hidden, strings.Replace(after, second, second+"-hidden", 1))
	heads := strings.ReplaceAll(f.heads, length, fmt.Sprint(len(body)))
	return line + "\r\nHost: usher\r\n" + heads + "X-Request-Id: " + first + "\r\n\r\n" + body + after
}

// H7. Given two requests on one connection, when the first's end is open to
// doubt, then it is answered once or refused, and the connection ends there.
func TestNoRequestHidesInAnother(t *testing.T) {
	s := newScene(t, harness.Options{})
	for _, base := range []string{s.Public, s.Internal} {
		for _, target := range targets {
			for _, f := range framings() {
				first, second := newID(), newID()
				got, err := talk(hostOf(base), f.bytes(target, first, second), true)
				if wrong := f.judge(got, err, first, second); wrong != "" {
					t.Errorf("%s, %s: %s\n%+v", target, f.name, wrong, got)
				}
				if s.handled(second+"-hidden") > 0 || s.handled(first) > 1 {
					t.Errorf("%s, %s: a request was hidden in it", target, f.name)
				}
			}
		}
	}
	t.Logf("%d framings", len(framings()))
}

// judge says what is wrong with the answers, or nothing.
func (f framing) judge(got []reply, err error, first, second string) string {
	if err != nil {
		return err.Error()
	}
	kind := f.want
	if kind == either {
		kind = next
		if len(got) == 1 {
			kind = last
		}
	}
	want := map[end]int{refused: 1, last: 1, next: 2, stray: 2}[kind]
	switch {
	case len(got) != want:
		return fmt.Sprintf("%d answers, want %d", len(got), want)
	case kind == refused && (got[0].status < 400 || got[0].status == http.StatusUnauthorized):
		return fmt.Sprintf("status %d", got[0].status)
	case kind != refused && got[0].id != first:
		return "the answer is not the first request's"
	case kind == next && (got[1].id != second || got[1].status != http.StatusUnauthorized):
		return "the second answer is not the second request's"
	case kind == stray && got[1].status != http.StatusBadRequest && got[1].status != http.StatusNotFound && got[1].status != http.StatusMethodNotAllowed:
		return fmt.Sprintf("what follows is answered with %d", got[1].status)
	}
	return ""
}
