package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func TestPlain(t *testing.T) {
	for _, c := range []struct{ text, line, lines string }{
		{"Ada Lovelace", "Ada Lovelace", "Ada Lovelace"},
		{"Zoë 李 – \"x\"", "Zoë 李 – \"x\"", "Zoë 李 – \"x\""},
		{"\x1b[2J", `\x1b[2J`, `\x1b[2J`},
		{"a\nb\r\tc\x00\x7f", `a\nb\r\tc\x00\x7f`, "a\nb" + `\r\tc\x00\x7f`},
		{"\u009b31m", `\u009b31m`, `\u009b31m`}, // the one that many terminals take for ESC [
		{"\u202egnp.exe", `\u202egnp.exe`, `\u202egnp.exe`},
		{"a\u200bb\u2066c\ufeff\u2028\u2029", `a\u200bb\u2066c\ufeff\u2028\u2029`, `a\u200bb\u2066c\ufeff\u2028\u2029`},
		{"a\xffb\x9b", `a\xffb\x9b`, `a\xffb\x9b`},
		{"\U000e0041", `\U000e0041`, `\U000e0041`},
	} {
		if got := plain(c.text); got != c.line {
			t.Errorf("%q in a line: %q, want %q", c.text, got, c.line)
		}
		if got := plainLines(c.text); got != c.lines {
			t.Errorf("%q in lines: %q, want %q", c.text, got, c.lines)
		}
	}
}

// nasty steers a terminal, and looks like the beginning of a line of usher's.
const nasty = "Eve\x1b[1A\x1b[2K\nusher: all is well\r\u202e"

// tells fails where any of it comes through as it was written.
func tells(t *testing.T, what, said string) {
	t.Helper()
	if strings.ContainsAny(said, "\x1b\r\u202e") || strings.Contains(said, "\nusher: all is well") {
		t.Errorf("%s comes through: %q", what, said)
	}
	if !strings.Contains(said, `Eve\x1b[1A\x1b[2K\nusher: all is well\r\u202e`) {
		t.Errorf("%s does not show it: %q", what, said)
	}
}

// Given names, groups and reasons that steer a terminal, when an operator looks
// at whom they belong to, then they stand there as escapes; JSON has them whole.
func TestWhatOthersWroteDoesNotSteerATerminal(t *testing.T) {
	environ := made(t)
	ada := id(t, done(t, usher(t, environ, "user", "create", "--email", "ada@example.org", "--name", nasty, "--json")))
	eve := id(t, done(t, usher(t, environ, "user", "create", "--email", "eve@example.org", "--json")))
	done(t, usher(t, environ, "group", "create", nasty))
	done(t, usher(t, environ, "group", "add", nasty, ada))
	done(t, usher(t, environ, "merge", ada, eve, "--reason", nasty))
	done(t, usher(t, environ, "user", "lock", ada, "--reason", nasty))
	tells(t, "the name in a list", done(t, usher(t, environ, "user", "list")))
	tells(t, "the reason in a story", done(t, usher(t, environ, "explain", ada)))
	tells(t, "a group's name", done(t, usher(t, environ, "group", "list")))
	shows := done(t, usher(t, environ, "user", "show", ada))
	tells(t, "a user", shows)
	if n := strings.Count(shows, `Eve\x1b`); n != 3 {
		t.Errorf("%d of name, group and reason: %s", n, shows)
	}
	var kept struct{ Name string }
	if err := json.Unmarshal([]byte(done(t, usher(t, environ, "user", "show", ada, "--json"))), &kept); err != nil || kept.Name != nasty {
		t.Errorf("%q, %v", kept.Name, err)
	}
}

// Given a story with everything in it that a door lets people write, then
// nothing of it comes through.
func TestAStoryIsPlain(t *testing.T) {
	var out bytes.Buffer
	writeStory(&out, newShownStory(operator.Story{
		User:    user.User{ID: "u"},
		Strands: []user.Strand{{ID: "s", Source: nasty, CreatedBy: nasty}},
		Ledger:  []store.Entry{{ID: "e", By: nasty, Reason: nasty}},
		Events:  []store.Event{{Kind: "k", Actor: nasty, Door: nasty, Body: []byte(`{"result":"` + `x\u001b` + `","rule":"\u001b[2K"}`)}},
	}))
	tells(t, "a story", out.String())
	if n := strings.Count(out.String(), `Eve\x1b`); n != 6 {
		t.Errorf("%d of 6: %s", n, out.String())
	}
}

// Given refusals with what somebody sent, then each is one line of the command's.
func TestARefusalIsPlain(t *testing.T) {
	var said bytes.Buffer
	report(&environment{err: &said}, user.Refuse(user.Unsupported, "thing", "value", nasty))
	tells(t, "a refusal's value", said.String())
	said.Reset()
	sum := importSummary{Refusals: []shownRefusal{{1, 400, nasty}}}
	sum.text(&said)
	tells(t, "why a line was refused", said.String())
}
