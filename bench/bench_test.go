package main

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(tc.of); got != tc.want {
			t.Errorf("median of %v is %v, want %v", tc.of, got, tc.want)
		}
	}
}

// A ratio is taken within each round, and only then the median.
func TestTable(t *testing.T) {
	second := func(ops, faults, odd int) result {
		return result{ops: ops, took: time.Second, cpu: time.Duration(ops) * time.Millisecond, faults: faults, odd: odd}
	}
	rounds := map[string][]result{
		"bare": {second(100, 0, 0), second(1000, 0, 0), second(10, 0, 0)},
		"read": {second(50, 1, 0), second(100, 0, 2), second(9, 1, 0)},
	}
	op := func(name, beside string) operation {
		return operation{name: name, conns: 16, beside: beside, run: func(context.Context) (result, error) {
			r := rounds[name][0]
			rounds[name] = rounds[name][1:]
			return r, nil
		}}
	}
	tab := newTable([]operation{op("bare", ""), op("read", "bare/16")})
	for range 3 {
		if err := tab.round(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	var text strings.Builder
	tab.write(&text)
	for _, row := range []string{
		"| bare | 16 | 100 |  | 1.000 | 0 | 0 |",
		"| read | 16 | 50 | 50 % of bare | 1.000 | 2 | 2 |",
	} {
		if !strings.Contains(text.String(), row+"\n") {
			t.Errorf("no row %q in\n%s", row, text.String())
		}
	}
}

func TestDo(t *testing.T) {
	for _, tc := range []struct {
		name, answer, body string
		status             int
		fails              bool
	}{
		{"an answer", "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nok", "ok", 200, false},
		{"a header in small letters", "HTTP/1.1 503 No\r\ncontent-length:0\r\n\r\n", "", 503, false},
		{"no length", "HTTP/1.1 200 OK\r\n\r\n", "", 0, true},
		{"cut off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "", 0, true},
		{"something else", "hello\r\n\r\n", "", 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			here, there := net.Pipe()
			go func() {
				_, _ = there.Read(make([]byte, 512))
				_, _ = io.WriteString(there, tc.answer)
				_ = there.Close()
			}()
			status, body, err := newConn(here).do(request("GET", "/", "", ""))
			if (err != nil) != tc.fails || err == nil && (status != tc.status || string(body) != tc.body) {
				t.Errorf("status %d, body %q, %v", status, body, err)
			}
		})
	}
}

func TestLineStatus(t *testing.T) {
	for line, want := range map[string]int{
		`{"line":1,"statusCode":200,"created":true}`: 200, `{"line":7,"statusCode":409}`: 409, `{}`: 0, `{"statusCode":`: 0,
	} {
		if got := lineStatus([]byte(line)); got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
}
