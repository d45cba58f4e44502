package replay

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

//go:embed testdata/*.jsonl
var recorded embed.FS

// Case is one step. Exactly one of Request, CLI, Inbox and JWT says what is
// done.
type Case struct {
	Line int    `json:"-"` // in its file, from 1
	Name string `json:"name"`

	Request *Request       `json:"request"`
	CLI     []string       `json:"cli"`
	Inbox   map[string]any `json:"inbox"` // query of /dev/inbox.json
	JWT     *JWT           `json:"jwt"`

	Expect Expect `json:"expect"`
	// Capture names values for later cases: "$.a.b[0]", "header:NAME",
	// "cookie:NAME", for a command also "stdout".
	Capture map[string]string `json:"capture"`
	// Find holds regular expressions that the newest message must match; the
	// first group, or else the whole match, is captured under the name.
	Find  map[string]string `json:"find"`
	Count *int              `json:"count"` // exactly that many messages
	// RepeatUntil is how many seconds the step is tried again until it holds,
	// for effects that happen after the answer.
	RepeatUntil float64 `json:"repeat_until"`
}

// Request is one HTTP exchange. At most one of JSON, Form and Text is its body.
type Request struct {
	Method   string            `json:"method"`   // empty: GET
	Path     string            `json:"path"`     // with its query, sent as it stands
	Listener string            `json:"listener"` // "internal", else the public one
	Base     string            `json:"base"`     // another server altogether
	Headers  map[string]string `json:"headers"`  // names are sent as spelled
	Cookies  map[string]string `json:"cookies"`
	Jar      bool              `json:"jar"` // also send the cookies set so far
	JSON     json.RawMessage   `json:"json"`
	Form     map[string]string `json:"form"`
	Text     *string           `json:"text"`
}

// JWT says which token to make. A claim may be "<<now>>", "<<now+300>>" or
// "<<now-5>>", in seconds.
type JWT struct {
	As     string         `json:"as"`  // the name it is captured under
	Alg    string         `json:"alg"` // HS256 if empty, RS256, none
	Key    string         `json:"key"` // the secret, or a PEM private key
	Header map[string]any `json:"header"`
	Claims map[string]any `json:"claims"`
}

// Expect says what must come back. What is not there is not looked at, except
// that a command must exit with 0.
type Expect struct {
	Status  any            `json:"status"` // a number, a list of them, or a matcher
	Headers map[string]any `json:"headers"`
	JSON    any            `json:"json"`
	Text    any            `json:"text"`
	Lacks   []string       `json:"lacks"` // paths that must lead nowhere
	hasJSON bool
}

// UnmarshalJSON tells "json": null from no "json" at all.
func (e *Expect) UnmarshalJSON(text []byte) error {
	type plain Expect
	if err := decode(text, (*plain)(e)); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	_, e.hasJSON = members["json"]
	return nil
}

// patience is how long the step may be repeated.
func (c Case) patience() time.Duration { return time.Duration(c.RepeatUntil * float64(time.Second)) }

// Recorded gives the cases of a door: "partner", "edi".
func Recorded(door string) ([]Case, error) {
	text, err := recorded.ReadFile("testdata/" + door + ".cases.jsonl")
	if err != nil {
		return nil, fmt.Errorf("open the cases of %s: %w", door, err)
	}
	cases, err := Load(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read the cases of %s: %w", door, err)
	}
	return cases, nil
}

// maxLine bounds one case.
const maxLine = 1 << 20

// Load reads a case file. A member nobody knows is an error, since a case with
// a misspelled expectation would hold whatever is answered.
func Load(r io.Reader) ([]Case, error) {
	var cases []Case
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		c := Case{}
		if err := decode(text, &c); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if c.kinds() != 1 {
			return nil, fmt.Errorf("line %d: %q has %d of request, cli, inbox and jwt, and needs one", n, c.Name, c.kinds())
		}
		c.Line = n
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	return cases, nil
}

func (c Case) kinds() int {
	n := 0
	for _, has := range []bool{c.Request != nil, c.CLI != nil, c.Inbox != nil, c.JWT != nil} {
		if has {
			n++
		}
	}
	return n
}

// decode reads one JSON value strictly and keeps numbers as they are written.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}
