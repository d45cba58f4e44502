package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Ran is what a command did.
type Ran struct {
	Code           int
	Stdout, Stderr string
}

// Player plays the cases of one file, in order: they share what they capture
// and the cookies that were set. It is not for concurrent use.
type Player struct {
	Public   string // base URL of the public listener
	Internal string // of the internal one
	// CLI runs the program with arguments; an error is for a program that
	// could not be run, not for one that failed.
	CLI func(ctx context.Context, args ...string) (Ran, error)
	// Vars are known beforehand and grow by what is captured. Cases expect
	// "run", which keeps what one run makes apart from what another made.
	Vars Vars

	jar map[string]string
}

// again is how long a repeated step waits between two tries.
const again = 100 * time.Millisecond

// Play takes one step and lists what differs from what was recorded; nothing
// means that the case holds.
func (p *Player) Play(ctx context.Context, c Case) []string {
	if p.Vars == nil {
		p.Vars = Vars{}
	}
	if p.jar == nil {
		p.jar = map[string]string{}
	}
	until := time.Now().Add(c.patience())
	for {
		diffs, err := p.once(ctx, c)
		if err != nil {
			diffs = append(diffs, err.Error())
		}
		if len(diffs) == 0 || time.Now().After(until) {
			return diffs
		}
		select {
		case <-ctx.Done():
			return append(diffs, ctx.Err().Error())
		case <-time.After(again):
		}
	}
}

func (p *Player) once(ctx context.Context, c Case) ([]string, error) {
	switch {
	case c.JWT != nil:
		return nil, p.sign(*c.JWT)
	case c.CLI != nil:
		return p.command(ctx, c)
	case c.Inbox != nil:
		return p.inbox(ctx, c)
	default:
		return p.exchange(ctx, c)
	}
}

// command runs the program and looks at how it ended and what it printed.
func (p *Player) command(ctx context.Context, c Case) ([]string, error) {
	args := make([]string, len(c.CLI))
	for i, a := range c.CLI {
		var err error
		if args[i], err = p.Vars.text(a); err != nil {
			return nil, err
		}
	}
	expect, err := p.Vars.expect(c.Expect)
	if err != nil {
		return nil, err
	}
	ran, err := p.CLI(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", strings.Join(args, " "), err)
	}
	if expect.Status == nil {
		expect.Status = json.Number("0")
	}
	diffs := p.Vars.status(expect.Status, ran.Code, "exit")
	if expect.Text != nil {
		diffs = append(diffs, p.Vars.compare(expect.Text, given(ran.Stdout), "stdout")...)
	}
	if len(diffs) > 0 {
		diffs = append(diffs, "it said: "+strings.TrimSpace(ran.Stderr+"\n"+ran.Stdout))
	}
	printed := parse(ran.Stdout)
	return append(diffs, p.capture(c.Capture, func(from string) (any, bool) {
		if from == "stdout" {
			return strings.TrimSpace(ran.Stdout), true
		}
		return printed.dig(from)
	})...), nil
}

// inbox reads what development mode would have sent. With Find, the newest
// message must match.
func (p *Player) inbox(ctx context.Context, c Case) ([]string, error) {
	query, err := p.Vars.members(c.Inbox)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	for k, v := range query {
		q.Set(k, spell(v))
	}
	res, err := p.send(ctx, outgoing{method: http.MethodGet, base: p.Public, path: "/dev/inbox.json?" + q.Encode()})
	if err != nil {
		return nil, err
	}
	list, _ := res.body.dig("$.messages")
	messages, ok := list.([]any)
	if res.status != http.StatusOK || !ok {
		return []string{fmt.Sprintf("inbox: %d %s", res.status, res.text)}, nil
	}
	if c.Count != nil && len(messages) != *c.Count {
		return []string{fmt.Sprintf("inbox: %d messages, wanted %d", len(messages), *c.Count)}, nil
	}
	var newest string
	if len(messages) > 0 {
		for _, part := range []string{"$.subject", "$.text", "$.html"} {
			if v, ok := dig(messages[len(messages)-1], part); ok && v != nil {
				newest += spell(v) + "\n"
			}
		}
	}
	var diffs []string
	for _, name := range slices.Sorted(maps.Keys(c.Find)) {
		pattern, err := p.Vars.text(c.Find[name])
		if err != nil {
			return nil, err
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", name, err)
		}
		m := re.FindStringSubmatch(newest)
		if m == nil {
			diffs = append(diffs, fmt.Sprintf("inbox: %q is not in the newest message", pattern))
			continue
		}
		p.Vars[name] = m[min(1, len(m)-1)]
	}
	return diffs, nil
}

// exchange sends a request and holds the answer against the templates.
func (p *Player) exchange(ctx context.Context, c Case) ([]string, error) {
	out, err := p.outgoing(*c.Request)
	if err != nil {
		return nil, err
	}
	expect, err := p.Vars.expect(c.Expect)
	if err != nil {
		return nil, err
	}
	res, err := p.send(ctx, out)
	if err != nil {
		return nil, err
	}
	var diffs []string
	if expect.Status != nil {
		diffs = p.Vars.status(expect.Status, res.status, "status")
	}
	for _, name := range slices.Sorted(maps.Keys(expect.Headers)) {
		value := answer{res.header.Get(name), len(res.header.Values(name)) > 0}
		diffs = append(diffs, p.Vars.compare(expect.Headers[name], value, "header "+name)...)
	}
	if expect.hasJSON {
		diffs = append(diffs, p.Vars.compare(expect.JSON, answer(res.body), "$")...)
	}
	if expect.Text != nil {
		diffs = append(diffs, p.Vars.compare(expect.Text, given(res.text), "body")...)
	}
	for _, path := range expect.Lacks {
		if _, there := res.body.dig(path); there {
			diffs = append(diffs, path+": there, but should not be")
		}
	}
	if len(diffs) > 0 {
		diffs = append(diffs, fmt.Sprintf("answer: %d %s", res.status, given(res.text).show()))
	}
	return append(diffs, p.capture(c.Capture, func(from string) (any, bool) {
		if name, ok := strings.CutPrefix(from, "header:"); ok {
			return res.header.Get(name), len(res.header.Values(name)) > 0
		}
		if name, ok := strings.CutPrefix(from, "cookie:"); ok {
			v, there := p.jar[name]
			return v, there
		}
		return res.body.dig(from)
	})...), nil
}

// status compares a code with a number, with any of a list, or with a matcher.
func (v Vars) status(want any, got int, at string) []string {
	code := given(json.Number(fmt.Sprint(got)))
	list, ok := want.([]any)
	if !ok {
		return v.compare(want, code, at)
	}
	if !slices.ContainsFunc(list, func(w any) bool { return len(v.compare(w, code, at)) == 0 }) {
		return []string{fmt.Sprintf("%s: %d, wanted one of %s", at, got, given(want).show())}
	}
	return nil
}

func (p *Player) capture(names map[string]string, from func(string) (any, bool)) []string {
	var diffs []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		v, ok := from(names[name])
		if !ok {
			diffs = append(diffs, fmt.Sprintf("capture %s: nothing at %s", name, names[name]))
			continue
		}
		p.Vars[name] = spell(v)
	}
	return diffs
}
