package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// conn is a keep-alive connection that speaks just enough HTTP/1.1 that the
// client costs little beside the server.
type conn struct {
	net.Conn
	r    *bufio.Reader
	body []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}

func newConn(c net.Conn) *conn { return &conn{Conn: c, r: bufio.NewReaderSize(c, 16<<10)} }

// request spells a request. Headers are lines with their ends.
func request(method, path, headers, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: bench\r\n%sContent-Length: %d\r\n\r\n%s", method, path, headers, len(body), body)
}

var contentLength = []byte("Content-Length:")

// do sends a request and reads the answer, which must tell its length. The body
// is good until the next one.
func (c *conn) do(req []byte) (status int, body []byte, err error) {
	if _, err := c.Write(req); err != nil {
		return 0, nil, err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("odd status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("odd status line %q", line)
	}
	length := -1
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return 0, nil, fmt.Errorf("odd length %q", line)
			}
		}
	}
	if length < 0 {
		return status, nil, fmt.Errorf("status %d without a length", status)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.r, c.body)
	return status, c.body, err
}

// result is what one round of one operation came to.
type result struct {
	ops    int
	took   time.Duration
	cpu    time.Duration // of the server
	faults int           // 5xx
	odd    int           // any other status than 200
}

func (r result) rate() float64 { return float64(r.ops) / r.took.Seconds() }

func (r result) milliseconds() float64 { return r.cpu.Seconds() * 1000 / float64(max(1, r.ops)) }

func (r *result) count(status int) {
	r.ops++
	switch {
	case status >= 500:
		r.faults++
	case status != 200:
		r.odd++
	}
}

// worker gives the requests of one connection: the next, once it has been told
// the answer to the one before (nil at first).
type worker interface{ next(last []byte) []byte }

// same is a worker that always asks the same.
type same []byte

func (s same) next([]byte) []byte { return s }

// crew makes the worker of each connection.
type crew func(connection int) worker

func all(req []byte) crew { return func(int) worker { return same(req) } }

// loop keeps n connections busy for a while: each asks again as soon as it is
// answered.
func loop(p *process, addr string, n int, d time.Duration, who crew) (result, error) {
	conns := make([]*conn, n)
	for i := range conns {
		c, err := dial(addr)
		if err != nil {
			return result{}, err
		}
		defer c.Close()
		conns[i] = c
	}
	each, errs := make([]result, n), make([]error, n)
	var wg sync.WaitGroup
	begun, cpu := time.Now(), p.cpu()
	for i, c := range conns {
		wg.Go(func() { errs[i] = keepBusy(c, who(i), begun.Add(d), &each[i]) })
	}
	wg.Wait()
	sum := result{took: time.Since(begun), cpu: p.cpu() - cpu}
	for _, r := range each {
		sum.ops, sum.faults, sum.odd = sum.ops+r.ops, sum.faults+r.faults, sum.odd+r.odd
	}
	return sum, errors.Join(errs...)
}

func keepBusy(c *conn, w worker, until time.Time, r *result) error {
	var last []byte
	for time.Now().Before(until) {
		status, body, err := c.do(w.next(last))
		if err != nil {
			return err
		}
		r.count(status)
		last = body
	}
	if after, ok := w.(interface{ end(last []byte) }); ok && last != nil {
		after.end(last)
	}
	return nil
}
