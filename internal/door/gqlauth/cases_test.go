package gqlauth_test

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// TestRecorded replays the recorded steps about HTTP and the engine. Engine
// errors are compared by status, and by there being any.
func TestRecorded(t *testing.T) {
	f, err := os.Open("testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	steps := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c struct {
			Name    string
			Request struct {
				Method, Path, Text string
				JSON               json.RawMessage
				Headers            map[string]string
			}
			Expect struct {
				Status int
				JSON   map[string]any
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		steps++
		t.Run(c.Name, func(t *testing.T) {
			body := c.Request.Text
			if c.Request.JSON != nil {
				body = string(c.Request.JSON)
			}
			got := newWorld().send(t, c.Request.Method, c.Request.Path, c.Request.Headers["Content-Type"], body)
			var answer map[string]any
			if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
				t.Fatalf("%s: %v", got.body, err)
			}
			if errs, _ := answer["errors"].([]any); c.Expect.JSON["errors"] == "<<nonempty>>" && len(errs) > 0 {
				answer["errors"] = "<<nonempty>>"
			}
			if got.status != c.Expect.Status || !reflect.DeepEqual(answer, c.Expect.JSON) {
				t.Errorf("got %d %s\nwant %d %v", got.status, got.body, c.Expect.Status, c.Expect.JSON)
			}
		})
	}
	if steps != 20 {
		t.Errorf("%d steps, want 20", steps)
	}
}
