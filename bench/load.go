package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a keep-alive connection that speaks just enough HTTP/1.1 that the
// client costs little beside the server.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr) //nolint:noctx // loopback
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReaderSize(c, 16<<10)}, nil
}

// request spells a request. Headers are lines with their ends.
func request(method, path, headers, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: bench\r\n%sContent-Length: %d\r\n\r\n%s", method, path, headers, len(body), body)
}

// do sends a request and reads the answer.
func (c *conn) do(req []byte) (status int, body []byte, err error) {
	if _, err := c.Write(req); err != nil {
		return 0, nil, err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if first {
			if len(line) < 12 {
				return 0, nil, fmt.Errorf("odd status line %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, nil, err
			}
		}
		if name, value, ok := strings.Cut(string(line), ": "); ok && strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(value); err != nil {
				return 0, nil, err
			}
		}
	}
	if length < 0 {
		return status, nil, fmt.Errorf("status %d without a length", status)
	}
	body = make([]byte, length)
	_, err = io.ReadFull(c.r, body)
	return status, body, err
}

// result is one operation's figure.
type result struct {
	ops    int64
	took   time.Duration
	cpu    time.Duration
	faults int64 // 5xx
	odd    int64 // any other status than 200
}

func (r result) rate() float64 { return float64(r.ops) / r.took.Seconds() }

func (r result) each() time.Duration {
	if r.ops == 0 {
		return 0
	}
	return r.cpu / time.Duration(r.ops)
}

// loop runs next on each of n connections for a while. next gives the request
// to send and is told the answer to the one before.
func loop(p *process, addr string, n int, d time.Duration, next func(worker int) func(last []byte) []byte) (result, error) {
	var (
		res   result
		wg    sync.WaitGroup
		first atomic.Pointer[error]
	)
	begun, cpu := time.Now(), p.cpu()
	for w := range n {
		c, err := dial(addr)
		if err != nil {
			return res, err
		}
		wg.Go(func() {
			defer func() { _ = c.Close() }()
			make1 := next(w)
			var last []byte
			for time.Since(begun) < d {
				status, body, err := c.do(make1(last))
				if err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
				last = body
				atomic.AddInt64(&res.ops, 1)
				switch {
				case status >= 500:
					atomic.AddInt64(&res.faults, 1)
				case status != 200:
					atomic.AddInt64(&res.odd, 1)
				}
			}
		})
	}
	wg.Wait()
	res.took, res.cpu = time.Since(begun), p.cpu()-cpu
	if err := first.Load(); err != nil {
		return res, *err
	}
	return res, nil
}

func same(req []byte) func(int) func([]byte) []byte {
	return func(int) func([]byte) []byte { return func([]byte) []byte { return req } }
}
