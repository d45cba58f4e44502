package policy_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/policy"
)

// Given a mistake in a file, then the error says it in words of the file: the
// line, the whole key, what it is and what it must be.
func TestMistakesAreSaidInTheWordsOfTheFile(t *testing.T) {
	for doc, says := range map[string]string{
		"limits:\n  account_failure: 3\n":                    "line 2: unknown key limits.account_failure: did you mean account_failures?",
		"suorces: {}\n":                                      "line 1: unknown key suorces: did you mean sources?",
		"edi: {nonsense: 1}\n":                               "line 1: unknown key edi.nonsense: edi has edi_id, strict_reference",
		"sources:\n  partner: {trst: trusted}\n":             "line 2: unknown key sources.partner.trst: did you mean trust?",
		"passwords: {edi: {minlength: 9}}\n":                 "line 1: unknown key passwords.edi.minlength: did you mean min_length?",
		"limits: [1, 2]\n":                                   "line 1: limits is a list; it must be a section with keys of its own",
		"limits: 5\n":                                        `line 1: limits is "5"; it must be a section with keys of its own`,
		"limits: {account_failures: many}\n":                 `line 1: limits.account_failures is "many"; it must be a whole number`,
		"limits: {account_failures: [3]}\n":                  "line 1: limits.account_failures is a list; it must be a whole number",
		"limits: {account_failures: 2.5}\n":                  `line 1: limits.account_failures is "2.5"; it must be a whole number`,
		"notify: {linked: maybe}\n":                          `line 1: notify.linked is "maybe"; it must be true or false`,
		"authority: {name: person}\n":                        `line 1: authority.name is "person"; it must be a list`,
		"authority: {name: [{person: 1}]}\n":                 "line 1: authority.name has a section with keys of its own in it; it must be a list of names",
		"response_floor: {}\n":                               "line 1: response_floor is a section with keys of its own; it must be text",
		"- a\n- b\n":                                         "line 1: the file is a list; it must be a section with keys of its own",
		"limits: {account_failures: 0}\n":                    "limits.account_failures is 0; it must be at least 1",
		"limits: {network_failures: -2}\n":                   "limits.network_failures is -2; it must be at least 1",
		"limits: {network_window: 0s}\n":                     "limits.network_window is 0s; it must be longer than 0s",
		"limits:\n\taccount_failures: 3\n":                   "line 2: found character that cannot start any token",
		"limits: {account_failures: 99999999999999999999}\n": "account_failures",
	} {
		_, err := policy.Parse([]byte(doc))
		if err == nil {
			t.Errorf("%q was taken", doc)
			continue
		}
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q:\n got %v\nwant %s", doc, err, says)
		}
		for _, inner := range []string{"!!", "policy.", "yaml:", "map["} {
			if strings.Contains(err.Error(), inner) {
				t.Errorf("%q: %q in %v", doc, inner, err)
			}
		}
	}
}

// Given several mistakes, then all are named at once.
func TestAllMistakesAreNamed(t *testing.T) {
	_, err := policy.Parse([]byte("suorces: {}\nlimits: {account_failure: 3, account_total: x}\n"))
	for _, says := range []string{"did you mean sources?", "did you mean account_failures?", "limits.account_total"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("no %q in %v", says, err)
		}
	}
}

// Given a policy, when it is written and read again, then it is the same: what
// is shown can be edited and applied.
func TestAPolicyIsReadAsItIsWritten(t *testing.T) {
	p := policy.Default()
	p.Limits.AccountWindow = policy.Duration(90 * time.Minute)
	p.ResponseFloor = policy.Duration(1500 * time.Millisecond)
	p.Authority["name"] = []string{"partner", "person"}
	text, err := p.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if !reflect.DeepEqual(again, p) {
		t.Errorf("got %+v\nwant %+v\nfrom\n%s", again, p, text)
	}
	for _, want := range []string{"phone_proof_max_age: 180d", "account_window: 1h30m", "network_window: 15m", "response_floor: 1.5s"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
